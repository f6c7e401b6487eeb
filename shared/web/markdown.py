"""Renders Markdown as HTML, from the same steps as for Telegram (shared/telegram/markdown).

pulldown-cmark parses in linear time. Only tags that stand in html_writer.py are written; everything else is
text, HTML of the source too. Links lead to http and https addresses alone, and pictures of others become
links, so that a page loads nothing from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice

from markupsafe import Markup

from shared.core import log
from shared.telegram.markdown.fences import repair
from shared.telegram.markdown.limits import MAX_MARKDOWN
from shared.telegram.markdown.link_targets import link_target
from shared.telegram.markdown.literals import extract_literals
from shared.telegram.markdown.parser import read
from shared.web.html_writer import HtmlWriter

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Embeddings, overrides and isolates of direction: they could show a text in another order than it has.
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean(words: str) -> str:
    """Return a text without control characters, and without those that change the direction of others."""
    return _OVERRIDES.sub("", _CONTROLS.sub(" ", words.replace("\r\n", "\n").replace("\r", "\n")))


def to_html(
    source: str, *, code: str, table: str, top: int = 3, picture: Callable[[str], str] | None = None
) -> Markup:
    """Return Markdown as HTML. Never raises: the fallback is the source as text.

    Args:
        code: what a screen reader calls a block of code, which scrolls.
        table: the same of a table.
        top: level of the document's first heading: 2 below the title of a page, 3 below a part of it.
        picture: returns the address of a picture of ours by what the source names; empty for all others.
    """
    source = clean(source)
    if len(source) <= MAX_MARKDOWN:
        try:
            return _render(source, code, table, top, picture)
        except BaseException as error:  # a Rust panic is not an Exception
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            log.warning("markdown not rendered", action="markdown_failed", reason=type(error).__name__)
    return Markup('<div class="words">{}</div>').format(source)


def _render(source: str, code: str, table: str, top: int, picture: Callable[[str], str] | None) -> Markup:
    text, literals = extract_literals(repair(source))
    found = read(text, lambda address: bool(link_target(literals.restore(address))))
    steps = list(islice(found, 3 * len(text) + 1000))
    levels = sorted({data["level"] for name, data in steps if name == "Heading"})
    writer = HtmlWriter(literals.restore, levels, code=code, table=table, top=top, picture=picture)
    for name, data in steps:
        writer.take(name, data)
    return writer.finish()
