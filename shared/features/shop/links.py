"""The link at which an order is paid: created once, reused only while it can still be paid."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from shared.core import db
from shared.features.common import catalog
from shared.features.common.catalog import title
from shared.payments import providers

if TYPE_CHECKING:
    from shared.core.sql_types import CreateOrder, GetOpenOrder, GetOwnOrder
    from shared.features.common.buyer import Buyer
    from shared.telegram.context import UpdateContext

    Order = CreateOrder | GetOpenOrder | GetOwnOrder

_TIMEOUT = 8.0  # seconds for a provider to make a checkout
_ASK_TIMEOUT = 4.0  # seconds for it to say whether an old one is still open


class Place(NamedTuple):
    """Where a user pays from: a chat, or a page.

    Attributes:
        return_url: where the payer returns afterwards; {order} stands for the order's number.
        attempt: names this request; repeated, it gets the same new link of a reused order.
        message_id: the message that invites to pay.
    """

    return_url: str
    attempt: str
    message_id: int | None = None


def in_chat(context: UpdateContext) -> Place:
    """Return the place of a purchase in a chat."""
    bot = f"https://t.me/{context.bot.user.username}"
    return Place(bot, str(context.update.update_id), context.edited_message_id)


def payable_link(buyer: Buyer, order: Order, place: Place, *, may_retry: bool = False) -> str | None:
    """Return where an order (private.order_details) is paid; None if its old link has run out.

    The provider is asked whether the link of a reused order is still open. One that cannot say makes another
    link of the same order.

    Args:
        may_retry: another link is made also where the payment at the old one failed for good.

    Raises:
        PaymentError: no link, or no answer.
    """
    if not order["checkout_url"]:
        return _open(buyer, order, place)
    if order["outcome"] not in ("reused", "found"):
        return str(order["checkout_url"])
    if order["provider"] not in providers.names():
        from shared.payments.provider import RequestRefused  # not needed at a cold start

        raise RequestRefused(f"the provider {order['provider']} is gone")
    provider = providers.load(order["provider"])
    if provider.EXPIRES_SILENTLY:
        return _open(buyer, order, place)
    state = _state(order) if provider.SUPPORTS_STATUS and order["checkout_reference"] else frozenset()
    if not state:
        return str(order["checkout_url"])
    return _open(buyer, order, place) if may_retry and state == {"failed"} else None


def _state(order: Order) -> frozenset[str]:
    from shared.payments import open_orders  # not needed at a cold start

    return open_orders.refresh(
        order["provider"], order["id"], order["checkout_reference"] or "", _ASK_TIMEOUT
    )


def _open(buyer: Buyer, made: Order, place: Place) -> str:
    from shared.payments import provider

    name, expires_at = title(buyer, made["texts"])[:32], datetime.fromisoformat(made["expires_at"])
    # With the number alone, orders of another database on the same account would collide.
    key = f"order-{made['id']}-{int(expires_at.timestamp())}"
    order = provider.Order(
        id=made["id"],
        title=name,
        description=catalog.about(buyer, made["texts"])[:128] or name,
        amount=Decimal(made["amount"]),
        currency=made["currency"],
        telegram_id=buyer.user.telegram_id,
        idempotency_key=f"{key}-{place.attempt}" if made["outcome"] in ("reused", "found") else key,
        return_url=place.return_url.replace("{order}", str(made["id"])),
        language=buyer.language,
        period=made["period"] if made["renews"] else None,
        contact=made["contact"],
        expires_at=expires_at,
        bot=buyer.bot.name,
    )
    checkout = providers.load(made["provider"]).create(order, _TIMEOUT)
    db.call(
        "save_checkout",
        p_order_id=made["id"],
        p_url=checkout.url,
        p_reference=checkout.reference,
        p_message_id=place.message_id,
    )
    return checkout.url
