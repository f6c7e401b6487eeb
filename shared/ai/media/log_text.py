"""Clean a provider's error message for the log: no prompt, no address, no file."""

from __future__ import annotations

import re

from shared.core import log

_LONGEST = 500  # characters
_MOST = 4_000  # characters that are searched
_NEEDLE = 24  # characters of a prompt that are searched for; providers often cut what they quote
_SHORTEST = 4  # characters of a prompt that is searched for
_ADDRESS = re.compile(r"(?:https?://|data:)[^\s\"'<>]{1,4000}+")
_DATA = re.compile(r"[A-Za-z0-9+/_=-]{60,}+")
# Long quotations can only be the prompt or text of it.
_QUOTED = re.compile(r"[\"'“«`][^\"'”»`]{40,2000}+[\"'”»`]")


def clean(text: str, prompt: str = "") -> str:
    """Return `text` without credentials, addresses, data, long quotations and the prompt, and cut it."""
    text = log.redact_secrets(text[:_MOST])
    needle = prompt.strip()[:_NEEDLE]
    if len(needle) >= _SHORTEST and (found := re.search(re.escape(needle), text, re.IGNORECASE)):
        text = text[: found.start()] + "[prompt]"
    for pattern, name in ((_ADDRESS, "[address]"), (_DATA, "[data]"), (_QUOTED, "[quotation]")):
        text = pattern.sub(name, text)
    return " ".join(text.split())[:_LONGEST]
