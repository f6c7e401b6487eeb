"""The checkout: the question before a second auto-renewal, the receipt contact, the order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.handler_backends import ContinueHandling
from telebot.types import CallbackQuery, Message

from shared.core.texts import Text, concat, figures
from shared.features.common import catalog
from shared.features.common.catalog import PAY, PaymentOption, title
from shared.features.shop import contact, links, ordering
from shared.features.shop.gift_button import gift_row
from shared.features.shop.ordering import Checkout, Choice
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        CreateOrder,
        GetOpenOrder,
        LeaveCheckout,
        ProductsForSale,
        SubscriptionOverviewRenewals,
    )

router = Router()

WANTED = "wanted"  # in session_data: the key of the product that a top-up is made for
OTHER = "other:"  # other:<order>: back from its checkout
_PAY_ANYWAY = "pay!:"  # as pay:, once the user knows that it replaces their auto-renewal


@router.callback_query_handler(data=[PAY + ".+", _PAY_ANYWAY + ".+"], private_only=True, page="buy")
def choose_option(call: CallbackQuery) -> None:
    """Pay with the option that a button names."""
    context = current_context()
    data = call.data or ""
    found = chosen_option(context, data.partition(":")[2])
    if found is None:
        return catalog.gone(context)
    return pay(context, *found, may_replace=data.startswith(_PAY_ANYWAY))


def pay(
    context: UpdateContext, product: ProductsForSale, option: PaymentOption, *, may_replace: bool = False
) -> None:
    """Show the checkout; ask before a second auto-renewal, and for a contact where a receipt is due."""
    if option.repeats and not may_replace and (running := ordering.running_renewal(context)):
        return _ask_to_replace(context, product, option, running)
    if ordering.needs_contact(option) and contact.stored_contact(context) is None:
        return contact.ask(context, context.rich("buy_contact"), _pending(product, option))
    return _checkout(context, product, option)


def _pending(product: ProductsForSale, option: PaymentOption) -> str:
    return option.button(product["key"]).removeprefix(PAY)


def chosen_option(context: UpdateContext, chosen: str) -> tuple[ProductsForSale, PaymentOption] | None:
    """Return the product and the option that callback data behind `pay:` names, if both still exist."""
    return ordering.option_among(catalog.products(context), chosen)


def _ask_to_replace(
    context: UpdateContext,
    product: ProductsForSale,
    option: PaymentOption,
    running: SubscriptionOverviewRenewals,
) -> None:
    words = {
        "title": title(context, running["texts"]),
        "price": figures.money(context.language, Decimal(running["amount"]), running["currency"]),
        "provider": context.provider_name(running["provider"]),
    }
    context.show(
        context.rich("buy_replaces", **words),
        [
            [(context.text("buy_replace"), _PAY_ANYWAY + _pending(product, option))],
            [(context.text("subscription_back"), "subscription")],
            [(context.text("list_back"), f"auto:{product['key']}")],
        ],
    )


# The receipt contact --------------------------------------------------------------------------------------


@router.message_handler(state=contact.AWAITS, content_types=["text", "contact"])
def take_contact(message: Message) -> ContinueHandling | None:
    """Take the contact for receipts, typed or shared, and continue the purchase.

    The second message that holds none is for the AI: the user has moved on.
    """
    from shared.payments import contacts

    context = current_context()
    text = message.contact.phone_number if message.contact else message.text or ""
    found = contacts.parse_contact(text)
    if (
        found is None
        and waits.current(context) == contact.AWAITS_AGAIN
        and not contacts.looks_like_contact(text)
    ):
        waits.end(context)
        return ContinueHandling()
    if found is None:
        waits.begin(context, contact.AWAITS_AGAIN)
        reply(context.rich("buy_contact_wrong"), contact.cancel_button(context))
        return None
    pending = contact.take(context, found)
    if pending is None:
        contact.save(context, found)
        return None
    chosen = chosen_option(context, pending)
    if chosen is None:
        catalog.gone(context)
    else:
        _checkout(context, *chosen)
    return None


# The order ------------------------------------------------------------------------------------------------


def _checkout(context: UpdateContext, product: ProductsForSale, option: PaymentOption) -> None:
    from shared.payments.provider import ContactRefused

    choice = Choice(
        product,
        option,
        contact=contact.stored_contact(context) if ordering.needs_contact(option) else None,
        # A worker that takes over, or Telegram's second delivery, finds the order of the first.
        reference=f"{context.bot.name}:{context.update.update_id}",
        next_product=context.data.get(WANTED),
    )
    checkout = ordering.open_checkout(context, choice, links.in_chat(context))
    if isinstance(checkout.failure, ContactRefused):
        return _ask_again(context, product, option)
    if checkout.failure is not None:
        return _say_failed(context, checkout)
    if checkout.order["outcome"] == "closed":
        return show_closed(context, checkout.order)
    if checkout.order["outcome"] == "not_for_sale":
        return catalog.gone(context)
    # Where no screen came before this one, the choice to give the plan is here.
    is_only = len(catalog.payment_options(context, product)) == 1 and not option.is_gift
    gift = gift_row(context, product) if is_only else []
    return _show_checkout(context, checkout.order, checkout.url, gift)


def page(context: UpdateContext, product: ProductsForSale, option: PaymentOption) -> Text:
    """Return the text of a checkout before there is an order."""
    period = product["period"] if option.repeats else None
    return _page(
        context,
        title(context, product["texts"]),
        period,
        figures.money(context.language, option.amount, option.currency),
        figures.money(context.language, option.full_amount, option.currency) if option.full_amount else "",
    )


def _page(context: UpdateContext, name: str, period: str | None, price: str, full_price: str) -> Text:
    key = f"buy_pay_{period}" if period else "buy_pay"
    return context.rich("buy_pay_reduced" if full_price else key, title=name, price=price, full=full_price)


def _show_checkout(context: UpdateContext, made: CreateOrder, url: str, gift: Keyboard) -> None:
    price = figures.money(context.language, Decimal(made["amount"]), made["currency"])
    full = made["full_amount"]
    full_price = figures.money(context.language, Decimal(full), made["currency"]) if full else ""
    period = made["period"] if made["renews"] else None
    text = _page(context, title(context, made["texts"]), period, price, full_price)
    if made["is_gift"]:
        text = concat(context.rich("gift_checkout"), text, separator="\n\n")
    context.show(
        text,
        [
            [(context.text("buy_pay_button", price=price), url)],
            *gift,
            [(context.text("list_back"), f"{OTHER}{made['id']}")],
        ],
        order_id=made["id"],
    )


def show_closed(context: UpdateContext, order: CreateOrder | GetOpenOrder | LeaveCheckout) -> None:
    """Show that an order is paid, or under review, in place of its checkout."""
    context.show(closed_text(context, order))


def closed_text(context: UpdateContext, order: CreateOrder | GetOpenOrder | LeaveCheckout) -> Text:
    """Return the text of an order that is paid, or under review."""
    price = figures.money(context.language, Decimal(order["amount"]), order["currency"])
    return context.rich(f"invitation_{order['state']}", title=title(context, order["texts"]), price=price)


def _ask_again(context: UpdateContext, product: ProductsForSale, option: PaymentOption) -> None:
    """Ask for another contact: the provider refused the stored one."""
    words = {
        "contact": contact.stored_contact(context) or "",
        "provider": context.provider_name(option.provider),
    }
    contact.forget(context)
    contact.ask(context, context.rich("buy_contact_refused", **words), _pending(product, option))


def _say_failed(context: UpdateContext, checkout: Checkout) -> None:
    """Tell the user that there is no checkout."""
    from shared.payments.provider import RequestRefused

    text = context.rich("buy_refused" if isinstance(checkout.failure, RequestRefused) else "buy_unavailable")
    context.show(text, [[(context.text("list_back"), f"{OTHER}{checkout.order['id']}")]])
