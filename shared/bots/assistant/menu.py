"""/start, /help and /menu, and the buttons under them."""

from __future__ import annotations

import re
from functools import partial

from telebot.types import CallbackQuery, Message

from shared.ai.modes import find_mode
from shared.bots.assistant import bot, features
from shared.bots.assistant.features import plan_name
from shared.core import pasted, texts
from shared.core.config import settings
from shared.core.texts import Text, figures, joined
from shared.telegram import current, reply
from shared.telegram.bot import OPEN_PAGE
from shared.telegram.unit import Keyboard, Unit

REFERRAL = "ref_"  # begins the payload of an invite link
PROMO = "promo_"  # and of a link with a promo code
_START_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what Telegram lets a deep link carry


def main_menu(unit: Unit) -> Keyboard:
    """Return the main menu in the user's language: what is configured here, with what is chosen now."""
    if not settings().database_enabled:
        return [[(unit.text("menu_profile"), "profile"), (unit.text("menu_help"), "help")]]
    mode = unit.mode if unit.includes("modes") else "chat"
    return [
        [(unit.text("menu_profile"), "profile"), *buy_button(unit)],
        [(unit.text("menu_mode", mode=unit.text(f"mode_{find_mode(mode).key}")), "mode")],
        [(texts.language(unit.language).NAME, "language"), (unit.text("menu_help"), "help")],
    ]


def buy_button(unit: Unit) -> list[tuple[str, str]]:
    """Return the button to the shop, or nothing where nothing is sold."""
    return [(unit.text("menu_buy"), "buy")] if features.features(unit).is_selling else []


def menu_text(unit: Unit) -> Text:
    """Say which plan the user has and how many requests are left, above the main menu.

    Outside of the private chat it says neither: others would read the plan and the balance.
    """
    if unit.is_offline or not unit.incoming.is_private:
        return unit.rich("menu")
    usage = unit.usage
    lines = [unit.rich("menu_plan", plan=plan_name(unit)), _requests_left(unit)]
    if usage.bonus_credits:
        lines.append(unit.rich("menu_bonus", credits=usage.bonus_credits))
    if unit.person.balance > 0:
        balance = figures.money(unit.language, unit.person.balance, unit.person.currency)
        lines.append(unit.rich("menu_balance", balance=balance))
    return joined(joined(*lines, separator="\n"), unit.rich("menu"), separator="\n\n")


def _requests_left(unit: Unit) -> Text:
    usage = unit.usage
    day, month = usage.daily_requests, usage.monthly_requests
    left_today = None if day is None else max(day - usage.requests, 0)
    left_month = None if month is None else max(month - usage.month_requests, 0)
    if left_today is None and left_month is None:
        return unit.rich("menu_unlimited", used=usage.requests)
    if left_today is None or left_month == 0:
        return unit.rich("menu_left_month", left=left_month, limit=month)
    left = left_today if left_month is None else min(left_today, left_month)
    return unit.rich("menu_left", left=left, limit=day)


def back(unit: Unit) -> Keyboard:
    """Return the one row that leads back to the menu."""
    return [[(unit.text("menu_back"), "menu")]]


@bot.message_handler(commands=["menu"], private_only=True)
def menu(_message: Message) -> None:
    """Show the menu with the user's plan and requests; what was asked for is not awaited any more."""
    unit = current()
    _await_nothing(unit)
    reply(menu_text(unit), main_menu(unit))


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
    reply(_welcome(unit), main_menu(unit))
    if unit.person.is_admin and unit.incoming.is_private:
        from shared.telegram import menus

        # An admin of today may have been none at the last deployment, which sets these menus too.
        hidden = features.hidden_commands(features.features(unit))
        unit.set_menu(menus.menus(bot, texts.languages(), hidden=hidden, admin=unit.person.telegram_id))
    return None


def _welcome(unit: Unit) -> Text:
    name = unit.person.name
    if unit.incoming.is_group:
        return unit.rich("welcome_group", name=name)
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
    _await_nothing(unit)
    unit.show(menu_text(unit), main_menu(unit))


def _await_nothing(unit: Unit) -> None:
    if unit.data.get("awaiting") and not unit.is_offline:
        unit.set_data("awaiting", None)


def _help(unit: Unit) -> Text:
    group = unit.text("help_group") if unit.incoming.is_group else ""
    listed = features.sections(features.listed_commands(unit), features.SECTIONS, partial(_line, unit))
    parts = [unit.rich("help", group=group), *(_section(unit, *section) for section in listed)]
    if settings().database_enabled and unit.person.is_admin and unit.incoming.is_private:
        commands = features.sections(bot.admin_commands(), features.ADMIN_SECTIONS, partial(_line, unit))
        parts += [unit.rich("help_admin"), *(_section(unit, *section) for section in commands)]
    return joined(*parts, separator="\n\n")


def _section(unit: Unit, name: str, lines: str) -> Text:
    return joined(unit.rich(f"help_{name}"), Text(lines, []), separator="\n")


def _line(unit: Unit, name: str) -> str:
    return f"/{name} — {unit.text(f'command_{name}')}"
