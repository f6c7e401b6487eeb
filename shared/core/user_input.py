"""Normalize what users paste: codes, keys, names and addresses with invisible or surrounding characters."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 1000  # characters that are read; codes, keys and addresses are shorter
# Controls, joiners, direction marks, fillers, variation selectors, tags: no width on the screen.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc"
    "\U000e0000-\U000e0fff\ud800-\udfff]"
)
# Characters around a pasted value: quotes, brackets, Markdown's marks, the end of a sentence.
_AROUND = "\"'`´«»‹›“”„‟‘’‚‛<>()[]{}*~|,;:.!?¡¿…。、，・"


def normalize(text: str) -> str:
    """Return a text without invisible characters, in Unicode form NFKC, with single spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).replace("\u2800", " ")
    return " ".join(_INVISIBLE.sub("", text).split())


def single_value(text: str) -> str:
    """Return a pasted value without the punctuation around it; at most 1000 characters are read."""
    return normalize(text[:_LONGEST]).strip(_AROUND + " ")


def command_argument(text: str) -> str:
    """Return the text after a command, separated by any white space."""
    return (text.split(maxsplit=1)[1:] or [""])[0].strip()
