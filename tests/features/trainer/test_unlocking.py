"""What a client discloses after a question."""

from __future__ import annotations

import pytest

from shared.features.trainer import library
from shared.features.trainer.classifier import Labels
from shared.features.trainer.rules import stage_key
from shared.features.trainer.unlocking import Unlocked, unlock

SPIN = library.load("spin")
CASE = library.load_case("spin", library.case_names("spin")[0])
FIRST = next(item for item in CASE.hidden if not item.after)
PROBLEM, CONSEQUENCE, VALUE = (stage_key(FIRST.id, stage) for stage in ("problem", "consequence", "value"))


def ask(
    type_: str,
    *touches: str,
    revealed: tuple[str, ...] = (),
    difficulty: str = "medium",
    quotes: bool = False,
) -> Unlocked:
    """Unlock with a question of a type that touches these items."""
    labels = Labels("question", type_, quotes, touches=touches)
    return unlock(SPIN, CASE, labels, revealed=revealed, difficulty=difficulty, language="en")


def test_a_chain_opens_step_by_step() -> None:
    assert ask("problem", FIRST.id).stages == (PROBLEM,)
    assert ask("implication", FIRST.id, revealed=(PROBLEM,)).stages == (CONSEQUENCE,)
    assert ask("need_payoff", FIRST.id, revealed=(PROBLEM, CONSEQUENCE)).stages == (VALUE,)


def test_a_consequence_is_not_disclosed_before_its_problem() -> None:
    assert ask("implication", FIRST.id) == Unlocked()
    assert ask("need_payoff", FIRST.id, revealed=(PROBLEM,)) == Unlocked()


@pytest.mark.parametrize("quotes", [True, False])
def test_a_question_about_what_is_known_is_answered_with_it_and_opens_nothing(quotes: bool) -> None:
    other = next(item for item in CASE.hidden if item is not FIRST)
    revealed = (PROBLEM, CONSEQUENCE, stage_key(other.id, "problem"))
    again = ask("implication", FIRST.id, revealed=revealed, difficulty="easy", quotes=quotes)
    assert again == Unlocked(texts=(FIRST.fact("consequence").en, FIRST.fact("cost").en))


def test_a_question_without_a_subject_goes_on_with_the_item_disclosed_last() -> None:
    assert ask("implication", revealed=(PROBLEM,)).stages == (CONSEQUENCE,)


@pytest.mark.parametrize(
    ("difficulty", "stages"), [("easy", (PROBLEM,)), ("medium", (PROBLEM,)), ("hard", ())]
)
def test_a_general_question_opens_a_first_problem_unless_it_is_hard(
    difficulty: str, stages: tuple[str, ...]
) -> None:
    assert ask("problem", difficulty=difficulty).stages == stages


def test_types_are_offered_in_the_order_of_a_conversation() -> None:
    assert [one.id for one in SPIN.types_in_order] == ["situation", "problem", "implication", "need_payoff"]
    for name in library.names():
        scenario = library.load(name)
        assert {one.id for one in scenario.types_in_order} == {one.id for one in scenario.types}
