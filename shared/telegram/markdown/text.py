"""Words and what is between them: styles, code, HTML and line breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.telegram.markdown.renderer import Renderer

BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def _text(renderer: Renderer, text: str) -> None:
    if renderer.code is not None:
        renderer.code.append(text)
    else:
        renderer.page.write(renderer.restored(text))


def _code(renderer: Renderer, text: str) -> None:
    renderer.page.code(renderer.restored(text))


def _html(renderer: Renderer, text: str) -> None:
    for index, line in enumerate(BREAK.split(renderer.restored(text).removesuffix("\n"))):
        if index:
            renderer.page.break_line()
        renderer.page.write(line)
    if text.endswith("\n"):
        renderer.page.break_line()


def _line_break(renderer: Renderer, _: None) -> None:
    renderer.page.break_line()


def _opening(style: str) -> Callable[[Renderer, Any], None]:
    return lambda renderer, _: renderer.page.open(style)


def _closing(style: str) -> Callable[[Renderer, Any], None]:
    return lambda renderer, _: renderer.page.close(style)


def _footnote_reference(renderer: Renderer, name: str) -> None:
    renderer.page.write(f"[{renderer.restored(name)}]")


ACTIONS: dict[str, Callable[[Renderer, Any], None]] = {
    "Text": _text,
    "Code": _code,
    "Html": _html,
    "InlineHtml": _html,
    "SoftBreak": _line_break,  # a chat keeps the lines of a poem or an address
    "HardBreak": _line_break,
    "FootnoteReference": _footnote_reference,
    "Strong": _opening("bold"),
    "/Strong": _closing("bold"),
    "Emphasis": _opening("italic"),
    "/Emphasis": _closing("italic"),
    "Strikethrough": _opening("strikethrough"),
    "/Strikethrough": _closing("strikethrough"),
}
