"""What in a message may be a key."""

from __future__ import annotations

import re

# A key is one word of plain ASCII. The bounds leave room for keys that look like none of today's.
_WORD = re.compile(r"(?<![!-~])[!-~]{16,512}(?![!-~])")
_AROUND = "\"'`<>()[]{},;:."  # what users and their programs put around one


def candidates(text: str) -> list[str]:
    """Return the words of a message that may be keys: long, of plain ASCII, no web address, once each."""
    words = (word.strip(_AROUND) for word in _WORD.findall(text) if "://" not in word)
    return list(dict.fromkeys(word for word in words if word))


def is_key_alone(text: str) -> bool:
    """Whether a message is nothing but one word that looks random, as a key does."""
    found = candidates(text)
    has_both = any(letter.isalpha() for letter in text) and any(letter.isdigit() for letter in text)
    return len(text.split()) == 1 and len(found) == 1 and has_both
