"""/buy: what there is, how to pay for it, and the button that opens the provider's page."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from telebot.handler_backends import ContinueHandling
from telebot.types import CallbackQuery, Message

from shared import db, log, texts
from shared.bots.assistant import bot, contact
from shared.bots.assistant.menu import back
from shared.bots.assistant.trial_offer import trial_offer, trial_row
from shared.errors import ConfigError
from shared.payments import providers
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, StateUnavailable, Unit
from shared.texts import Text, figures, joined

if TYPE_CHECKING:
    from shared.payments.provider import ContactRefused, PaymentError, Provider

BUY = "buy:"  # buy:<product>
BALANCE = "bal:"  # bal:<product>: pay from balance
_PAY = "pay:"  # pay:<product>:<provider>:<currency>[:again]
_PAY_ANYWAY = "pay!:"  # the same, once the user knows that it replaces their auto-renewal
_OTHER = "other:"  # other:<order>: from its checkout back to its product
_AGAIN = "again"  # the payment shall repeat itself each period
WANTED = "wanted"  # the product that a top-up is made for: its key
_TIMEOUT = 8.0  # seconds for a provider to make its checkout
_PREFERRED = {"ru": ("RUB", "USD", "EUR"), "": ("USD", "EUR", "RUB")}


class Way(NamedTuple):
    """One way to pay for a product."""

    provider: str
    currency: str
    amount: Decimal
    repeats: bool
    full_amount: Decimal | None = None  # without the person's discount, where they have one

    def button(self, product: str) -> str:
        """Return the callback data of its button."""
        if self.provider == "balance":
            return f"{BALANCE}{product}"
        return f"{_PAY}{product}:{self.provider}:{self.currency}" + (f":{_AGAIN}" if self.repeats else "")


@bot.message_handler(commands=["buy"], private_only=True)
def buy(_message: Message) -> None:
    """Show what there is."""
    unit = current()
    reply(*_shop_page(unit))


@bot.callback_query_handler(func=lambda call: call.data == "buy", private_only=True, page="buy")
def show_shop(_call: CallbackQuery) -> None:
    """Show what there is under the menu's button."""
    unit = current()
    unit.show(*_shop_page(unit))


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(BUY), private_only=True, page="buy"
)
def show_product(call: CallbackQuery) -> None:
    """Show one product, what it would add to, and the ways to pay."""
    _show_product(current(), (call.data or "").removeprefix(BUY))


@bot.callback_query_handler(
    func=lambda call: re.fullmatch(r"other:[0-9]{1,18}", call.data or "") is not None,
    private_only=True,
    page="buy",
)
def leave_checkout(call: CallbackQuery) -> None:
    """Go back from a checkout to the ways to pay; one that is paid meanwhile says so."""
    unit = current()
    order = int((call.data or "").removeprefix(_OTHER))
    left = db.call("leave_checkout", p_user_id=unit.person.id, p_order_id=order, p_message_id=unit.shown_in)
    if left["outcome"] == "closed":
        return _show_closed(unit, left)
    return _show_product(unit, left["product_key"]) if left["outcome"] == "left" else gone(unit)


def _show_closed(unit: Unit, order: dict[str, Any]) -> None:
    """Say that an order is paid, or under review, where its checkout was."""
    price = figures.money(unit.language, Decimal(order["amount"]), order["currency"])
    unit.show(unit.rich(f"invitation_{order['state']}", title=title(unit, order["texts"]), price=price))


def _show_product(unit: Unit, key: str) -> None:
    product = _find(unit, key)
    if product is None:
        return gone(unit)
    words = {"title": title(unit, product["texts"]), "about": _about(unit, product["texts"])}
    words["about"] += _reduced(unit, product)
    if product["kind"] != "subscription" or unit.usage.plan == "FREE":
        return unit.show(unit.rich("buy_product", **words), _ways(unit, product))
    running = db.call("subscription_overview", p_user_id=unit.person.id)
    until = running["ends_at"] and unit.date(running["ends_at"])
    repeats = any(renewal["status"] in ("active", "past_due") for renewal in running["renewals"])
    key = "buy_product_repeats" if repeats else "buy_product_extends" if until else "buy_product_endless"
    return unit.show(unit.rich(key, until=until or "", **words), _ways(unit, product))


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith((_PAY, _PAY_ANYWAY)), private_only=True, page="buy"
)
def pay(call: CallbackQuery) -> None:
    """Make the order and show the button that opens the provider's page; ask before a second auto-renewal."""
    unit = current()
    data = call.data or ""
    chosen = data.partition(":")[2]
    found = _chosen(unit, chosen)
    if found is None:
        return gone(unit)
    product, way = found
    if way.repeats and data.startswith(_PAY) and (running := _running_renewal(unit)):
        return _ask_to_replace(unit, chosen, running)
    if _needs_contact(way) and contact.kept(unit) is None:
        return contact.ask(unit, unit.rich("buy_contact"), chosen)
    return _checkout(unit, product, way)


def _running_renewal(unit: Unit) -> dict[str, Any] | None:
    """Return the newest auto-renewal that will be charged again."""
    renewals: list[dict[str, Any]] = db.call("subscription_overview", p_user_id=unit.person.id)["renewals"]
    return next((one for one in renewals if one["status"] in ("active", "past_due")), None)


def _ask_to_replace(unit: Unit, chosen: str, running: dict[str, Any]) -> None:
    words = {
        "title": title(unit, running["texts"]),
        "price": figures.money(unit.language, Decimal(running["amount"]), running["currency"]),
        "provider": unit.text(f"provider_{running['provider']}"),
    }
    unit.show(
        unit.rich("buy_replaces", **words),
        [
            [(unit.text("buy_replace"), _PAY_ANYWAY + chosen)],
            [(unit.text("subscription_back"), "subscription")],
            [(unit.text("buy_other"), BUY + chosen.partition(":")[0])],
        ],
    )


def _shop_page(unit: Unit) -> tuple[Text, Keyboard]:
    """Return the shop; what a top-up was to be made for is forgotten here."""
    if unit.data.get(WANTED):
        unit.set_data(WANTED, None)
    found = products(unit)
    return _shop(unit, found), _shelf(unit, found)


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
        reply(unit.rich("buy_contact_wrong"), [[(unit.text("contact_cancel"), "contact:cancel")]])
        return None
    pending = contact.take(unit, found)
    if pending is None:
        contact.save(unit, found)
        return None
    chosen = _chosen(unit, pending)
    if chosen is None:
        gone(unit)
    else:
        _checkout(unit, *chosen)
    return None


def _checkout(unit: Unit, product: dict[str, Any], way: Way) -> None:
    from shared.payments.provider import ContactRefused, PaymentError

    provider = providers.load(way.provider)
    address = contact.kept(unit) if _needs_contact(way) else None
    made = db.call(
        "create_order",
        p_user_id=unit.person.id,
        p_product_key=product["key"],
        p_provider=way.provider,
        p_currency=way.currency,
        p_bot=bot.name,
        p_renews=way.repeats,
        p_contact=address,
        # A worker that takes over, or Telegram's second delivery, finds the order of the first.
        p_reference=f"{bot.name}:{unit.incoming.update_id}",
        p_continues=unit.data.get(WANTED) if product["kind"] == "balance" else None,
        p_message_id=unit.shown_in,
    )
    if made["outcome"] == "closed":
        return _show_closed(unit, made)
    if made["outcome"] == "not_for_sale":
        return gone(unit)
    url = made["checkout_url"]
    if not url:
        try:
            url = _open(unit, provider, made, address)
        except ContactRefused as error:
            return _ask_again(unit, product, way, made, error)
        except (PaymentError, ConfigError) as error:
            return _say_failed(unit, product, way, made, error)
    price = figures.money(unit.language, Decimal(made["amount"]), made["currency"])
    words = {"title": title(unit, made["texts"]), "price": price}
    if made["full_amount"]:
        words["full"] = figures.money(unit.language, Decimal(made["full_amount"]), made["currency"])
        text = unit.rich("buy_pay_reduced", **words)
    else:
        text = unit.rich("buy_pay_repeats" if way.repeats else "buy_pay", **words)
    return unit.show(
        text,
        [
            [(unit.text("buy_pay_button", price=price), url)],
            [(unit.text("buy_other"), f"{_OTHER}{made['id']}")],
        ],
        order_id=made["id"],
    )


def _ask_again(
    unit: Unit, product: dict[str, Any], way: Way, made: dict[str, Any], error: ContactRefused
) -> None:
    """Ask for another contact: the provider does not take the one that is kept."""
    log.warning("a contact was refused", action="contact_refused", provider=way.provider, reason=str(error))
    db.call("cancel_order", p_order_id=made["id"])
    words = {"contact": contact.kept(unit) or "", "provider": unit.text(f"provider_{way.provider}")}
    contact.forget(unit)
    pending = way.button(product["key"]).removeprefix(_PAY)
    contact.ask(unit, unit.rich("buy_contact_refused", **words), pending)


def _say_failed(
    unit: Unit, product: dict[str, Any], way: Way, made: dict[str, Any], error: PaymentError | ConfigError
) -> None:
    """Say that there is no checkout. A refusal and a wrong setting would stay: they need the owner."""
    from shared.payments.provider import RequestRefused

    is_refusal = isinstance(error, RequestRefused)
    tell = log.alert if is_refusal or isinstance(error, ConfigError) else log.warning
    tell("no checkout", action="checkout_failed", provider=way.provider, reason=str(error))
    if is_refusal:
        db.call("cancel_order", p_order_id=made["id"])
    text = unit.rich("buy_refused" if is_refusal else "buy_unavailable")
    unit.show(text, [[(unit.text("buy_other"), BUY + product["key"])]])


def _open(unit: Unit, provider: Provider, made: dict[str, Any], address: str | None) -> str:
    from shared.payments.provider import Order

    name, expires_at = title(unit, made["texts"])[:32], datetime.fromisoformat(made["expires_at"])
    order = Order(
        id=made["id"],
        title=name,
        description=_about(unit, made["texts"])[:128] or name,
        amount=Decimal(made["amount"]),
        currency=made["currency"],
        telegram_id=unit.person.telegram_id,
        # The number alone would be known to a provider from another database on the same account.
        idempotency_key=f"order-{made['id']}-{int(expires_at.timestamp())}",
        return_url=f"https://t.me/{bot.user.username}",
        language=unit.language,
        period=made["period"] if made["renews"] else None,
        contact=address,
        expires_at=expires_at,
        bot=bot.name,
    )
    checkout = provider.create(order, _TIMEOUT)
    db.call(
        "keep_checkout",
        p_order_id=made["id"],
        p_url=checkout.url,
        p_reference=checkout.reference,
        p_message_id=unit.shown_in,
    )
    return checkout.url


def products(unit: Unit) -> list[dict[str, Any]]:
    """Return the products that can be paid for in some way here."""
    if unit.is_offline:
        raise StateUnavailable
    found: list[dict[str, Any]] = db.call("products_for_sale", p_user_id=unit.person.id)
    return [product for product in found if ways_to_pay(unit, product)]


def _find(unit: Unit, key: str) -> dict[str, Any] | None:
    return next((product for product in products(unit) if product["key"] == key), None)


def _chosen(unit: Unit, chosen: str) -> tuple[dict[str, Any], Way] | None:
    """Return the product and the way that a button named, if both are still there."""
    product = _find(unit, chosen.partition(":")[0])
    if product is None:
        return None
    ways = (way for way in ways_to_pay(unit, product) if way.button(product["key"]) == _PAY + chosen)
    way = next(ways, None)
    return (product, way) if way else None


def ways_to_pay(unit: Unit, product: dict[str, Any]) -> list[Way]:
    """Return the ways there are, Stars first: Telegram asks for them where digital goods are sold.

    Balance comes last. Alone it is a way for a user who has enough of it.
    """
    ways = []
    for key in sorted(providers.configured(), key=lambda key: (key != "telegram_stars", key)):
        provider = providers.load(key)
        preferred = ("XTR", *_PREFERRED.get(unit.language, _PREFERRED[""]))
        takes = provider.CURRENCIES.intersection(product["prices"])
        currency = next((code for code in preferred if code in takes), None)
        if currency is None:
            continue
        amount = Decimal(product["prices"][currency])
        reduced = product["discount"] and product["discount"]["prices"].get(currency)
        if reduced:  # once: what renews by itself costs what it costs
            ways.append(Way(key, currency, Decimal(reduced), repeats=False, full_amount=amount))
        else:
            ways.append(Way(key, currency, amount, repeats=False))
        if product["period"] and provider.renews(product["period"], currency):
            ways.append(Way(key, currency, amount, repeats=True))
    from_balance = balance_way(unit, product)
    if from_balance and (ways or unit.person.balance >= from_balance.amount):
        ways.append(from_balance)
    return ways


def balance_way(unit: Unit, product: dict[str, Any]) -> Way | None:
    """Return how a product is paid from balance: for one period, never for balance itself."""
    currency = unit.person.currency
    if product["kind"] == "balance" or currency not in product["prices"]:
        return None
    amount = Decimal(product["prices"][currency])
    reduced = product["discount"] and product["discount"]["prices"].get(currency)
    if reduced:
        return Way("balance", currency, Decimal(reduced), repeats=False, full_amount=amount)
    return Way("balance", currency, amount, repeats=False)


def _needs_contact(way: Way) -> bool:
    return providers.load(way.provider).NEEDS_CONTACT


def _shelf(unit: Unit, products: list[dict[str, Any]]) -> Keyboard:
    rows = [[offer(unit, product)] for product in products]
    return [*trial_row(unit, trial_offer(unit)), *rows, [(unit.text("buy_promo"), "promo")], *back(unit)]


def offer(unit: Unit, product: dict[str, Any]) -> tuple[str, str]:
    """Return the button that opens a product: its title and the price of the first way to pay."""
    price = _price(unit, ways_to_pay(unit, product)[0])
    return f"{title(unit, product['texts'])} · {price}", BUY + product["key"]


def _shop(unit: Unit, products: list[dict[str, Any]]) -> Text:
    """Say what the buttons are, and which discount is in their prices already."""
    if not products:
        return unit.rich("buy_nothing")
    discount = next((product["discount"] for product in products if product["discount"]), None)
    if discount is None:
        return unit.rich("buy")
    until = unit.date(discount["until"]) if discount["until"] else ""
    key = "buy_discount_until" if until else "buy_discount"
    note = unit.rich(key, percent=discount["percent"], until=until)
    return joined(unit.rich("buy"), note, separator="\n\n")


def _reduced(unit: Unit, product: dict[str, Any]) -> str:
    """Say what the person's discount makes of each price of a product, and what it is not for."""
    ways = ways_to_pay(unit, product)
    prices = {
        way.currency: unit.text(
            "buy_reduced_price",
            price=_price(unit, way),
            full=figures.money(unit.language, way.full_amount, way.currency),
        )
        for way in ways
        if way.full_amount
    }
    if not prices:
        return ""
    words = unit.text(
        "buy_reduced", percent=product["discount"]["percent"], prices="; ".join(prices.values())
    )
    repeats = unit.text("buy_reduced_repeats") if any(way.repeats for way in ways) else ""
    return "\n\n" + words + repeats


def _ways(unit: Unit, product: dict[str, Any]) -> Keyboard:
    rows = [[(_label(unit, way), way.button(product["key"]))] for way in ways_to_pay(unit, product)]
    return [*rows, [(unit.text("buy_all"), "buy")]]


def _label(unit: Unit, way: Way) -> str:
    price, provider = _price(unit, way), unit.text(f"provider_{way.provider}")
    if way.provider == "balance":
        balance = figures.money(unit.language, unit.person.balance, unit.person.currency)
        return unit.text("buy_way_balance", provider=provider, price=price, balance=balance)
    return unit.text("buy_way_repeats" if way.repeats else "buy_way", provider=provider, price=price)


def _price(unit: Unit, way: Way) -> str:
    return figures.money(unit.language, way.amount, way.currency)


def title(unit: Unit, named: dict[str, Any]) -> str:
    """Return a product's title in the person's language, or in any there is."""
    return str(texts.pick(unit.language, named)["title"])


def _about(unit: Unit, named: dict[str, Any]) -> str:
    return str(texts.pick(unit.language, named).get("description", ""))


def gone(unit: Unit) -> None:
    """Say that this is not for sale, and lead back to what is."""
    unit.show(unit.rich("buy_gone"), [[(unit.text("buy_all"), "buy")]])
