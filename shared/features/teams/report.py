"""The results of a team for its managers: an overview of the members, and all rows as a file."""

from __future__ import annotations

import csv
from collections import Counter
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.display_names import display_name
from shared.core.texts import Text, concat
from shared.features import trainer
from shared.features.teams import team
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import TeamReport, TeamReportMembers

router = Router()

_PAGE = 12  # members on a screen
# A spreadsheet runs a cell that begins so; the last four are the wide forms, which it takes for the same.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@router.callback_query_handler(
    data=r"team:[0-9]{1,18}:report(?::[0-9]{1,18})?", private_only=True, page="team"
)
def show_report(call: CallbackQuery) -> None:
    """Show how the members do."""
    context = current_context()
    if (found := _find(context, call)) is not None:
        context.show(*_screen(context, found, int([*(call.data or "").split(":"), "0"][3])))


@router.callback_query_handler(data=r"team:[0-9]{1,18}:csv", private_only=True, page="team")
def send_file(call: CallbackQuery) -> None:
    """Send the results as a CSV file."""
    context = current_context()
    if (found := _find(context, call)) is None:
        return
    file = BytesIO(table(context, found).encode("utf-8-sig"))  # the mark tells spreadsheets the encoding
    file.name = f"team-{found['team']['id']}-{found['team']['local_date']}.csv"
    context.bot.send_document(
        context.update.chat_id,
        file,
        caption=context.text("team_file", team=display_name(found["team"]["name"])),
        message_thread_id=context.update.thread_id or None,
    )


def _find(context: UpdateContext, call: CallbackQuery) -> TeamReport | None:
    found: TeamReport | None = db.call("team_report", p_user_id=context.user.id, p_team_id=team.team_id(call))
    if found is None:
        context.answer_callback(context.text("button_old"), alert=True)
    return found


def _screen(context: UpdateContext, found: TeamReport, page: int) -> tuple[Text, Keyboard]:
    path = f"team:{found['team']['id']}"
    concerned = [one for one in found["members"] if one["role"] == "member" or one["tasks"]]
    shown = concerned[page * _PAGE : (page + 1) * _PAGE]
    parts = [context.rich("team_report" if shown else "team_no_report", team=found["team"]["name"])]
    parts += [_member(context, one) for one in shown]
    turn = [("‹", f"{path}:report:{page - 1}")] if page > 0 else []
    if len(concerned) > (page + 1) * _PAGE:
        turn.append(("›", f"{path}:report:{page + 1}"))
    rows = [
        *([turn] if turn else []),
        [(context.text("team_file_button"), f"{path}:csv")],
        [(context.text("team_back_button"), path)],
    ]
    return concat(*parts, separator="\n\n"), rows


def _member(context: UpdateContext, one: TeamReportMembers) -> Text:
    states = Counter(task["state"] for task in one["tasks"])
    lines = [
        context.rich(
            "team_report_member",
            name=display_name(one["name"]) or "👤",
            done=states["done"],
            late=states["late"],
            open=states["open"],
            overdue=states["overdue"],
        )
    ]
    if one["trainings"]:
        scenario = one["trainings"][-1]["scenario"]
        scores = [training["score"] for training in one["trainings"] if training["scenario"] == scenario]
        lines.append(
            context.rich(
                "team_report_scores",
                best=max(scores),
                last=scores[-1],
                trend=trend(scores),
                weakest=trainer.weakest_type(context.language, scenario, one["points"].get(scenario, {})),
            )
        )
    return concat(*lines, separator="\n")


def trend(scores: list[int]) -> str:
    """Return whether scores rise: the later half against the earlier one, a tenth of it at least."""
    if len(scores) < 2:
        return "→"
    half = len(scores) // 2
    before, after = sum(scores[:half]) / half, sum(scores[-half:]) / half
    if abs(after - before) < 0.1 * max(before, 1):
        return "→"
    return "↗" if after > before else "↘"


def table(context: UpdateContext, found: TeamReport) -> str:
    """Return one row for each task of each member, as CSV; a Russian spreadsheet separates by semicolons.

    All cells are quoted: a name with the other separator in it would begin a cell of its own, and a formula.
    """
    written = StringIO()
    delimiter = ";" if context.language == "ru" else ","
    rows = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    columns = ("member", "scenario", "case", "mode", "difficulty", "round", "due", "state", "score", "passed")
    rows.writerow(context.text(f"team_column_{column}") for column in columns)
    for one in found["members"]:
        for task in one["tasks"]:
            asked = task["assignment"]
            scenario, case = trainer.titles(context.language, asked["scenario"], asked["case_id"])
            passed = {True: "yes", False: "no", None: "none"}[task["is_passed"]]
            rows.writerow(
                _cell(value)
                for value in (
                    display_name(one["name"]),
                    scenario,
                    case or context.text("team_any_case"),
                    context.text(f"team_{asked['mode']}_button"),
                    context.text(f"trainer_{asked['difficulty']}"),
                    str(task["number"]),
                    task["due_on"],
                    context.text(f"team_state_{task['state']}"),
                    "" if task["best_score"] is None else str(task["best_score"]),
                    context.text(f"team_passed_{passed}"),
                )
            )
    return written.getvalue()


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
