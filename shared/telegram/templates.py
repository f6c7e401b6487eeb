"""Renders outbox items that SQL functions enqueue: a text key and its values become a Bot API call.

SQL functions know neither texts nor languages. They enqueue the pseudo-method `template`: its text is
rendered at delivery, in the language and time zone of the recipient.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from importlib import import_module

from shared.core import texts
from shared.core.display_names import display_name
from shared.core.json_types import JsonObject
from shared.core.texts import figures

METHOD = "template"
# Values that a feature names, by the key that they have: `shown(language, value)` of its module
# template_values, which is imported where such a value is rendered, as the features import this package.
_FEATURES: Mapping[str, str] = {"assignment": "teams", "scenario": "trainer"}
_PASSED_ON = ("message_thread_id", "reply_parameters", "disable_notification")


def render(parameters: JsonObject) -> tuple[str, JsonObject]:
    """Return the Bot API method and its parameters for a template's parameters.

    Args:
        parameters: {chat_id, languages, key, values} with optional `timezone`, `buttons` (rows of {key, url}
            or {key, data}), `message_thread_id`, `reply_parameters`, `disable_notification`, and
            `message_id`, the message to edit.

    Raises:
        KeyError: the text or one of its values does not exist; a newer revision may have enqueued it.
    """
    language = texts.choose(*parameters["languages"])
    timezone = parameters.get("timezone", "UTC")  # present when a value is a date
    values = {name: _format_value(language, timezone, value) for name, value in parameters["values"].items()}
    text, entities = texts.rich(language, parameters["key"], **values)
    message = {"chat_id": parameters["chat_id"], "text": text, "entities": entities}
    if buttons := parameters.get("buttons"):
        keyboard = [
            [
                {"text": texts.text(language, button["key"], **values), **_button_action(button)}
                for button in row
            ]
            for row in buttons
        ]
        message["reply_markup"] = {"inline_keyboard": keyboard}
    message |= {name: parameters[name] for name in _PASSED_ON if name in parameters}
    if "message_id" in parameters:
        return "editMessageText", {**message, "message_id": parameters["message_id"]}
    return "sendMessage", message


def _button_action(button: JsonObject) -> JsonObject:
    return {"url": button["url"]} if "url" in button else {"callback_data": button["data"]}


def _format_value(language: str, timezone: str, value: object) -> object:  # noqa: PLR0911 - one return per kind
    """Format a value for a language: a date, an amount, a text, a name, or a text given per language."""
    if not isinstance(value, dict):
        return value
    if feature := next((_FEATURES[key] for key in value if key in _FEATURES), None):
        return import_module(f"shared.features.{feature}.template_values").shown(language, value)
    match value:
        case {"plan": plan}:
            return texts.plan_name(language, plan)
        case {"provider": name}:
            return texts.provider_name(language, name)
        case {"text": key}:
            return texts.text(language, key)
        case {"badge": badge}:
            key = f"badge_{badge}"  # one that an owner added has no text
            return (
                texts.text(language, key)
                if texts.has(language, key)
                else badge.replace("_", " ").capitalize()
            )
        case {"name": name}:
            return display_name(name) or "👤"
        case {"date": date}:
            return figures.date(language, date, timezone) if date else "—"
        case {"amount": amount}:
            return figures.money(language, Decimal(str(amount or 0)), value["currency"] or "")
        case _:
            return texts.pick(language, value)
