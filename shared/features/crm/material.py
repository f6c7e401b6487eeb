"""What the AI is sent of a conversation: a named list of fields, without contacts, payment data and keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from shared.core.contacts import hide_contacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.sql_types import ClaimQualification

LONGEST = 6_000  # characters of all messages
KNOWN = ("real_name", "background", "query")


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the AI reads it. `id` is that of the row, which the AI does not see."""

    id: int
    is_user: bool
    text: str


def lines_of(claim: ClaimQualification) -> list[Line]:
    """Return the newest messages that fit, oldest first; of a longer one its beginning."""
    left, lines = LONGEST, []
    for one in reversed(claim["messages"]):
        text = hide_contacts(one["body"])[:left]
        if not text:
            break
        left -= len(text)
        lines.append(Line(one["id"], one["source"] == "user", text))
    return lines[::-1]


def request_of(claim: ClaimQualification, lines: Sequence[Line]) -> str:
    """Return the JSON of the user message: nothing but the fields that are named here."""
    known = claim["known"]
    return orjson.dumps(
        {
            "known": {name: hide_contacts(str(known[name] or "")) for name in KNOWN},  # type: ignore[literal-required]
            "messages": [
                {"number": number, "from": "user" if line.is_user else "assistant", "text": line.text}
                for number, line in enumerate(lines, 1)
            ],
        }
    ).decode()
