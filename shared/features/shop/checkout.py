"""The checkout: the question before a second auto-renewal, the receipt contact, the order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.handler_backends import ContinueHandling
from telebot.types import CallbackQuery, Message

from shared.core import db, log
from shared.core.errors import ConfigError
from shared.core.texts import Text, figures
from shared.features.common import catalog
from shared.features.common.catalog import PAY, PaymentOption, title
from shared.features.shop import contact, links
from shared.payments import providers
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        CreateOrder,
        GetOpenOrder,
        LeaveCheckout,
        ProductsForSale,
        SubscriptionOverview,
        SubscriptionOverviewRenewals,
    )
    from shared.payments.provider import ContactRefused, PaymentError

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
    if option.repeats and not may_replace and (running := _running_renewal(context)):
        return _ask_to_replace(context, product, option, running)
    if _needs_contact(option) and contact.stored_contact(context) is None:
        return contact.ask(context, context.rich("buy_contact"), _pending(product, option))
    return _checkout(context, product, option)


def _pending(product: ProductsForSale, option: PaymentOption) -> str:
    return option.button(product["key"]).removeprefix(PAY)


def chosen_option(context: UpdateContext, chosen: str) -> tuple[ProductsForSale, PaymentOption] | None:
    """Return the product and the option that callback data behind `pay:` names, if both still exist."""
    return option_among(catalog.products(context), chosen)


def option_among(offered: list[ProductsForSale], chosen: str) -> tuple[ProductsForSale, PaymentOption] | None:
    """Return the product among those offered, and the option, that `chosen` names."""
    product = catalog.find(offered, chosen.partition(":")[0])
    if product is None:
        return None
    options = (
        option for option in catalog.all_options(product) if option.button(product["key"]) == PAY + chosen
    )
    option = next(options, None)
    return (product, option) if option else None


def _needs_contact(option: PaymentOption) -> bool:
    return providers.load(option.provider).REQUIRES_CONTACT


def _running_renewal(context: UpdateContext) -> SubscriptionOverviewRenewals | None:
    """Return the newest auto-renewal that will be charged again."""
    overview: SubscriptionOverview = db.call("subscription_overview", p_user_id=context.user.id)
    return next((one for one in overview["renewals"] if one["status"] in ("active", "past_due")), None)


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
    from shared.payments.provider import ContactRefused, PaymentError

    made = _order(context, product, option)
    try:
        url = _link(context, made)
        while url is None:
            ended, made = made, _order(context, product, option)
            # The same order again: its payment is in progress, and its page shows that.
            url = ended["checkout_url"] if made.get("id") == ended["id"] else _link(context, made)
    except ContactRefused as error:
        return _ask_again(context, product, option, made, error)
    except (PaymentError, ConfigError) as error:
        return _say_failed(context, product, option, made, error)
    if made["outcome"] == "closed":
        return show_closed(context, made)
    if made["outcome"] == "not_for_sale":
        return catalog.gone(context)
    return _show_checkout(context, made, url)


def _order(context: UpdateContext, product: ProductsForSale, option: PaymentOption) -> CreateOrder:
    made: CreateOrder = db.call(
        "create_order",
        p_user_id=context.user.id,
        p_product_key=product["key"],
        p_provider=option.provider,
        p_currency=option.currency,
        p_bot=context.bot.name,
        p_renews=option.repeats,
        p_contact=contact.stored_contact(context) if _needs_contact(option) else None,
        # A worker that takes over, or Telegram's second delivery, finds the order of the first.
        p_reference=f"{context.bot.name}:{context.update.update_id}",
        p_next_product_key=context.data.get(WANTED) if product["kind"] == "balance" else None,
        p_message_id=context.edited_message_id,
        p_reuse=True,
    )
    return made


def _link(context: UpdateContext, made: CreateOrder) -> str | None:
    """Return the link of an order, None if it has run out; empty where there is no order to pay."""
    return "" if made["outcome"] in ("closed", "not_for_sale") else links.payable_link(context, made)


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


def _show_checkout(context: UpdateContext, made: CreateOrder, url: str) -> None:
    price = figures.money(context.language, Decimal(made["amount"]), made["currency"])
    full = made["full_amount"]
    full_price = figures.money(context.language, Decimal(full), made["currency"]) if full else ""
    period = made["period"] if made["renews"] else None
    context.show(
        _page(context, title(context, made["texts"]), period, price, full_price),
        [
            [(context.text("buy_pay_button", price=price), url)],
            [(context.text("list_back"), f"{OTHER}{made['id']}")],
        ],
        order_id=made["id"],
    )


def show_closed(context: UpdateContext, order: CreateOrder | GetOpenOrder | LeaveCheckout) -> None:
    """Show that an order is paid, or under review, in place of its checkout."""
    price = figures.money(context.language, Decimal(order["amount"]), order["currency"])
    context.show(
        context.rich(f"invitation_{order['state']}", title=title(context, order["texts"]), price=price)
    )


def _ask_again(
    context: UpdateContext,
    product: ProductsForSale,
    option: PaymentOption,
    made: CreateOrder,
    error: ContactRefused,
) -> None:
    """Ask for another contact: the provider refused the stored one."""
    log.warning(
        "a contact was refused", action="contact_refused", provider=option.provider, reason=str(error)
    )
    db.call("cancel_order", p_order_id=made["id"])
    words = {
        "contact": contact.stored_contact(context) or "",
        "provider": context.provider_name(option.provider),
    }
    contact.forget(context)
    contact.ask(context, context.rich("buy_contact_refused", **words), _pending(product, option))


def _say_failed(
    context: UpdateContext,
    product: ProductsForSale,
    option: PaymentOption,
    made: CreateOrder,
    error: PaymentError | ConfigError,
) -> None:
    """Tell the user that there is no checkout. A refusal or a wrong setting also alerts the owner."""
    from shared.payments.provider import RequestRefused

    is_refusal = isinstance(error, RequestRefused)
    tell = log.alert if is_refusal or isinstance(error, ConfigError) else log.warning
    tell("no checkout", action="checkout_failed", provider=option.provider, reason=str(error))
    if is_refusal:
        db.call("cancel_order", p_order_id=made["id"])
    text = context.rich("buy_refused" if is_refusal else "buy_unavailable")
    context.show(text, [[(context.text("list_back"), f"{OTHER}{made['id']}")]])
