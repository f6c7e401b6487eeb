"""The sales trainer: a conversation with a client played by the AI, scored by what the user asks.

library.py     loads scenarios and cases        scenario_models.py  their format
classifier.py  what was said, by patterns       roleplay.py         the same and the client, by the AI
relevance.py   whether it is about a business   relevance_words.py  by which words
unlocking.py   what the client discloses        rules.py            what SQL keeps of a scenario
setup.py       choosing a case and a mode       briefing.py         what the user reads first
play.py        a turn of the training           results.py          the result, line by line
assigned.py    what a team assigns              disputes.py         disputed lines, decided by admins
history.py     earlier trainings                progress_picture.py the same as a picture
tips.py        questions that lead on
reversed_role.py    the user as the client      reversed_screens.py what the user reads then
salesperson.py what the AI asks there           review.py           a real conversation
transcripts.py who says what in it              review_labels.py    what the seller asks in it
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from shared.telegram.feature import CANCEL, Command, Feature

if TYPE_CHECKING:
    from shared.core.texts import Text
    from shared.features.trainer.assigned import CaseChoice
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

feature = Feature(
    __name__,
    commands=(
        Command("new", "chat"),
        Command("tip", "chat"),
        Command("finish", "chat"),
        Command("resume", "chat"),
        Command("history", "chat"),
        Command("review", "chat"),
    ),
    buttons=("new", "play", "train", "result", "dispute", "verdict", "past", "judge", "review"),
    states=("dispute", "review"),
    kinds=(CANCEL,),
    takes_texts=True,
    is_metered=True,
    takes_content=True,
)


def scenario_choices(language: str) -> list[tuple[str, str]]:
    """Return (id, name) of the scenarios that have cases."""
    from shared.features.trainer import assigned

    return assigned.scenario_choices(language)


def case_choices(context: UpdateContext, scenario: str) -> list[CaseChoice]:
    """Return the cases of a scenario.

    Raises:
        KeyError: there is no such scenario (any more).
    """
    from shared.features.trainer import assigned

    return assigned.case_choices(context, scenario)


def titles(language: str, scenario: str, case: str | None) -> tuple[str, str]:
    """Return the names of a scenario and of a case's company; their ids where this deployment lacks them."""
    from shared.features.trainer import assigned

    return assigned.titles(language, scenario, case)


def draw_case(scenario: str, difficulty: str, recent: Collection[str], seed: str) -> str:
    """Return a case for a difficulty: of that difficulty and not played recently, where there is one.

    Raises:
        KeyError: there is no such scenario (any more).
    """
    from shared.features.trainer import assigned

    return assigned.draw_case(scenario, difficulty, recent, seed)


def weakest_type(language: str, scenario: str, points: Mapping[str, int]) -> str:
    """Return the name of the type with the smallest share of the points that it can give."""
    from shared.features.trainer import assigned

    return assigned.weakest_type(language, scenario, points)


def start_assigned(
    context: UpdateContext,
    scenario: str,
    case: str,
    mode: str,
    difficulty: str,
    *,
    task_id: int,
    again: str,
    replace: bool,
) -> tuple[Text, Keyboard]:
    """Start the training of a task, or ask first where another one is open.

    Args:
        again: callback data of the button that drops the open training and starts this one.

    Raises:
        KeyError: there is no such scenario or case (any more).
    """
    from shared.features.trainer import assigned

    return assigned.start_assigned(
        context, scenario, case, mode, difficulty, task_id=task_id, again=again, replace=replace
    )
