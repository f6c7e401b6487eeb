"""The balance: how much there is, what changed it, and top-ups."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db, texts
from shared.core.texts import figures
from shared.features.common import catalog
from shared.features.common.web_buyer import WebBuyer, buyer_of
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import BalanceHistory
    from shared.web.visit import Visit

_PATH = "/account/balance"
_LINES = 20  # of a page


def show(visit: Visit) -> Response:
    """Show the balance, with the newest changes or those before the one that the address names."""
    buyer = buyer_of(visit)
    before = visit.number("before")
    found: list[BalanceHistory] = db.call(
        "balance_history",
        p_user_id=buyer.user.id,
        p_before=before,
        p_limit=_LINES + 1,
    )
    shown = found[:_LINES]
    then = visit.request.args.get("then", "")[:64]
    return visit.render(
        "shop/balance.html",
        balance=_money(buyer, buyer.user.balance),
        lines=[_line(visit, buyer, entry) for entry in shown],
        older=shown[-1]["id"] if len(found) > _LINES else None,
        is_first=before is None,
        then=then,
        top_ups=[
            {
                "key": product["key"],
                "title": catalog.title(buyer, product["texts"]),
                "price": catalog.price(buyer, catalog.shown_option(buyer, product)),
            }
            for product in catalog.products(buyer)
            if product["kind"] == "balance"
        ],
    )


def _line(visit: Visit, buyer: WebBuyer, entry: BalanceHistory) -> dict[str, object]:
    amount = Decimal(entry["amount"])
    key = f"balance_reason_{entry['reason'].replace(' ', '_')}"
    is_known = texts.has(visit.language, key)
    return {
        "date": visit.date(entry["at"]),
        # Other services may write anything; words that were not written for the user are not shown.
        "reason": visit.text(key if is_known else "balance_reason_other"),
        "title": catalog.title(buyer, entry["texts"]) if entry["texts"] else "",
        "amount": ("+" if amount > 0 else "") + _money(buyer, amount),
        "after": _money(buyer, Decimal(entry["balance_after"])),
        "is_credit": amount > 0,
    }


def _money(buyer: WebBuyer, amount: Decimal) -> str:
    return figures.money(buyer.language, amount, buyer.user.currency)


pages = (Page(_PATH, show, access=Access.USER),)
