"""A bot's profile: commands, name, descriptions, menu button."""

from __future__ import annotations

import json
import re
from typing import Any

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.markup import check_web_app
from tools.emulator.telegram.model import Json

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
MAX_COMMANDS = 100
LIMITS = {"name": 64, "description": 512, "short_description": 120}


@method("setMyCommands", "commands", "scope", "language_code")
def set_my_commands(call: Call) -> bool:
    """Set the command list of one scope and language."""
    commands = call.json("commands")
    if not isinstance(commands, list) or len(commands) > MAX_COMMANDS:
        raise bad_request(
            "BOT_COMMANDS_TOO_MUCH" if isinstance(commands, list) else "can't parse list of bot commands"
        )
    for command in commands:
        _check_command(command)
    call.bot.commands[_key(call)] = commands
    _changed(call)
    return True


@method("getMyCommands", "scope", "language_code")
def get_my_commands(call: Call) -> list[Json]:
    """Return the command list of one scope and language."""
    return call.bot.commands.get(_key(call), [])


@method("deleteMyCommands", "scope", "language_code")
def delete_my_commands(call: Call) -> bool:
    """Delete a command list, so that the wider one applies."""
    call.bot.commands.pop(_key(call), None)
    _changed(call)
    return True


@method("setChatMenuButton", "menu_button", note="One button for all chats.")
def set_chat_menu_button(call: Call) -> bool:
    """Set the button beside the input field."""
    button = call.json("menu_button")
    if isinstance(button, dict) and button.get("type") == "web_app":
        check_web_app(button.get("web_app"))
    call.bot.texts["menu_button"] = json.dumps(button)
    _changed(call)
    return True


@method("getChatMenuButton", note="One button for all chats.")
def get_chat_menu_button(call: Call) -> Any:
    """Return the button beside the input field."""
    return json.loads(call.bot.texts.get("menu_button", "null")) or {"type": "default"}


def _text_methods(title: str, name: str) -> None:
    """Register setMy…/getMy… of one of the bot's texts, stored by language."""

    @method(f"setMy{title}", name, "language_code")
    def set_text(call: Call) -> bool:
        value = call.text(name)
        if len(value) > LIMITS[name]:
            raise bad_request(f"bot {name.replace('_', ' ')} is too long")
        call.bot.texts[f"{name}:{call.text('language_code')}"] = value
        return True

    @method(f"getMy{title}", "language_code")
    def get_text(call: Call) -> Json:
        texts = call.bot.texts
        return {name: texts.get(f"{name}:{call.text('language_code')}") or texts.get(f"{name}:", "")}


_text_methods("Name", "name")
_text_methods("Description", "description")
_text_methods("ShortDescription", "short_description")


def _check_command(command: Any) -> None:
    if not isinstance(command, dict) or not isinstance(command.get("command"), str):
        raise bad_request('can\'t parse BotCommand: Field "command" must be of type String')
    if not COMMAND.fullmatch(command["command"].removeprefix("/")):
        raise bad_request("BOT_COMMAND_INVALID")
    if not isinstance(command.get("description"), str) or not 1 <= len(command["description"]) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")


def _key(call: Call) -> str:
    """Return the default scope's key is the language code alone, one chat's is `chat:<id>:<language code>`.

    Both are what the page shows. A chat that the bot does not know has no commands of its own.
    """
    scope = call.json("scope") or {"type": "default"}
    language = call.text("language_code")
    if scope == {"type": "default"}:
        return language
    if scope.get("type") == "chat":
        room = call.state.room(call.bot.name, int(scope["chat_id"]))
        if room is None or not room.started:
            raise bad_request("chat not found")
        return f"chat:{room.id}:{language}"
    return json.dumps(scope, sort_keys=True) + language


def _changed(call: Call) -> None:
    shown = {"commands": shown_commands(call.bot.commands), "menu_url": call.bot.menu_url}
    call.state.publish("commands", {"bot": call.bot.name, **shown})


def shown_commands(commands: dict[str, list[Json]]) -> dict[str, list[Json]]:
    """Return the lists of the default scope and of single chats, by their keys."""
    return {language: items for language, items in commands.items() if not language.startswith("{")}
