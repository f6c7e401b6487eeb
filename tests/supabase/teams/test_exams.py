"""The SQL of exams: attempts, pass mark and certificate of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.features.trainer.rules import training_rules
from tests.supabase.teams.teams import Call, Sql, Team
from tests.supabase.trainings.test_trainings import CASE, SEED, SPIN, Player
from tests.support import in_parallel

NOON = "timestamptz '2026-12-01 09:00:00+00'"
RULES = training_rules(SPIN, CASE, None, is_exam=True)


@pytest.fixture
def member(sql: Sql, call: Call, clock: Callable[[str], None]) -> tuple[Team, Player, int]:
    """A team, its member and the number of the exam that is assigned."""
    clock(NOON)
    team = Team(sql, call)
    player = team.join()
    team.assign("2026-12-07", p_mode="exam")
    return team, player, team.tasks(player)[0]["id"]


def take(player: Player, task: int | None, types: list[str]) -> Any:
    started = player.start(p_mode="exam", rules=RULES, p_task_id=task)
    if started["outcome"] != "started":
        return started["outcome"]
    for type_ in types:
        player.ask(type_)
    return player.finish()["result"]


def test_the_attempts_are_those_of_the_task(member: tuple[Team, Player, int]) -> None:
    team, player, task = member
    for _ in range(3):
        assert take(player, None, SEED[:5])["exam"] == {"score": 150, "is_passed": False}
    assert take(player, None, SEED) == "no_attempts"
    assert take(player, task, SEED[:5])["exam"]["is_passed"] is False
    assert (team.tasks(player)[0]["is_passed"], team.tasks(player)[0]["done_at"] is None) == (False, False)
    assert take(player, task, SEED)["exam"]["is_passed"] is True
    assert take(player, task, SEED[:5])["exam"]["is_passed"] is False
    assert take(player, task, SEED) == "no_attempts"
    done = team.tasks(player)[0]
    assert (done["is_passed"], done["best_score"]) == (True, 170)


def test_leaving_and_joining_again_gives_no_new_attempts(
    member: tuple[Team, Player, int], call: Call
) -> None:
    team, player, task = member
    for _ in range(3):
        assert take(player, task, SEED[:5])["exam"]["is_passed"] is False
    call("leave_team", p_user_id=player.user_id, p_team_id=team.id)
    again = team.tasks(team.join(player))[0]["id"]
    assert again != task
    assert take(player, again, SEED) == "no_attempts"
    other = team.join()
    assert take(other, team.tasks(other)[0]["id"], SEED)["exam"]["is_passed"] is True


def test_an_exam_that_was_given_up_before_its_first_question_is_no_attempt(
    member: tuple[Team, Player, int],
) -> None:
    _, player, task = member
    for _ in range(4):
        assert player.start(p_mode="exam", rules=RULES, p_task_id=task)["outcome"] == "started"


def test_a_certificate_is_issued_once_and_for_a_passed_exam_only(
    member: tuple[Team, Player, int], sql: Sql, call: Call
) -> None:
    _, player, task = member
    failed = take(player, task, SEED[:5])["training_id"]
    assert call("issue_certificate", p_user_id=player.user_id, p_training_id=failed) is None
    passed = take(player, task, SEED)["training_id"]
    other = Player(sql, call)
    assert call("issue_certificate", p_user_id=other.user_id, p_training_id=passed) is None
    wanted = {"p_user_id": player.user_id, "p_training_id": passed}
    numbers = in_parallel(8, lambda _: call("issue_certificate", **wanted)["number"])
    assert len(set(numbers)) == 1
    assert len(sql("select from certificates")) == 1


def test_an_exam_in_haste_is_not_passed(member: tuple[Team, Player, int], call: Call) -> None:
    team, player, task = member
    player.start(p_mode="exam", rules=RULES, p_task_id=task)
    for type_ in SEED:
        player.ask(type_)
    result = player.finish(is_fast=True)["result"]
    assert (result["score"], result["exam"]["is_passed"]) == (170, False)
    assert team.tasks(player)[0]["done_at"] is None
    wanted = {"p_user_id": player.user_id, "p_training_id": result["training_id"]}
    assert call("issue_certificate", **wanted) is None


def test_rules_must_fit_the_mode(
    member: tuple[Team, Player, int], refused: Callable[..., str | None]
) -> None:
    _, player, _ = member
    given = player.start  # the parameters of a practice
    assert given()["outcome"] == "started"
    with pytest.raises(Exception, match="rules of a training"):
        player.start(p_mode="exam")


def test_a_question_after_the_end_is_not_answered(
    member: tuple[Team, Player, int], clock: Callable[[str], None]
) -> None:
    _, player, task = member
    player.start(p_mode="exam", rules=RULES, p_task_id=task)
    clock("timestamptz '2026-12-01 09:20:00+00'")
    begun = player.begin("late")
    assert (begun["outcome"], begun["training"]["question_count"]) == ("over", 0)


def test_an_expired_exam_is_finished_once_and_its_user_notified(
    member: tuple[Team, Player, int], sql: Sql, call: Call, clock: Callable[[str], None]
) -> None:
    _, player, task = member
    player.start(p_mode="exam", rules=RULES, p_task_id=task)
    number = player.started["training"]["id"]
    assert call("finish_expired_exam", p_training_id=number) == [], "its time is not over"
    clock("timestamptz '2026-12-01 09:25:00+00'")
    assert call("expired_exams") == [number]
    done = in_parallel(4, lambda _: call("finish_expired_exam", p_training_id=number))
    keys = [one["parameters"]["key"] for outgoing in done for one in outgoing]
    assert keys == ["trainer_exam_over"]
    assert call("expired_exams") == []
    assert call("finish_expired_exam", p_training_id=0) == []
