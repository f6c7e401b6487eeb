"""The job of the messenger: delivers what is queued or due, ends what is over."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.core.config import settings
from shared.features.messenger import delivery
from shared.features.messenger.sending import notice

if TYPE_CHECKING:
    from shared.core.sql_types import ExpireConversationDeliveries, RunMessenger

TIME = 40.0  # seconds of one run; the next run continues


def messenger() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: each message is claimed by one run.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    if not settings().messenger_bots:
        return {"sent": 0}
    deadline = monotonic() + TIME
    expired: ExpireConversationDeliveries = db.call("expire_conversation_deliveries")
    due: RunMessenger = db.call("run_messenger", p_notice=notice("bot_is_back"))
    done = {
        "sent": delivery.deliver(deadline),
        "unknown": expired["unknown"],
        "failed": expired["failed"],
        "returned": due["returned"],
        "woken": due["woken"],
    }
    if any(done.values()):
        log.info("messenger finished", action="messenger_job", **done)
    return done
