r"""The Markdown of AI models as Telegram text with entities.

CommonMark and GitHub's tables, strikethrough, task lists and footnotes are read by pulldown-cmark (Rust,
through `pyromark`): in linear time and without recursion, so no answer can hang or overflow it. Reading and
importing it take a thirtieth and a tenth of what markdown-it-py takes. What comes out keeps tdlib's rules for
entities (`are_entities_valid` in its MessageEntity.cpp), so Telegram does not refuse them:

- offsets in UTF-16 code units, nothing empty, nothing overlapping unless nested;
- `pre` and `code` hold no other entity and stand in none but a blockquote; blockquotes do not nest;
- an address that `LinkManager::check_link` would not take fails the whole message, so it stays text.

HTML is shown as it is written, but `<br>` breaks the line. Formulas and bare addresses stay as they are
written too (see `literals`).

An answer goes through `literals` and `reading`, then step by step through `renderer` to `words`, `blocks`,
`lists`, `links` or `tables`, and all of them write on one `page`.
"""

from __future__ import annotations

import re
from itertools import islice

from shared.core import log
from shared.core.texts import Text
from shared.telegram.markdown.fences import repair
from shared.telegram.markdown.limits import MAX_MARKDOWN
from shared.telegram.markdown.link_targets import link_target
from shared.telegram.markdown.literals import set_aside
from shared.telegram.markdown.parser import read
from shared.telegram.markdown.renderer import Renderer
from shared.telegram.split import is_visible

__all__ = ["MAX_MARKDOWN", "render"]

_BLANK = " \n"  # what Telegram trims
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def render(markdown: str) -> Text:
    """Return an AI model's answer as Telegram text; never raises, plain text is the worst that comes out.

    The text may be longer than a message (see `shared.telegram.split`), and is empty only when there is
    nothing visible in `markdown`. An unclosed code fence runs to the end, an unclosed `**` stays as it is.
    """
    source = _clean(markdown)
    if len(source) <= MAX_MARKDOWN:
        try:
            text = _render(source)
        except BaseException as error:  # a Rust panic is no Exception
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            log.warning("markdown not rendered", action="markdown_failed", reason=type(error).__name__)
        else:
            if is_visible(text.text):
                return text
    return Text(source.strip(_BLANK) if is_visible(source) else "", [])


def _clean(markdown: str) -> str:
    """Return what UTF-8 and Telegram take: surrogates paired or replaced, control characters as spaces."""
    try:
        markdown.encode()
    except UnicodeEncodeError:
        markdown = markdown.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub(" ", markdown.replace("\r\n", "\n").replace("\r", "\n"))


def _render(source: str) -> Text:
    markdown, literals = set_aside(repair(source))
    renderer = Renderer(literals)
    steps = read(markdown, lambda address: bool(link_target(literals.restored(address))))
    for name, data in islice(steps, 3 * len(markdown) + 1000):
        renderer.take(name, data)
    if next(steps, None):  # a row of a table is filled up to the length of its header
        raise ValueError("more steps than an honest document of this length has")
    return renderer.page.text()
