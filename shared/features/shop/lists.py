"""The lists of the shop: all products, or the groups they are in, and the products of a group."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core.texts import Text, concat, figures
from shared.features.common import catalog
from shared.features.common.catalog import price, title
from shared.features.common.menu import back
from shared.features.common.paging import MOST, Row, page_of
from shared.features.common.plans import plan_name
from shared.features.common.trial_offer import trial_offer, trial_row
from shared.features.shop import checkout, wording
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import ProductsForSale, TrialOffer

BUY = "buy:"  # buy:<product>
GROUP = "shop:"  # shop:<group>
CURRENCY = "currency:"  # currency:<ISO 4217>


def product_row(context: UpdateContext, product: ProductsForSale) -> Row:
    """Return the button that opens a product: its title and its price, unless a top-up costs what it adds."""
    option, name = catalog.shown_option(context, product), title(context, product["texts"])
    is_named = product["kind"] == "balance" and (option.currency, option.amount) == (
        context.user.currency,
        Decimal(product["quantity"] or 0),
    )
    label = name if is_named else context.text("buy_offer", title=name, price=price(context, option))
    return [(label, BUY + product["key"])]


def shop(context: UpdateContext, page: int, found: list[ProductsForSale]) -> tuple[Text, Keyboard]:
    """Return the shop, and forget the product that a top-up was meant for."""
    if context.data.get(checkout.WANTED):
        context.set_data(checkout.WANTED, None)
    if not found:
        return context.rich("buy_nothing" if context.bot.is_metered else "buy_free"), back(context)
    trial = trial_offer(context)
    currency = _currency_row(context, found)
    room = MOST - len(currency) - 1
    rows = _shop_rows(context, found, room)
    has_trial = bool(trial) and len(rows) < room
    offered = [*(trial_row(context, trial) if has_trial else []), *rows]
    text = _shop_text(context, found, None if has_trial else trial)
    return text, page_of(context, offered, page, "buy", "menu", currency)


def _shop_rows(context: UpdateContext, found: list[ProductsForSale], room: int) -> list[Row]:
    """Return the products where all of them fit, else the groups they are in."""
    by_group = catalog.groups(found)
    if len(found) <= room or len(by_group) == 1:
        return [product_row(context, product) for product in found]
    return [
        product_row(context, members[0]) if len(members) == 1 else [_group_button(context, group, members)]
        for group, members in by_group.items()
    ]


def _group_button(context: UpdateContext, group: str, members: list[ProductsForSale]) -> tuple[str, str]:
    options = [catalog.shown_option(context, product) for product in members]
    least = min(
        (option for option in options if option.currency == options[0].currency),
        key=lambda option: option.amount,
    )
    label = context.text("buy_from", title=wording.group_name(context, group), price=price(context, least))
    return label, GROUP + group


def _currency_row(context: UpdateContext, found: list[ProductsForSale]) -> Keyboard:
    """Return the button that shows the shop in the next currency, where there are several."""
    codes = sorted(catalog.currencies(context, found))
    if len(codes) < 2:
        return []
    now = catalog.currencies(context, found)[0]
    following = codes[(codes.index(now) + 1) % len(codes)]
    label = context.text("buy_currency", currency=figures.currency_name(following))
    return [[(label, CURRENCY + following)]]


def _shop_text(context: UpdateContext, found: list[ProductsForSale], trial: TrialOffer | None) -> Text:
    """Return the text of the shop, with the discount that is already in the prices."""
    parts = [context.rich("buy")]
    if trial:
        plan = plan_name(context, trial["plan"])
        parts.append(context.rich("buy_trial", plan=plan, days=trial["days"]))
    if discount := wording.shop_discount(context, found):
        parts.append(discount)
    return concat(*parts, context.rich("buy_promo_hint"), separator="\n\n")


def group_page(
    context: UpdateContext, group: str, members: list[ProductsForSale], page: int
) -> tuple[Text, Keyboard]:
    """Return a page of a group's products."""
    trial = trial_offer(context)
    rows = [_member_row(context, product, members) for product in members]
    if trial and group == f"plan.{trial['plan']}":
        rows = [*map(list, trial_row(context, trial)), *rows]
    lines = dict.fromkeys(catalog.about(context, product["texts"]) for product in members)
    heading = context.rich("buy_group", title=wording.group_name(context, group))
    descriptions = Text("\n".join(line for line in lines if line), [])
    parts = [heading, descriptions] if descriptions.text else [heading]
    text = concat(concat(*parts, separator="\n"), context.rich("buy_group_question"), separator="\n\n")
    return text, page_of(context, rows, page, GROUP + group, "buy")


def _member_row(context: UpdateContext, product: ProductsForSale, members: list[ProductsForSale]) -> Row:
    """Return the button of a product, with what a year saves against twelve months."""
    label, data = product_row(context, product)[0]
    saved = wording.saved(context, product, members)
    return [(context.text("buy_saves", offer=label, percent=saved) if saved else label, data)]


def above(context: UpdateContext, product: ProductsForSale, found: list[ProductsForSale]) -> str:
    """Return the callback data of the screen a product was chosen on."""
    group = catalog.group_of(product)
    room = MOST - len(_currency_row(context, found)) - 1
    by_group = catalog.groups(found)
    is_in_shop = len(found) <= room or len(by_group) == 1 or len(by_group.get(group, [])) == 1
    return "buy" if is_in_shop else GROUP + group


def screen_at(context: UpdateContext, data: str, found: list[ProductsForSale]) -> tuple[Text, Keyboard]:
    """Return the list that a button's callback data names."""
    group = data.removeprefix(GROUP)
    members = catalog.groups(found).get(group) if data.startswith(GROUP) else None
    return group_page(context, group, members, 0) if members else shop(context, 0, found)
