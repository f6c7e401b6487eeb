"""The screen that chooses model and options; built from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.features.common.media import catalog, labels, making, prices, wishes
from shared.features.common.media.catalog import Mode, Value, as_text
from shared.telegram import reply

if TYPE_CHECKING:
    from shared.core.texts import Text
    from shared.features.common.media.kinds import MediaKind
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

_IN_ROW = 4
_MOST = 16  # values of one option
_LONGEST = 32  # characters of a value: callback data has 64 bytes


def choose_mode(context: UpdateContext, kind: MediaKind, key: str) -> None:
    """Use another model from now on."""
    mode = catalog.find(kind, key)
    if mode is None:
        return context.answer_callback(context.text(kind.key("unavailable")), alert=True)
    if not catalog.is_included(context, mode):
        text = context.text("media_locked_toast", mode=mode.title(context.language))
        return context.answer_callback(text, alert=True)
    context.set_data(kind.key(wishes.MODE), key)
    if context.mode.startswith(kind.prefix):
        context.set_mode(kind.prefix + key)
    return context.show(*_screen(context, kind, mode))


def choose(context: UpdateContext, kind: MediaKind, name: str, value: str) -> None:
    """Use another value of an option from now on."""
    mode = wishes.chosen_mode(context, kind)
    if mode is None or value not in _values(kind, mode, name):
        return context.answer_callback(context.text("media_option_gone"), alert=True)
    stored = context.data.get(kind.key(wishes.OPTIONS))
    every = dict(stored) if isinstance(stored, dict) else {}
    every[mode.key] = {**(every.get(mode.key) or {}), name: value}
    context.set_data(kind.key(wishes.OPTIONS), every)
    return context.show(*_screen(context, kind, mode))


def offer(context: UpdateContext, kind: MediaKind) -> None:
    """Send the screen as a new message."""
    mode = wishes.chosen_mode(context, kind)
    if mode is not None:
        reply(*_screen(context, kind, mode))


def _values(kind: MediaKind, mode: Mode, name: str) -> dict[str, Value]:
    """Return the values of an option by what the button holds."""
    found = {as_text(one): one for one in mode.models[0].values(kind, name)[:_MOST]}
    return {text: value for text, value in found.items() if len(text) <= _LONGEST}


def _screen(context: UpdateContext, kind: MediaKind, mode: Mode) -> tuple[Text, Keyboard]:
    chosen, model = wishes.chosen_options(context, kind, mode), mode.models[0]
    used = model.options(kind, chosen)
    others = [
        (name, text, value) for name in kind.choices for text, value in _values(kind, mode, name).items()
    ]
    current, *found = wishes.quotes(
        context, kind, mode, [(chosen, 0), *(({**chosen, name: text}, 0) for name, text, _ in others)]
    )
    rows: list[list[tuple[str, str]]] = _modes(context, kind, mode)
    for name in kind.choices:
        buttons = [
            (
                f"{'✓ ' if used.get(name) == value else ''}{labels.label(context, model, name, value)}"
                f"{prices.mark(context, quoted)}",
                f"{kind.prefix}set:{name}:{text}",
            )
            for (other, text, value), quoted in zip(others, found, strict=True)
            if other == name and quoted is not None  # what has no price cannot be ordered
        ]
        if len(buttons) > 1:
            rows += [buttons[start : start + _IN_ROW] for start in range(0, len(buttons), _IN_ROW)]
    if current is not None and making.offered(context, kind) is not None:
        rows.append([(context.text("media_to_price"), f"{kind.prefix}price")])
    lines = [
        context.text(f"media_chosen_{name}", value=labels.label(context, model, name, value))
        for name, value in used.items()
    ]
    price = prices.costs(context, kind, current) if current else context.text("media_no_price")
    text = context.rich(
        "media_options_screen",
        mode=mode.title(context.language),
        chosen="\n".join(lines),
        price=price + prices.note(context, found),
    )
    return text, rows


def _modes(context: UpdateContext, kind: MediaKind, current: Mode) -> list[list[tuple[str, str]]]:
    every = catalog.modes(kind)
    if len(every) < 2:
        return []
    names: Mapping[str, str] = {one.key: one.title(context.language) for one in every}
    locked = {one.key for one in every if not catalog.is_included(context, one)}
    return [
        [
            (
                f"{'✓ ' if key == current.key else '🔒 ' if key in locked else ''}{name}",
                f"{kind.prefix}mode:{key}",
            )
        ]
        for key, name in names.items()
    ]
