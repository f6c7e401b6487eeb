"""The screen that chooses model, aspect ratio, size and quality; built from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.features.images import catalog, wishes
from shared.features.images.catalog import CHOICES, ImageMode
from shared.telegram import reply

if TYPE_CHECKING:
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

_IN_ROW = 4
_MOST = 16  # values of one option


def show(context: UpdateContext) -> None:
    """Show what is chosen, what a picture costs with it, and the other values."""
    mode = wishes.chosen_mode(context)
    if mode is None:
        return context.answer_callback(context.text("image_unavailable"), alert=True)
    return context.show(*_screen(context, mode))


def choose_mode(context: UpdateContext, key: str) -> None:
    """Use another model from now on."""
    mode = catalog.find(key)
    if mode is None:
        return context.answer_callback(context.text("image_unavailable"), alert=True)
    if not catalog.is_included(context, mode):
        text = context.text("image_locked_toast", mode=mode.title(context.language))
        return context.answer_callback(text, alert=True)
    context.set_data(wishes.MODE, key)
    if context.mode.partition(":")[1]:  # a mode of pictures
        context.set_mode(f"image:{key}")
    return context.show(*_screen(context, mode))


def choose(context: UpdateContext, name: str, value: str) -> None:
    """Use another value of an option from now on."""
    mode = wishes.chosen_mode(context)
    if mode is None or value not in _values(mode, name):
        return context.answer_callback(context.text("image_option_gone"), alert=True)
    stored = context.data.get(wishes.OPTIONS)
    every = dict(stored) if isinstance(stored, dict) else {}
    every[mode.key] = {**(every.get(mode.key) or {}), name: value}
    context.set_data(wishes.OPTIONS, every)
    return context.show(*_screen(context, mode))


def offer(context: UpdateContext) -> None:
    """Send the screen as a new message."""
    mode = wishes.chosen_mode(context)
    if mode is not None:
        reply(*_screen(context, mode))


def _values(mode: ImageMode, name: str) -> list[str]:
    return [str(one) for one in mode.models[0].parameters.get(CHOICES.get(name, "")) or ()][:_MOST]


def _screen(context: UpdateContext, mode: ImageMode) -> tuple[Text, Keyboard]:
    chosen = wishes.chosen_options(context, mode)
    others = [(name, value) for name in CHOICES for value in _values(mode, name)]
    current, *found = wishes.quotes(
        context, mode, [(chosen, 0), *(({**chosen, name: value}, 0) for name, value in others)]
    )
    price = (
        context.text("image_costs", requests=current.requests) if current else context.text("image_no_price")
    )
    rows: list[list[tuple[str, str]]] = _modes(context, mode)
    for name in CHOICES:
        buttons = [
            (_label(value, chosen.get(name), quoted), f"image:set:{name}:{value}")
            for (other, value), quoted in zip(others, found, strict=True)
            if other == name and quoted is not None  # what has no price cannot be ordered
        ]
        if len(buttons) > 1:
            rows += [buttons[start : start + _IN_ROW] for start in range(0, len(buttons), _IN_ROW)]
    lines = [
        context.text(f"image_chosen_{name}", value=chosen[name])
        for name in CHOICES
        if chosen.get(name) in _values(mode, name)
    ]
    text = context.rich(
        "image_options_screen", mode=mode.title(context.language), chosen="\n".join(lines), price=price
    )
    return text, rows


def _label(value: str, chosen: str | None, quoted: wishes.Quote) -> str:
    price = f" · {quoted.requests}" if quoted.requests > 1 else ""
    return f"{'✓ ' if value == chosen else ''}{value}{price}"


def _modes(context: UpdateContext, current: ImageMode) -> list[list[tuple[str, str]]]:
    every = catalog.modes()
    if len(every) < 2:
        return []
    names: Mapping[str, str] = {one.key: one.title(context.language) for one in every}
    locked = {one.key for one in every if not catalog.is_included(context, one)}
    return [
        [(f"{'✓ ' if key == current.key else '🔒 ' if key in locked else ''}{name}", f"image:mode:{key}")]
        for key, name in names.items()
    ]
