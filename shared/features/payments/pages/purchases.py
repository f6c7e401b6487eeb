"""The purchases of a user, and the receipt of each payment."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.core.texts import figures
from shared.features.common import catalog, console_bot
from shared.features.common.web_buyer import WebBuyer, buyer_of
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import GetOwnPayment, PaymentHistory
    from shared.web.visit import Visit

_PATH = "/account/purchases"
_LINES = 20  # of a page
_MOST_PAGES = 1_000


def show(visit: Visit) -> Response:
    """List payments and unpaid orders, page by page."""
    buyer = buyer_of(visit)
    number = min(visit.number("page") or 1, _MOST_PAGES)
    found: list[PaymentHistory] = db.call(
        "payment_history",
        p_user_id=buyer.user.id,
        p_limit=_LINES + 1,
        p_offset=(number - 1) * _LINES,
    )
    return visit.render(
        "payments/purchases.html",
        lines=[_line(visit, buyer, line) for line in found[:_LINES]],
        newer=number - 1 if number > 1 else None,
        older=number + 1 if len(found) > _LINES else None,
    )


def _line(visit: Visit, buyer: WebBuyer, line: PaymentHistory) -> dict[str, object]:
    status = _status(line["status"], line["refunded"])
    link = None
    if line["id"]:
        link = f"{_PATH}/{line['id']}"
    elif line["order_id"]:
        link = f"/account/orders/{line['order_id']}"
    return {
        "date": visit.date(line["at"]),
        "title": catalog.title(buyer, line["texts"]) if line["texts"] else visit.text("payments_unknown"),
        "price": figures.money(visit.language, Decimal(line["amount"]), line["currency"]),
        "provider": buyer.provider_name(line["provider"]),
        "status": status,
        "link": link,
    }


def _status(status: str, refunded: str) -> str:
    """Return the state of a payment; `part`: a part was refunded."""
    return "part" if status == "completed" and Decimal(refunded) > 0 else status


def receipt(visit: Visit, payment_id: int) -> Response:
    """Show a payment: what was paid for what, what was refunded, and where to ask about it."""
    buyer = buyer_of(visit)
    payment: GetOwnPayment = db.call("get_own_payment", p_user_id=buyer.user.id, p_payment_id=payment_id)
    if payment["outcome"] == "unknown":
        raise NotFound
    refunded, full = Decimal(payment["refunded"]), payment["full_amount"]
    return visit.render(
        "payments/receipt.html",
        id=payment["id"],
        title=catalog.title(buyer, payment["texts"]) if payment["texts"] else visit.text("payments_unknown"),
        state=_status(payment["status"], payment["refunded"]),
        price=figures.money(visit.language, Decimal(payment["amount"]), payment["currency"]),
        full=figures.money(visit.language, Decimal(full), payment["currency"]) if full else "",
        refunded=figures.money(visit.language, refunded, payment["currency"]) if refunded else "",
        provider=buyer.provider_name(payment["provider"]),
        date=visit.date(payment["at"], with_time=True) if payment["at"] else "",
        contact=payment["contact"],
        is_renewal=payment["is_renewal"],
        order_id=payment["order_id"],
        buyer=visit.user.name,
        support=_support(),
        terms=settings().terms_url,
    )


def _support() -> tuple[str, str]:
    """Return a link to who answers about payments, and its words: the owner's contact, else the bot."""
    contact = settings().support_contact
    if re.fullmatch("@[A-Za-z0-9_]{4,32}", contact):
        return f"https://t.me/{contact[1:]}", contact
    try:
        name = console_bot.username()
    except TelegramError:
        return "", contact
    return ("", contact) if contact else (console_bot.chat(name), f"@{name}")


pages = (
    Page(_PATH, show, access=Access.USER),
    Page(f"{_PATH}/{row_id('payment_id')}", receipt, access=Access.USER),
)
