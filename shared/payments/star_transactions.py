"""Reads the bots' lists of Star transactions and records those whose update was lost.

`star_positions` stores how far each list was read. An event has the key of the update that should have
reported it, so it is recorded once, whichever comes first.
"""

from __future__ import annotations

from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared.core import db, log
from shared.core.config import settings
from shared.payments import providers, recording
from shared.payments.events import PaymentEvent, WebhookEvent
from shared.payments.provider import PaymentError
from shared.payments.providers import telegram_stars

if TYPE_CHECKING:
    from shared.core.sql_types import StarPosition

PROVIDER = "telegram_stars"
_TIME = 10.0  # seconds for all bots
_TIMEOUT = 5.0  # seconds for one page


def record_missed() -> int:
    """Continue each bot's list where the last run stopped; return how many events were missing."""
    deadline = monotonic() + _TIME
    found = 0
    for bot in settings().bot_tokens:
        try:
            found += _record_missed_of_bot(bot, deadline)
        except PaymentError as error:
            log.warning(
                "a list of Stars could not be read",
                action="reconcile_failed",
                provider=PROVIDER,
                reason=str(error),
            )
    return found


def _record_missed_of_bot(bot: str, deadline: float) -> int:
    place: StarPosition = db.call("star_position", p_bot=bot)
    position, since = place["position"], datetime.fromisoformat(place["since"])
    found = 0
    while (left := deadline - monotonic()) > 0:
        page, count = telegram_stars.transactions(bot, position, min(left, _TIMEOUT))
        recent = [
            payment_event
            for payment_event in page
            if payment_event.happened_at and payment_event.happened_at >= since
        ]
        found += _record_missing(recent)
        position += count
        if count:
            db.call("advance_star_position", p_bot=bot, p_position=position)
        if count < telegram_stars.PAGE:
            break
    return found


def _record_missing(payment_events: list[PaymentEvent]) -> int:
    by_key = {telegram_stars.event_key(payment_event): payment_event for payment_event in payment_events}
    if not by_key:
        return 0
    missing: list[str] = db.call("unrecorded_events", p_provider=PROVIDER, p_keys=list(by_key))
    provider = providers.load(PROVIDER)
    for key in missing:
        payment_event = by_key[key]
        recording.record(
            provider,
            WebhookEvent(key, (payment_event,), "star_transaction"),
            orjson.dumps(payment_event.to_json()),
        )
    return len(missing)
