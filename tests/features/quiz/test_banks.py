"""Question banks: the format's limits, the banks of the repository, and their versions."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.features.quiz import library
from shared.features.quiz.bank_models import LANGUAGES, Bank, Question
from tools.quiz import checks
from tools.quiz.__main__ import main

Change = Callable[[dict[str, Any]], object]


def wording(text: str = "Which one closes?") -> dict[str, Any]:
    return {"text": text, "options": ["A budget", "A date", "A name"], "explanation": "A date decides."}


def data(**changes: Any) -> dict[str, Any]:
    return {"id": "close-1", "topic": "closing", "level": 2, "right": [1], "en": wording()} | changes


def test_the_banks_of_the_repository_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert sum(int(line.split()[1]) for line in shown.out.splitlines()) >= 150
    for question in library.questions().values():
        assert all(question.has(language) for language in LANGUAGES), question.id


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: one["en"].update(text="😀" * 151), "302 characters"),
        (lambda one: one["en"].update(text=" "), "text is missing"),
        (lambda one: one["en"]["options"].__setitem__(0, "x" * 101), "101 characters"),
        (lambda one: one["en"]["options"].__setitem__(0, "a\nb"), "line break"),
        (lambda one: one["en"]["options"].__setitem__(0, " a  DATE"), "the same"),
        (lambda one: one["en"].update(options=["A"]), "1 options"),
        (lambda one: one["en"].update(options=[*"abcdefghijklm"]), "13 options"),
        (lambda one: one["en"].update(explanation=""), "explanation is missing"),
        (lambda one: one["en"].update(explanation="a\nb\nc\nd"), "line breaks"),
        (lambda one: one["en"].update(explanation="é" * 201), "201 characters"),
        (lambda one: one.update(right=[3]), "0 to 2"),
        (lambda one: one.update(right=[-1]), "0 to 2"),
        (lambda one: one.update(right=[]), "at least 1"),
        (lambda one: one.update(right=[0, 1]), "multiple"),
        (lambda one: one.update(right=[1, 0], multiple=True), "increasing"),
        (lambda one: one.update(right=[0, 1, 2], multiple=True), "every option"),
        (lambda one: one.update(right=["1"]), "valid integer"),
        (lambda one: one.update(level=6), "less than or equal to 5"),
        (lambda one: one.update(id="Not an id"), "pattern"),
        (lambda one: one.update(answer=1), "not permitted"),
        (lambda one: one.update(ru=wording() | {"options": ["a", "b"]}), "languages differ"),
        (lambda one: one.pop("en"), "no text"),
    ],
)
def test_a_question_that_telegram_would_refuse_is_refused(change: Change, reason: str) -> None:
    question = data()
    change(question)
    with pytest.raises(ValidationError, match=reason):
        Question.model_validate(question)


def test_what_fits_is_taken() -> None:
    full = wording("😀" * 150) | {"options": ["x" * 100, "y"], "explanation": "a\nb\n" + "c" * 196}
    assert Question.model_validate(data(en=full)).size == 2
    assert Question.model_validate(data(right=[0, 2], multiple=True)).right == [0, 2]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["en"].update(text="Which closes?"),
        lambda one: one["en"].update(explanation="A date."),
        lambda one: one["en"]["options"].__setitem__(2, "A surname"),
        lambda one: one.update(right=[2]),
        lambda one: one.update(ru=wording("Что закрывает?")),
    ],
)
def test_an_edit_is_a_new_version(change: Change) -> None:
    before, edited = Question.model_validate(data()), data()
    change(edited)
    assert Question.model_validate(edited).version != before.version
    assert Question.model_validate(data(level=3)).version == before.version
    assert Question.model_validate(data()).version == before.version


def test_a_broken_bank_is_named_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('id = "own"\nversion = 1\n[[questions]]\nid = "x"\n')
    with pytest.raises(library.InvalidBank, match=r"own\.toml: questions\.0\.topic"):
        library.read(path)
    path.write_text("id = \n")
    with pytest.raises(library.InvalidBank, match="line 1"):
        library.read(path)


def test_check_finds_what_a_bank_alone_cannot_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    known = next(iter(library.questions().values()))
    assert known.en is not None
    path.write_text(
        'id = "own"\nversion = 1\n[[questions]]\nid = "own-1"\ntopic = "closing"\nlevel = 1\nright = [0]\n'
        f'en = {{ text = "{known.en.text.upper()}", options = ["a", "b"], explanation = "TODO" }}\n'
    )
    assert main(["check", str(path)]) == 1
    shown = capsys.readouterr().err
    assert f"asks the same as {known.id}" in shown
    assert "own-1 has no explanation" in shown
    assert main(["check", str(tmp_path / "none.toml")]) == 1


def test_right_answers_that_stand_mostly_first_are_a_fault() -> None:
    questions = [data(id=f"q-{number}", right=[0], en=wording(f"Question {number}?")) for number in range(20)]
    bank = Bank.model_validate({"id": "own", "version": 1, "questions": questions})
    found = checks.faults([bank])
    assert len(found) == 3
    assert "20 of 20 right answers stand at position 0" in found[0]
    for number, question in enumerate(questions):
        question["right"] = [number % 3]
    assert checks.faults([Bank.model_validate({"id": "own", "version": 1, "questions": questions})]) == []


def test_two_questions_of_a_bank_have_different_ids() -> None:
    with pytest.raises(ValidationError, match="close-1"):
        Bank.model_validate({"id": "own", "version": 1, "questions": [data(), data()]})


def test_the_questions_of_a_day_are_the_same_for_all_and_differ_from_those_of_the_next() -> None:
    days = [library.challenge(f"2026-11-{day:02}") for day in range(1, 31)]
    assert library.challenge("2026-11-01") == days[0]
    for day in days:
        assert len(set(day)) == 5
        assert len({library.questions()[one].topic for one in day}) == 5
    assert len({tuple(day) for day in days}) == 30


def test_options_are_shuffled_by_the_seed_alone() -> None:
    orders = {tuple(library.shuffled(f"{run}:1", 4)) for run in range(200)}
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len(orders) == 24, "every order occurs"
    assert library.shuffled("7:1", 4) == library.shuffled("7:1", 4)


def test_topics_and_levels_are_those_of_a_language() -> None:
    for language in LANGUAGES:
        counts = [len(library.matching(language, topic, 0)) for topic in library.topics(language)]
        assert counts == sorted(counts, reverse=True)
        assert sum(counts) == len(library.matching(language, "", 0))
        assert sum(library.levels(language, "").values()) == sum(counts)


def test_banks_are_toml_of_the_documented_form() -> None:
    for path in library.FOLDER.glob("*.toml"):
        assert set(tomllib.loads(path.read_text())) == {"id", "version", "questions"}
        assert path.stem == library.read(path).id
