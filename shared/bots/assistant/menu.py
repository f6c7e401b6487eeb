"""/start, /help and /menu, and the buttons under them."""

from __future__ import annotations

import re
from functools import partial

from telebot.types import CallbackQuery, Message

from shared.ai.modes import find_mode
from shared.bots.assistant import bot, features
from shared.bots.assistant.features import plan_name
from shared.core import texts, user_input
from shared.core.config import settings
from shared.core.texts import Text, figures, joined
from shared.telegram import current_context, reply
from shared.telegram.bot import OPEN_PAGE
from shared.telegram.context import Keyboard, UpdateContext

REFERRAL = "ref_"  # begins the payload of an invite link
PROMO = "promo_"  # and of a link with a promo code
_START_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what Telegram lets a deep link carry


def main_menu(context: UpdateContext) -> Keyboard:
    """Return the main menu in the user's language: what is configured here, with what is chosen now."""
    if not settings().database_enabled:
        return [[(context.text("menu_profile"), "profile"), (context.text("menu_help"), "help")]]
    mode = context.mode if context.includes("modes") else "chat"
    return [
        [(context.text("menu_profile"), "profile"), *buy_button(context)],
        [(context.text("menu_mode", mode=context.text(f"mode_{find_mode(mode).key}")), "mode")],
        [(texts.language(context.language).NAME, "language"), (context.text("menu_help"), "help")],
    ]


def buy_button(context: UpdateContext) -> list[tuple[str, str]]:
    """Return the button to the shop, or nothing where nothing is sold."""
    return [(context.text("menu_buy"), "buy")] if features.features(context).is_selling else []


def menu_text(context: UpdateContext) -> Text:
    """Say which plan the user has and how many requests are left, above the main menu.

    Outside of the private chat it says neither: others would read the plan and the balance.
    """
    if context.is_offline or not context.update.is_private:
        return context.rich("menu")
    usage = context.usage
    lines = [context.rich("menu_plan", plan=plan_name(context)), _requests_left(context)]
    if usage.bonus_credits:
        lines.append(context.rich("menu_bonus", credits=usage.bonus_credits))
    if context.user.balance > 0:
        balance = figures.money(context.language, context.user.balance, context.user.currency)
        lines.append(context.rich("menu_balance", balance=balance))
    return joined(joined(*lines, separator="\n"), context.rich("menu"), separator="\n\n")


def _requests_left(context: UpdateContext) -> Text:
    usage = context.usage
    day, month = usage.daily_requests, usage.monthly_requests
    left_today = None if day is None else max(day - usage.requests, 0)
    left_month = None if month is None else max(month - usage.month_requests, 0)
    if left_today is None and left_month is None:
        return context.rich("menu_unlimited", used=usage.requests)
    if left_today is None or left_month == 0:
        return context.rich("menu_left_month", left=left_month, limit=month)
    left = left_today if left_month is None else min(left_today, left_month)
    return context.rich("menu_left", left=left, limit=day)


def back(context: UpdateContext) -> Keyboard:
    """Return the one row that leads back to the menu."""
    return [[(context.text("menu_back"), "menu")]]


@bot.message_handler(commands=["menu"], private_only=True)
def menu(_message: Message) -> None:
    """Show the menu with the user's plan and requests; what was asked for is not awaited any more."""
    context = current_context()
    _await_nothing(context)
    reply(menu_text(context), main_menu(context))


@bot.message_handler(commands=["start"], works_offline=True)
def start(message: Message) -> None:
    """Welcome a person; what their link carried is kept for whoever it is for, or redeemed."""
    context = current_context()
    payload = user_input.single_value(user_input.command_argument(message.text or ""))
    if payload.startswith(OPEN_PAGE) and context.update.is_private:
        if not context.is_offline:
            context.set_data("awaiting", None)
        if bot.open_page(payload.removeprefix(OPEN_PAGE), message):
            return None
    if context.is_offline:
        key = "welcome_offline" if settings().database_enabled else "welcome_without_database"
        return reply(context.rich(key, name=context.user.name), main_menu(context))
    if _START_PAYLOAD.fullmatch(payload):
        context.set_data("start_payload", payload)
    if payload.startswith(REFERRAL):
        context.set_referrer(payload.removeprefix(REFERRAL))
    context.set_data("awaiting", None)
    if payload.startswith(PROMO) and context.update.is_private:
        from shared.bots.assistant.promo import redeem  # its module needs this one

        words, keyboard = redeem(context, payload.removeprefix(PROMO))
        # What is given may change the plan: nothing is said of its limit.
        key = "welcome_unlimited" if context.user.is_new else "welcome_back"
        return reply(joined(context.rich(key, name=context.user.name), words, separator="\n\n"), keyboard)
    reply(_welcome(context), main_menu(context))
    if context.user.is_admin and context.update.is_private:
        from shared.telegram import menus

        # An admin of today may have been none at the last deployment, which sets these menus too.
        hidden = features.hidden_commands(features.features(context))
        context.set_menu(menus.menus(bot, texts.languages(), hidden=hidden, admin=context.user.telegram_id))
    return None


def _welcome(context: UpdateContext) -> Text:
    name = context.user.name
    if context.update.is_group:
        return context.rich("welcome_group", name=name)
    if not context.user.is_new:
        return context.rich("welcome_back", name=name)
    if context.usage.daily_requests is None:
        return context.rich("welcome_unlimited", name=name)
    return context.rich("welcome", name=name, limit=context.usage.daily_requests)


@bot.message_handler(commands=["help"], works_offline=True)
def help_(_message: Message) -> None:
    """Show what the bot can do: the commands that have a handler."""
    context = current_context()
    reply(_help(context), main_menu(context))


@bot.callback_query_handler(func=lambda call: call.data == "help")
def show_help(_call: CallbackQuery) -> None:
    """Show the help under the menu's button."""
    context = current_context()
    context.show(_help(context), back(context))


@bot.callback_query_handler(func=lambda call: call.data == "menu")
def show_menu(_call: CallbackQuery) -> None:
    """Go back to the menu; what was asked for is not awaited any more."""
    context = current_context()
    _await_nothing(context)
    context.show(menu_text(context), main_menu(context))


def _await_nothing(context: UpdateContext) -> None:
    if context.data.get("awaiting") and not context.is_offline:
        context.set_data("awaiting", None)


def _help(context: UpdateContext) -> Text:
    group = context.text("help_group") if context.update.is_group else ""
    listed = features.sections(features.listed_commands(context), features.SECTIONS, partial(_line, context))
    parts = [context.rich("help", group=group), *(_section(context, *section) for section in listed)]
    if settings().database_enabled and context.user.is_admin and context.update.is_private:
        commands = features.sections(bot.admin_commands(), features.ADMIN_SECTIONS, partial(_line, context))
        parts += [context.rich("help_admin"), *(_section(context, *section) for section in commands)]
    return joined(*parts, separator="\n\n")


def _section(context: UpdateContext, name: str, lines: str) -> Text:
    return joined(context.rich(f"help_{name}"), Text(lines, []), separator="\n")


def _line(context: UpdateContext, name: str) -> str:
    return f"/{name} — {context.text(f'command_{name}')}"
