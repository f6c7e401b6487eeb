"""Pay from balance: the question with the price, the purchase, and top-ups where the balance is too low."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from telebot.types import CallbackQuery

from shared import db
from shared.bots.assistant import bot, buy
from shared.bots.assistant.menu import back
from shared.errors import Refusal
from shared.telegram import current
from shared.telegram.unit import Keyboard, Unit
from shared.texts import Text, figures

_PAGE = re.compile(rf"{buy.BALANCE}([a-z0-9_]{{1,32}})")
# The price that was shown, and what names this purchase: two taps on one button buy once.
_PAY = re.compile(r"bal!:([a-z0-9_]{1,32}):([0-9]{1,10}(?:\.[0-9]{1,2})?):([tu][0-9]{1,19})")
_REFUSALS = ("L0002", "L0005")  # the balance is too low, the price has changed


@bot.callback_query_handler(
    func=lambda call: _PAGE.fullmatch(call.data or "") is not None, private_only=True, page="buy"
)
def ask(call: CallbackQuery) -> None:
    """Show the price and what will remain, or what is missing."""
    unit = current()
    _show(unit, (call.data or "").removeprefix(buy.BALANCE))


@bot.callback_query_handler(
    func=lambda call: _PAY.fullmatch(call.data or "") is not None, private_only=True, page="buy"
)
def pay(call: CallbackQuery) -> None:
    """Buy the product for the price that the button names."""
    unit = current()
    match = _PAY.fullmatch(call.data or "")
    assert match is not None  # the handler's filter
    key, amount, purchase = match.groups()
    try:
        done = db.call(
            "pay_from_balance",
            p_user_id=unit.person.id,
            p_product_key=key,
            p_bot=bot.name,
            p_reference=f"{bot.name}:balance:{unit.person.id}:{purchase}",
            p_amount=Decimal(amount),
        )
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return _show(unit, key)
    if done["outcome"] == "not_for_sale":
        return buy.gone(unit)
    unit.set_data(buy.WANTED, None)
    unit.show(_paid(unit, done), back(unit))
    from shared.payments import endpoint  # a start need not wait for it

    return endpoint.send(done["outgoing"])


def _paid(unit: Unit, done: dict[str, Any]) -> Text:
    left = figures.money(unit.language, Decimal(done["balance"]), done["currency"])
    return unit.rich("balance_paid", title=buy.title(unit, done["texts"]), balance=left)


def _show(unit: Unit, key: str) -> None:
    """Show a product's price beside the balance, and the one step that comes next."""
    products = buy.products(unit)
    product = next((one for one in products if one["key"] == key), None)
    way = None if product is None else buy.balance_way(unit, product)
    if product is None or way is None:
        return buy.gone(unit)
    money = {
        "title": buy.title(unit, product["texts"]),
        "price": _money(unit, way.amount),
        "balance": _money(unit, unit.person.balance),
    }
    other = [(unit.text("buy_other"), buy.BUY + key)]
    if unit.person.balance < way.amount:
        unit.set_data(buy.WANTED, key)
        missing = way.amount - unit.person.balance
        top_ups = _top_ups(unit, products, missing)
        text = unit.rich("balance_short" if top_ups else "balance_short_only", **money)
        return unit.show(text, [*top_ups, other])
    text = unit.rich(
        "balance_pay_period" if product["kind"] == "subscription" else "balance_pay",
        left=_money(unit, unit.person.balance - way.amount),
        **money,
    )
    data = f"bal!:{key}:{way.amount.normalize():f}:u{unit.incoming.update_id}"
    return unit.show(text, [[(unit.text("buy_pay_button", price=money["price"]), data)], other])


def _top_ups(unit: Unit, products: list[dict[str, Any]], missing: Decimal) -> Keyboard:
    """Return buttons of the top-ups that cover what is missing, of all where none does."""
    offered = [one for one in products if one["kind"] == "balance"]
    enough = [one for one in offered if Decimal(one["quantity"]) >= missing]
    return [[buy.offer(unit, one)] for one in enough or offered]


def _money(unit: Unit, amount: Decimal) -> str:
    return figures.money(unit.language, amount, unit.person.currency)
