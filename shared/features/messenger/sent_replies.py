"""Replies that the team has sent, as forms take them over: canned replies, articles of help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.core import db

if TYPE_CHECKING:
    from shared.core.sql_types import ReadConversation
    from shared.web.visit import Visit

_BEFORE = 20  # messages in which the question is looked for


class SentReply(NamedTuple):
    """A reply of the team.

    Attributes:
        bot: the bot of the conversation.
        language: that of the user: en, ru, …
        question: the newest text of the user before it; empty without one.
        text: what the team answered.
    """

    bot: str
    language: str
    question: str
    text: str


def from_address(visit: Visit) -> SentReply | None:
    """Return the reply that the address of a form names by `conversation` and `seq`; None without one.

    Raises:
        Forbidden: the user is no operator any more.
        NotFound: there is no such conversation.
    """
    number, seq = visit.number("conversation"), visit.number("seq")
    if number is None or seq is None:
        return None
    found: ReadConversation = db.call(
        "read_conversation",
        p_actor_id=visit.user.user_id,
        p_conversation_id=number,
        p_before=seq + 1,
        p_limit=_BEFORE,
    )
    shown = found["messages"]
    last = shown[-1] if shown else None
    if (
        last is None
        or last["seq"] != seq
        or not is_reusable(last["source"], last["kind"], last["deleted_at"])
    ):
        return None
    asked = [one["body"] for one in shown if one["source"] == "user" and one["kind"] == "text"]
    row = found["conversation"]
    language = row["user"]["language"].partition("-")[0]
    return SentReply(row["bot"], language, asked[-1] if asked else "", last["body"])


def is_reusable(source: str, kind: str, deleted_at: str | None) -> bool:
    """Return whether a message is a text of the team that it may use again."""
    return source == "staff" and kind == "text" and deleted_at is None
