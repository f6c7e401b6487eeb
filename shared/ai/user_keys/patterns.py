"""Find words in a message that may be API keys."""

from __future__ import annotations

import re

# A key is one word of ASCII. The bounds allow for future formats.
_WORD = re.compile(r"(?<![!-~])[!-~]{16,512}(?![!-~])")
_AROUND = "\"'`<>()[]{},;:."  # punctuation around a pasted key


def candidates(text: str) -> list[str]:
    """Return the words of a message that may be keys: long, ASCII, not a URL, without duplicates."""
    words = (word.strip(_AROUND) for word in _WORD.findall(text) if "://" not in word)
    return list(dict.fromkeys(word for word in words if word))


def is_key_alone(text: str) -> bool:
    """Whether a message is a single word with letters and digits that may be a key."""
    found = candidates(text)
    has_both = any(letter.isalpha() for letter in text) and any(letter.isdigit() for letter in text)
    return len(text.split()) == 1 and len(found) == 1 and has_both
