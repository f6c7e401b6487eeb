"""Waits for input that the user types: a promo code, a description, a name.

A handler that asks for something calls `begin` with a state; the next text goes to the message handler of
that state. The session holds one wait. It ends by the answer, by another command or button (router.py; unless
its handler is declared `keeps_wait`), by /cancel, by the button of `cancel_button`, and after `SECONDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import clock

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

SECONDS = 3_600
_STATE = "awaiting"  # keys of the session's data; receive_update reads the first one
_UNTIL = "awaiting_until"  # seconds since 1970
_DOCUMENT = "awaiting_document"  # whether a forwarded document is an answer, too
_KEYS = (_STATE, _UNTIL, _DOCUMENT)


def begin(
    context: UpdateContext, state: str, seconds: int = SECONDS, *, takes_forwarded_document: bool = False
) -> None:
    """Take the next text as the answer to a question.

    Args:
        state: the `state` of the handler that takes it, or that, a colon and more.
        seconds: after them a text is no longer the answer.
        takes_forwarded_document: a document that the user forwards is an answer; a forwarded text is none.
    """
    context.set_data(_STATE, state)
    context.set_data(_UNTIL, int(clock.timestamp()) + seconds)
    if takes_forwarded_document or _DOCUMENT in context.data:
        context.set_data(_DOCUMENT, True if takes_forwarded_document else None)


def end(context: UpdateContext) -> None:
    """Wait for nothing."""
    for key in _KEYS:
        if context.data.get(key) is not None:
            context.set_data(key, None)


def current(context: UpdateContext) -> str:
    """Return what `begin` was called with; empty where nothing is awaited."""
    return str(context.data.get(_STATE) or "")


def interrupt(context: UpdateContext) -> None:
    """End a wait because the user does something else; `context.ended_wait` says what was awaited."""
    if state := current(context):
        context.ended_wait = state
        end(context)


def end_expired(context: UpdateContext) -> None:
    """End a wait whose time is over."""
    if current(context) and clock.timestamp() >= (context.data.get(_UNTIL) or 0):
        end(context)


def for_relayed(data: JsonObject, *, is_document: bool) -> JsonObject:
    """Return a session's data for a message that others wrote: it answers no question that the bot asked.

    A document does where `begin` says so: the user chose it, and its text is material.
    """
    if data.get(_DOCUMENT) and is_document:
        return data
    return {key: value for key, value in data.items() if key not in _KEYS}


def cancel_button(context: UpdateContext, state: str) -> Keyboard:
    """Return the row with the button that ends the wait for `state`, and no other."""
    return [[(context.text("cancel_button"), f"cancel:{state.partition(':')[0]}")]]
