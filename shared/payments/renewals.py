"""Renewals that we charge ourselves, with saved payment methods.

`claim_due_renewals` returns due renewals and keeps each attempt open until its outcome is recorded. An
attempt has one idempotency key, so repeating it charges once: after a crash or without an answer the next
run repeats it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared.core import db, log, texts
from shared.core.errors import ConfigError
from shared.payments import contacts, providers, recording
from shared.payments.events import CONTACT_REFUSED, EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import Order, PaymentError, Provider
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimDueRenewals, LeaseCharge

_TIME = 25.0  # seconds within which charges are started
_TIMEOUT = 20.0  # seconds for one charge; its lease is a minute (lease_charge)
_THREADS = 4  # concurrent charges
_CLOCK_SKEW = timedelta(minutes=5)  # between the provider's clock and ours


def charge_due() -> int:
    """Charge due renewals; return how many have a known outcome."""
    saving = [key for key in providers.configured() if providers.load(key).SUPPORTS_SAVED_METHODS]
    if not saving:
        return 0
    deadline = monotonic() + _TIME

    def work() -> int:
        return _work(saving, deadline)

    # A context per thread, for the trace id of the log lines.
    contexts = [copy_context() for _ in range(_THREADS)]
    with ThreadPoolExecutor(_THREADS) as pool:
        return sum(pool.map(lambda context: context.run(work), contexts))


def _work(saving: list[str], deadline: float) -> int:
    """Claim and charge one renewal after another: one that is canceled meanwhile is not charged."""
    known = 0
    while monotonic() < deadline:
        claimed: ClaimDueRenewals = db.call("claim_due_renewals", p_providers=saving)
        outbox.deliver_outgoing(claimed["outgoing"])
        if not claimed["due"]:
            break
        known += sum(_settle(charge) for charge in claimed["charges"])
    return known


def _settle(charge: LeaseCharge) -> bool:
    """Determine and record the outcome of one attempt; return whether it is known."""
    provider = providers.load(charge["provider"])
    try:
        events = _method(charge)(provider, charge)
    except (PaymentError, ConfigError) as error:
        _log_unknown(charge, error)
        return False
    if not events:
        db.call("abort_charge", p_renewal_id=charge["id"], p_attempt=charge["attempt"])
        return True
    first = events[0]
    if first.kind is EventKind.PENDING:
        # From now on its state can be fetched.
        db.call("save_checkout", p_order_id=charge["order_id"], p_url=None, p_reference=first.payment_id)
        return False
    if first.kind is not EventKind.PAID:
        _log_declined(charge, first)
    body = orjson.dumps([event.to_json() for event in events])
    key = f"charge:{charge['order_id']}:{charge['attempt']}:{first.kind}"
    return recording.record(provider, WebhookEvent(key, events, "charge"), body)


def _log_unknown(charge: LeaseCharge, error: Exception) -> None:
    write = log.warning if isinstance(error, PaymentError) else log.alert  # a setting must be corrected
    write(
        "the outcome of a charge is unknown",
        action="charge_outcome_unknown",
        provider=charge["provider"],
        order=charge["order_id"],
        reason=str(error),
    )


def _log_declined(charge: LeaseCharge, event: PaymentEvent) -> None:
    # Without a payment there was no attempt: our request is wrong.
    is_ours = event.kind is EventKind.FAILED and event.payment_id is None and event.reason != CONTACT_REFUSED
    write = log.alert if is_ours else log.warning
    write(
        "a charge was declined",
        action="charge_declined",
        provider=charge["provider"],
        order=charge["order_id"],
        reason=event.reason,
    )


def _method(charge: LeaseCharge) -> Callable[[Provider, LeaseCharge], tuple[PaymentEvent, ...]]:
    """Return how to determine the outcome: fetch, search (the key has expired) or charge."""
    if charge["reference"]:
        return _fetch
    return _search if charge["is_status_check"] else _charge


def _fetch(provider: Provider, charge: LeaseCharge) -> tuple[PaymentEvent, ...]:
    assert charge["reference"], "chosen by _way alone"
    events = provider.fetch(charge["order_id"], charge["reference"], _TIMEOUT)
    if not events:
        raise PaymentError(f"{provider.key} has not decided yet")
    return events


def _search(provider: Provider, charge: LeaseCharge) -> tuple[PaymentEvent, ...]:
    since = datetime.fromisoformat(charge["attempt_started_at"]) - _CLOCK_SKEW
    found = provider.find_charge(charge["order_id"], since, _TIMEOUT)
    return () if found is None else (found,)


def _charge(provider: Provider, charge: LeaseCharge) -> tuple[PaymentEvent, ...]:
    language = texts.choose(*charge["languages"])
    words = texts.product_words(language, charge["texts"])
    started_at = datetime.fromisoformat(charge["attempt_started_at"])
    assert charge["saved_method"], "without one, its status is checked"
    order = Order(
        id=charge["order_id"],
        title=words.title[:32],
        description=(words.about or words.title)[:128],
        amount=Decimal(charge["amount"]),
        currency=charge["currency"],
        telegram_id=charge["telegram_id"],
        # With its time: another database on the same account may have the same numbers.
        idempotency_key=f"order-{charge['order_id']}-{charge['attempt']}-{int(started_at.timestamp())}",
        return_url="",
        language=language,
        contact=charge["contact"] and (contacts.parse_contact(charge["contact"]) or charge["contact"]),
        bot=charge["bot"],
    )
    return (provider.charge_saved_method(order, charge["saved_method"], _TIMEOUT),)
