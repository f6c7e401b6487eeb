"""Payment from balance: the price, the purchase, and top-ups when the balance is too low."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.errors import Refusal
from shared.core.texts import Text, concat, figures
from shared.features.common import catalog
from shared.features.common.menu import back
from shared.features.shop import checkout, lists, ordering, screens
from shared.features.shop.gift_button import GIVE
from shared.telegram import current_context, outbox
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import PayFromBalance, ProductsForSale

router = Router()

_PAGE = re.compile(rf"{catalog.BALANCE}([a-z0-9_]{{1,32}})(:{catalog.GIFT})?")
# The price that was shown, and what names the purchase (ordering.pay_from_balance). Buttons with u and an
# update are older.
_PAY = re.compile(
    rf"bal!:([a-z0-9_]{{1,32}}):([0-9]{{1,10}}(?:\.[0-9]{{1,2}})?):([ntu][0-9]{{1,19}})(:{catalog.GIFT})?"
)
# The balance is too low, the price has changed, what lowered it was used or refunded at this moment.
_REFUSALS = ("L0002", "L0005", "M0004")


@router.callback_query_handler(data=_PAGE.pattern, private_only=True, page="buy")
def ask(call: CallbackQuery) -> None:
    """Show the price and what will remain, or what is missing."""
    context = current_context()
    match = _PAGE.fullmatch(call.data or "")
    assert match is not None  # the handler's filter
    _show(context, match[1], is_gift=match[2] is not None)


@router.callback_query_handler(data=_PAY.pattern, private_only=True, page="buy")
def pay(call: CallbackQuery) -> None:
    """Buy the product for the price that the button names."""
    context = current_context()
    match = _PAY.fullmatch(call.data or "")
    assert match is not None  # the handler's filter
    key, amount, purchase, gift = match.groups()
    is_gift = gift is not None
    try:
        done = ordering.pay_from_balance(context, key, Decimal(amount), purchase, is_gift=is_gift)
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return _show(context, key, is_gift=is_gift)
    if done["outcome"] == "not_for_sale":
        return catalog.gone(context)
    context.set_data(checkout.WANTED, None)
    if done["state"] == "refunded":
        context.show(*_refunded(context, key, done))
    else:
        context.show(*_paid(context, done))
    return outbox.deliver_outgoing(done["outgoing"])


def _paid(context: UpdateContext, done: PayFromBalance) -> tuple[Text, Keyboard]:
    text = context.rich(
        "balance_paid_gift" if done["is_gift"] else f"balance_paid_{done['kind']}",
        title=catalog.title(context, done["texts"]),
        balance=_money(context, Decimal(done["balance"])),
        quantity=done["quantity"],
        until=context.date(done["until"]) if done["until"] else "",
    )
    if done["is_gift"]:
        return text, [[(context.text("gift_open"), f"gift:{done['payment_id']}")], *back(context)]
    return text, back(context)


def _refunded(context: UpdateContext, key: str, done: PayFromBalance) -> tuple[Text, Keyboard]:
    price = figures.money(context.language, Decimal(done["amount"]), done["currency"])
    text = context.rich("invitation_refunded", title=catalog.title(context, done["texts"]), price=price)
    return text, [
        [(context.text("invitation_again"), (GIVE if done["is_gift"] else lists.BUY) + key)],
        *back(context),
    ]


def _show(context: UpdateContext, key: str, *, is_gift: bool) -> None:
    """Show the price and the balance, with a button to pay, or with top-ups."""
    products = catalog.products(context)
    product = catalog.find(products, key)
    option = None if product is None else catalog.balance_option(context, product)
    if product is None or option is None:
        return catalog.gone(context)
    money = {
        "title": catalog.title(context, product["texts"]),
        "price": _money(context, option.amount),
        "balance": _money(context, context.user.balance),
    }
    other = [(context.text("list_back"), GIVE + key if is_gift else screens.MODE[False] + key)]
    if is_gift and product["kind"] != "subscription":
        return catalog.gone(context)
    if is_gift and context.user.balance < option.amount:
        return context.show(context.rich("balance_short_only", **money), [other])
    if context.user.balance < option.amount:
        context.set_data(checkout.WANTED, key)
        missing = option.amount - context.user.balance
        top_ups = _top_ups(context, products, missing)
        text = context.rich("balance_short" if top_ups else "balance_short_only", **money)
        return context.show(text, [*top_ups, other])
    text = context.rich(
        "balance_pay_period" if product["kind"] == "subscription" and not is_gift else "balance_pay",
        left=_money(context, context.user.balance - option.amount),
        **money,
    )
    last: int = db.call("last_balance_order", p_user_id=context.user.id)
    data = f"bal!:{key}:{option.amount.normalize():f}:n{last}"
    if is_gift:
        text = concat(context.rich("gift_checkout"), text, separator="\n\n")
        data += f":{catalog.GIFT}"
    return context.show(text, [[(context.text("buy_pay_button", price=money["price"]), data)], other])


def _top_ups(context: UpdateContext, products: list[ProductsForSale], missing: Decimal) -> Keyboard:
    """Return the buttons of top-ups that cover what is missing, or of all if none does."""
    offered = [one for one in products if one["kind"] == "balance"]
    enough = [one for one in offered if Decimal(one["quantity"] or 0) >= missing]
    return [lists.product_row(context, one) for one in (enough or offered)[:4]]


def _money(context: UpdateContext, amount: Decimal) -> str:
    return figures.money(context.language, amount, context.user.currency)
