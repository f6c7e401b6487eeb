"""Compares the emulated Bot API (the registered methods) with the official one (bot_api.json)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tools.emulator.telegram.call import METHODS

Support = Literal["full", "part", "none"]
FILE = Path(__file__).parent / "bot_api.json"
# The kinds of updates that users and the emulator cause; others never come.
UPDATES = frozenset(
    {
        "message", "edited_message", "callback_query", "my_chat_member", "message_reaction",
        "pre_checkout_query", "subscription", "poll", "poll_answer", "inline_query", "chosen_inline_result",
    }
)  # fmt: skip
# The fields of Message that can occur here.
MESSAGE_FIELDS = frozenset(
    {
        "message_id", "message_thread_id", "from", "date", "chat", "forward_origin", "is_topic_message",
        "reply_to_message", "quote", "edit_date", "has_protected_content", "media_group_id", "text",
        "entities", "link_preview_options", "effect_id", "animation", "audio", "document", "photo", "sticker",
        "video", "video_note", "voice", "caption", "caption_entities", "show_caption_above_media",
        "has_media_spoiler",
        "contact", "venue", "location", "migrate_to_chat_id", "migrate_from_chat_id", "pinned_message",
        "invoice", "successful_payment", "refunded_payment", "forum_topic_created", "forum_topic_edited",
        "forum_topic_closed", "forum_topic_reopened", "poll", "reply_markup", "via_bot",
    }
)  # fmt: skip

# Parts of Telegram without emulation: the methods are answered with 501, the updates and fields never come.
NOT_EMULATED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Dice": (("sendDice",), ("dice",)),
    "Prepared inline messages": (("savePreparedInlineMessage",), ()),
    "Business accounts": (
        ("getBusinessConnection", "readBusinessMessage", "deleteBusinessMessages"),
        ("business_connection", "business_message", "edited_business_message", "deleted_business_messages"),
    ),
    "Live locations": (("editMessageLiveLocation", "stopMessageLiveLocation"), ()),
    "Checklists": (("sendChecklist", "editMessageChecklist"), ("checklist",)),
    "Games": (("sendGame", "setGameScore", "getGameHighScores"), ("game",)),
    "Paid media": (("sendPaidMedia",), ("paid_media", "purchased_paid_media")),
    "Stories": (("postStory", "editStory", "deleteStory"), ("story",)),
    "Members of a group": (
        ("banChatMember", "restrictChatMember", "promoteChatMember"),
        ("chat_member", "new_chat_members", "left_chat_member"),
    ),
}
# Parameters that change what a message is: ignoring them would look like success.
REFUSED_FIELDS = {"business_connection_id": "business accounts", "live_period": "live locations"}


@dataclass(frozen=True)
class MethodCoverage:
    """One method: which of its fields are emulated, which are not, and what is simpler than the real one."""

    name: str
    support: Support
    fields: tuple[str, ...]
    missing: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Coverage:
    """The support of the Bot API's methods, kinds of updates and fields of a message."""

    version: str
    source: str
    methods: tuple[MethodCoverage, ...]
    updates: dict[str, bool]
    message: dict[str, bool]

    @property
    def summary(self) -> str:
        """Return how many methods have which support, as a sentence."""
        count = {one: sum(each.support == one for each in self.methods) for one in ("full", "part", "none")}
        return (
            f"{count['full']} of {len(self.methods)} methods with every field, {count['part']} in part, "
            f"{count['none']} not"
        )

    def json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "version": self.version,
            "source": self.source,
            "summary": self.summary,
            "methods": {
                one.name: {
                    "support": one.support,
                    "fields": list(one.fields),
                    "missing": list(one.missing),
                    "note": one.note,
                }
                for one in self.methods
            },
            "updates": self.updates,
            "message": self.message,
        }


@cache
def specification() -> dict[str, Any]:
    """Return the names of the Bot API's methods and fields."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


@cache
def _names() -> dict[str, str]:
    return {name.lower(): name for name in specification()["methods"]}


def official_name(method: str) -> str | None:
    """Return the Bot API's spelling of a method, None when it has none of this name."""
    return _names().get(method.lower())


def ignored_fields(method: str, parameters: dict[str, Any]) -> list[str]:
    """Return the parameters that the real Bot API reads and the emulator does not."""
    known, official = METHODS.get(method.lower()), official_name(method)
    if known is None or official is None:
        return []
    there = specification()["methods"][official]
    return sorted((parameters.keys() & {*there["fields"], *there["deprecated"]}) - known.fields)


def refused_field(method: str, parameters: dict[str, Any]) -> str | None:
    """Return the thing that a call asks for and the emulator has not, None if it asks for none."""
    asked = (
        name for name in ignored_fields(method, parameters) if name in REFUSED_FIELDS and parameters[name]
    )
    return next((REFUSED_FIELDS[name] for name in asked), None)


def coverage() -> Coverage:
    """Compare what the emulator has with what there is."""
    from tools.emulator.telegram import methods  # noqa: F401  registers the methods

    spec = specification()
    return Coverage(
        spec["version"],
        spec["source"],
        tuple(_method(name, one) for name, one in spec["methods"].items()),
        {kind: kind in UPDATES for kind in spec["updates"]},
        {name: name in MESSAGE_FIELDS for name in spec["message"]},
    )


def _method(name: str, there: dict[str, list[str]]) -> MethodCoverage:
    known = METHODS.get(name.lower())
    if known is None:
        return MethodCoverage(name, "none", (), tuple(there["fields"]), "")
    fields = tuple(one for one in there["fields"] if one in known.fields)
    missing = tuple(one for one in there["fields"] if one not in known.fields)
    support: Support = "part" if missing or known.note else "full"
    return MethodCoverage(name, support, fields, missing, known.note)
