"""Selects the features that may answer an update by their declarations, before any handler is imported."""

from __future__ import annotations

import re

from shared.core import user_input
from shared.telegram.feature import ANY, PAYMENT, Feature, button_key
from shared.telegram.update import Update

_TARGET = re.compile(r"/\w{1,64}@(\w+)", re.ASCII)
OPEN_PAGE = "open_"  # begins the payload of a link that opens a page in the private chat


def may_answer(feature: Feature, update: Update, awaiting: str) -> bool:
    """Return whether a feature declares a handler that an update may match.

    Args:
        awaiting: the state of the session, up to the first colon; empty where no answer is awaited.
    """
    if update.kind in feature.kinds:
        return True
    if update.kind == "callback_query":
        key = button_key(str(update.content.get("data") or ""))
        return key in feature.buttons or ANY in feature.buttons
    if update.kind not in ("message", "edited_message"):
        return False
    if awaiting and awaiting in feature.states:
        return True
    return update.kind == "message" and _may_answer_message(feature, update)


def _may_answer_message(feature: Feature, update: Update) -> bool:
    if "text" not in update.message:
        return feature.takes_content
    if update.is_forwarded:
        return feature.takes_texts or feature.takes_content
    if update.text.startswith("/") and not update.is_relayed:
        return feature.has_command(update.command) or feature.has_command(ANY)
    return feature.takes_texts


def handles(feature: Feature, kind: str) -> bool:
    """Return whether a feature declares a handler of a kind of update."""
    if kind == "message":
        return bool(feature.commands or feature.takes_texts or feature.takes_content or feature.states)
    if kind == "callback_query":
        return bool(feature.buttons)
    return kind in feature.kinds or (kind == "subscription" and PAYMENT in feature.kinds)


def command_target(text: str) -> str:
    """Return the username of the bot that the command at the beginning names; empty where it names none."""
    match = _TARGET.match(text)
    return match[1] if match else ""


def start_payload(text: str) -> str:
    """Return what a /start link carries: the argument of the command."""
    return user_input.single_value(user_input.command_argument(text))


def linked_page(text: str) -> str:
    """Return the page that a /start link names; empty where it names none."""
    payload = start_payload(text)
    return payload.removeprefix(OPEN_PAGE) if payload.startswith(OPEN_PAGE) else ""
