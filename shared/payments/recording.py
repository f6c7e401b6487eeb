"""Records webhook events with one database call each, and delivers the messages that follow."""

from __future__ import annotations

import hashlib
from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import DatabaseUnavailable
from shared.payments.events import WebhookEvent
from shared.payments.provider import Provider
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import RecordPaymentEvent

_UNKNOWN_SUBSCRIPTION = "M0002"  # docs/error_codes.md: the event names a subscription that no user has yet


def record(provider: Provider, event: WebhookEvent, body: bytes) -> bool:
    """Store and apply an event, deliver the messages that follow, and return whether to answer with success.

    True once the event is applied, ignored (its subscription has been unknown for a day), or a day old: then
    it is stored and retried by the job `payments`. False asks the provider to send it again.

    Raises:
        DatabaseUnavailable: the event may not be stored.
    """
    started = monotonic()
    result = _store(
        provider,
        key=event.key,
        kind=event.type,
        body=body,
        payment_events=[payment_event.to_json() for payment_event in event.payment_events],
    )
    log.info(
        f"payment event: {result['outcome']}",
        action="payment_event",
        provider=provider.key,
        type=event.type,
        outcome=result["outcome"],
        ms=round((monotonic() - started) * 1000, 1),
    )
    if result["outcome"] == "failed":
        # Stripe often reports a subscription before its first payment.
        write = log.warning if result["error"].startswith(_UNKNOWN_SUBSCRIPTION) else log.alert
        write(
            "a payment event could not be applied",
            action="payment_event_not_applied",
            provider=provider.key,
            reason=result["error"],
        )
        return bool(result["is_late"])
    if result.get("is_alarm"):
        alert_ignored(provider.key, result["error"])
    outbox.deliver_outgoing(result.get("outgoing", ()))
    return True


def record_invalid(provider: Provider, body: bytes, reason: str) -> bool:
    """Store an authentic webhook that cannot be parsed; return whether it first arrived over a day ago."""
    try:
        key = f"invalid:{hashlib.sha256(body).hexdigest()}"
        result = _store(provider, key=key, kind="invalid", body=body, payment_events=[])
    except DatabaseUnavailable:
        return False
    write = log.warning if result["outcome"] == "known" else log.alert
    write(
        "an authentic webhook has an invalid payload",
        action="webhook_payload_invalid",
        provider=provider.key,
        reason=reason,
        bytes=len(body),
    )
    return bool(result.get("is_late"))


def alert_ignored(provider: str, reason: str) -> None:
    """Alert that events of an unknown subscription are ignored; usually another shop shares the account."""
    log.alert(
        "a payment event concerns no subscription of ours",
        action="payment_event_ignored",
        provider=provider,
        reason=reason,
    )


def accepts_test_payments() -> bool:
    """Whether payments in a provider's test mode deliver products here: everywhere but in production."""
    return settings().environment != "production"


def _store(
    provider: Provider, *, key: str, kind: str, body: bytes, payment_events: list[dict[str, object]]
) -> RecordPaymentEvent:
    result: RecordPaymentEvent = db.call(
        "record_payment_event",
        p_provider=provider.key,
        p_event_key=key,
        p_type=kind,
        p_body=body.decode("utf-8", "replace").replace("\0", ""),
        p_events=payment_events,
        p_accept_test=accepts_test_payments(),
    )
    return result
