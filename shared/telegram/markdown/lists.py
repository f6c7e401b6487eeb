"""Lists: bullets, numbers and tasks, nested by indentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.telegram.markdown.blocks import end_block

if TYPE_CHECKING:
    from shared.telegram.markdown.renderer import Renderer

_INDENT = "    "
_MAX_INDENT = 6 * len(_INDENT)  # or a list nested ten thousand times would fill gigabytes with spaces


@dataclass(slots=True)
class List:
    """A list that is open."""

    indent: str
    is_loose: bool = False  # its items are paragraphs, with blank lines between them


def _start_list(renderer: Renderer, _: int | None) -> None:
    renderer.page.begin_block(is_inner_list=bool(renderer.lists))
    renderer.lists.append(List(renderer.page.indent))


def _end_list(renderer: Renderer, _: None) -> None:
    renderer.lists.pop()
    end_block(renderer)


def _start_item(renderer: Renderer, marker: str) -> None:
    current = renderer.lists[-1]
    renderer.page.mark(current.indent + marker)
    renderer.page.indent = (current.indent + _INDENT)[:_MAX_INDENT]


def _end_item(renderer: Renderer, _: None) -> None:
    renderer.page.flush_marker()
    renderer.page.indent = renderer.lists[-1].indent
    renderer.page.break_line()


def _task(renderer: Renderer, is_done: bool) -> None:
    renderer.page.change_marker("☑ " if is_done else "☐ ")


ACTIONS: dict[str, Callable[[Renderer, Any], None]] = {
    "List": _start_list,
    "/List": _end_list,
    "Item": _start_item,
    "/Item": _end_item,
    "TaskListMarker": _task,
}
