"""The job `statements`: compares each day of the providers' own lists with our records, several times.

Operations that we lack are recorded like webhooks. Those that can't be recorded, differ or exist only here
raise one alarm per day. Each page is saved before the next one is requested, so the next run continues.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared.core import db, log
from shared.core.errors import DatabaseUnavailable
from shared.payments import providers, recording
from shared.payments.events import WebhookEvent
from shared.payments.provider import PaymentError, Provider
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import CheckStatement, ClaimStatement, OutgoingItem, SaveStatementPage

_TIME = 60.0  # seconds for the whole run
_TIMEOUT = 15.0  # seconds for one page
_PASSES = 3  # a renewal can be recorded only after the first payment of its subscription


def statements() -> dict[str, object]:
    """Read due days within the time, and alert about missed renewals; return how many of each."""
    deadline = monotonic() + _TIME
    listed = [key for key in providers.configured() if providers.load(key).SUPPORTS_STATEMENTS]
    missed: list[OutgoingItem] = db.call("alarm_missed_charges")
    outbox.deliver_outgoing(missed)
    days = recorded = 0
    while listed and monotonic() + _TIMEOUT < deadline:
        walk: ClaimStatement | None = db.call("claim_statement", p_providers=listed)
        if walk is None:
            break
        try:
            is_read, count = _walk(walk, deadline)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # one list must not delay the others
            _release(walk, error)
            continue
        days += is_read
        recorded += count
    return {"days": days, "recorded": recorded, "missed_renewals": len(missed)}


def _walk(walk: ClaimStatement, deadline: float) -> tuple[bool, int]:
    """Read a day page by page; return whether it was finished, and how many events were recorded."""
    provider = providers.load(walk["provider"])
    since, until = datetime.fromisoformat(walk["since"]), datetime.fromisoformat(walk["until"])
    cursor, recorded = walk["cursor"], 0
    events: tuple[WebhookEvent, ...] = ()
    while monotonic() + _TIMEOUT < deadline:
        page = provider.statement(since, until, cursor, _TIMEOUT)
        if page.cursor and (page.cursor == cursor or (events and page.events == events)):
            raise PaymentError(f"{provider.key} returns the same page of its list again")
        events = page.events
        recorded += _record_missing(provider, page.events)
        saved: SaveStatementPage = db.call(
            "save_statement_page",
            p_provider=provider.key,
            p_day=walk["day"],
            p_cursor=cursor,
            p_next=page.cursor or None,
            p_events=[_to_json(event) for event in page.events],
        )
        outbox.deliver_outgoing(saved["outgoing"])
        if not saved["is_current"]:
            return False, recorded
        if not page.cursor:
            _report(walk, saved)
            return True, recorded
        cursor = page.cursor
    return False, recorded


def _record_missing(provider: Provider, events: tuple[WebhookEvent, ...]) -> int:
    """Record events that our records lack, the oldest first; return how many."""
    tried: set[str] = set()
    for _ in range(_PASSES if events else 0):  # most days of a small shop are empty
        states: CheckStatement = db.call(
            "check_statement", p_provider=provider.key, p_events=[_to_json(event) for event in events]
        )
        due = [
            one for one in events if states.get(one.key) in ("missing", "changed") and one.key not in tried
        ]
        if not due:
            break
        for event in sorted(due, key=_time_of):
            tried.add(event.key)
            body = orjson.dumps([payment_event.to_json() for payment_event in event.payment_events])
            # The webhook's own key was used for the earlier state.
            state = hashlib.sha256(body).hexdigest()[:16] if states[event.key] == "changed" else ""
            key = f"{event.key}:{state}" if state else event.key
            recording.record(provider, WebhookEvent(key, event.payment_events, event.type), body)
    return len(tried)


def _time_of(event: WebhookEvent) -> float:
    moments = [
        payment_event.happened_at.timestamp()
        for payment_event in event.payment_events
        if payment_event.happened_at
    ]
    return min(moments, default=0.0)


def _to_json(event: WebhookEvent) -> dict[str, object]:
    return {"key": event.key, "events": [payment_event.to_json() for payment_event in event.payment_events]}


def _report(walk: ClaimStatement, saved: SaveStatementPage) -> None:
    """Log a day's sums, ours and the provider's, and alert about differences."""
    log.info(
        "a day of a provider's lists was compared",
        action="statement",
        provider=walk["provider"],
        day=walk["day"],
        sums=saved["sums"],
        foreign=saved["foreign"],
    )
    if saved["differences"]:
        log.alert(
            "a provider's lists and our records differ",
            action="statement_differs",
            provider=walk["provider"],
            day=walk["day"],
            differences=saved["differences"][:10],
            count=len(saved["differences"]),
        )


def _release(walk: ClaimStatement, error: Exception) -> None:
    """Leave a day to a later run; alert if our code failed, or for two days."""
    db.call("release_statement", p_provider=walk["provider"], p_day=walk["day"])
    write = log.warning if isinstance(error, PaymentError) and not walk["is_late"] else log.alert
    write(
        "a provider's list could not be read",
        action="statement_not_read",
        provider=walk["provider"],
        day=walk["day"],
        reason=str(error),
    )
