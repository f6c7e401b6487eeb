"""/start, /help and /menu, and the buttons under them."""

from __future__ import annotations

import re
from functools import partial

from telebot.types import CallbackQuery, Message

from shared.core import texts
from shared.core.config import settings
from shared.core.texts import Text, concat
from shared.features.common.menu import back, main_menu, menu_text
from shared.features.common.offering import (
    ADMIN_SECTIONS,
    SECTIONS,
    current_offering,
    hidden_commands,
    in_sections,
    listed_commands,
)
from shared.features.help import unknown
from shared.telegram import current_context, menus, reply, waits
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.router import Router
from shared.telegram.selection import linked_page, start_payload

router = Router(unknown.router)

_START_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what Telegram allows in a deep link


@router.message_handler(commands=["menu"], private_only=True)
def menu(_message: Message) -> None:
    """Show the menu with the user's plan and requests."""
    context = current_context()
    reply(menu_text(context), main_menu(context))


@router.message_handler(commands=["start"], works_offline=True)
def start(message: Message) -> None:
    """Welcome a user; the payload of the link they came by is stored and handed to its feature."""
    context = current_context()
    payload, page = start_payload(message.text or ""), linked_page(message.text or "")
    if page and context.update.is_private and context.bot.open_page(page, message):
        return None
    if context.is_offline:
        return reply(_offline_welcome(context), main_menu(context))
    if _START_PAYLOAD.fullmatch(payload):
        context.set_data("start_payload", payload)
    if answer := context.bot.open_link(context, payload):
        words, keyboard = answer
        # The link may have changed the plan: its limit is not shown.
        new = _own_welcome(context) or "welcome_unlimited"
        key = new if context.user.is_new else "welcome_returned"
        return reply(concat(context.rich(key, name=context.user.name), words, separator="\n\n"), keyboard)
    reply(_welcome(context), main_menu(context))
    if context.user.is_admin and context.update.is_private:
        _set_admin_menu(context)
    return None


def _set_admin_menu(context: UpdateContext) -> None:
    """Set the command menu of an admin's chat: a deployment sets it for the admins of that moment only."""
    hidden = hidden_commands(context.bot, current_offering(context))
    context.set_menu(
        menus.menus(context.bot, texts.languages(), hidden=hidden, admin=context.user.telegram_id)
    )


def _own_welcome(context: UpdateContext) -> str | None:
    """Return the key of the bot's own welcome; None of an assistant."""
    own = f"welcome_{context.bot.name}"
    return own if texts.has(context.language, own) else None


def _offline_welcome(context: UpdateContext) -> Text:
    name, enabled = context.user.name, settings().database_enabled
    if own := _own_welcome(context):
        reason = "offline_unavailable" if enabled else "disabled_unavailable"
        return concat(context.rich(own, name=name), context.rich(reason), separator="\n\n")
    return context.rich("welcome_offline" if enabled else "welcome_without_database", name=name)


def _welcome(context: UpdateContext) -> Text:
    name = context.user.name
    if context.update.is_group:
        return context.rich("welcome_group", name=name)
    if own := _own_welcome(context):
        return context.rich(own, name=name)
    if not context.user.is_new:
        return context.rich("welcome_back", name=name)
    if context.usage.daily_requests is None:
        return context.rich("welcome_unlimited", name=name)
    return context.rich("welcome", name=name, limit=context.usage.daily_requests)


@router.message_handler(commands=["help"], works_offline=True)
def help_(_message: Message) -> None:
    """Show what the bot can do: the commands that have a handler."""
    context = current_context()
    reply(_help(context), main_menu(context))


@router.callback_query_handler(data="help")
def show_help(_call: CallbackQuery) -> None:
    """Show the help under the menu's button."""
    context = current_context()
    context.show(_help(context), back(context))


@router.callback_query_handler(data="menu")
def show_menu(_call: CallbackQuery) -> None:
    """Go back to the menu."""
    context = current_context()
    context.show(menu_text(context), main_menu(context))


@router.message_handler(commands=["cancel"])
def cancel(_message: Message) -> None:
    """Stop what was begun: a wait for input, a mode, what the bot's features can stop."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    stopped = context.bot.cancel(context)
    nothing = "cancel_done" if context.ended_wait else "cancel_nothing"
    reply(stopped or context.rich(nothing), back(context) if context.update.is_private else None)


@router.callback_query_handler(data=r"cancel:[a-z_]{1,32}", keeps_wait=True)
def cancel_wait(call: CallbackQuery) -> None:
    """End the wait for what the button's message asked for; others in a group cannot end it."""
    context = current_context()
    is_awaited = waits.current(context).partition(":")[0] == (call.data or "").partition(":")[2]
    if is_awaited:
        waits.end(context)
    elif not context.update.is_private:
        return context.answer_callback(context.text("cancel_nothing"))
    return context.show(context.rich("cancel_done"))


def _help(context: UpdateContext) -> Text:
    group = context.text("help_group") if context.update.is_group else ""
    listed = in_sections(listed_commands(context), SECTIONS, partial(_line, context))
    own = f"help_{context.bot.name}"
    head = context.rich(own) if texts.has(context.language, own) else context.rich("help", group=group)
    parts = [head, *(_section(context, *section) for section in listed)]
    if settings().database_enabled and context.user.is_admin and context.update.is_private:
        commands = in_sections(
            context.bot.declared_commands(admin=True), ADMIN_SECTIONS, partial(_line, context)
        )
        parts += [context.rich("help_admin"), *(_section(context, *section) for section in commands)]
    return concat(*parts, separator="\n\n")


def _section(context: UpdateContext, name: str, lines: str) -> Text:
    title = menus.wording(context.bot, context.language, f"help_{name}")
    return concat(context.rich(title), Text(lines, []), separator="\n")


def _line(context: UpdateContext, name: str) -> str:
    about = menus.wording(context.bot, context.language, f"command_{name}")
    return f"/{name} — {context.text(about)}"
