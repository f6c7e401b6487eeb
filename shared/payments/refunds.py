"""Refunds at the providers, with idempotency keys that are stored first.

A worker may crash at any point. Telegram's redelivery or the job `payments` continues with the same key, so
the provider refunds once. The result is recorded as a payment event; if it is lost, the webhook reports it.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared.core import db, log, texts
from shared.core.errors import ConfigError, DatabaseUnavailable
from shared.payments import providers, recording
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import PaymentError, Provider, Receipt
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimOpenRefunds, LeaseRefund, RecordRefundResult

TIMEOUT = 8.0  # seconds for one refund
_BATCH = 4  # open refunds that one run of the job claims: it must have time for all of them
BALANCE = "balance"  # paid from balance: admin_refund_payment refunds it without a provider


class Obstacle(StrEnum):
    """Why a payment can't be refunded here."""

    NEVER = "never"  # the provider's API has no refunds
    NOT_CONFIGURED = "not_configured"
    WHOLE_ONLY = "whole_only"


def obstacle(provider_key: str, *, is_whole: bool) -> Obstacle | None:
    """Return why a payment can't be refunded in whole or in part; None if it can."""
    if provider_key == BALANCE:
        return None
    if provider_key not in providers.names() or not providers.load(provider_key).SUPPORTS_REFUNDS:
        return Obstacle.NEVER
    provider = providers.load(provider_key)
    if not provider.is_configured():
        return Obstacle.NOT_CONFIGURED
    return None if is_whole or provider.SUPPORTS_PARTIAL_REFUNDS else Obstacle.WHOLE_ONLY


def request_refund(task: LeaseRefund, timeout: float = TIMEOUT) -> None:
    """Request a refund at its provider and record the result.

    Raises:
        DatabaseUnavailable: the result may not be recorded; the refund stays open and is retried.
    """
    reason = obstacle(task["provider"], is_whole=task["is_whole"])
    if reason is not None:
        return _record_answer(task, "refused", str(reason))
    provider = providers.load(task["provider"])
    try:
        payment_event = _refund(provider, task, timeout)
    except PaymentError as error:
        log.warning("a refund failed", action="refund_failed", provider=provider.key, reason=str(error))
        return _record_answer(task, "refused" if error.not_executed else "unsure", str(error))
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return _record_answer(task, "refused", str(error))
    if payment_event is None or not _record(provider, task, payment_event):
        return _record_answer(task, "accepted", "")
    return None


def retry_open(deadline: float) -> int:
    """Retry open refunds and return how many."""
    ttls = {key: providers.load(key).IDEMPOTENCY_TTL for key in providers.configured()}
    claimed: ClaimOpenRefunds = db.call("claim_open_refunds", p_providers=ttls, p_limit=_BATCH)
    outbox.deliver_outgoing(claimed["outgoing"])
    retried = 0
    for task in claimed["tasks"]:
        if monotonic() + TIMEOUT > deadline:
            break  # the lease ends after a minute, and the next run continues
        _retry(task)
        retried += 1
    return retried


def _retry(task: LeaseRefund) -> None:
    """Retry one refund; its errors must not delay the others."""
    try:
        request_refund(task)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        log.alert(
            "our code failed on a refund", action="refund_failed", provider=task["provider"], error=str(error)
        )


def _refund(provider: Provider, task: LeaseRefund, timeout: float) -> PaymentEvent | None:
    return provider.refund(
        task["number"],
        Decimal(task["amount"]),
        task["currency"],
        key=task["key"],
        telegram_id=task["telegram_id"] or 0,
        timeout=timeout,
        receipt=_receipt(provider, task),
    )


def _receipt(provider: Provider, task: LeaseRefund) -> Receipt | None:
    """Return the required receipt, titled as the order; None if it has no recipient."""
    if not (provider.REQUIRES_CONTACT and task["contact"] and task["texts"]):
        return None
    language = texts.choose(*task["languages"])
    return Receipt(task["contact"], texts.product_words(language, task["texts"]).title[:32])


def _record(provider: Provider, task: LeaseRefund, payment_event: PaymentEvent) -> bool:
    """Record the provider's result, linked to our refund; see `recording.record`."""
    linked = replace(payment_event, refund_id=task["id"])
    key = f"{task['key']}:{EventKind(linked.kind).value}"
    return recording.record(provider, WebhookEvent(key, (linked,), "refund"), orjson.dumps(linked.to_json()))


def _record_answer(task: LeaseRefund, answer: str, reason: str) -> None:
    result: RecordRefundResult = db.call(
        "record_refund_result", p_refund_id=task["id"], p_answer=answer, p_error=reason
    )
    outbox.deliver_outgoing(result["outgoing"])
