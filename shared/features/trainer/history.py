"""/history: earlier trainings, with the progress as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat
from shared.features.common.drawing import send_drawing
from shared.features.trainer import library
from shared.features.trainer.briefing import shortened
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.sql_types import (
        GetTrainingHistory,
        GetTrainingHistoryTrainings,
        ListReviews,
        UncountedTrainings,
    )
    from shared.core.texts.reader import Reader
    from shared.features.trainer.progress_picture import ProgressPicture

router = Router()

_SHOWN = 12  # trainings in the picture
_LISTED = 5  # trainings in the text
_NAME = 80  # characters of a company


@router.message_handler(commands=["history"], private_only=True)
def history(_message: Message) -> None:
    """Show the progress."""
    _send(current_context())


@router.callback_query_handler(data="past", private_only=True, page="history")
def show_history(_call: CallbackQuery) -> None:
    """The same under a button, as a message of its own: a picture cannot replace a text."""
    _send(current_context())


def _send(context: UpdateContext) -> None:
    found: GetTrainingHistory = db.call(
        "get_training_history",
        p_telegram_id=context.user.telegram_id,
        p_bot=context.bot.name,
        p_limit=_SHOWN,
    )
    trainings = found["trainings"]
    reviews: list[ListReviews] = db.call("list_reviews", p_user_id=context.user.id, p_bot=context.bot.name)
    rows = [*_review_buttons(context, reviews), [(context.text("trainer_new_button"), "play")]]
    if not trainings:
        return reply(_nothing(context, has_reviews=bool(reviews)), rows)
    caption, keyboard = _caption(context, found), [*_buttons(context, trainings), *rows]
    from shared.features.trainer import progress_picture

    view = _view(context, trainings)
    return send_drawing(context, lambda: progress_picture.draw(view), caption, keyboard)


def _nothing(context: UpdateContext, *, has_reviews: bool) -> Text:
    """Return why the progress shows no training, and what the buttons below it are."""
    found: UncountedTrainings = db.call(
        "uncounted_trainings", p_user_id=context.user.id, p_bot=context.bot.name
    )
    if found["short"]:
        text = context.rich(
            "trainer_history_short", minimum=found["min_questions"], seconds=found["min_seconds"]
        )
    else:
        text = context.rich("trainer_history_reversed" if found["reversed"] else "trainer_no_history")
    if not has_reviews:
        return text
    return concat(text, context.rich("trainer_review_history"), separator="\n\n")


def _caption(context: UpdateContext, found: GetTrainingHistory) -> Text:
    head = context.rich("trainer_history", count=found["total"])
    lines = [
        context.rich(
            "trainer_history_line",
            date=context.date(one["training_date"]),
            score=one["score"],
            clarity=one["clarity_level"],
            company=company(context, one),
        )
        for one in found["trainings"][:_LISTED]
    ]
    return concat(head, concat(*lines, separator="\n"), separator="\n\n")


def _review_buttons(context: UpdateContext, reviews: list[ListReviews]) -> Keyboard:
    """Return a button for each of the last reviews of conversations, which are no trainings."""
    return [
        [
            (
                context.text(
                    "trainer_review_history_button", date=context.date(one["created_at"]), score=one["score"]
                ),
                f"result:{one['training_id']}",
            )
        ]
        for one in reviews
    ]


def _buttons(context: UpdateContext, trainings: list[GetTrainingHistoryTrainings]) -> Keyboard:
    """Return a button for each listed training of this bot whose result can be opened."""
    numbers = [
        (context.text("trainer_history_button_line", score=one["score"]), f"result:{number}")
        for one in trainings[:_LISTED]
        if (number := training_number(one))
    ]
    return [numbers] if numbers else []


def training_number(one: GetTrainingHistoryTrainings) -> int | None:
    """Return the number of a training of this bot; None for one of another service."""
    number = one["session_snapshot"].get("training_id")
    # Another service stores its trainings under its own references, whatever its snapshots hold.
    return number if one["reference"].removesuffix(":own") == f"{one['bot']}:{number}" else None


def company(context: Reader, one: GetTrainingHistoryTrainings) -> str:
    """Return the company that a training was about, or its scenario."""
    found = one["case_data"].get("company")
    if isinstance(found, dict):
        found = found.get(context.language) or found.get("en") or "—"
    return shortened(str(found or one["scenario"]), _NAME)


def _view(context: UpdateContext, trainings: list[GetTrainingHistoryTrainings]) -> ProgressPicture:
    from shared.features.trainer.progress_picture import Bar, Point, ProgressPicture

    points = [
        Point(context.date(one["training_date"]), one["score"], one["clarity_level"])
        for one in reversed(trainings)
    ]
    counts = types(context, trainings)
    return ProgressPicture(
        title=context.text("trainer_picture_title"),
        score=context.text("trainer_picture_score"),
        clarity=context.text("trainer_picture_clarity"),
        types=context.text("trainer_picture_types"),
        best=context.text("trainer_picture_best", score=max(one["score"] for one in trainings)),
        points=points,
        bars=[Bar(name, count) for name, count in counts],
    )


def types(context: Reader, trainings: Sequence[GetTrainingHistoryTrainings]) -> list[tuple[str, int]]:
    """Return how many questions of each type there were, by name, in the order of the scenarios."""
    names: dict[str, str] = {}
    for scenario in library.names():
        for type_ in library.load(scenario).types_in_order:
            names.setdefault(type_.id, type_.name.of(context.language))
    counts: dict[str, int] = {}
    for one in trainings:
        for type_id, count in one["per_type_counts"].items():
            counts[type_id] = counts.get(type_id, 0) + count
    return [(name, counts[type_id]) for type_id, name in names.items() if type_id in counts][:8]
