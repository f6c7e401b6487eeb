"""/progress: right answers by topic, the days with answers, and what comes again, as a picture."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat, figures
from shared.features.common.drawing import send_drawing
from shared.features.common.menu import back
from shared.features.quiz import screens
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import QuizStatistics
    from shared.features.quiz.progress_picture import ProgressPicture

router = Router()

MOST_TOPICS = 6  # that the picture shows


@router.message_handler(commands=["progress", "stats"], private_only=True)
def progress(_message: Message) -> None:
    """Show the progress."""
    _show(current_context())


@router.callback_query_handler(data="progress", private_only=True, page="progress")
def show_progress(_call: CallbackQuery) -> None:
    """Show the progress under a button."""
    _show(current_context())


def _show(context: UpdateContext) -> None:
    stats: QuizStatistics = db.call("quiz_statistics", p_user_id=context.user.id, p_bot=context.bot.name)
    if not stats["answers"]:
        return context.reply(
            context.rich("quiz_progress_empty"), [[(context.text("quiz_start"), "quiz")], *back(context)]
        )
    from shared.features.quiz.progress_picture import draw  # Pillow takes 60 ms to import

    rows: Keyboard = [[(context.text("quiz_start"), "quiz")], *back(context)]
    if stats["due"]:
        rows = [[(context.text("quiz_review", count=stats["due"]), "review")], *rows]
    return send_drawing(context, lambda: draw(_picture(context, stats)), _caption(context, stats), rows)


def _caption(context: UpdateContext, stats: QuizStatistics) -> Text:
    lines = [
        context.rich("quiz_progress_head"),
        context.rich(
            "quiz_progress_answers",
            right=figures.number(context.language, stats["right_answers"]),
            of=figures.number(context.language, stats["answers"]),
            share=_share(context, stats["right_answers"], stats["answers"]),
        ),
        context.rich("quiz_progress_cards", count=stats["due"], soon=stats["due_soon"]),
    ]
    return concat(*lines, separator="\n")


def _picture(context: UpdateContext, stats: QuizStatistics) -> ProgressPicture:
    from shared.features.quiz.progress_picture import Day, ProgressPicture, Topic

    answered = sum(1 for day in stats["days"] if day["answers"])
    return ProgressPicture(
        title=context.text("quiz_picture_title"),
        percent=_percent(stats["right_answers"], stats["answers"]),
        share=_share(context, stats["right_answers"], stats["answers"]),
        right=context.text("quiz_picture_right"),
        figures=[
            (figures.number(context.language, stats["runs"]), context.text("quiz_picture_runs")),
            (figures.number(context.language, stats["due"]), context.text("quiz_picture_due")),
            (figures.number(context.language, stats["due_soon"]), context.text("quiz_picture_soon")),
        ],
        topics_title=context.text("quiz_picture_topics"),
        topics=[
            Topic(
                screens.topic_name(context, topic["topic"]),
                topic["right_answers"] / topic["answers"],
                _share(context, topic["right_answers"], topic["answers"]),
            )
            for topic in stats["topics"][:MOST_TOPICS]
        ],
        days_title=context.text("quiz_picture_days", days=answered),
        days=[
            Day(
                figures.day(context.language, date.fromisoformat(day["day"]), short=True),
                day["answers"],
                day["right_answers"],
            )
            for day in stats["days"]
        ],
    )


def _share(context: UpdateContext, part: int, whole: int) -> str:
    return context.text("quiz_share", percent=_percent(part, whole))


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
