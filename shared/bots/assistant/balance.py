"""Pay from balance: the question with the price, the purchase, and top-ups where the balance is too low."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from telebot.types import CallbackQuery

from shared.bots.assistant import bot, buy, checkout, offers
from shared.bots.assistant.menu import back
from shared.core import db
from shared.core.errors import Refusal
from shared.core.texts import Text, figures
from shared.telegram import current
from shared.telegram.unit import Keyboard, Unit

_PAGE = re.compile(rf"{offers.BALANCE}([a-z0-9_]{{1,32}})")
# The price that was shown, and what names the purchase: n and the last one before it, so that two taps, or
# two devices, buy once; t and the top-up that was made for it. Buttons with u and an update are older.
_PAY = re.compile(r"bal!:([a-z0-9_]{1,32}):([0-9]{1,10}(?:\.[0-9]{1,2})?):([ntu][0-9]{1,19})")
_REFUSALS = ("L0002", "L0005")  # the balance is too low, the price has changed


@bot.callback_query_handler(
    func=lambda call: _PAGE.fullmatch(call.data or "") is not None, private_only=True, page="buy"
)
def ask(call: CallbackQuery) -> None:
    """Show the price and what will remain, or what is missing."""
    unit = current()
    _show(unit, (call.data or "").removeprefix(offers.BALANCE))


@bot.callback_query_handler(
    func=lambda call: _PAY.fullmatch(call.data or "") is not None, private_only=True, page="buy"
)
def pay(call: CallbackQuery) -> None:
    """Buy the product for the price that the button names."""
    unit = current()
    match = _PAY.fullmatch(call.data or "")
    assert match is not None  # the handler's filter
    key, amount, purchase = match.groups()
    name = f"{key}:{purchase}" if purchase.startswith("n") else purchase
    try:
        done = db.call(
            "pay_from_balance",
            p_user_id=unit.person.id,
            p_product_key=key,
            p_bot=bot.name,
            p_reference=f"{bot.name}:balance:{unit.person.id}:{name}",
            p_amount=Decimal(amount),
        )
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return _show(unit, key)
    if done["outcome"] == "not_for_sale":
        return offers.gone(unit)
    unit.set_data(checkout.WANTED, None)
    if done["state"] == "refunded":
        unit.show(*_refunded(unit, key, done))
    else:
        unit.show(_paid(unit, done), back(unit))
    from shared.payments import notifications  # a start need not wait for it

    return notifications.deliver(done["outgoing"])


def _paid(unit: Unit, done: dict[str, Any]) -> Text:
    return unit.rich(
        f"balance_paid_{done['kind']}",
        title=offers.title(unit, done["texts"]),
        balance=_money(unit, Decimal(done["balance"])),
        quantity=done["quantity"],
        until=unit.date(done["until"]) if done["until"] else "",
    )


def _refunded(unit: Unit, key: str, done: dict[str, Any]) -> tuple[Text, Keyboard]:
    price = figures.money(unit.language, Decimal(done["amount"]), done["currency"])
    text = unit.rich("invitation_refunded", title=offers.title(unit, done["texts"]), price=price)
    return text, [[(unit.text("invitation_again"), buy.BUY + key)], *back(unit)]


def _show(unit: Unit, key: str) -> None:
    """Show a product's price beside the balance, and the one step that comes next."""
    products = offers.products(unit)
    product = offers.find(products, key)
    way = None if product is None else offers.balance_way(unit, product)
    if product is None or way is None:
        return offers.gone(unit)
    money = {
        "title": offers.title(unit, product["texts"]),
        "price": _money(unit, way.amount),
        "balance": _money(unit, unit.person.balance),
    }
    other = [(unit.text("buy_back"), f"once:{key}")]
    if unit.person.balance < way.amount:
        unit.set_data(checkout.WANTED, key)
        missing = way.amount - unit.person.balance
        top_ups = _top_ups(unit, products, missing)
        text = unit.rich("balance_short" if top_ups else "balance_short_only", **money)
        return unit.show(text, [*top_ups, other])
    text = unit.rich(
        "balance_pay_period" if product["kind"] == "subscription" else "balance_pay",
        left=_money(unit, unit.person.balance - way.amount),
        **money,
    )
    last = db.call("last_balance_order", p_user_id=unit.person.id)
    data = f"bal!:{key}:{way.amount.normalize():f}:n{last}"
    return unit.show(text, [[(unit.text("buy_pay_button", price=money["price"]), data)], other])


def _top_ups(unit: Unit, products: list[dict[str, Any]], missing: Decimal) -> Keyboard:
    """Return buttons of the top-ups that cover what is missing, of all where none does."""
    offered = [one for one in products if one["kind"] == "balance"]
    enough = [one for one in offered if Decimal(one["quantity"]) >= missing]
    return [buy.product_row(unit, one) for one in (enough or offered)[:4]]


def _money(unit: Unit, amount: Decimal) -> str:
    return figures.money(unit.language, amount, unit.person.currency)
