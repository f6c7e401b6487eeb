"""Make names that others choose (users, channels) safe to show within our texts."""

from __future__ import annotations

import re

# Direction marks and overrides, zero-width characters, invisible fillers, tags, controls.
_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e"
    "\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Scripts where joiners change the glyphs: Arabic, Indic scripts, emoji.
_SHAPED = "\u0600-\u08ff\u0900-\u0dff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_SHAPED}])[\u200c\u200d]|[\u200c\u200d](?![{_SHAPED}])")
# Telegram links addresses, @names, #tags and /commands; a word joiner behind the sign prevents that.
_LINK_SIGN = re.compile(r"(?<=[.@/#$:])(?=\S)")


def display_name(*parts: str | None) -> str:
    """Return a name on one line, without invisible characters and without what Telegram turns into links.

    Empty when no character is visible.
    """
    name = " ".join(part for part in parts if part)
    if name.isascii() and name.isalnum():
        return name
    seen = _STRAY_JOINER.sub("", _INVISIBLE.sub("", name))
    return _LINK_SIGN.sub("\u2060", " ".join(seen.split()))
