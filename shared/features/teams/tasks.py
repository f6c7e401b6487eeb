"""What is assigned to the user: the list, and the button that starts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db, texts
from shared.core.texts import Text, concat, figures
from shared.features import trainer
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AssignmentCard, GetTask, TaskCard

router = Router()

_SHOWN = 6  # tasks on a screen, the next deadlines first
_REPLACE = ":r"  # at the end of the button: the open training is dropped


@router.callback_query_handler(data=rf"task:[0-9]{{1,18}}(?:{_REPLACE})?", private_only=True, page="team")
def start(call: CallbackQuery) -> None:
    """Start the training that is assigned."""
    context = current_context()
    number = int((call.data or "").split(":")[1])
    found: GetTask | None = db.call("get_task", p_user_id=context.user.id, p_task_id=number)
    if found is None or found["state"] == "closed":
        return context.answer_callback(context.text("team_task_closed"), alert=True)
    task = found["task"]
    asked = task["assignment"]
    try:
        case = asked["case_id"] or trainer.draw_case(
            asked["scenario"], asked["difficulty"], found["recent_cases"], f"{number}:{task['trainings']}"
        )
        screen = trainer.start_assigned(
            context,
            asked["scenario"],
            case,
            asked["mode"],
            asked["difficulty"],
            task_id=number,
            again=f"task:{number}{_REPLACE}",
            replace=(call.data or "").endswith(_REPLACE),
        )
    except KeyError:  # gone from this deployment
        return context.answer_callback(context.text("team_task_closed"), alert=True)
    return context.show(*screen)


def lines(context: UpdateContext, tasks: Sequence[TaskCard]) -> list[Text]:
    """Return the tasks as a paragraph; none where nothing is assigned."""
    if not tasks:
        return []
    shown = [
        context.rich(
            "team_task_overdue" if task["state"] == "overdue" else "team_task_open",
            what=title(context.language, task["assignment"]),
            until=day(context, task["due_on"]),
        )
        for task in tasks[:_SHOWN]
    ]
    return [concat(context.rich("team_tasks"), *shown, separator="\n")]


def buttons(context: UpdateContext, tasks: Sequence[TaskCard]) -> list[list[tuple[str, str]]]:
    """Return a button for each task."""
    return [
        [
            (
                context.text("team_task_button", what=title(context.language, task["assignment"])),
                f"task:{task['id']}",
            )
        ]
        for task in tasks[:_SHOWN]
    ]


def title(language: str, assignment: AssignmentCard) -> str:
    """Return what an assignment asks for, in one line."""
    scenario, company = trainer.titles(language, assignment["scenario"], assignment["case_id"])
    return texts.text(
        language,
        "team_exam_title" if assignment["mode"] == "exam" else "team_practice_title",
        scenario=scenario,
        case=company or texts.text(language, "team_any_case"),
        difficulty=texts.text(language, f"trainer_{assignment['difficulty']}"),
    )


def day(context: UpdateContext, date: str) -> str:
    """Return a date as such, whatever the time zones of the team and the user."""
    return figures.date(context.language, f"{date}T12:00:00+00:00", "UTC")
