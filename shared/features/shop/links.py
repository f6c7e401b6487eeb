"""The link at which an order is paid: created once, reused only while it can still be paid."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db
from shared.features.common import catalog
from shared.features.common.catalog import title
from shared.payments import providers
from shared.telegram.context import UpdateContext

if TYPE_CHECKING:
    from shared.core.sql_types import CreateOrder, GetOpenOrder

_TIMEOUT = 8.0  # seconds for a provider to make a checkout
_ASK_TIMEOUT = 4.0  # seconds for it to say whether an old one is still open


def payable_link(
    context: UpdateContext, order: CreateOrder | GetOpenOrder, *, may_retry: bool = False
) -> str | None:
    """Return where an order (private.order_details) is paid; None if its old link has run out.

    The provider is asked whether the link of a reused order is still open. One that cannot say makes another
    link of the same order.

    Args:
        may_retry: another link is made also where the payment at the old one failed for good.

    Raises:
        PaymentError: no link, or no answer.
    """
    if not order["checkout_url"]:
        return _open(context, order)
    if order["outcome"] != "reused":
        return str(order["checkout_url"])
    if order["provider"] not in providers.names():
        from shared.payments.provider import RequestRefused  # not needed at a cold start

        raise RequestRefused(f"the provider {order['provider']} is gone")
    provider = providers.load(order["provider"])
    if provider.EXPIRES_SILENTLY:
        return _open(context, order)
    state = _state(order) if provider.SUPPORTS_STATUS and order["checkout_reference"] else frozenset()
    if not state:
        return str(order["checkout_url"])
    return _open(context, order) if may_retry and state == {"failed"} else None


def _state(order: CreateOrder | GetOpenOrder) -> frozenset[str]:
    from shared.payments import open_orders  # not needed at a cold start

    return open_orders.refresh(
        order["provider"], order["id"], order["checkout_reference"] or "", _ASK_TIMEOUT
    )


def _open(context: UpdateContext, made: CreateOrder | GetOpenOrder) -> str:
    from shared.payments.provider import Order

    name, expires_at = title(context, made["texts"])[:32], datetime.fromisoformat(made["expires_at"])
    # With the number alone, orders of another database on the same account would collide.
    key = f"order-{made['id']}-{int(expires_at.timestamp())}"
    order = Order(
        id=made["id"],
        title=name,
        description=catalog.about(context, made["texts"])[:128] or name,
        amount=Decimal(made["amount"]),
        currency=made["currency"],
        telegram_id=context.user.telegram_id,
        idempotency_key=f"{key}-{context.update.update_id}" if made["outcome"] == "reused" else key,
        return_url=f"https://t.me/{context.bot.user.username}",
        language=context.language,
        period=made["period"] if made["renews"] else None,
        contact=made["contact"],
        expires_at=expires_at,
        bot=context.bot.name,
    )
    checkout = providers.load(made["provider"]).create(order, _TIMEOUT)
    db.call(
        "save_checkout",
        p_order_id=made["id"],
        p_url=checkout.url,
        p_reference=checkout.reference,
        p_message_id=context.edited_message_id,
    )
    return checkout.url
