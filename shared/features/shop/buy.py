"""/buy: product, period, once or auto-renewing, payment method: one message, at most five buttons a screen.

A step with one option is skipped. The callback data of each button names the whole choice, so a button works
for as long as its message stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat
from shared.features.common import catalog
from shared.features.common.paging import page_of, split_page
from shared.features.shop import checkout, contact, lists, ordering, screens
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import LeaveCheckout, ProductsForSale

router = Router()


@router.message_handler(commands=["buy"], private_only=True)
def buy(_message: Message) -> None:
    """Show the shop."""
    context = current_context()
    reply(*lists.shop(context, 0, catalog.products(context)))


@router.callback_query_handler(
    data=r"buy(@[0-9]{1,3})?",
    private_only=True,
    page="buy",
)
def show_shop(call: CallbackQuery) -> None:
    """Show the shop under a button."""
    context = current_context()
    _, page = split_page(call.data or "")
    context.show(*lists.shop(context, page, catalog.products(context)))


@router.callback_query_handler(data=lists.CURRENCY + ".+", private_only=True, page="buy")
def choose_currency(call: CallbackQuery) -> None:
    """Show the shop in another currency from now on."""
    context = current_context()
    code = (call.data or "").removeprefix(lists.CURRENCY)
    found = catalog.products(context)
    if code in catalog.currencies(context, found):
        context.set_price_currency(code)
    context.show(*lists.shop(context, 0, found))


@router.callback_query_handler(data=lists.GROUP + ".+", private_only=True, page="buy")
def show_group(call: CallbackQuery) -> None:
    """Show the products of a group: the periods of a plan, packs of requests."""
    context = current_context()
    group, page = split_page((call.data or "").removeprefix(lists.GROUP))
    found = catalog.groups(catalog.products(context)).get(group)
    if found is None:
        return catalog.gone(context)
    return context.show(*lists.group_page(context, group, found, page))


@router.callback_query_handler(data=lists.BUY + ".+", private_only=True, page="buy")
def show_product(call: CallbackQuery) -> None:
    """Open a product: the next step that has more than one option."""
    context = current_context()
    found = catalog.products(context)
    product = catalog.find(found, (call.data or "").removeprefix(lists.BUY))
    if product is None:
        return catalog.gone(context)
    return _go_on(context, product, found)


@router.callback_query_handler(
    data=[f"{mode}.+" for mode in screens.MODE.values()], private_only=True, page="buy"
)
def choose_mode(call: CallbackQuery) -> None:
    """Continue with a single payment, or with auto-renewal."""
    context = current_context()
    mode, _, key = (call.data or "").partition(":")
    found = catalog.products(context)
    product = catalog.find(found, key)
    repeats = f"{mode}:" == screens.MODE[True]
    if product is None or not catalog.options_of(context, product, repeats):
        return catalog.gone(context)
    return _pay_or_ask(context, product, repeats, found)


@router.callback_query_handler(data=screens.CARDS + ".+", private_only=True, page="buy")
def show_cards(call: CallbackQuery) -> None:
    """Show the providers that take cards, where there are several."""
    context = current_context()
    data, page = split_page((call.data or "").removeprefix(screens.CARDS))
    key, _, again = data.partition(":")
    product = catalog.find(catalog.products(context), key)
    options = catalog.options_of(context, product, again == catalog.AGAIN) if product else []
    options = [option for option in options if option.method == "card"]
    if product is None or not options:
        return catalog.gone(context)
    rows = [[screens.method_button(context, product, [option])] for option in options]
    up = screens.MODE[options[0].repeats] + key
    text = concat(screens.heading(context, product), context.rich("buy_card_question"), separator="\n\n")
    return context.show(text, page_of(context, rows, page, screens.CARDS + data, up))


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
    chosen = ordering.option_among(found, pending) if pending else None
    if chosen is None:
        return contact.show_page(context)
    return context.show(*_before_checkout(context, chosen[0], chosen[1].repeats, found))


def _before_checkout(
    context: UpdateContext, product: ProductsForSale, repeats: bool, found: list[ProductsForSale]
) -> tuple[Text, Keyboard]:
    """Return the last screen before a checkout that asks something."""
    options = catalog.options_of(context, product, repeats)
    if len(options) > 1:
        return screens.method_screen(context, product, repeats, found)
    if len(catalog.modes_of(context, product)) > 1:
        return screens.mode_screen(context, product, found)
    return lists.screen_at(context, lists.above(context, product, found), found)


def _go_on(context: UpdateContext, product: ProductsForSale, found: list[ProductsForSale]) -> None:
    modes = catalog.modes_of(context, product)
    if len(modes) > 1:
        return context.show(*screens.mode_screen(context, product, found))
    return _pay_or_ask(context, product, modes[0], found)


def _pay_or_ask(
    context: UpdateContext, product: ProductsForSale, repeats: bool, found: list[ProductsForSale]
) -> None:
    """Go to the checkout if there is one payment option and no note to show before it."""
    option = screens.only_option(context, product, repeats)
    if option is not None:
        return checkout.pay(context, product, option)
    return context.show(*screens.method_screen(context, product, repeats, found))
