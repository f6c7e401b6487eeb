"""What the AI is sent of a conversation: a named list of fields, without contacts, payment data and keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from shared.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.sql_types import ClaimQualification

LONGEST = 6_000  # characters of all messages
KNOWN = ("real_name", "background", "query")
_HIDDEN = "[hidden]"
_LONGEST_AMOUNT = 9  # digits
_EMAIL = re.compile(r"[^\s@<>(),;:\"']{1,64}+@[^\s@<>(),;:\"']{1,255}")
# Phone, card, account or passport: seven digits and more, with any dash, bracket or space between them.
_DIGITS = re.compile(r"\+?\d(?:[\s().\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212-]{0,3}\d){6,}")
# Numbers of accounts and wallets: long words of letters and digits.
_LONG_WORD = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{18,}+")


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the AI reads it. `id` is that of the row, which the AI does not see."""

    id: int
    is_user: bool
    text: str


def hide_contacts(text: str) -> str:
    """Return a text without e-mail addresses, long numbers and what looks like a key."""
    text = redact(text)  # first: the others would cut a key into pieces
    for pattern in (_EMAIL, _LONG_WORD):
        text = pattern.sub(_HIDDEN, text)
    return _DIGITS.sub(_without_number, text)


def _without_number(found: re.Match[str]) -> str:
    """Return an amount such as 1 200 000 as it is, and hide other numbers."""
    digits = "".join(filter(str.isdigit, found[0]))
    is_amount = len(digits) <= _LONGEST_AMOUNT and digits.endswith("000") and found[0][0] != "+"
    return found[0] if is_amount else _HIDDEN


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
