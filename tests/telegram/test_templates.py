"""Messages that SQL enqueues, rendered for a user: also those of the revision before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from shared.core import texts
from shared.telegram import templates

UNTIL = {"date": "2026-12-07T09:00:00+00:00"}
EXAM = {"scenario": "spin", "case_id": None, "mode": "exam", "difficulty": "hard"}


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "settings", lambda: SimpleNamespace(default_language="en"))


def render(key: str, language: str = "en", **values: object) -> str:
    parameters = {"chat_id": 1, "languages": [language], "key": key, "values": values, "timezone": "UTC"}
    return str(templates.render(parameters)[1]["text"])


def test_a_task_is_named_with_its_round_if_there_are_several() -> None:
    team: dict[str, Any] = {"name": "North", "assignment": EXAM, "number": 1, "rounds": 1}
    once = render("team_reminder", team=team, number=1, rounds=1, until=UNTIL)
    assert "Exam: SPIN call, any client, hard\nTeam: North" in once
    assert "training" not in once and "Round" not in once
    again = render("team_reminder", "ru", team=team | {"number": 2, "rounds": 3}, until=UNTIL)
    assert "СПИН-переговоры" in again and "Раунд 2 из 3\nКоманда: North" in again


@pytest.mark.parametrize("key", ["team_assigned_practice", "team_assigned_exam", "team_reminder"])
def test_a_task_of_an_earlier_revision_is_rendered_without_a_name(key: str) -> None:
    assert "North" in render(key, team={"name": "North"}, number=1, rounds=1, until=UNTIL)


def test_what_left_the_deployment_is_shown_by_its_id() -> None:
    values = {
        "user": 1, "training": "2", "number": 3, "answer": "—", "question": "?", "points": 5, "reason": "—",
        "scenario": {"scenario": "gone"},
        "case": {"case": "shop", "scenario": "gone"},
        "type": {"type": "probe", "scenario": "gone"},
    }  # fmt: skip
    text = render("admin_training_dispute", **values)
    assert "gone, shop" in text and "probe" in text
    plain = {"scenario": "spin", "case": "bakery", "type": "none", "why": "none"}
    assert "spin, bakery" in render("admin_training_dispute", **(values | plain))


def test_an_earlier_revision_shows_the_id_of_a_named_value() -> None:
    """It picks the first entry of a value that it does not know; jsonb puts the shortest key first."""
    assert texts.pick("en", {"case": "shop", "scenario": "spin"}) == "shop"
    assert texts.pick("en", {"type": "probe", "scenario": "spin"}) == "probe"
