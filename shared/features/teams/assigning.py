"""Assigning a training to a team, one choice on each screen; the last button assigns it.

The choices travel in the buttons: assign:<team>:<scenario>:<case>:<mode>:<difficulty>:<days>:<rounds>. A mode
and a difficulty are their first letters, the days those from today to the first deadline.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.texts import Text, concat
from shared.features import trainer
from shared.features.common.paging import PAGE, page_of, split_page
from shared.features.teams import tasks, team
from shared.telegram import current_context, outbox
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import CancelAssignment, CreateAssignment, GetTeam

router = Router()

_ANY = "any"
_MODES = {"p": "practice", "e": "exam"}
_DIFFICULTIES = {"e": "easy", "m": "medium", "h": "hard"}
_DAYS = (1, 3, 7, 14, 28)
_ROUNDS = (1, 2, 4, 8, 12)
_ROWS = 10  # buttons on a screen of choices
_PAGE = 8  # assignments on a screen


@router.callback_query_handler(
    data=rf"assign:[0-9]{{1,18}}(?::[a-z0-9_]+){{0,6}}{PAGE}", private_only=True, page="team"
)
def choose(call: CallbackQuery) -> None:
    """Show the next choice, or assign after the last one."""
    context = current_context()
    if (found := team.find(context, call, is_manager=True)) is None:
        return None
    path, page = split_page(call.data or "")
    try:
        return context.show(*_next(context, found, path, page))
    except (KeyError, ValueError):  # a choice that does not exist (any more)
        return context.answer_callback(context.text("button_old"), alert=True)


@router.callback_query_handler(
    data=r"team:[0-9]{1,18}:assigned(?::[0-9]{1,18})?", private_only=True, page="team"
)
def show_assignments(call: CallbackQuery) -> None:
    """Show what is assigned to a team."""
    context = current_context()
    if (found := team.find(context, call, is_manager=True)) is not None:
        context.show(*_list(context, found, int([*(call.data or "").split(":"), "0"][3])))


@router.callback_query_handler(
    data=r"team:[0-9]{1,18}:(?:cancel|canceled):[0-9]{1,18}", private_only=True, page="team"
)
def cancel(call: CallbackQuery) -> None:
    """Ask whether an assignment should be canceled, and cancel it."""
    context = current_context()
    if (found := team.find(context, call, is_manager=True)) is None:
        return None
    _, _, action, number = (call.data or "").split(":")
    path = f"team:{found['team']['id']}"
    one = next((one for one in found["assignments"] if one["card"]["id"] == int(number)), None)
    if one is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    if action == "cancel":
        return context.show(
            context.rich("team_ask_cancellation", what=tasks.title(context.language, one["card"])),
            [
                [(context.text("team_cancel_assignment_button"), f"{path}:canceled:{number}")],
                [(context.text("team_back_button"), f"{path}:assigned")],
            ],
        )
    canceled: CancelAssignment = db.call(
        "cancel_assignment",
        p_user_id=context.user.id,
        p_team_id=found["team"]["id"],
        p_assignment_id=int(number),
    )
    key = "team_canceled" if canceled["outcome"] == "canceled" else "button_old"
    context.answer_callback(context.text(key))
    left = team.load(context, found["team"]["id"])
    return context.show(*(_list(context, left, 0) if left else team.home(context)))


def _next(context: UpdateContext, found: GetTeam, path: str, page: int) -> tuple[Text, Keyboard]:
    """Return a page of the screen after the choices so far.

    Raises:
        KeyError, ValueError: a choice that does not exist.
    """
    chosen = path.split(":")[2:]
    match chosen:
        case []:
            question = "team_ask_scenario"
            options = [(name, scenario) for scenario, name in trainer.scenario_choices(context.language)]
        case [scenario]:
            question = "team_ask_case"
            options = [(context.text("team_any_case_button"), _ANY)]
            options += [(case.name, case.id) for case in trainer.case_choices(context, scenario)]
        case [_, _]:
            question = "team_ask_mode"
            options = [(context.text(f"team_{name}_button"), letter) for letter, name in _MODES.items()]
        case [_, _, mode]:
            _ = _MODES[mode]
            question = "team_ask_difficulty"
            options = [
                (context.text(f"trainer_{name}_button"), letter) for letter, name in _DIFFICULTIES.items()
            ]
        case [_, _, _, difficulty]:
            _ = _DIFFICULTIES[difficulty]
            question = "team_ask_deadline"
            options = [
                (context.text("team_days_button", days=days, until=_due(context, found, days)), str(days))
                for days in _DAYS
            ]
        case [_, _, _, _, _]:
            question = "team_ask_rounds"
            options = [
                (
                    context.text("team_once_button" if count == 1 else "team_rounds_button", count=count),
                    str(count),
                )
                for count in _ROUNDS
            ]
        case _:
            return _assign(context, found, chosen)
    rows = [[(label, f"{path}:{value}")] for label, value in options]
    number = found["team"]["id"]
    up = path.rpartition(":")[0] if chosen else f"team:{number}"
    text = context.rich(question, team=found["team"]["name"])
    return text, page_of(context, rows, page, path, up, most=_ROWS)


def _assign(context: UpdateContext, found: GetTeam, chosen: list[str]) -> tuple[Text, Keyboard]:
    scenario, case, mode, difficulty, days, rounds = chosen
    if case != _ANY and case not in {one.id for one in trainer.case_choices(context, scenario)}:
        raise KeyError(case)
    if int(days) not in _DAYS or int(rounds) not in _ROUNDS:
        raise ValueError(days)
    number = found["team"]["id"]
    due_on = date.fromisoformat(found["team"]["local_date"]) + timedelta(days=int(days))
    # A second tap on the button of one message assigns nothing.
    message = context.update.message.get("message_id")
    reference = ":".join(map(str, (number, message, *chosen[:4], due_on, rounds)))
    created: CreateAssignment = db.call(
        "create_assignment",
        p_user_id=context.user.id,
        p_team_id=number,
        p_scenario=scenario,
        p_case=None if case == _ANY else case,
        p_mode=_MODES[mode],
        p_difficulty=_DIFFICULTIES[difficulty],
        p_due_on=due_on.isoformat(),
        p_repetitions=int(rounds),
        p_reference=reference,
    )
    to_team = [[(context.text("team_open_button"), f"team:{number}")]]
    match created["outcome"]:
        case "created" | "known":
            outbox.deliver_outgoing(created.get("outgoing", []))
            assignment = created["assignment"]
            return context.rich(
                "team_assigned",
                what=tasks.title(context.language, assignment),
                until=tasks.day(context, assignment["first_due_on"]),
                rounds=assignment["repetitions"],
            ), to_team
        case "limit":
            return context.rich("team_too_many_assignments", limit=created["most"]), to_team
        case "empty":
            return context.rich("team_is_empty"), to_team
        case _:
            raise ValueError(created["outcome"])


def _due(context: UpdateContext, found: GetTeam, days: int) -> str:
    due_on = date.fromisoformat(found["team"]["local_date"]) + timedelta(days=days)
    return tasks.day(context, due_on.isoformat())


def _list(context: UpdateContext, found: GetTeam, page: int) -> tuple[Text, Keyboard]:
    path = f"team:{found['team']['id']}"
    shown = found["assignments"][page * _PAGE : (page + 1) * _PAGE]
    parts = [context.rich("team_assignments" if shown else "team_no_assignments", team=found["team"]["name"])]
    parts += [
        context.rich(
            "team_assignment_line",
            number=number,
            what=tasks.title(context.language, one["card"]),
            until=tasks.day(context, one["card"]["first_due_on"]),
            rounds=one["card"]["repetitions"],
            done=one["done"],
            open=one["open"],
            overdue=one["overdue"],
        )
        for number, one in enumerate(shown, page * _PAGE + 1)
    ]
    rows = [
        [
            (
                context.text("team_cancel_number_button", number=number),
                f"{path}:cancel:{one['card']['id']}",
            )
        ]
        for number, one in enumerate(shown, page * _PAGE + 1)
    ]
    turn = [("‹", f"{path}:assigned:{page - 1}")] if page > 0 else []
    if len(found["assignments"]) > (page + 1) * _PAGE:
        turn.append(("›", f"{path}:assigned:{page + 1}"))
    return concat(*parts, separator="\n\n"), [
        *rows,
        *([turn] if turn else []),
        [(context.text("team_back_button"), path)],
    ]
