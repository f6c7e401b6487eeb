"""Links, pictures as links to them, and their addresses in words where Telegram takes no link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.telegram.markdown.link_targets import link_note, link_target

if TYPE_CHECKING:
    from shared.telegram.markdown.renderer import Renderer

_LABEL_PIECES = 50  # more of them are no bare address; images nest, and each would read all within
_BY_LABEL = ("Reference", "Collapsed", "Shortcut")


@dataclass(slots=True)
class Link:
    """A link that is open."""

    target: str
    note: str
    piece: int  # the index of its first piece of text
    end: str  # the bracket behind its words
    title: str


def _start_link(renderer: Renderer, data: dict[str, Any]) -> None:
    page = renderer.page
    address = renderer.restored(data["dest_url"])
    is_free = not page.is_in("text_link")
    target = link_target(address) if is_free else ""
    if data["link_type"] in _BY_LABEL:
        start, end, note = *_brackets(renderer, data, is_link=bool(target)), ""
    else:
        start, end, note = "", "", link_note(address) if is_free and not target else ""
    if target:
        page.open("text_link", target)
    page.write(start)
    renderer.links.append(Link(target, note, len(page.pieces), end, _title(renderer, data)))


def _brackets(renderer: Renderer, data: dict[str, Any], *, is_link: bool) -> tuple[str, str]:
    """Return what stands around the words of `[words][label]`: `[1]` is shown with its brackets, and so is
    every one whose address is none; its definition is then shown where it stands."""
    if not is_link:
        return "[", f"][{renderer.restored(data['id'])}]" if data["link_type"] == "Reference" else "]"
    return ("[", "]") if data["link_type"] == "Shortcut" and data["id"].isdigit() else ("", "")


def _title(renderer: Renderer, data: dict[str, Any]) -> str:
    title = renderer.restored(data["title"]).strip()
    return f" ({title})" if title else ""


def _end_link(renderer: Renderer, _: None) -> None:
    page, link = renderer.page, renderer.links.pop()
    label = "".join(page.pieces[link.piece : link.piece + _LABEL_PIECES])
    if not label.strip():
        page.write(link.target or link.note)
    elif link.note and link.note not in label:
        page.write(f" ({link.note})")
    page.write(link.end)
    if link.target:
        page.close("text_link")
    page.write(link.title)


ACTIONS: dict[str, Callable[[Renderer, Any], None]] = {
    "Link": _start_link,
    "/Link": _end_link,
    "Image": _start_link,
    "/Image": _end_link,
}
