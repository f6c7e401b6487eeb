"""The page of the quiz: right answers by topic and by day, and the reminder of the day's challenge."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core import db
from shared.core.texts import figures
from shared.features.common import console_bot
from shared.features.quiz import challenge, screens
from shared.features.xp import bot_title, time_zone_name
from shared.telegram import configured
from shared.web import charts
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response
    from markupsafe import Markup

    from shared.core.sql_types import QuizStatistics
    from shared.web.visit import Visit

PATH = "/account/quiz"
_OFF = -1  # of the form: no reminder


class _Reminder(BaseModel):
    bot: str = Field(max_length=32)
    hour: int = Field(ge=_OFF, le=23)


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """Show the figures of each quiz."""
    bots = configured.with_command("daily")
    return visit.render(
        "quiz/quiz.html",
        status,
        failure=failure,
        bot=console_bot.address_with("daily"),
        zone=time_zone_name(visit, visit.user.time_zone),
        hours=[(hour, f"{hour}:00") for hour in challenge.HOURS],
        off=_OFF,
        quizzes=[_quiz(visit, bot, name=bot_title(visit, bot) if len(bots) > 1 else "") for bot in bots],
    )


def _quiz(visit: Visit, bot: str, name: str) -> dict[str, object]:
    user_id = visit.user.user_id
    stats: QuizStatistics = db.call("quiz_statistics", p_user_id=user_id, p_bot=bot)
    reminder = challenge.overview_of(user_id, bot)["reminder"]
    topics = [
        (
            screens.topic_name(visit, one["topic"]),
            one["right_answers"] / max(one["answers"], 1),
            f"{one['right_answers']} / {one['answers']}",
        )
        for one in stats["topics"]
    ]
    return {
        "bot": bot,
        "name": name,
        "right": figures.number(visit.language, stats["right_answers"]),
        "answers": figures.number(visit.language, stats["answers"]),
        "topics": charts.shares(visit.text("quiz_picture_topics"), topics) if topics else "",
        "chart": _chart(visit, stats) if stats["answers"] else "",
        "due": stats["due"],
        "hour": _OFF if reminder is None else reminder,
    }


def _chart(visit: Visit, stats: QuizStatistics) -> Markup:
    days = stats["days"]
    wrong = [day["answers"] - day["right_answers"] for day in days]
    return charts.bars(
        charts.Chart(
            title=visit.text("quiz_page_days"),
            labels=[figures.day(visit.language, date.fromisoformat(day["day"]), short=True) for day in days],
            series=[
                charts.Series(visit.text("quiz_page_right"), [day["right_answers"] for day in days], 1),
                charts.Series(visit.text("quiz_page_wrong"), wrong, 2),
            ],
            column=visit.text("web_day"),
            table=visit.text("web_as_table"),
            language=visit.language,
        )
    )


def remind(visit: Visit) -> Response:
    """Switch the reminder of the day's challenge on, or off."""
    sent = visit.form(_Reminder)
    if sent.bot not in configured.with_command("daily"):
        return show(visit, visit.text("web_field_wrong"), 422)
    challenge.remind_at(visit.user.user_id, sent.bot, None if sent.hour == _OFF else sent.hour)
    return visit.redirect(PATH, "account_saved_notice")


pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/reminder", remind, methods=("POST",), max_body=2_000, access=Access.USER),
)
