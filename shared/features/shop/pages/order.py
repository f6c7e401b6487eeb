"""The page of an order: its state, the link to the provider, a new link, and canceling.

A script asks for the state every three seconds; without it, the page is reloaded.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson
from pydantic import BaseModel
from werkzeug.exceptions import NotFound

from shared.core import db, log
from shared.core.errors import ConfigError, TelegramError
from shared.core.texts import figures
from shared.features.common import catalog, console_bot
from shared.features.common.web_buyer import buyer_of
from shared.features.shop import links
from shared.payments import providers
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page, Policy, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import CancelOwnOrder, GetOwnOrder
    from shared.web.visit import Visit

_PATH = "/account/orders"
# Where a purchase is used, by the kind of its product, and the text of the link.
_USED_AT = {
    "course": ("/dashboard", "order_open_courses"),
    "subscription": ("/account/plan", "order_open_plan"),
    "credits": ("/account/usage", "order_open_usage"),
    "balance": ("/account/balance", "order_open_balance"),
}
_GIFTS = ("/account/gifts", "order_open_gifts")
START = "order_"  # begins the payload of the link that opens an order in the bot


class _Checking(BaseModel):
    """What the button for a new link sends."""

    reference: forms.Reference


def path(order_id: int | str) -> str:
    """Return the path of an order's page."""
    return f"{_PATH}/{order_id}"


def show(visit: Visit, order_id: int) -> Response:
    """Show an order."""
    order, buyer = _own(visit, order_id), buyer_of(visit)
    state = order["state"]
    full = order["full_amount"]
    return visit.render(
        "shop/order.html",
        id=order["id"],
        title=catalog.title(buyer, order["texts"]),
        price=figures.money(visit.language, Decimal(order["amount"]), order["currency"]),
        full=figures.money(visit.language, Decimal(full), order["currency"]) if full else "",
        period=order["period"] if order["renews"] else None,
        provider=order["provider"],
        provider_name=buyer.provider_name(order["provider"]),
        state=state or "open",
        is_pending=order["is_pending"],
        is_failed=order["is_failed"],
        link=_link(order) if state is None else "",
        is_stars=_is_stars(order),
        contact=order["contact"],
        until=visit.date(order["expires_at"], with_time=True),
        date=visit.date(order["created_at"], with_time=True),
        payment_id=order["payment_id"],
        product_key=order["product_key"],
        used_at=_used_at(visit, order) if state == "paid" else None,
        tag=_tag(order),
        reference=forms.new_reference(),
    )


def _own(visit: Visit, order_id: int) -> GetOwnOrder:
    """Return an order of the user.

    Raises:
        NotFound: there is none; other users' orders look the same.
    """
    order: GetOwnOrder = db.call("get_own_order", p_user_id=visit.user.user_id, p_order_id=order_id)
    if order["outcome"] == "unknown":
        raise NotFound
    return order


def _link(order: GetOwnOrder) -> str:
    """Return where the order is paid; empty where it has no link yet. Stars are paid in the bot."""
    if not _is_stars(order) or not order["checkout_url"]:
        return order["checkout_url"] or ""
    try:
        return console_bot.link(f"{START}{order['id']}")
    except TelegramError:
        return order["checkout_url"]


def _used_at(visit: Visit, order: GetOwnOrder) -> tuple[str, str] | None:
    """Return path and text of the page where a purchase is used; None where this console has none."""
    place = _GIFTS if order["is_gift"] else _USED_AT[order["kind"]]
    return place if visit.offers(place[0]) else None


def _is_stars(order: GetOwnOrder) -> bool:
    """Return whether an order is paid in Stars."""
    key = order["provider"]  # it may be gone, or the balance
    return key in providers.names() and providers.load(key).PAYMENT_METHOD == "stars"


def state(visit: Visit, order_id: int) -> Response:
    """Return the state of an order for the script, or 304 while it is the one that the page shows."""
    order = _own(visit, order_id)
    response = visit.json({"state": order["state"] or "open"})
    response.set_etag(_tag(order))
    response.make_conditional(visit.request)
    return response


def _tag(order: GetOwnOrder) -> str:
    keys = ("state", "is_pending", "is_failed", "checkout_url", "payment_id")
    return sha256(orjson.dumps([order.get(key) for key in keys])).hexdigest()[:16]


def check(visit: Visit, order_id: int) -> Response:
    """Ask the provider what became of the payment, and get a new link where the old one has run out."""
    from shared.payments.provider import PaymentError

    attempt = visit.form(_Checking).reference
    order, buyer = _own(visit, order_id), buyer_of(visit)
    if order["state"] is None:
        try:
            place = links.Place(visit.address(path("{order}")), attempt)
            links.payable_link(buyer, order, place, may_retry=True)
        except (PaymentError, ConfigError) as error:
            log.warning("no link", action="checkout_failed", provider=order["provider"], reason=str(error))
            return visit.redirect(path(order_id), "buy_unavailable_notice")
    return visit.redirect(path(order_id))


def cancel(visit: Visit, order_id: int) -> Response:
    """Cancel an order that was not paid."""
    done: CancelOwnOrder = db.call("cancel_own_order", p_user_id=visit.user.user_id, p_order_id=order_id)
    if done["outcome"] == "unknown":
        raise NotFound
    if done.get("outgoing"):
        from shared.telegram import outbox  # imports telebot

        outbox.deliver_outgoing(done["outgoing"])
    is_canceled = done["outcome"] == "canceled"
    return visit.redirect(path(order_id), "order_canceled_notice" if is_canceled else "")


_ORDER = f"{_PATH}/{row_id('order_id')}"

pages = (
    Page(_ORDER, show, Policy(has_scripts=True), access=Access.USER),
    Page(f"{_ORDER}/state", state, access=Access.USER),
    Page(f"{_ORDER}/check", check, methods=("POST",), max_body=2_000, access=Access.USER),
    Page(f"{_ORDER}/cancel", cancel, methods=("POST",), max_body=2_000, access=Access.USER),
)
