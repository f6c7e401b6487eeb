"""Reconciliation: compares each day of each provider's own lists with our records, after it and again later.

What they have and we lack is recorded through the same path as a callback. What cannot be recorded, differs,
or is missing there raises one alarm. Each page is kept before the next one is asked for, so the next run
continues one that ended early.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from time import monotonic
from typing import Any

import orjson

from shared.core import db, log
from shared.core.errors import DatabaseUnavailable
from shared.payments import notifications, providers, recording
from shared.payments.events import WebhookEvent
from shared.payments.provider import PaymentError, Provider

_TIME = 60.0  # seconds for all of it
_TIMEOUT = 15.0  # seconds for one page
_PASSES = 3  # what a first payment begins can be recorded only after it
Json = dict[str, Any]


def statements() -> Json:
    """Read what is due, as far as the time allows, and alarm about missed renewals; return how many."""
    deadline = monotonic() + _TIME
    listed = [key for key in providers.configured() if providers.load(key).SUPPORTS_STATEMENTS]
    missed = db.call("alarm_missed_renewals")
    notifications.deliver(missed)
    days = recorded = 0
    while listed and monotonic() + _TIMEOUT < deadline:
        walk = db.call("claim_statement", p_providers=listed)
        if walk is None:
            break
        try:
            is_read, count = _walk(walk, deadline)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # what breaks in one list must not keep the others waiting
            _put_off(walk, error)
            continue
        days += is_read
        recorded += count
    return {"days": days, "recorded": recorded, "missed_renewals": len(missed)}


def _walk(walk: Json, deadline: float) -> tuple[bool, int]:
    """Read a day page by page; return whether its end was reached, and how many events were recorded."""
    provider = providers.load(walk["provider"])
    since, until = datetime.fromisoformat(walk["since"]), datetime.fromisoformat(walk["until"])
    cursor, recorded = walk["cursor"], 0
    events: tuple[WebhookEvent, ...] = ()
    while monotonic() + _TIMEOUT < deadline:
        page = provider.statement(since, until, cursor, _TIMEOUT)
        if page.cursor and (page.cursor == cursor or (events and page.events == events)):
            raise PaymentError(f"{provider.key} gives the same page of its list again")
        events = page.events
        recorded += _record_missing(provider, page.events)
        kept = db.call(
            "save_statement_page",
            p_provider=provider.key,
            p_day=walk["day"],
            p_cursor=cursor,
            p_next=page.cursor or None,
            p_events=[_plain(event) for event in page.events],
        )
        notifications.deliver(kept["outgoing"])
        if not kept["is_current"]:
            return False, recorded
        if not page.cursor:
            _report(walk, kept)
            return True, recorded
        cursor = page.cursor
    return False, recorded


def _record_missing(provider: Provider, events: tuple[WebhookEvent, ...]) -> int:
    """Record what our records lack, the oldest first; return how many events that were."""
    tried: set[str] = set()
    for _ in range(_PASSES if events else 0):  # most days of a small shop are empty
        states = db.call(
            "check_statement", p_provider=provider.key, p_events=[_plain(event) for event in events]
        )
        due = [
            one for one in events if states.get(one.key) in ("missing", "changed") and one.key not in tried
        ]
        if not due:
            break
        for event in sorted(due, key=_moment):
            tried.add(event.key)
            body = orjson.dumps([payment_event.to_json() for payment_event in event.payment_events])
            # The key of the callback is used up by what it told then.
            state = hashlib.sha256(body).hexdigest()[:16] if states[event.key] == "changed" else ""
            key = f"{event.key}:{state}" if state else event.key
            recording.record(provider, WebhookEvent(key, event.payment_events, event.type), body)
    return len(tried)


def _moment(event: WebhookEvent) -> float:
    moments = [
        payment_event.happened_at.timestamp()
        for payment_event in event.payment_events
        if payment_event.happened_at
    ]
    return min(moments, default=0.0)


def _plain(event: WebhookEvent) -> Json:
    return {"key": event.key, "events": [payment_event.to_json() for payment_event in event.payment_events]}


def _report(walk: Json, kept: Json) -> None:
    """Log the sums of a day: ours and theirs, to the cent."""
    log.info(
        "a day of a provider's lists was compared",
        action="statement",
        provider=walk["provider"],
        day=walk["day"],
        sums=kept["sums"],
        foreign=kept["foreign"],
    )
    if kept["gaps"]:
        log.alert(
            "a provider's lists and our records differ",
            action="statement_differs",
            provider=walk["provider"],
            day=walk["day"],
            gaps=kept["gaps"][:10],
            count=len(kept["gaps"]),
        )


def _put_off(walk: Json, error: Exception) -> None:
    """Leave a day to a later run. What the provider does not cause, or for two days, raises an alarm."""
    db.call("release_statement", p_provider=walk["provider"], p_day=walk["day"])
    tell = log.warning if isinstance(error, PaymentError) and not walk["is_late"] else log.alert
    tell(
        "a provider's list was not read",
        action="statement_not_read",
        provider=walk["provider"],
        day=walk["day"],
        reason=str(error),
    )
