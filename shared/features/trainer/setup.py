"""/new: scenario, case, mode and difficulty, one screen each; the last button starts the training.

The choices travel in the buttons: play:<scenario>:<case>:<mode>:<difficulty>. A mode is `p` (practice), `x`
(exam), `r` (reversed roles, without a choice of difficulty) or `d` and the number of a type (drill); a
difficulty is its first letter. play:<scenario>@<page> turns the pages of its cases.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.common.paging import PAGE, page_of, split_page
from shared.features.trainer import access, briefing, library, reversed_role, reversed_screens
from shared.features.trainer.rules import reversed_rules, training_rules
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import StartTraining, TrainerOverview, TrainingState
    from shared.features.trainer.scenario_models import Case, Scenario

router = Router()

PLAY = "play"
_RANDOM = "any"
_REPLACE = "r"  # at the end of the buttons: the open training is abandoned
_MODES = {"p": "practice", "x": "exam", "r": "reversed"}
_DIFFICULTIES = {"e": "easy", "m": "medium", "h": "hard"}
_ROWS = 10  # buttons on the screen of the cases
_IN_A_ROW = 5  # cases that are not drawn again


@router.message_handler(commands=["new"], private_only=True)
def new(_message: Message) -> None:
    """Offer a new training, or to go on with the open one."""
    reply(*home(current_context()))


@router.callback_query_handler(data=["new", PLAY], private_only=True, page="new")
def show_home(_call: CallbackQuery) -> None:
    """The same under a button."""
    current_context().show(*home(current_context()))


@router.callback_query_handler(data=f"{PLAY}:new", private_only=True, page="new")
def show_scenarios(_call: CallbackQuery) -> None:
    """Choose a new training although one is open."""
    context = current_context()
    context.show(*_first_choice(context, overview(context)))


@router.callback_query_handler(
    data=[rf"{PLAY}:[a-z0-9_]+{PAGE}", rf"{PLAY}:[a-z0-9_]+(?::[a-z0-9_]+){{1,4}}"],
    private_only=True,
    page="new",
)
def choose(call: CallbackQuery) -> None:
    """Show the next choice, or start the training after the last one."""
    context = current_context()
    data, page = split_page(call.data or "")
    chosen = data.split(":")[1:]
    try:
        scenario = library.load(chosen[0])
        case = library.load_case(chosen[0], chosen[1]) if len(chosen) > 1 and chosen[1] != _RANDOM else None
        screen = _next_screen(context, scenario, case, chosen, page)
    except (KeyError, IndexError):
        return context.answer_callback(context.text("button_old"), alert=True)
    return context.show(*screen)


def overview(context: UpdateContext) -> TrainerOverview:
    """Return the open training, the recent cases and the access of the user."""
    found: TrainerOverview = db.call("trainer_overview", p_user_id=context.user.id, p_bot=context.bot.name)
    return found


def home(context: UpdateContext) -> tuple[Text, Keyboard]:
    """Return the first screen: the open training, the first choice, or how to get access."""
    found = overview(context)
    if found["open"] is not None:
        rows = [
            [(context.text("trainer_resume_button"), "train:resume")],
            [(context.text("trainer_finish_button"), "train:finish")],
            [(context.text("trainer_another_button"), f"{PLAY}:new")],
        ]
        return briefing.open_training(context, found["open"]), rows
    return _first_choice(context, found)


def no_access(context: UpdateContext, found: TrainerOverview) -> tuple[Text, Keyboard]:
    """Return the ways to get access to a training."""
    return access.offer(context, is_first=not found["recent_cases"])


def no_attempts(context: UpdateContext, scenario: Scenario) -> tuple[Text, Keyboard]:
    """Return that the exam was begun as often as it may be."""
    return context.rich("trainer_no_attempts", attempts=scenario.exam.attempts), [
        [(context.text("trainer_new_button"), f"{PLAY}:new")],
        *back(context),
    ]


def _first_choice(context: UpdateContext, found: TrainerOverview) -> tuple[Text, Keyboard]:
    if not found["access"]["has_access"]:
        return no_access(context, found)
    scenarios = [library.load(name) for name in library.names() if library.case_names(name)]
    if len(scenarios) == 1:
        return _cases(context, scenarios[0], found["recent_cases"])
    lines = [
        context.rich(
            "trainer_scenario_line",
            name=one.info.name.of(context.language),
            about=one.info.about.of(context.language),
        )
        for one in scenarios
    ]
    rows = [[(one.info.name.of(context.language), f"{PLAY}:{one.info.id}")] for one in scenarios]
    text = concat(context.rich("trainer_choose_scenario"), concat(*lines, separator="\n"), separator="\n\n")
    return text, [*rows, *back(context)]


def _next_screen(
    context: UpdateContext, scenario: Scenario, case: Case | None, chosen: Sequence[str], page: int
) -> tuple[Text, Keyboard]:
    """Return the screen after the choices so far.

    Raises:
        KeyError, IndexError: a choice that does not exist (any more).
    """
    if len(chosen) == 1:
        return _cases(context, scenario, overview(context)["recent_cases"], page)
    if case is None:
        case = _draw(context, scenario)
    path = f"{PLAY}:{scenario.info.id}:{case.id}"
    if len(chosen) == 2:
        return _modes(context, scenario, case, path)
    mode, drill_type = _mode(scenario, chosen[2])
    if len(chosen) == 3:
        return _difficulties(context, case, f"{path}:{chosen[2]}")
    replace = chosen[4:] == [_REPLACE]
    return _start(
        context,
        scenario,
        case,
        mode,
        drill_type,
        _DIFFICULTIES[chosen[3]],
        f"{path}:{chosen[2]}:{chosen[3]}",
        replace,
    )


def _cases(
    context: UpdateContext, scenario: Scenario, recent: Mapping[str, Sequence[str]], page: int = 0
) -> tuple[Text, Keyboard]:
    language, played = context.language, set(recent.get(scenario.info.id, ()))
    path = f"{PLAY}:{scenario.info.id}"
    rows = []
    for name in library.case_names(scenario.info.id):
        case = library.load_case(scenario.info.id, name)
        key = "trainer_case_played_button" if name in played else "trainer_case_button"
        label = context.text(
            key,
            company=case.client.company.of(language),
            mark=context.text(f"trainer_mark_{case.difficulty}"),
        )
        rows.append([(label, f"{path}:{name}")])
    text = context.rich("trainer_choose_case", scenario=scenario.info.name.of(language))
    by_chance = [[(context.text("trainer_random_button"), f"{path}:{_RANDOM}")]]
    return text, page_of(context, rows, page, path, f"{PLAY}:new", by_chance, most=_ROWS)


def _draw(context: UpdateContext, scenario: Scenario) -> Case:
    """Return a case by chance, none of the last five; the same one for a redelivery of the update."""
    recent = overview(context)["recent_cases"].get(scenario.info.id, [])[:_IN_A_ROW]
    names = library.case_names(scenario.info.id)
    fresh = [name for name in names if name not in recent] or [*names]
    return library.load_case(scenario.info.id, random.Random(context.reference).choice(fresh))  # noqa: S311


def _modes(context: UpdateContext, scenario: Scenario, case: Case, path: str) -> tuple[Text, Keyboard]:
    rows = [[(context.text("trainer_practice_button"), f"{path}:p")]]
    for one in scenario.types_in_order:
        number = scenario.types.index(one)
        label = context.text("trainer_drill_button", emoji=one.emoji, type=one.name.of(context.language))
        rows.append([(label, f"{path}:d{number}")])
    rows.append([(context.text("trainer_exam_button"), f"{path}:x")])
    if scenario.reversed_role is not None:
        rows.append([(context.text("trainer_reversed_button"), f"{path}:r:m")])
    text = concat(
        briefing.card(context, scenario, case), context.rich("trainer_choose_mode"), separator="\n\n"
    )
    return text, [*rows, [(context.text("trainer_back_button"), f"{PLAY}:{scenario.info.id}")]]


def _difficulties(context: UpdateContext, case: Case, path: str) -> tuple[Text, Keyboard]:
    rows = [
        [(context.text(f"trainer_{name}_button"), f"{path}:{letter}")]
        for letter, name in _DIFFICULTIES.items()
    ]
    text = context.rich("trainer_choose_difficulty", suggested=context.text(f"trainer_{case.difficulty}"))
    return text, [*rows, [(context.text("trainer_back_button"), path.rpartition(":")[0])]]


def _mode(scenario: Scenario, chosen: str) -> tuple[str, str | None]:
    """Return the mode of a button, and the type that a drill is for.

    Raises:
        KeyError, IndexError: there is no such mode.
    """
    if chosen in _MODES:
        return _MODES[chosen], None
    if not (chosen[:1] == "d" and chosen[1:].isdigit()):
        raise KeyError(chosen)
    return "drill", scenario.types[int(chosen[1:])].id


def _start(
    context: UpdateContext,
    scenario: Scenario,
    case: Case,
    mode: str,
    drill_type: str | None,
    difficulty: str,
    path: str,
    replace: bool,
) -> tuple[Text, Keyboard]:
    """Start the training, or ask first where another one is open."""
    started = begin(context, scenario, case, drill_type, difficulty, mode=mode, replace=replace)
    if started["outcome"] == "no_access":
        return no_access(context, overview(context))
    if started["outcome"] == "no_attempts":
        return no_attempts(context, scenario)
    training = started["training"]
    if started["outcome"] == "open" and not is_same(training, case, drill_type, difficulty, mode):
        rows = [
            [(context.text("trainer_resume_button"), "train:resume")],
            [(context.text("trainer_replace_button"), f"{path}:{_REPLACE}")],
        ]
        return briefing.open_training(context, training), rows
    if mode == "reversed":
        training = reversed_role.begin(context, scenario, training)
        return reversed_screens.resumed(context, scenario, case, training)
    return briefing.start(context, scenario, case, training), briefing.buttons(context, training)


def begin(
    context: UpdateContext,
    scenario: Scenario,
    case: Case,
    drill_type: str | None,
    difficulty: str,
    *,
    mode: str,
    replace: bool,
    task_id: int | None = None,
) -> StartTraining:
    """Start a training, once for an update.

    Args:
        task_id: the task of a team that it is played for.
    """
    started: StartTraining = db.call(
        "start_training",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_scenario=scenario.info.id,
        p_version=scenario.info.version,
        p_case=case.id,
        p_mode=mode,
        p_drill_type=drill_type,
        p_difficulty=difficulty,
        p_language=context.language if context.language in scenario.info.languages else "en",
        p_rules=reversed_rules(scenario, case)
        if mode == "reversed"
        else training_rules(scenario, case, drill_type, is_exam=mode == "exam"),
        p_reference=context.reference,
        p_replace=replace,
        p_task_id=task_id,
    )
    return started


def is_same(training: TrainingState, case: Case, drill_type: str | None, difficulty: str, mode: str) -> bool:
    """Return whether a button was tapped twice: the open training is the one it starts."""
    wanted = (case.id, drill_type, difficulty, mode, 0)
    return wanted == (
        training["case_id"],
        training["drill_type"],
        training["difficulty"],
        training["mode"],
        training["question_count" if mode == "reversed" else "turn_count"],
    )
