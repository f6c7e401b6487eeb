"""Links, pictures as links to them, and the sources that stand below an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.telegram.markdown.addresses import link_note, link_target

if TYPE_CHECKING:
    from shared.telegram.markdown.renderer import Renderer

_LABEL_PIECES = 50  # more of them are no bare address; images nest, and each would read all within


@dataclass(slots=True)
class Link:
    """A link that is open."""

    target: str
    note: str
    piece: int  # the index of its first piece of text
    is_numbered: bool  # `[1]`, shown with its brackets


def _start_link(renderer: Renderer, data: dict[str, Any]) -> None:
    page = renderer.page
    renderer.used_labels.add(_label_key(data["id"]))
    address = renderer.restored(data["dest_url"])
    is_free = not page.is_in("text_link")
    target = link_target(address) if is_free else ""
    note = link_note(address) if is_free and not target else ""
    if target:
        page.open("text_link", target)
    is_numbered = data["link_type"] == "Shortcut" and data["id"].isdigit()
    if is_numbered:
        page.write("[")
    renderer.links.append(Link(target, note, len(page.pieces), is_numbered))


def _end_link(renderer: Renderer, _: None) -> None:
    page, link = renderer.page, renderer.links.pop()
    label = "".join(page.pieces[link.piece : link.piece + _LABEL_PIECES])
    if link.is_numbered:
        page.write("]")
    if not label.strip():
        page.write(link.target or link.note)
    elif link.note and link.note not in label:
        page.write(f" ({link.note})")
    if link.target:
        page.close("text_link")


def write_unused(renderer: Renderer, definitions: dict[str, str]) -> None:
    """Write the sources that the text names in no link: Markdown would hide them."""
    for label, address in definitions.items():
        if _label_key(label) not in renderer.used_labels:
            renderer.page.break_line()
            renderer.page.write(f"[{renderer.restored(label)}] {renderer.restored(address)}")


def _label_key(label: str) -> str:
    return " ".join(label.split()).casefold()


ACTIONS: dict[str, Callable[[Renderer, Any], None]] = {
    "Link": _start_link,
    "/Link": _end_link,
    "Image": _start_link,
    "/Image": _end_link,
}
