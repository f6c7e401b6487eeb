"""The main menu and the buttons that lead to it."""

from __future__ import annotations

from shared.ai.modes import find_mode
from shared.core import texts
from shared.core.config import settings
from shared.core.texts import Text, concat, figures
from shared.features.common.media.kinds import kind_of_mode
from shared.features.common.offering import is_offered
from shared.features.common.plans import plan_name
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

REFERRAL = "ref_"  # begins the payload of an invite link
WEB = "web:"  # begins the session's mode in which texts are answered from the web
PROMO = "promo_"  # begins the payload of a link with a promo code


def main_menu(context: UpdateContext) -> Keyboard:
    """Return the main menu, with the buttons of commands that the bot has."""
    if not settings().database_enabled:
        return [[(context.text("menu_profile"), "profile"), (context.text("menu_help"), "help")]]
    rows = [
        *start_buttons(context),
        _courses_button(context),
        [*_button(context, "profile", context.text("menu_profile")), *buy_button(context)],
        _button(context, "mode", _mode_label(context)),
        [
            *_button(context, "language", texts.language(context.language).NAME),
            *_button(context, "help", context.text("menu_help")),
        ],
    ]
    return [row for row in rows if row]


def start_buttons(context: UpdateContext) -> Keyboard:
    """Return the rows that start what the bot is for: a training, a quiz; none in a bot that just answers."""
    if context.bot.answers_text_with_ai:
        return []
    rows = [
        _button(context, "new", context.text("menu_new")),
        [
            *_button(context, "quiz", context.text("menu_quiz")),
            *_button(context, "daily", context.text("menu_daily")),
        ],
    ]
    return [row for row in rows if row]


def _button(context: UpdateContext, command: str, label: str) -> list[tuple[str, str]]:
    """Return the button of a command, which is its callback data; nothing where the bot lacks it."""
    return [(label, command)] if context.bot.has_command(command) else []


def _mode_label(context: UpdateContext) -> str:
    if kind := kind_of_mode(context.mode):
        return context.text("menu_mode", mode=context.text(f"mode_{kind.name}"))
    if context.mode.startswith(WEB):
        return context.text("menu_mode", mode=context.text("mode_web"))
    mode = find_mode(context.mode if context.includes("modes") else "chat")
    return context.text("menu_mode", mode=context.text(f"mode_{mode.key}"))


def buy_button(context: UpdateContext) -> list[tuple[str, str]]:
    """Return the button to the shop, or nothing when nothing is on sale."""
    return [(context.text("menu_buy"), "buy")] if is_offered(context, "buy") else []


def _courses_button(context: UpdateContext) -> list[tuple[str, str]]:
    """Return the button to the courses, or nothing where none is published."""
    return [(context.text("learn_menu"), "courses")] if is_offered(context, "courses") else []


def menu_text(context: UpdateContext) -> Text:
    """Return the plan and the requests left, shown above the main menu, where they are of use.

    Outside of the private chat both are left out, because others would read them.
    """
    if context.is_offline or not context.update.is_private:
        return context.rich("menu")
    usage = context.usage
    lines = [context.rich("menu_plan", plan=plan_name(context))] if context.bot.is_metered else []
    if context.bot.answers_text_with_ai:
        lines.append(_requests_left(context))
    if context.bot.is_metered and usage.bonus_credits:
        lines.append(context.rich("menu_bonus", credits=usage.bonus_credits))
    if context.user.balance > 0:
        balance = figures.money(context.language, context.user.balance, context.user.currency)
        lines.append(context.rich("menu_balance", balance=balance))
    own = f"prompt_{context.bot.name}"
    invitation = context.rich(own if texts.has(context.language, own) else "menu")
    return concat(concat(*lines, separator="\n"), invitation, separator="\n\n") if lines else invitation


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
    """Return the row with the button back to the menu."""
    return [[(context.text("menu_back"), "menu")]]
