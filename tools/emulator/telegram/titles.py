"""Short titles of updates for the trace and the list of deliveries."""

from __future__ import annotations

from typing import Any

from tools.emulator.telegram.model import Json

THINGS = (
    "photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker", "location",
    "contact", "successful_payment", "refunded_payment", "poll", "dice", "forum_topic_created",
    "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened", "migrate_to_chat_id",
    "migrate_from_chat_id", "pinned_message",
)  # fmt: skip
LONGEST = 60


def title_of(body: Json) -> str:
    """Return "Anna: /start", or what else an update is; a button by its label, not by its data."""
    kind = next((name for name in body if name != "update_id"), "update")
    part = body.get(kind)
    part = part if isinstance(part, dict) else {}
    sender = part.get("from") or part.get("user") or part.get("chat") or {}
    who = str(sender.get("first_name") or sender.get("title") or "Someone")
    return f"{who}: {_what(kind, part)}"


def _what(kind: str, part: Json) -> str:
    if kind == "callback_query":
        return f"tapped “{_label(part)}”"
    if kind == "pre_checkout_query":
        return f"is about to pay {part.get('total_amount')} {part.get('currency')}"
    if kind == "inline_query":
        return f"types “{part.get('query')}”"
    if kind == "chosen_inline_result":
        return f"asked in inline mode: {part.get('query')}"
    words = part.get("text") or part.get("caption")
    thing = next((name for name in THINGS if name in part), None)
    said = str(words or (thing or kind).replace("_", " ")).strip()
    said = said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"
    return f"edited: {said}" if kind.startswith("edited") else said


def _label(query: Json) -> str:
    message: Any = query.get("message") or {}
    rows = (message.get("reply_markup") or {}).get("inline_keyboard") or []
    for button in (button for row in rows for button in row):
        if button.get("callback_data") == query.get("data"):
            return str(button.get("text"))
    return str(query.get("data") or "a button")
