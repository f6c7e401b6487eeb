"""Renders lists: bullets, numbers and tasks, nested by indentation."""

from __future__ import annotations

from shared.telegram.markdown.blocks import end_block
from shared.telegram.markdown.state import Action, List, RenderState

_INDENT = "    "
_MAX_INDENT = 6 * len(_INDENT)  # a list nested 10,000 times would otherwise take gigabytes of spaces


def _start_list(state: RenderState, _: int | None) -> None:
    state.page.begin_block(is_inner_list=bool(state.lists))
    state.lists.append(List(state.page.indent))


def _end_list(state: RenderState, _: None) -> None:
    state.lists.pop()
    end_block(state)


def _start_item(state: RenderState, marker: str) -> None:
    current = state.lists[-1]
    state.page.mark(current.indent + marker)
    state.page.indent = (current.indent + _INDENT)[:_MAX_INDENT]


def _end_item(state: RenderState, _: None) -> None:
    state.page.flush_marker()
    state.page.indent = state.lists[-1].indent
    state.page.break_line()


def _task(state: RenderState, is_done: bool) -> None:
    state.page.change_marker("☑ " if is_done else "☐ ")


ACTIONS: dict[str, Action] = {
    "List": _start_list,
    "/List": _end_list,
    "Item": _start_item,
    "/Item": _end_item,
    "TaskListMarker": _task,
}
