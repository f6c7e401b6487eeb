"""The screens of a product: pay once or auto-renew, the payment methods, and the notes before a purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.texts import Text, concat, figures
from shared.features.common import catalog
from shared.features.common.catalog import PaymentOption, price, title
from shared.features.shop import checkout, lists, wording
from shared.features.shop.gift_button import gift_row
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import ProductsForSale

MODE = {False: "once:", True: "auto:"}  # once:<product>: pay once; auto:<product>: auto-renew
CARDS = "card:"  # card:<product>[:again]: the providers of cards


def only_option(context: UpdateContext, product: ProductsForSale, repeats: bool) -> PaymentOption | None:
    """Return the only payment option, if nothing has to be shown before its checkout."""
    options = catalog.options_of(context, product, repeats)
    is_only = (
        len(options) == 1 and options[0].method != "balance" and not wording.notes(context, product, repeats)
    )
    return options[0] if is_only else None


def first_screen(context: UpdateContext, product: ProductsForSale) -> tuple[Text, Keyboard]:
    """Return the screen behind a product's button, for its preview; no order is created."""
    modes = catalog.modes_of(context, product)
    if len(modes) > 1:
        return mode_screen(context, product, [product])
    option = only_option(context, product, modes[0])
    if option is not None:
        return checkout.page(context, product, option), []
    return method_screen(context, product, modes[0], [product])


def mode_screen(
    context: UpdateContext, product: ProductsForSale, found: list[ProductsForSale]
) -> tuple[Text, Keyboard]:
    """Return the screen that asks whether to pay once or to auto-renew."""
    rows = []
    for repeats in catalog.modes_of(context, product):
        key = f"buy_auto_{product['period']}" if repeats else "buy_once"
        option = catalog.shown_option(context, product, repeats=repeats)
        rows.append([(context.text(key, price=price(context, option)), MODE[repeats] + product["key"])])
    text = _product_text(context, product, "buy_mode_question", None)
    return text, [
        *rows,
        *gift_row(context, product),
        [(context.text("list_back"), lists.above(context, product, found))],
    ]


def method_screen(
    context: UpdateContext, product: ProductsForSale, repeats: bool, found: list[ProductsForSale]
) -> tuple[Text, Keyboard]:
    """Return the screen that asks for the payment method."""
    rows = [
        [method_button(context, product, options)]
        for options in by_button(catalog.options_of(context, product, repeats))
    ]
    question = f"buy_method_question_{product['period']}" if repeats else "buy_method_question"
    up = (
        lists.BUY + product["key"]
        if len(catalog.modes_of(context, product)) > 1
        else lists.above(context, product, found)
    )
    # With several modes the button is on the screen before this one.
    gift = gift_row(context, product) if len(catalog.modes_of(context, product)) == 1 else []
    return _product_text(context, product, question, repeats), [
        *rows,
        *gift,
        [(context.text("list_back"), up)],
    ]


def by_button(options: list[PaymentOption]) -> list[list[PaymentOption]]:
    """Group the options by button: the providers of cards share one, every other provider has its own."""
    groups: dict[str, list[PaymentOption]] = {}
    for option in options:
        groups.setdefault("card" if option.method == "card" else option.provider, []).append(option)
    return list(groups.values())


def method_button(
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
        name, data = context.text("buy_method_card"), f"{CARDS}{product['key']}{again}"
    return context.text("buy_offer", title=name, price=price(context, option)), data


def _product_text(
    context: UpdateContext, product: ProductsForSale, question: str, repeats: bool | None
) -> Text:
    """Return the text of a product's screen; `repeats` is what was chosen, None before the choice."""
    notes = wording.notes(context, product, repeats)
    parts = [heading(context, product), *notes, context.rich(question)]
    return concat(*parts, separator="\n\n")


def heading(context: UpdateContext, product: ProductsForSale) -> Text:
    """Return the title of a product and what it says about it."""
    heading = context.rich("buy_group", title=title(context, product["texts"]))
    description = catalog.about(context, product["texts"])
    return concat(heading, Text(description, []), separator="\n") if description else heading
