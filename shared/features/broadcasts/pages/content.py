"""The fields of a form that describe a message: its texts, its buttons; and what Telegram does not take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core import texts
from shared.core.texts import utf16_length
from shared.web.forms import FormError

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject

BUTTONS = (1, 2, 3)
# Commands that open a page in the private chat; a bot that has not got one says so.
COMMANDS = ("buy", "courses", "continue", "profile", "subscription", "trial", "referral", "promo", "menu")
MAX_TEXT, MAX_CAPTION, MAX_LABEL = 4096, 1024, 64
_ADDRESS = re.compile(r"https://[^\s<>\"\\^`{|}]{4,500}")


class MessageFields(BaseModel):
    """Fields of a message: text_en, text_ru, and of each button label1_en, label1_ru, target1."""

    model_config = {"extra": "allow"}

    name: str = Field(min_length=1, max_length=100, pattern=r"\S")

    def typed(self, name: str) -> str:
        """Return what was typed in a field."""
        return str((self.model_extra or {}).get(name, "")).strip()


def from_fields(sent: MessageFields, *, has_media: bool) -> JsonObject:
    """Return the content that fields describe.

    Raises:
        FormError: a text is too long, a button has no label or leads nowhere.
    """
    from shared.features.broadcasts import rendering  # imports telebot, which the other pages do not need

    faults: dict[str, str] = {}
    written = {}
    for code in sorted(texts.codes()):
        text = sent.typed(f"text_{code}")
        if not text:
            continue
        written[code] = text
        if utf16_length(rendering.rendered(text, "n" * rendering.MAX_NAME).text) > (
            MAX_CAPTION if has_media else MAX_TEXT
        ):
            faults[f"text_{code}"] = "broadcast_text_too_long"
    buttons = []
    for number in BUTTONS:
        labels = {code: sent.typed(f"label{number}_{code}") for code in sorted(texts.codes())}
        labels = {code: label for code, label in labels.items() if label}
        target = sent.typed(f"target{number}")
        if not labels and not target:
            continue
        faults |= {
            f"label{number}_{code}": "web_field_too_long"
            for code, label in labels.items()
            if utf16_length(label) > MAX_LABEL
        }
        if not labels:
            faults[f"label{number}_{sorted(texts.codes())[0]}"] = "web_field_missing"
        if _ADDRESS.fullmatch(target):
            buttons.append({"texts": labels, "url": target})
        elif target.startswith("/") and target[1:] in COMMANDS:
            buttons.append({"texts": labels, "command": target[1:]})
        else:
            faults[f"target{number}"] = "broadcast_target_wrong"
    if faults:
        raise FormError(faults)
    return {"texts": written, "buttons": buttons}


def to_fields(content: JsonObject) -> dict[str, object]:
    """Return the fields of a form that describe a message."""
    fields: dict[str, object] = {f"text_{code}": text for code, text in (content.get("texts") or {}).items()}
    for number, button in zip(BUTTONS, content.get("buttons") or [], strict=False):
        fields |= {f"label{number}_{code}": label for code, label in button["texts"].items()}
        fields[f"target{number}"] = button.get("url") or f"/{button['command']}"
    return fields
