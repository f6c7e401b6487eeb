"""Texts with styles, as bots send them, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from shared.core.texts import Text

_TAGS = {"bold": "strong", "code": "code"}


def to_html(text: Text) -> Markup:
    """Return a text with bold and code as elements; all else is escaped. Line breaks stay (class `words`)."""
    units = text.text.encode("utf-16-le")  # entities count UTF-16 code units
    parts, end = [], 0
    for entity in sorted(text.entities, key=lambda one: int(one["offset"])):
        start, stop = 2 * entity["offset"], 2 * (entity["offset"] + entity["length"])
        parts.append(escape(units[end:start].decode("utf-16-le")))
        tag = _TAGS[entity["type"]]
        parts.append(Markup("<{0}>{1}</{0}>").format(tag, units[start:stop].decode("utf-16-le")))
        end = stop
    parts.append(escape(units[end:].decode("utf-16-le")))
    return Markup("").join(parts)
