"""Renders inline content: text, styles, code, HTML and line breaks."""

from __future__ import annotations

import re
from collections.abc import Callable

from shared.telegram.markdown.state import Action, RenderState

BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def _text(state: RenderState, text: str) -> None:
    if state.code is not None:
        state.code.append(text)
    else:
        state.page.write(state.restore(text))


def _code(state: RenderState, text: str) -> None:
    state.page.code(state.restore(text))


def _html(state: RenderState, text: str) -> None:
    for index, line in enumerate(BREAK.split(state.restore(text).removesuffix("\n"))):
        if index:
            state.page.break_line()
        state.page.write(line)
    if text.endswith("\n"):
        state.page.break_line()


def _line_break(state: RenderState, _: None) -> None:
    state.page.break_line()


def _opening(style: str) -> Callable[[RenderState, object], None]:
    return lambda state, _: state.page.open(style)


def _closing(style: str) -> Callable[[RenderState, object], None]:
    return lambda state, _: state.page.close(style)


def _footnote_reference(state: RenderState, name: str) -> None:
    state.page.write(f"[{state.restore(name)}]")


ACTIONS: dict[str, Action] = {
    "Text": _text,
    "Code": _code,
    "Html": _html,
    "InlineHtml": _html,
    "SoftBreak": _line_break,  # keeps the lines of a poem or a postal address
    "HardBreak": _line_break,
    "FootnoteReference": _footnote_reference,
    "Strong": _opening("bold"),
    "/Strong": _closing("bold"),
    "Emphasis": _opening("italic"),
    "/Emphasis": _closing("italic"),
    "Strikethrough": _opening("strikethrough"),
    "/Strikethrough": _closing("strikethrough"),
}
