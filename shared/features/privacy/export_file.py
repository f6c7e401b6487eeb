"""The file of all data: subjects in plain words, each with an explanation, and what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.core.sql_types import ExportUserData
    from shared.core.texts.reader import Reader

# The subjects of export_user_data in the order of the file; their titles and explanations are texts.
SECTIONS = (
    "user",
    "sessions",
    "conversations",
    "conversation_files",
    "shared_pages",
    "web_sessions",
    "logins",
    "memory",
    "memory_proposals",
    "requests",
    "months",
    "ai_months",
    "ai_calls",
    "subscriptions",
    "trainings",
    "teams",
    "generations",
    "reminders",
    "files",
    "photo",
    "keys",
    "balance",
    "grants",
    "xp",
    "quiz",
    "courses",
    "messenger",
    "broadcasts",
    "analytics",
    "payments",
    "promocodes",
    "referrals",
    "admins",
    "staff",
    "staff_invitations",
    "updates",
    "unsent",
)


def of(reader: Reader, export: ExportUserData) -> bytes:
    """Return a part of the file."""
    content: dict[str, object] = {reader.text("mydata_title"): reader.text("mydata_about")}
    if sections := export["sections"]:
        for name in SECTIONS:
            content[reader.text(f"section_{name}")] = _section(reader, name, sections[name])
    content[reader.text("section_messages")] = _section(reader, "messages", export["messages"])
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


def _section(reader: Reader, name: str, stored: object) -> dict[str, object]:
    return {
        reader.text("mydata_explanation"): reader.text(f"section_{name}_about"),
        reader.text("mydata_stored"): stored,
    }


def pieces(
    reader: Reader, first: ExportUserData, part_after: Callable[[int], ExportUserData | None]
) -> Iterator[bytes]:
    """Yield the whole file, part by part, so that a long conversation is never in memory at once.

    Args:
        first: the first part.
        part_after: returns the part after a message.
    """
    yield of(reader, {**first, "messages": []}).removesuffix(b"[]\n  }\n}")
    part: ExportUserData | None = first
    mark = b"["
    while part is not None:
        for message in part["messages"]:
            yield mark + b"\n      " + orjson.dumps(message)
            mark = b","
        part = part_after(part["next"]) if part["next"] is not None else None
    yield (b"[]" if mark == b"[" else b"\n    ]") + b"\n  }\n}\n"
