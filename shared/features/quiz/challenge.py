"""/daily: five questions, the same for everyone, once a day; the day's board, and a reminder."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from telebot.types import CallbackQuery, Message

from shared.core import clock, db
from shared.core.texts import Text, concat
from shared.features import xp
from shared.features.common.menu import back
from shared.features.quiz import challenge_screens, library, runs
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        QuizOverview,
        QuizRunState,
        SetQuizReminder,
        StartQuizRun,
    )

router = Router()

HOURS = (7, 8, 9, 10, 12, 13, 18, 19, 20, 21, 22, 23)


@router.message_handler(commands=["daily"], private_only=True)
def daily(_message: Message) -> None:
    """Show the challenge and the board."""
    context = current_context()
    context.reply(*_page(context))


@router.callback_query_handler(data="daily", private_only=True, page="daily")
def show_daily(_call: CallbackQuery) -> None:
    """Show them under a button."""
    context = current_context()
    context.show(*_page(context))


@router.callback_query_handler(data="daily:start", private_only=True, page="daily")
def start(_call: CallbackQuery) -> None:
    """Start today's challenge, or continue it."""
    context = current_context()
    run = _start(context)
    if run["status"] == "open":
        return runs.show(context, run, run["answered"] + 1)
    return context.show(*_page(context))


@router.callback_query_handler(data="daily:hours", private_only=True, page="daily")
def show_hours(_call: CallbackQuery) -> None:
    """Ask when to remind the user."""
    context = current_context()
    buttons = [(f"{hour}:00", f"daily:at:{hour}") for hour in HOURS]
    rows = [buttons[start : start + 4] for start in range(0, len(buttons), 4)]
    if _overview(context)["reminder"] is not None:
        rows.append([(context.text("quiz_remind_off"), "daily:off")])
    context.show(context.rich("quiz_remind_when"), [*rows, [(context.text("quiz_back"), "daily")]])


@router.callback_query_handler(data=[r"daily:at:[0-9]{1,2}", "daily:off"], private_only=True, page="daily")
def set_reminder(call: CallbackQuery) -> None:
    """Switch the reminder on, or off."""
    context = current_context()
    hour = None if call.data == "daily:off" else min(int(str(call.data).rpartition(":")[2]), 23)
    done = remind_at(context.user.id, context.bot.name, hour)
    if hour is None:
        context.answer_callback(context.text("quiz_reminder_off"))
    else:
        zone = xp.time_zone_name(context, done["time_zone"])
        context.answer_callback(context.text("quiz_reminder_on", hour=f"{hour}:00", zone=zone))
    context.show(*_page(context))


def _start(context: UpdateContext) -> QuizRunState:
    day = clock.now().astimezone(ZoneInfo(context.usage.timezone)).date().isoformat()
    while True:  # once more where midnight has just passed
        started: StartQuizRun = db.call(
            "start_quiz_run",
            p_user_id=context.user.id,
            p_bot=context.bot.name,
            p_kind="daily",
            p_questions=library.challenge(day),
            p_reference=context.reference,
            p_day=day,
        )
        if started["outcome"] != "new_day":
            return started["run"]
        day = started["day"]


def _overview(context: UpdateContext) -> QuizOverview:
    return overview_of(context.user.id, context.bot.name)


def overview_of(user_id: int, bot: str) -> QuizOverview:
    """Return what a user can do in the quiz now."""
    overview: QuizOverview = db.call("quiz_overview", p_user_id=user_id, p_bot=bot)
    return overview


def remind_at(user_id: int, bot: str, hour: int | None) -> SetQuizReminder:
    """Remind a user of the day's challenge at an hour of their day; None: not any more."""
    done: SetQuizReminder = db.call("set_quiz_reminder", p_user_id=user_id, p_bot=bot, p_hour=hour)
    return done


def _page(context: UpdateContext) -> tuple[Text, Keyboard]:
    overview = _overview(context)
    run = overview["challenge"]
    parts, rows = list[Text](), list[list[tuple[str, str]]]()
    if run is None:
        parts.append(context.rich("quiz_challenge_intro"))
        rows.append([(context.text("quiz_challenge_start"), "daily:start")])
    elif run["status"] == "open":
        parts.append(context.rich("quiz_challenge_open", used=run["answered"], total=len(run["questions"])))
        rows.append([(context.text("quiz_continue"), "daily:start")])
    else:
        parts.append(context.rich("quiz_challenge_taken"))
    parts += challenge_screens.board(context, overview["day"])
    hour = overview["reminder"]
    label = context.text("quiz_remind") if hour is None else context.text("quiz_remind_at", hour=f"{hour}:00")
    rows += [[(label, "daily:hours")], *map(list, back(context))]
    return concat(*parts, separator="\n\n"), rows
