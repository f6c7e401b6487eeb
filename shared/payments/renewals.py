"""Subscriptions that we charge ourselves, each period, with what was saved.

SQL says who is due and keeps each try open until its outcome is recorded (`claim_due_renewals`). A try has
one key at the provider, so asking again charges nothing again: whoever dies half-way, or hears no answer,
leaves it to the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

import orjson

from shared.core import db, log, texts
from shared.core.errors import ConfigError
from shared.payments import contacts, notifications, providers, recording
from shared.payments.events import CONTACT_REFUSED, EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import Order, PaymentError, Provider

_TIME = 25.0  # seconds in which charges begin
_TIMEOUT = 20.0  # seconds for one charge; less than the minute in which it is one worker's (open_charge)
_HANDS = 4  # charges at once
_EARLIER = timedelta(minutes=5)  # their clock and ours
Json = dict[str, Any]


def charge_due() -> int:
    """Charge what is due; return of how many the outcome is known."""
    saving = [key for key in providers.configured() if providers.load(key).SUPPORTS_SAVED_METHODS]
    if not saving:
        return 0
    deadline = monotonic() + _TIME

    def work() -> int:
        return _work(saving, deadline)

    # Each with the trace of the job's log lines.
    contexts = [copy_context() for _ in range(_HANDS)]
    with ThreadPoolExecutor(_HANDS) as pool:
        return sum(pool.map(lambda context: context.run(work), contexts))


def _work(saving: list[str], deadline: float) -> int:
    """Take one after the other, each when its turn comes: whoever cancels before that is not charged."""
    known = 0
    while monotonic() < deadline:
        claimed = db.call("claim_due_renewals", p_providers=saving)
        notifications.deliver(claimed["outgoing"])
        if not claimed["due"]:
            break
        known += sum(_settle(charge) for charge in claimed["charges"])
    return known


def _settle(charge: Json) -> bool:
    """Find out what becomes of one try, and record it; return whether it is known now."""
    provider = providers.load(charge["provider"])
    try:
        payment_events = _way(charge)(provider, charge)
    except (PaymentError, ConfigError) as error:
        tell = log.warning if isinstance(error, PaymentError) else log.alert  # a setting needs a person
        tell(
            "the outcome of a charge is unknown",
            action="charge_outcome_unknown",
            provider=provider.key,
            order=charge["order_id"],
            reason=str(error),
        )
        return False
    if not payment_events:
        db.call("abort_charge", p_renewal_id=charge["id"], p_attempt=charge["attempt"])
        return True
    first = payment_events[0]
    if first.kind is EventKind.PENDING:
        # From now on it can be asked for by its number.
        db.call("save_checkout", p_order_id=charge["order_id"], p_url=None, p_reference=first.payment_id)
        return False
    if first.kind is not EventKind.PAID:
        # Without a payment nothing was even tried: what we send is wrong.
        is_ours = (
            first.kind is EventKind.FAILED and first.payment_id is None and first.reason != CONTACT_REFUSED
        )
        (log.alert if is_ours else log.warning)(
            "a charge was declined",
            action="charge_declined",
            provider=provider.key,
            order=charge["order_id"],
            reason=first.reason,
        )
    body = orjson.dumps([payment_event.to_json() for payment_event in payment_events])
    key = f"charge:{charge['order_id']}:{charge['attempt']}:{first.kind}"
    return recording.record(provider, WebhookEvent(key, payment_events, "charge"), body)


def _way(charge: Json) -> Callable[[Provider, Json], tuple[PaymentEvent, ...]]:
    """Return how to find out: by its number, by looking where asking could charge, else by charging."""
    if charge["reference"]:
        return _ask
    return _look if charge["is_status_check"] else _charge


def _ask(provider: Provider, charge: Json) -> tuple[PaymentEvent, ...]:
    payment_events = provider.fetch(charge["order_id"], charge["reference"], _TIMEOUT)
    if not payment_events:
        raise PaymentError(f"{provider.key} is still at it")
    return payment_events


def _look(provider: Provider, charge: Json) -> tuple[PaymentEvent, ...]:
    since = datetime.fromisoformat(charge["attempt_started_at"]) - _EARLIER
    found = provider.find_charge(charge["order_id"], since, _TIMEOUT)
    return () if found is None else (found,)


def _charge(provider: Provider, charge: Json) -> tuple[PaymentEvent, ...]:
    language = texts.choose(*charge["languages"])
    words = texts.product_words(language, charge["texts"])
    begun = datetime.fromisoformat(charge["attempt_started_at"])
    order = Order(
        id=charge["order_id"],
        title=words.title[:32],
        description=(words.about or words.title)[:128],
        amount=Decimal(charge["amount"]),
        currency=charge["currency"],
        telegram_id=charge["telegram_id"],
        # The numbers alone would be known to a provider from another database on the same account.
        idempotency_key=f"order-{charge['order_id']}-{charge['attempt']}-{int(begun.timestamp())}",
        return_url="",
        language=language,
        contact=charge["contact"] and (contacts.read(charge["contact"]) or charge["contact"]),
        bot=charge["bot"],
    )
    return (provider.charge_saved_method(order, charge["saved_method"], _TIMEOUT),)
