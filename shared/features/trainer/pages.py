"""The pages of trainings: how results change, and each result with its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db
from shared.features import xp
from shared.features.common import console_bot
from shared.features.trainer import history, library, results, reversed_screens
from shared.telegram import configured
from shared.web import charts, styled
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response
    from markupsafe import Markup

    from shared.core.sql_types import (
        GetTrainingHistory,
        GetTrainingHistoryTrainings,
        GetTrainingResult,
        ListReviews,
        TrainingResult,
    )
    from shared.core.texts import Text
    from shared.web.visit import Visit

PATH = "/account/trainings"
_SHOWN = 30


def show(visit: Visit) -> Response:
    """Show the last trainings."""
    found: GetTrainingHistory = db.call(
        "get_training_history", p_telegram_id=visit.user.telegram_id, p_limit=_SHOWN
    )
    trainings = found["trainings"]
    reviews: list[ListReviews] = []
    for bot in configured.with_command("review"):
        listed: list[ListReviews] = db.call("list_reviews", p_user_id=visit.user.user_id, p_bot=bot)
        reviews += listed
    counts = history.types(visit, trainings)
    most = max((count for _, count in counts), default=0)
    return visit.render(
        "trainer/trainings.html",
        bot="" if trainings else console_bot.address_with("tip"),
        total=found["total"],
        best=max((one["score"] for one in trainings), default=0),
        chart=_chart(visit, trainings) if len(trainings) > 1 else "",
        types=charts.shares(
            visit.text("trainer_picture_types"), [(name, n / most, str(n)) for name, n in counts]
        )
        if counts
        else "",
        trainings=[
            {
                "number": history.training_number(one),
                "date": visit.date(one["training_date"]),
                "company": history.company(visit, one),
                "scenario": xp.session_title(visit, one["scenario"]),
                "score": one["score"],
                "clarity": one["clarity_level"],
            }
            for one in trainings
        ],
        reviews=[
            {"number": one["training_id"], "date": visit.date(one["created_at"]), "score": one["score"]}
            for one in reviews
        ],
    )


def show_result(visit: Visit, number: int) -> Response:
    """Show the result of a training.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    found: GetTrainingResult | None = db.call(
        "get_training_result", p_user_id=visit.user.user_id, p_training_id=number
    )
    if found is None:
        raise NotFound
    result = found["result"]
    is_known = result["scenario"] in library.names()
    has_lines = is_known and result["is_scored"] and result["mode"] != "reversed"
    return visit.render(
        "trainer/result.html",
        title=xp.session_title(visit, result["scenario"]),
        parts=[styled.to_html(part) for part in _parts(visit, result, is_known=is_known)],
        lines=[
            {
                "question": line["question"],
                "points": f"{line['points']:+d}",
                "parts": [styled.to_html(part) for part in results.explained(visit, result, line)],
            }
            for line in result["lines"]
        ]
        if has_lines
        else [],
    )


def _parts(visit: Visit, result: TrainingResult, *, is_known: bool) -> list[Text]:
    """Return the texts of a result; without its scenario only the score is known."""
    if is_known and result["mode"] == "reversed":
        return reversed_screens.compared(visit, result)
    if not result["is_scored"]:
        return [results.unscored(visit, result)]
    if not is_known:
        return [visit.rich("trainer_score_gone", score=result["score"])]
    scenario = library.load(result["scenario"])
    parts = (results.head, results.best_and_worst, results.rewards)
    return [text for part in parts if (text := part(visit, scenario, result)).text]


def _chart(visit: Visit, trainings: list[GetTrainingHistoryTrainings]) -> Markup:
    oldest_first = trainings[::-1]
    return charts.lines(
        charts.Chart(
            title=visit.text("trainer_picture_title"),
            labels=[visit.date(one["training_date"]) for one in oldest_first],
            series=[
                charts.Series(visit.text("trainer_picture_score"), [one["score"] for one in oldest_first], 1),
                charts.Series(
                    visit.text("trainer_picture_clarity"), [one["clarity_level"] for one in oldest_first], 2
                ),
            ],
            column=visit.text("web_day"),
            table=visit.text("web_as_table"),
            language=visit.language,
        )
    )


pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/{row_id('number')}", show_result, access=Access.USER),
)
