"""Hides contacts, long numbers and keys in texts that go to an AI provider."""

from __future__ import annotations

import re

from shared.core.redaction import REDACTED, redact

_LONGEST_AMOUNT = 9  # digits
_EMAIL = re.compile(r"[^\s@<>(),;:\"']{1,64}+@[^\s@<>(),;:\"']{1,255}")
# Phone, card, account or passport: seven digits and more, with any dash, bracket or space between them.
_DIGITS = re.compile(r"\+?\d(?:[\s().\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212-]{0,3}\d){6,}")
# Numbers of accounts and wallets: long words of letters and digits.
_LONG_WORD = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{18,}+")


def hide_contacts(text: str) -> str:
    """Return a text without e-mail addresses, long numbers and what looks like a key."""
    text = redact(text)  # first: the others would cut a key into pieces
    for pattern in (_EMAIL, _LONG_WORD):
        text = pattern.sub(REDACTED, text)
    return _DIGITS.sub(_without_number, text)


def _without_number(found: re.Match[str]) -> str:
    """Return an amount such as 1 200 000 as it is, and hide other numbers."""
    digits = "".join(filter(str.isdigit, found[0]))
    is_amount = len(digits) <= _LONGEST_AMOUNT and digits.endswith("000") and found[0][0] != "+"
    return found[0] if is_amount else REDACTED
