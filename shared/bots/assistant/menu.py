"""/start and /help, and the menu under them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from telebot.types import CallbackQuery, Message

from shared import pasted
from shared.bots.assistant import bot
from shared.config import settings
from shared.telegram import current, reply
from shared.telegram.bot import OPEN_PAGE
from shared.telegram.unit import Keyboard, Unit
from shared.texts import Text, joined

REFERRAL = "ref_"  # begins the payload of an invite link
PROMO = "promo_"  # and of a link with a promo code
_START_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what Telegram lets a deep link carry


def main_menu(unit: Unit) -> Keyboard:
    """Return the main menu in the user's language, without what needs a database where there is none."""
    if not settings().database_enabled:
        return [[(unit.text("menu_profile"), "profile"), (unit.text("menu_help"), "help")]]
    return [
        [(unit.text("menu_profile"), "profile"), (unit.text("menu_mode"), "mode")],
        [(unit.text("menu_buy"), "buy")],
        [(unit.text("menu_language"), "language"), (unit.text("menu_help"), "help")],
    ]


def back(unit: Unit) -> Keyboard:
    """Return the one row that leads back to the menu."""
    return [[(unit.text("menu_back"), "menu")]]


@bot.message_handler(commands=["start"], works_offline=True)
def start(message: Message) -> None:
    """Welcome a person; what their link carried is kept for whoever it is for, or redeemed."""
    unit = current()
    payload = pasted.word(pasted.after_command(message.text or ""))
    if payload.startswith(OPEN_PAGE) and unit.incoming.is_private:
        if not unit.is_offline:
            unit.set_data("awaiting", None)
        if bot.open_page(payload.removeprefix(OPEN_PAGE), message):
            return None
    if unit.is_offline:
        key = "welcome_offline" if settings().database_enabled else "welcome_without_database"
        return reply(unit.rich(key, name=unit.person.name), main_menu(unit))
    if _START_PAYLOAD.fullmatch(payload):
        unit.set_data("start_payload", payload)
    if payload.startswith(REFERRAL):
        unit.set_referrer(payload.removeprefix(REFERRAL))
    unit.set_data("awaiting", None)
    if payload.startswith(PROMO) and unit.incoming.is_private:
        from shared.bots.assistant.promo import redeem  # its module needs this one

        words, keyboard = redeem(unit, payload.removeprefix(PROMO))
        # What is given may change the plan: nothing is said of its limit.
        key = "welcome_unlimited" if unit.person.is_new else "welcome_back"
        return reply(joined(unit.rich(key, name=unit.person.name), words, separator="\n\n"), keyboard)
    return reply(_welcome(unit), main_menu(unit))


def _welcome(unit: Unit) -> Text:
    name = unit.person.name
    if not unit.person.is_new:
        return unit.rich("welcome_back", name=name)
    if unit.usage.daily_requests is None:
        return unit.rich("welcome_unlimited", name=name)
    return unit.rich("welcome", name=name, limit=unit.usage.daily_requests)


@bot.message_handler(commands=["help"], works_offline=True)
def help_(_message: Message) -> None:
    """Show what the bot can do: the commands that have a handler."""
    unit = current()
    reply(_help(unit), main_menu(unit))


@bot.callback_query_handler(func=lambda call: call.data == "help")
def show_help(_call: CallbackQuery) -> None:
    """Show the help under the menu's button."""
    unit = current()
    unit.show(_help(unit), back(unit))


@bot.callback_query_handler(func=lambda call: call.data == "menu")
def show_menu(_call: CallbackQuery) -> None:
    """Go back to the menu; what was asked for is not awaited any more."""
    unit = current()
    if unit.data.get("awaiting") and not unit.is_offline:
        unit.set_data("awaiting", None)
    unit.show(unit.rich("menu"), main_menu(unit))


def _help(unit: Unit) -> Text:
    group = unit.text("help_group") if unit.incoming.is_group else ""
    help_ = unit.rich("help", commands=_lines(unit, bot.commands(settings().database_enabled)), group=group)
    if not settings().database_enabled:
        return help_
    if unit.person.is_admin and unit.incoming.is_private:
        return joined(help_, unit.rich("help_admin", commands=_lines(unit, bot.admin_commands())))
    return help_


def _lines(unit: Unit, commands: Iterable[str]) -> str:
    return "\n".join(f"/{name} — {unit.text(f'command_{name}')}" for name in commands)
