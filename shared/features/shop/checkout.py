"""The end of a purchase: a question before a second auto-renewal, the receipt contact, the order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from telebot.handler_backends import ContinueHandling
from telebot.types import CallbackQuery, Message

from shared.core import db, log
from shared.core.errors import ConfigError
from shared.core.texts import Text, figures
from shared.features.common import catalog
from shared.features.common.catalog import PAY, Product, Way, title
from shared.features.shop import contact, links
from shared.payments import providers
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.payments.provider import ContactRefused, PaymentError

router = Router()

WANTED = "wanted"  # in session_data: the key of the product that a top-up is made for
OTHER = "other:"  # other:<order>: back from its checkout
_PAY_ANYWAY = "pay!:"  # as pay:, once the user knows that it replaces their auto-renewal


@router.callback_query_handler(data=[PAY + ".+", _PAY_ANYWAY + ".+"], private_only=True, page="buy")
def choose_way(call: CallbackQuery) -> None:
    """Pay in the way that a button names."""
    context = current_context()
    data = call.data or ""
    found = chosen_way(context, data.partition(":")[2])
    if found is None:
        return catalog.gone(context)
    return pay(context, *found, may_replace=data.startswith(_PAY_ANYWAY))


def pay(context: UpdateContext, product: Product, way: Way, *, may_replace: bool = False) -> None:
    """Show the checkout; ask before a second auto-renewal, and for a contact where a receipt is due."""
    if way.repeats and not may_replace and (running := _running_renewal(context)):
        return _ask_to_replace(context, product, way, running)
    if _needs_contact(way) and contact.kept(context) is None:
        return contact.ask(context, context.rich("buy_contact"), _pending(product, way))
    return _checkout(context, product, way)


def _pending(product: Product, way: Way) -> str:
    return way.button(product["key"]).removeprefix(PAY)


def chosen_way(context: UpdateContext, chosen: str) -> tuple[Product, Way] | None:
    """Return the product and the way that callback data behind `pay:` names, if both are still there."""
    return way_among(catalog.products(context), chosen)


def way_among(offered: list[Product], chosen: str) -> tuple[Product, Way] | None:
    """Return the product among those offered, and the way, that `chosen` names."""
    product = catalog.find(offered, chosen.partition(":")[0])
    if product is None:
        return None
    ways = (way for way in catalog.all_ways(product) if way.button(product["key"]) == PAY + chosen)
    way = next(ways, None)
    return (product, way) if way else None


def _needs_contact(way: Way) -> bool:
    return providers.load(way.provider).REQUIRES_CONTACT


def _running_renewal(context: UpdateContext) -> dict[str, Any] | None:
    """Return the newest auto-renewal that will be charged again."""
    renewals: list[dict[str, Any]] = db.call("subscription_overview", p_user_id=context.user.id)["renewals"]
    return next((one for one in renewals if one["status"] in ("active", "past_due")), None)


def _ask_to_replace(context: UpdateContext, product: Product, way: Way, running: dict[str, Any]) -> None:
    words = {
        "title": title(context, running["texts"]),
        "price": figures.money(context.language, Decimal(running["amount"]), running["currency"]),
        "provider": context.provider_name(running["provider"]),
    }
    context.show(
        context.rich("buy_replaces", **words),
        [
            [(context.text("buy_replace"), _PAY_ANYWAY + _pending(product, way))],
            [(context.text("subscription_back"), "subscription")],
            [(context.text("buy_back"), f"auto:{product['key']}")],
        ],
    )


# The receipt contact --------------------------------------------------------------------------------------


@router.message_handler(state=contact.AWAITS, content_types=["text", "contact"])
def take_contact(message: Message) -> ContinueHandling | None:
    """Take the address for the receipt, written or shared as a contact, and go on with what was being bought.

    The second message that holds none is for the AI: the user has moved on.
    """
    from shared.payments import contacts

    context = current_context()
    text = message.contact.phone_number if message.contact else message.text or ""
    found = contacts.read(text)
    if found is None and context.data.get("awaiting") == contact.AWAITS_AGAIN and not contacts.is_try(text):
        context.set_data("awaiting", None)
        return ContinueHandling()
    if found is None:
        context.set_data("awaiting", contact.AWAITS_AGAIN)
        reply(context.rich("buy_contact_wrong"), contact.cancel_button(context))
        return None
    pending = contact.take(context, found)
    if pending is None:
        contact.save(context, found)
        return None
    chosen = chosen_way(context, pending)
    if chosen is None:
        catalog.gone(context)
    else:
        _checkout(context, *chosen)
    return None


# The order ------------------------------------------------------------------------------------------------


def _checkout(context: UpdateContext, product: Product, way: Way) -> None:
    from shared.payments.provider import ContactRefused, PaymentError

    made = _order(context, product, way)
    try:
        url = _link(context, made)
        while url is None:
            ended, made = made, _order(context, product, way)
            # The same order again: its payment is under way, and its page says so.
            url = ended["checkout_url"] if made.get("id") == ended["id"] else _link(context, made)
    except ContactRefused as error:
        return _ask_again(context, product, way, made, error)
    except (PaymentError, ConfigError) as error:
        return _say_failed(context, product, way, made, error)
    if made["outcome"] == "closed":
        return show_closed(context, made)
    if made["outcome"] == "not_for_sale":
        return catalog.gone(context)
    return _show_checkout(context, made, url)


def _order(context: UpdateContext, product: Product, way: Way) -> dict[str, Any]:
    made: dict[str, Any] = db.call(
        "create_order",
        p_user_id=context.user.id,
        p_product_key=product["key"],
        p_provider=way.provider,
        p_currency=way.currency,
        p_bot=context.bot.name,
        p_renews=way.repeats,
        p_contact=contact.kept(context) if _needs_contact(way) else None,
        # A worker that takes over, or Telegram's second delivery, finds the order of the first.
        p_reference=f"{context.bot.name}:{context.update.update_id}",
        p_next_product_key=context.data.get(WANTED) if product["kind"] == "balance" else None,
        p_message_id=context.edited_message_id,
        p_reuse=True,
    )
    return made


def _link(context: UpdateContext, made: dict[str, Any]) -> str | None:
    """Return the link of an order, None if it has run out; empty where there is no order to pay."""
    return "" if made["outcome"] in ("closed", "not_for_sale") else links.payable_link(context, made)


def page(context: UpdateContext, product: Product, way: Way) -> Text:
    """Return the text of a checkout before there is an order."""
    order = {"texts": product["texts"], "period": product["period"], "renews": way.repeats}
    return _page(
        context, {**order, "amount": way.amount, "full_amount": way.full_amount, "currency": way.currency}
    )


def _page(context: UpdateContext, made: dict[str, Any]) -> Text:
    price = figures.money(context.language, Decimal(made["amount"]), made["currency"])
    words = {"title": title(context, made["texts"]), "price": price, "full": ""}
    key = f"buy_pay_{made['period']}" if made["renews"] else "buy_pay"
    if made["full_amount"]:
        words["full"] = figures.money(context.language, Decimal(made["full_amount"]), made["currency"])
        key = "buy_pay_reduced"
    return context.rich(key, **words)


def _show_checkout(context: UpdateContext, made: dict[str, Any], url: str) -> None:
    price = figures.money(context.language, Decimal(made["amount"]), made["currency"])
    context.show(
        _page(context, made),
        [
            [(context.text("buy_pay_button", price=price), url)],
            [(context.text("buy_back"), f"{OTHER}{made['id']}")],
        ],
        order_id=made["id"],
    )


def show_closed(context: UpdateContext, order: dict[str, Any]) -> None:
    """Say that an order is paid, or under review, where its checkout was."""
    price = figures.money(context.language, Decimal(order["amount"]), order["currency"])
    context.show(
        context.rich(f"invitation_{order['state']}", title=title(context, order["texts"]), price=price)
    )


def _ask_again(
    context: UpdateContext, product: Product, way: Way, made: dict[str, Any], error: ContactRefused
) -> None:
    """Ask for another contact: the provider does not take the one that is kept."""
    log.warning("a contact was refused", action="contact_refused", provider=way.provider, reason=str(error))
    db.call("cancel_order", p_order_id=made["id"])
    words = {"contact": contact.kept(context) or "", "provider": context.provider_name(way.provider)}
    contact.forget(context)
    contact.ask(context, context.rich("buy_contact_refused", **words), _pending(product, way))


def _say_failed(
    context: UpdateContext,
    product: Product,
    way: Way,
    made: dict[str, Any],
    error: PaymentError | ConfigError,
) -> None:
    """Say that there is no checkout. A refusal and a wrong setting would stay: they need the owner."""
    from shared.payments.provider import RequestRefused

    is_refusal = isinstance(error, RequestRefused)
    tell = log.alert if is_refusal or isinstance(error, ConfigError) else log.warning
    tell("no checkout", action="checkout_failed", provider=way.provider, reason=str(error))
    if is_refusal:
        db.call("cancel_order", p_order_id=made["id"])
    text = context.rich("buy_refused" if is_refusal else "buy_unavailable")
    context.show(text, [[(context.text("buy_back"), f"{OTHER}{made['id']}")]])
