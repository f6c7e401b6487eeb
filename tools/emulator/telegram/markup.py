"""reply_markup: what Telegram accepts and how it refuses the rest."""

from __future__ import annotations

from typing import Any

from tools.emulator.telegram.errors import bad_request

MAX_CALLBACK_DATA = 64
MAX_BUTTONS = 100
ACTIONS = (
    "callback_data",
    "url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "web_app",
    "login_url",
    "pay",
    "callback_game",
)
KEYBOARDS = {"inline keyboard": "inline_keyboard", "reply keyboard": "keyboard"}
SCHEMES = ("http://", "https://", "tg://", "ton://")


def check_markup(markup: Any) -> dict[str, Any] | None:
    """Return a valid markup unchanged, None for an empty one; raises ApiError with Telegram's text."""
    if markup in (None, "", {}):
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        _check_inline(markup["inline_keyboard"])
        return {"inline_keyboard": markup["inline_keyboard"]} if any(markup["inline_keyboard"]) else None
    if "keyboard" in markup:
        _check_reply(markup["keyboard"])
        return markup
    if markup.get("remove_keyboard") is True or markup.get("force_reply") is True:
        return markup
    return None


def _check_inline(rows: Any) -> None:
    for button in _buttons(rows, "inline keyboard"):
        actions = [name for name in ACTIONS if button.get(name) is not None]
        if not actions:
            raise bad_request(
                "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
            )
        if "callback_data" in actions:
            _check_callback_data(button["callback_data"])
        if "url" in actions:
            _check_url(button["url"])
        if "web_app" in actions:
            check_web_app(button["web_app"])
        if "copy_text" in actions and not _is_copy_text(button["copy_text"]):
            raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _check_callback_data(data: Any) -> None:
    if not isinstance(data, str) or not 1 <= len(data.encode()) <= MAX_CALLBACK_DATA:
        raise bad_request("BUTTON_DATA_INVALID")


def _check_url(url: Any) -> None:
    if not isinstance(url, str) or not url:
        raise bad_request("BUTTON_URL_INVALID")
    if "://" in url and not url.lower().startswith(SCHEMES):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Unsupported URL protocol")
    if any(character.isspace() for character in url):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def check_web_app(value: Any) -> None:
    """Refuse the address of a Mini App that is not https; the emulator's own is http."""
    url = value.get("url") if isinstance(value, dict) else None
    if not isinstance(url, str) or not url:
        raise bad_request("BUTTON_URL_INVALID")
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise bad_request(
            f"inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
        )


def _is_copy_text(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and 1 <= len(value["text"]) <= 256


def _check_reply(rows: Any) -> None:
    for button in _buttons(rows, "reply keyboard"):
        if not button["text"].strip():
            raise bad_request("reply keyboard button text must be non-empty")


def _buttons(rows: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request(f'field "{KEYBOARDS[what]}" of the ReplyMarkup must be an Array of Arrays')
    buttons = []
    for given in [button for row in rows for button in row]:
        button = {"text": given} if isinstance(given, str) and what == "reply keyboard" else given
        if not isinstance(button, dict) or not isinstance(button.get("text"), str):
            raise bad_request(f'can\'t parse {what} button: Field "text" must be of type String')
        if not button["text"] and what == "inline keyboard":
            raise bad_request("BUTTON_TEXT_INVALID")
        buttons.append(button)
    if len(buttons) > MAX_BUTTONS and what == "inline keyboard":
        raise bad_request("reply markup is too long")
    return buttons
