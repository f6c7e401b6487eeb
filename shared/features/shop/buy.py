"""/buy: product, period, once or auto-renewing, payment method: one message, at most five buttons a screen.

A step with one option is skipped. The callback data of each button names the whole choice, so a button works
for as long as its message stands.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat, figures
from shared.features.common import catalog
from shared.features.common.catalog import PaymentOption, price, title
from shared.features.common.menu import back
from shared.features.common.plans import plan_name
from shared.features.common.trial_offer import trial_offer, trial_row
from shared.features.shop import checkout, contact
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import LeaveCheckout, ProductsForSale, SubscriptionOverview, TrialOffer

router = Router()

BUY = "buy:"  # buy:<product>
_GROUP = "shop:"  # shop:<group>
_MODE = {False: "once:", True: "auto:"}  # once:<product>: pay once; auto:<product>: auto-renew
_CARDS = "card:"  # card:<product>[:again]: the providers of cards
_CURRENCY = "currency:"  # currency:<ISO 4217>
_MOST = 5  # buttons of a screen
_PAGE = re.compile(r"(.*?)(?:@([0-9]{1,3}))?", re.DOTALL)  # buttons that turn a page end with its number

Row = list[tuple[str, str]]


@router.message_handler(commands=["buy"], private_only=True)
def buy(_message: Message) -> None:
    """Show the shop."""
    context = current_context()
    reply(*_shop(context, 0, catalog.products(context)))


@router.callback_query_handler(
    data=r"buy(@[0-9]{1,3})?",
    private_only=True,
    page="buy",
)
def show_shop(call: CallbackQuery) -> None:
    """Show the shop under a button."""
    context = current_context()
    _, page = _paged(call.data or "")
    context.show(*_shop(context, page, catalog.products(context)))


@router.callback_query_handler(data=_CURRENCY + ".+", private_only=True, page="buy")
def choose_currency(call: CallbackQuery) -> None:
    """Show the shop in another currency from now on."""
    context = current_context()
    code = (call.data or "").removeprefix(_CURRENCY)
    found = catalog.products(context)
    if code in catalog.currencies(context, found):
        context.set_price_currency(code)
    context.show(*_shop(context, 0, found))


@router.callback_query_handler(data=_GROUP + ".+", private_only=True, page="buy")
def show_group(call: CallbackQuery) -> None:
    """Show the products of a group: the periods of a plan, packs of requests."""
    context = current_context()
    group, page = _paged((call.data or "").removeprefix(_GROUP))
    found = catalog.groups(catalog.products(context)).get(group)
    if found is None:
        return catalog.gone(context)
    return context.show(*_group(context, group, found, page))


@router.callback_query_handler(data=BUY + ".+", private_only=True, page="buy")
def show_product(call: CallbackQuery) -> None:
    """Open a product: the next step that has more than one option."""
    context = current_context()
    found = catalog.products(context)
    product = catalog.find(found, (call.data or "").removeprefix(BUY))
    if product is None:
        return catalog.gone(context)
    return _go_on(context, product, found)


@router.callback_query_handler(data=[f"{mode}.+" for mode in _MODE.values()], private_only=True, page="buy")
def choose_mode(call: CallbackQuery) -> None:
    """Continue with a single payment, or with auto-renewal."""
    context = current_context()
    mode, _, key = (call.data or "").partition(":")
    found = catalog.products(context)
    product = catalog.find(found, key)
    repeats = f"{mode}:" == _MODE[True]
    if product is None or not _options(context, product, repeats):
        return catalog.gone(context)
    return _pay_or_ask(context, product, repeats, found)


@router.callback_query_handler(data=_CARDS + ".+", private_only=True, page="buy")
def show_cards(call: CallbackQuery) -> None:
    """Show the providers that take cards, where there are several."""
    context = current_context()
    data, page = _paged((call.data or "").removeprefix(_CARDS))
    key, _, again = data.partition(":")
    product = catalog.find(catalog.products(context), key)
    options = _options(context, product, again == catalog.AGAIN) if product else []
    options = [option for option in options if option.method == "card"]
    if product is None or not options:
        return catalog.gone(context)
    rows = [[_method(context, product, [option])] for option in options]
    up = _MODE[options[0].repeats] + key
    text = concat(_head(context, product), context.rich("buy_card_question"), separator="\n\n")
    return context.show(text, _page_of(context, rows, page, _CARDS + data, up))


@router.callback_query_handler(
    data=r"other:[0-9]{1,18}",
    private_only=True,
    page="buy",
)
def leave_checkout(call: CallbackQuery) -> None:
    """Go back from a checkout, unless it was paid meanwhile."""
    context = current_context()
    order = int((call.data or "").partition(":")[2])
    left: LeaveCheckout = db.call(
        "leave_checkout", p_user_id=context.user.id, p_order_id=order, p_message_id=context.edited_message_id
    )
    if left["outcome"] == "closed":
        return checkout.show_closed(context, left)
    found = catalog.products(context)
    product = catalog.find(found, left["product_key"]) if left["outcome"] == "left" else None
    if product is None:
        return catalog.gone(context)
    return context.show(*_before_checkout(context, product, left["renews"], found))


@router.callback_query_handler(data="contact:cancel", private_only=True, page="profile")
def cancel_contact(_call: CallbackQuery) -> None:
    """Stop asking for a receipt contact, and go back to where it was asked."""
    context = current_context()
    pending = contact.stop_asking(context)
    found = catalog.products(context) if pending else []
    chosen = checkout.option_among(found, pending) if pending else None
    if chosen is None:
        return contact.show_page(context)
    return context.show(*_before_checkout(context, chosen[0], chosen[1].repeats, found))


def _before_checkout(
    context: UpdateContext, product: ProductsForSale, repeats: bool, found: list[ProductsForSale]
) -> tuple[Text, Keyboard]:
    """Return the last screen before a checkout that asks something."""
    options = _options(context, product, repeats)
    if len(options) > 1:
        return _methods(context, product, repeats, found)
    if len(_modes(context, product)) > 1:
        return _mode(context, product, found)
    return _screen(context, _above(context, product, found), found)


def product_row(context: UpdateContext, product: ProductsForSale) -> Row:
    """Return the button that opens a product: its title and its price, unless a top-up costs what it adds."""
    option, name = catalog.shown_option(context, product), title(context, product["texts"])
    is_named = product["kind"] == "balance" and (option.currency, option.amount) == (
        context.user.currency,
        Decimal(product["quantity"] or 0),
    )
    label = name if is_named else context.text("buy_offer", title=name, price=price(context, option))
    return [(label, BUY + product["key"])]


# The shop -------------------------------------------------------------------------------------------------


def _shop(context: UpdateContext, page: int, found: list[ProductsForSale]) -> tuple[Text, Keyboard]:
    """Return the shop, and forget the product that a top-up was meant for."""
    if context.data.get(checkout.WANTED):
        context.set_data(checkout.WANTED, None)
    if not found:
        return context.rich("buy_nothing"), back(context)
    trial = trial_offer(context)
    currency = _currency_row(context, found)
    room = _MOST - len(currency) - 1
    rows = _shop_rows(context, found, room)
    has_trial = bool(trial) and len(rows) < room
    offered = [*(trial_row(context, trial) if has_trial else []), *rows]
    text = _shop_text(context, found, None if has_trial else trial)
    return text, _page_of(context, offered, page, "buy", "menu", currency)


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
    label = context.text("buy_from", title=_group_name(context, group), price=price(context, least))
    return label, _GROUP + group


def _group_name(context: UpdateContext, group: str) -> str:
    kind, _, plan = group.partition(".")
    return plan_name(context, plan) if plan else context.text(f"buy_group_{kind}")


def _currency_row(context: UpdateContext, found: list[ProductsForSale]) -> Keyboard:
    """Return the button that shows the shop in the next currency, where there are several."""
    codes = sorted(catalog.currencies(context, found))
    if len(codes) < 2:
        return []
    now = catalog.currencies(context, found)[0]
    following = codes[(codes.index(now) + 1) % len(codes)]
    label = context.text("buy_currency", currency=figures.currency_name(following))
    return [[(label, _CURRENCY + following)]]


def _shop_text(context: UpdateContext, found: list[ProductsForSale], trial: TrialOffer | None) -> Text:
    """Return the text of the shop, with the discount that is already in the prices."""
    parts = [context.rich("buy")]
    if trial:
        plan = plan_name(context, trial["plan"])
        parts.append(context.rich("buy_trial", plan=plan, days=trial["days"]))
    if discount := next((product["discount"] for product in found if product["discount"]), None):
        until = context.date(discount["until"]) if discount["until"] else ""
        key = "buy_discount_until" if until else "buy_discount"
        parts.append(context.rich(key, percent=discount["percent"], until=until))
    return concat(*parts, context.rich("buy_promo_hint"), separator="\n\n")


# A group --------------------------------------------------------------------------------------------------


def _group(
    context: UpdateContext, group: str, members: list[ProductsForSale], page: int
) -> tuple[Text, Keyboard]:
    trial = trial_offer(context)
    rows = [_member_row(context, product, members) for product in members]
    if trial and group == f"plan.{trial['plan']}":
        rows = [*map(list, trial_row(context, trial)), *rows]
    lines = dict.fromkeys(catalog.about(context, product["texts"]) for product in members)
    heading = context.rich("buy_group", title=_group_name(context, group))
    descriptions = Text("\n".join(line for line in lines if line), [])
    parts = [heading, descriptions] if descriptions.text else [heading]
    text = concat(concat(*parts, separator="\n"), context.rich("buy_group_question"), separator="\n\n")
    return text, _page_of(context, rows, page, _GROUP + group, "buy")


def _member_row(context: UpdateContext, product: ProductsForSale, members: list[ProductsForSale]) -> Row:
    """Return the button of a product, with what a year saves against twelve months."""
    label, data = product_row(context, product)[0]
    saved = _saved(context, product, members)
    return [(context.text("buy_saves", offer=label, percent=saved) if saved else label, data)]


def _saved(context: UpdateContext, product: ProductsForSale, members: list[ProductsForSale]) -> int:
    month = next((one for one in members if one["period"] == "month"), None)
    if product["period"] != "year" or month is None:
        return 0
    year_way, month_way = catalog.shown_option(context, product), catalog.shown_option(context, month)
    if year_way.currency != month_way.currency:
        return 0
    return max(int(100 - 100 * year_way.amount / (12 * month_way.amount)), 0)


# A product ------------------------------------------------------------------------------------------------


def _go_on(context: UpdateContext, product: ProductsForSale, found: list[ProductsForSale]) -> None:
    modes = _modes(context, product)
    if len(modes) > 1:
        return context.show(*_mode(context, product, found))
    return _pay_or_ask(context, product, modes[0], found)


def _pay_or_ask(
    context: UpdateContext, product: ProductsForSale, repeats: bool, found: list[ProductsForSale]
) -> None:
    """Go to the checkout if there is one payment option and no note to show before it."""
    option = _only_option(context, product, repeats)
    if option is not None:
        return checkout.pay(context, product, option)
    return context.show(*_methods(context, product, repeats, found))


def _only_option(context: UpdateContext, product: ProductsForSale, repeats: bool) -> PaymentOption | None:
    """Return the only payment option, if nothing has to be shown before its checkout."""
    options = _options(context, product, repeats)
    is_only = (
        len(options) == 1 and options[0].method != "balance" and not _note(context, product, repeats).text
    )
    return options[0] if is_only else None


def first_screen(context: UpdateContext, product: ProductsForSale) -> tuple[Text, Keyboard]:
    """Return the screen behind a product's button, for its preview; no order is created."""
    modes = _modes(context, product)
    if len(modes) > 1:
        return _mode(context, product, [product])
    option = _only_option(context, product, modes[0])
    if option is not None:
        return checkout.page(context, product, option), []
    return _methods(context, product, modes[0], [product])


def _modes(context: UpdateContext, product: ProductsForSale) -> list[bool]:
    """Return whether the product is paid once (False), repeatedly (True), or either."""
    return sorted({option.repeats for option in catalog.payment_options(context, product)})


def _options(context: UpdateContext, product: ProductsForSale, repeats: bool) -> list[PaymentOption]:
    return [option for option in catalog.payment_options(context, product) if option.repeats == repeats]


def _mode(
    context: UpdateContext, product: ProductsForSale, found: list[ProductsForSale]
) -> tuple[Text, Keyboard]:
    rows = []
    for repeats in _modes(context, product):
        key = f"buy_auto_{product['period']}" if repeats else "buy_once"
        option = catalog.shown_option(context, product, repeats=repeats)
        rows.append([(context.text(key, price=price(context, option)), _MODE[repeats] + product["key"])])
    text = _product_text(context, product, "buy_mode_question", None)
    return text, [*rows, [(context.text("buy_back"), _above(context, product, found))]]


def _methods(
    context: UpdateContext, product: ProductsForSale, repeats: bool, found: list[ProductsForSale]
) -> tuple[Text, Keyboard]:
    rows = [
        [_method(context, product, options)] for options in _by_button(_options(context, product, repeats))
    ]
    question = f"buy_method_question_{product['period']}" if repeats else "buy_method_question"
    up = BUY + product["key"] if len(_modes(context, product)) > 1 else _above(context, product, found)
    return _product_text(context, product, question, repeats), [*rows, [(context.text("buy_back"), up)]]


def _by_button(options: list[PaymentOption]) -> list[list[PaymentOption]]:
    """Group the options by button: the providers of cards share one, every other provider has its own."""
    groups: dict[str, list[PaymentOption]] = {}
    for option in options:
        groups.setdefault("card" if option.method == "card" else option.provider, []).append(option)
    return list(groups.values())


def _method(
    context: UpdateContext, product: ProductsForSale, options: list[PaymentOption]
) -> tuple[str, str]:
    """Return the button of a payment method; several providers of cards have one button together."""
    option = options[0]
    if option.provider == "balance":
        balance = figures.money(context.language, context.user.balance, context.user.currency)
        return context.text("buy_way_balance", price=price(context, option), balance=balance), option.button(
            product["key"]
        )
    if len(options) == 1:
        name, data = context.provider_name(option.provider), option.button(product["key"])
    else:
        again = f":{catalog.AGAIN}" if option.repeats else ""
        name, data = context.text("buy_method_card"), f"{_CARDS}{product['key']}{again}"
    return context.text("buy_offer", title=name, price=price(context, option)), data


def _above(context: UpdateContext, product: ProductsForSale, found: list[ProductsForSale]) -> str:
    """Return the callback data of the screen a product was chosen on."""
    group = catalog.group_of(product)
    room = _MOST - len(_currency_row(context, found)) - 1
    by_group = catalog.groups(found)
    is_in_shop = len(found) <= room or len(by_group) == 1 or len(by_group.get(group, [])) == 1
    return "buy" if is_in_shop else _GROUP + group


def _screen(context: UpdateContext, data: str, found: list[ProductsForSale]) -> tuple[Text, Keyboard]:
    group = data.removeprefix(_GROUP)
    members = catalog.groups(found).get(group) if data.startswith(_GROUP) else None
    return _group(context, group, members, 0) if members else _shop(context, 0, found)


# Words ----------------------------------------------------------------------------------------------------


def _product_text(
    context: UpdateContext, product: ProductsForSale, question: str, repeats: bool | None
) -> Text:
    """Return the text of a product's screen; `repeats` is what was chosen, None before the choice."""
    note = _note(context, product, repeats)
    parts = [_head(context, product), *([note] if note.text else []), context.rich(question)]
    return concat(*parts, separator="\n\n")


def _head(context: UpdateContext, product: ProductsForSale) -> Text:
    heading = context.rich("buy_group", title=title(context, product["texts"]))
    description = catalog.about(context, product["texts"])
    return concat(heading, Text(description, []), separator="\n") if description else heading


def _note(context: UpdateContext, product: ProductsForSale, repeats: bool | None) -> Text:
    """Return notes before a purchase: the discount, and what happens to the user's current plan."""
    notes = (_discount_note(context, product, repeats), _plan_note(context, product))
    return concat(*(note for note in notes if note is not None), separator="\n\n")


def _discount_note(context: UpdateContext, product: ProductsForSale, repeats: bool | None) -> Text | None:
    """Return the reduced prices; auto-renewal costs the full price, so it is named until one is chosen."""
    options = [option for option in catalog.payment_options(context, product) if option.full_amount]
    if not options or repeats or product["discount"] is None:
        return None
    prices = {
        option.currency: context.text(
            "buy_reduced_price",
            price=price(context, option),
            full=figures.money(context.language, option.full_amount or option.amount, option.currency),
        )
        for option in options
    }
    percent = product["discount"]["percent"]
    key = "buy_reduced_repeats" if repeats is None and True in _modes(context, product) else "buy_reduced"
    return context.rich(key, percent=percent, prices="; ".join(prices.values()))


def _plan_note(context: UpdateContext, product: ProductsForSale) -> Text | None:
    if product["kind"] != "subscription" or context.usage.plan == "FREE":
        return None
    running: SubscriptionOverview = db.call("subscription_overview", p_user_id=context.user.id)
    if not running["ends_at"]:
        return context.rich("buy_note_endless")
    repeats = any(renewal["status"] in ("active", "past_due") for renewal in running["renewals"])
    key = "buy_note_repeats" if repeats else "buy_note_extends"
    return context.rich(key, until=context.date(running["ends_at"]))


# Pages ----------------------------------------------------------------------------------------------------


def _paged(data: str) -> tuple[str, int]:
    match = _PAGE.fullmatch(data)
    assert match is not None  # every text matches
    return match[1], int(match[2] or 0)


def _page_of(
    context: UpdateContext, rows: Keyboard, page: int, data: str, up: str, more_rows: Keyboard = ()
) -> list[Row]:
    """Return the rows of a page of a list, then a button to the next page and one to the page before, or up.

    Args:
        data: the callback data of the list; its pages are data@1, data@2, ….
        up: the callback data of the screen above.
        more_rows: rows below those of every page.
    """
    room = _MOST - len(more_rows) - 1
    size = room - 1  # of a page that is followed by another
    last = max(-(-(len(rows) - room) // size), 0)
    page = min(page, last)
    if page < last:
        shown = [*rows[page * size :][:size], [(context.text("buy_more"), f"{data}@{page + 1}")]]
    else:
        shown = [*rows[page * size :]]
    before = f"{data}@{page - 1}" if page > 1 else data if page else up
    label = "menu_back" if before == "menu" else "buy_back"
    return [*map(list, shown), *map(list, more_rows), [(context.text(label), before)]]
