r"""Renders the Markdown of AI models as Telegram text with entities.

pulldown-cmark (Rust, through `pyromark`) parses CommonMark and GitHub's tables, strikethrough, task lists
and footnotes in linear time and without recursion, so no input can hang or overflow it. Parsing takes a
thirtieth, and the import a tenth, of what markdown-it-py takes. The result obeys tdlib's rules for entities
(`are_entities_valid` in its MessageEntity.cpp), so Telegram accepts them:

- offsets in UTF-16 code units, nothing empty, nothing overlapping unless nested;
- `pre` and `code` contain no other entity and are inside none but a blockquote; blockquotes do not nest;
- a URL that `LinkManager::check_link` rejects fails the whole message, so it stays text.

HTML stays text, except that `<br>` breaks the line. Formulas and bare URLs stay as written (see `literals`).

The path of an answer: `literals`, `parser`, then step by step through `renderer` to `text`, `blocks`,
`lists`, `links` or `tables`, which write on one `output.Page`.
"""

from __future__ import annotations

import re
from itertools import islice

from shared.core import log
from shared.core.texts import Text
from shared.telegram.markdown.fences import repair
from shared.telegram.markdown.limits import MAX_MARKDOWN
from shared.telegram.markdown.link_targets import link_target
from shared.telegram.markdown.literals import extract_literals
from shared.telegram.markdown.parser import read
from shared.telegram.markdown.renderer import Renderer
from shared.telegram.split import is_visible

__all__ = ["MAX_MARKDOWN", "render"]

_BLANK = " \n"  # characters that Telegram trims
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def render(markdown: str) -> Text:
    """Return an AI model's answer as Telegram text. Never raises: the fallback is plain text.

    The text may be longer than a message (see `shared.telegram.split`). It is empty only when `markdown`
    has no visible character. An unclosed code fence extends to the end; an unclosed `**` stays text.
    """
    source = _clean(markdown)
    if len(source) <= MAX_MARKDOWN:
        try:
            text = _render(source)
        except BaseException as error:  # a Rust panic is not an Exception
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            log.warning("markdown not rendered", action="markdown_failed", reason=type(error).__name__)
        else:
            if is_visible(text.text):
                return text
    return Text(source.strip(_BLANK) if is_visible(source) else "", [])


def _clean(markdown: str) -> str:
    """Pair or replace surrogates, and replace control characters by spaces, as UTF-8 and Telegram require."""
    try:
        markdown.encode()
    except UnicodeEncodeError:
        markdown = markdown.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub(" ", markdown.replace("\r\n", "\n").replace("\r", "\n"))


def _render(source: str) -> Text:
    markdown, literals = extract_literals(repair(source))
    renderer = Renderer(literals)
    steps = read(markdown, lambda address: bool(link_target(literals.restore(address))))
    for name, data in islice(steps, 3 * len(markdown) + 1000):
        renderer.take(name, data)
    if next(steps, None):  # pulldown-cmark pads table rows to the header length
        raise ValueError("too many steps for a document of this length")
    return renderer.page.text()
