"""Conversations between users and people of the team: /support, and messages that the team sends.

handlers.py  /support, the wish for a human, the question after closing
business.py  messages of chats with the owner's own account
sent_replies.py  replies as forms take them over
sending.py   what pages of the team do      delivery.py  sends what is queued      jobs.py  the job
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.core.redaction import looks_like_secret
from shared.telegram.feature import Command, Feature
from shared.telegram.update import BUSINESS_KINDS

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

FAILURES = "ai_failures"  # key of the session's data
_ENOUGH_FAILURES = 2

feature = Feature(
    __name__,
    commands=(Command("support", "more", needs="messenger"),),
    buttons=("human", "robot", "rate"),
    kinds=BUSINESS_KINDS,
)


def human_after_failures(context: UpdateContext) -> Keyboard | None:
    """Return the button that asks for a human, once the AI has failed several times in a row."""
    if context.messenger is None:
        return None
    failures = int(context.data.get(FAILURES) or 0) + 1
    context.set_data(FAILURES, failures)
    return human_button(context) if failures >= _ENOUGH_FAILURES else None


def forget_failures(context: UpdateContext) -> None:
    """Reset the count of failures: the AI has answered."""
    if context.messenger is not None and context.data.get(FAILURES):
        context.set_data(FAILURES, None)


def human_button(context: UpdateContext) -> Keyboard:
    """Return the row with the button that asks for a human."""
    return [[(context.text("support_human"), "human")]]


def write_note(actor_id: int, conversation_id: int, body: str, reference: str) -> bool:
    """Write a note into a conversation that only the team sees.

    Args:
        actor_id: the member of the team.
        reference: idempotency key of the form.

    Returns whether it was written: nothing that looks like a credential is.

    Raises:
        Refusal: N0009, I0001, or I0002: it is empty or too long.
    """
    if looks_like_secret(body):
        return False
    db.call(
        "add_conversation_note",
        p_actor_id=actor_id,
        p_conversation_id=conversation_id,
        p_body=body,
        p_reference=reference,
    )
    return True
