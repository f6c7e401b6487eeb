"""Giving money back: a provider is asked with a key that was kept before, what it did is an event like any.

A worker may die at any point. Whoever goes on (Telegram's next delivery, the job `payments`) asks with the
same key, so the money goes back once; what the provider did is found out at the latest by its callback.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from time import monotonic
from typing import Any

import orjson

from shared.core import db, log, texts
from shared.core.errors import ConfigError, DatabaseUnavailable
from shared.payments import notifications, providers, recording
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import PaymentError, Provider, Receipt

TIMEOUT = 8.0  # seconds for a provider to give money back
_AT_ONCE = 4  # of those left open that one run of the job asks for: what it takes it must have time for
BALANCE = "balance"  # paid from balance: SQL gives it back (admin_refund_payment), no provider is asked
Task = dict[str, Any]  # what private.lease_refund returns


class Obstacle(StrEnum):
    """Why money cannot be given back from here."""

    NEVER = "never"  # the provider has no such call
    NOT_CONFIGURED = "not_configured"
    WHOLE_ONLY = "whole_only"


def obstacle(provider_key: str, *, is_whole: bool) -> Obstacle | None:
    """Say why a provider cannot be asked to give back all of a payment, or a part of it; None: it can."""
    if provider_key == BALANCE:
        return None
    if provider_key not in providers.names() or not providers.load(provider_key).SUPPORTS_REFUNDS:
        return Obstacle.NEVER
    provider = providers.load(provider_key)
    if not provider.is_configured():
        return Obstacle.NOT_CONFIGURED
    return None if is_whole or provider.SUPPORTS_PARTIAL_REFUNDS else Obstacle.WHOLE_ONLY


def ask(task: Task, timeout: float = TIMEOUT) -> None:
    """Ask the provider to do what a refund says, and keep what it did or answered.

    Raises:
        DatabaseUnavailable: what happened may not be kept; the refund is open, and is asked for again.
    """
    hindrance = obstacle(task["provider"], is_whole=task["is_whole"])
    if hindrance is not None:
        return _keep(task, "refused", str(hindrance))
    provider = providers.load(task["provider"])
    try:
        payment_event = _give_back(provider, task, timeout)
    except PaymentError as error:
        log.warning("a refund was not made", action="refund_failed", provider=provider.key, reason=str(error))
        return _keep(task, "refused" if error.not_executed else "unsure", str(error))
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return _keep(task, "refused", str(error))
    if payment_event is None or not _record(provider, task, payment_event):
        return _keep(task, "accepted", "")
    return None


def go_on(deadline: float) -> int:
    """Ask for the refunds that were left open, and return how many there were."""
    lasts = {key: providers.load(key).IDEMPOTENCY_TTL for key in providers.configured()}
    claimed = db.call("claim_open_refunds", p_providers=lasts, p_limit=_AT_ONCE)
    notifications.deliver(claimed["outgoing"])
    asked = 0
    for task in claimed["tasks"]:
        if monotonic() + TIMEOUT > deadline:
            break  # in a minute it is somebody else's turn
        _try(task)
        asked += 1
    return asked


def _try(task: Task) -> None:
    """Ask; what breaks in one refund must not keep the others waiting."""
    try:
        ask(task)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        log.alert("a refund broke", action="refund_failed", provider=task["provider"], error=str(error))


def _give_back(provider: Provider, task: Task, timeout: float) -> PaymentEvent | None:
    return provider.refund(
        task["number"],
        Decimal(task["amount"]),
        task["currency"],
        key=task["key"],
        telegram_id=task["telegram_id"] or 0,
        timeout=timeout,
        receipt=_receipt(provider, task),
    )


def _receipt(provider: Provider, task: Task) -> Receipt | None:
    """Return the receipt that is due, named as in the order; None when nobody is left to send it to."""
    if not (provider.REQUIRES_CONTACT and task["contact"] and task["texts"]):
        return None
    language = texts.choose(*task["languages"])
    return Receipt(task["contact"], texts.product_words(language, task["texts"]).title[:32])


def _record(provider: Provider, task: Task, payment_event: PaymentEvent) -> bool:
    """Record what the provider did, as the answer to this refund."""
    told = replace(payment_event, refund_id=task["id"])
    kind = EventKind(told.kind).value
    return recording.record(
        provider, WebhookEvent(f"{task['key']}:{kind}", (told,), "refund"), orjson.dumps(told.to_json())
    )


def _keep(task: Task, answer: str, reason: str) -> None:
    kept = db.call("record_refund_result", p_refund_id=task["id"], p_answer=answer, p_error=reason)
    notifications.deliver(kept["outgoing"])
