"""Prepares names that strangers choose (users, channels) to be shown inside our own texts."""

from __future__ import annotations

import re

# Direction marks and overrides, zero-width characters, fillers that look like nothing, tags, controls.
_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e"
    "\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Where a joiner shapes what is seen: in Arabic and Indic scripts, and inside one emoji.
_SHAPED = "\u0600-\u08ff\u0900-\u0dff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_SHAPED}])[\u200c\u200d]|[\u200c\u200d](?![{_SHAPED}])")
# Telegram links addresses, @names, #tags and /commands; a word joiner behind the sign prevents that.
_LINK_SIGN = re.compile(r"(?<=[.@/#$:])(?=\S)")


def display_name(*parts: str | None) -> str:
    """Return a name as it is shown: one line, nothing invisible, nothing that Telegram turns into a link.

    Empty when nothing of it can be seen.
    """
    name = " ".join(part for part in parts if part)
    if name.isascii() and name.isalnum():
        return name
    seen = _STRAY_JOINER.sub("", _INVISIBLE.sub("", name))
    return _LINK_SIGN.sub("\u2060", " ".join(seen.split()))
