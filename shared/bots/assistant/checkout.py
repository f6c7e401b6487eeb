"""The end of a purchase: a question before a second auto-renewal, the receipt contact, the order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from telebot.handler_backends import ContinueHandling
from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot, contact, links, offers
from shared.bots.assistant.offers import PAY, Product, Way, title
from shared.core import db, log
from shared.core.errors import ConfigError
from shared.core.texts import Text, figures
from shared.payments import providers
from shared.telegram import current, reply
from shared.telegram.unit import Unit

if TYPE_CHECKING:
    from shared.payments.provider import ContactRefused, PaymentError

WANTED = "wanted"  # in session_data: the key of the product that a top-up is made for
OTHER = "other:"  # other:<order>: back from its checkout
_PAY_ANYWAY = "pay!:"  # as pay:, once the user knows that it replaces their auto-renewal


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith((PAY, _PAY_ANYWAY)), private_only=True, page="buy"
)
def choose_way(call: CallbackQuery) -> None:
    """Pay in the way that a button names."""
    unit = current()
    data = call.data or ""
    found = chosen_way(unit, data.partition(":")[2])
    if found is None:
        return offers.gone(unit)
    return pay(unit, *found, may_replace=data.startswith(_PAY_ANYWAY))


def pay(unit: Unit, product: Product, way: Way, *, may_replace: bool = False) -> None:
    """Show the checkout; ask before a second auto-renewal, and for a contact where a receipt is due."""
    if way.repeats and not may_replace and (running := _running_renewal(unit)):
        return _ask_to_replace(unit, product, way, running)
    if _needs_contact(way) and contact.kept(unit) is None:
        return contact.ask(unit, unit.rich("buy_contact"), _pending(product, way))
    return _checkout(unit, product, way)


def _pending(product: Product, way: Way) -> str:
    return way.button(product["key"]).removeprefix(PAY)


def chosen_way(unit: Unit, chosen: str) -> tuple[Product, Way] | None:
    """Return the product and the way that callback data behind `pay:` names, if both are still there."""
    return way_among(offers.products(unit), chosen)


def way_among(offered: list[Product], chosen: str) -> tuple[Product, Way] | None:
    """Return the product among those offered, and the way, that `chosen` names."""
    product = offers.find(offered, chosen.partition(":")[0])
    if product is None:
        return None
    ways = (way for way in offers.all_ways(product) if way.button(product["key"]) == PAY + chosen)
    way = next(ways, None)
    return (product, way) if way else None


def _needs_contact(way: Way) -> bool:
    return providers.load(way.provider).REQUIRES_CONTACT


def _running_renewal(unit: Unit) -> dict[str, Any] | None:
    """Return the newest auto-renewal that will be charged again."""
    renewals: list[dict[str, Any]] = db.call("subscription_overview", p_user_id=unit.person.id)["renewals"]
    return next((one for one in renewals if one["status"] in ("active", "past_due")), None)


def _ask_to_replace(unit: Unit, product: Product, way: Way, running: dict[str, Any]) -> None:
    words = {
        "title": title(unit, running["texts"]),
        "price": figures.money(unit.language, Decimal(running["amount"]), running["currency"]),
        "provider": unit.provider_name(running["provider"]),
    }
    unit.show(
        unit.rich("buy_replaces", **words),
        [
            [(unit.text("buy_replace"), _PAY_ANYWAY + _pending(product, way))],
            [(unit.text("subscription_back"), "subscription")],
            [(unit.text("buy_back"), f"auto:{product['key']}")],
        ],
    )


# The receipt contact --------------------------------------------------------------------------------------


def _is_contact(message: Message) -> bool:
    awaiting = current().data.get("awaiting")
    return awaiting in (contact.AWAITS, contact.AWAITS_AGAIN) and not (message.text or "").startswith("/")


@bot.message_handler(func=_is_contact, content_types=["text", "contact"])
def take_contact(message: Message) -> ContinueHandling | None:
    """Take the address for the receipt, written or shared as a contact, and go on with what was being bought.

    The second message that holds none is for the AI: the user has moved on.
    """
    from shared.payments import contacts

    unit = current()
    text = message.contact.phone_number if message.contact else message.text or ""
    found = contacts.read(text)
    if found is None and unit.data.get("awaiting") == contact.AWAITS_AGAIN and not contacts.is_try(text):
        unit.set_data("awaiting", None)
        return ContinueHandling()
    if found is None:
        unit.set_data("awaiting", contact.AWAITS_AGAIN)
        reply(unit.rich("buy_contact_wrong"), contact.cancel_button(unit))
        return None
    pending = contact.take(unit, found)
    if pending is None:
        contact.save(unit, found)
        return None
    chosen = chosen_way(unit, pending)
    if chosen is None:
        offers.gone(unit)
    else:
        _checkout(unit, *chosen)
    return None


# The order ------------------------------------------------------------------------------------------------


def _checkout(unit: Unit, product: Product, way: Way) -> None:
    from shared.payments.provider import ContactRefused, PaymentError

    made = _order(unit, product, way)
    try:
        url = _link(unit, made)
        while url is None:
            ended, made = made, _order(unit, product, way)
            # The same order again: its payment is under way, and its page says so.
            url = ended["checkout_url"] if made.get("id") == ended["id"] else _link(unit, made)
    except ContactRefused as error:
        return _ask_again(unit, product, way, made, error)
    except (PaymentError, ConfigError) as error:
        return _say_failed(unit, product, way, made, error)
    if made["outcome"] == "closed":
        return show_closed(unit, made)
    if made["outcome"] == "not_for_sale":
        return offers.gone(unit)
    return _show_checkout(unit, made, url)


def _order(unit: Unit, product: Product, way: Way) -> dict[str, Any]:
    made: dict[str, Any] = db.call(
        "create_order",
        p_user_id=unit.person.id,
        p_product_key=product["key"],
        p_provider=way.provider,
        p_currency=way.currency,
        p_bot=bot.name,
        p_renews=way.repeats,
        p_contact=contact.kept(unit) if _needs_contact(way) else None,
        # A worker that takes over, or Telegram's second delivery, finds the order of the first.
        p_reference=f"{bot.name}:{unit.incoming.update_id}",
        p_continues=unit.data.get(WANTED) if product["kind"] == "balance" else None,
        p_message_id=unit.shown_in,
        p_reuse=True,
    )
    return made


def _link(unit: Unit, made: dict[str, Any]) -> str | None:
    """Return the link of an order, None if it has run out; empty where there is no order to pay."""
    return "" if made["outcome"] in ("closed", "not_for_sale") else links.payable_link(unit, made)


def page(unit: Unit, product: Product, way: Way) -> Text:
    """Return the text of a checkout before there is an order."""
    order = {"texts": product["texts"], "period": product["period"], "renews": way.repeats}
    return _page(
        unit, {**order, "amount": way.amount, "full_amount": way.full_amount, "currency": way.currency}
    )


def _page(unit: Unit, made: dict[str, Any]) -> Text:
    price = figures.money(unit.language, Decimal(made["amount"]), made["currency"])
    words = {"title": title(unit, made["texts"]), "price": price, "full": ""}
    key = f"buy_pay_{made['period']}" if made["renews"] else "buy_pay"
    if made["full_amount"]:
        words["full"] = figures.money(unit.language, Decimal(made["full_amount"]), made["currency"])
        key = "buy_pay_reduced"
    return unit.rich(key, **words)


def _show_checkout(unit: Unit, made: dict[str, Any], url: str) -> None:
    price = figures.money(unit.language, Decimal(made["amount"]), made["currency"])
    unit.show(
        _page(unit, made),
        [
            [(unit.text("buy_pay_button", price=price), url)],
            [(unit.text("buy_back"), f"{OTHER}{made['id']}")],
        ],
        order_id=made["id"],
    )


def show_closed(unit: Unit, order: dict[str, Any]) -> None:
    """Say that an order is paid, or under review, where its checkout was."""
    price = figures.money(unit.language, Decimal(order["amount"]), order["currency"])
    unit.show(unit.rich(f"invitation_{order['state']}", title=title(unit, order["texts"]), price=price))


def _ask_again(unit: Unit, product: Product, way: Way, made: dict[str, Any], error: ContactRefused) -> None:
    """Ask for another contact: the provider does not take the one that is kept."""
    log.warning("a contact was refused", action="contact_refused", provider=way.provider, reason=str(error))
    db.call("cancel_order", p_order_id=made["id"])
    words = {"contact": contact.kept(unit) or "", "provider": unit.provider_name(way.provider)}
    contact.forget(unit)
    contact.ask(unit, unit.rich("buy_contact_refused", **words), _pending(product, way))


def _say_failed(
    unit: Unit, product: Product, way: Way, made: dict[str, Any], error: PaymentError | ConfigError
) -> None:
    """Say that there is no checkout. A refusal and a wrong setting would stay: they need the owner."""
    from shared.payments.provider import RequestRefused

    is_refusal = isinstance(error, RequestRefused)
    tell = log.alert if is_refusal or isinstance(error, ConfigError) else log.warning
    tell("no checkout", action="checkout_failed", provider=way.provider, reason=str(error))
    if is_refusal:
        db.call("cancel_order", p_order_id=made["id"])
    text = unit.rich("buy_refused" if is_refusal else "buy_unavailable")
    unit.show(text, [[(unit.text("buy_back"), f"{OTHER}{made['id']}")]])
