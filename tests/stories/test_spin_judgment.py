"""Reversed roles: once the judgment has begun, it goes on, whatever the user sends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.core import texts
from tests.stories.test_spin import training_of, turns_of
from tests.stories.test_spin_reversed import ANSWERS, PLAN, SPIN, begin, judge
from tests.stories.test_trial import ask, labels, tap, user_id
from tests.support import says
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
LANGUAGES = ("en", "ru")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_during_the_judgment_is_no_answer(stack: Stack, sql: Sql, language: str) -> None:
    chat = begin(stack, sql, language)
    for text in ANSWERS[language][:2]:
        ask(chat, text)
    assert says(ask(chat, "/finish").text, "trainer_reversed_ask_type", language)
    answer = ask(chat, ANSWERS[language][2])
    assert says(answer.text, "trainer_reversed_no_more", language)
    assert [turn["reply"] for turn in turns_of(sql, chat)] == ANSWERS[language][:2]
    result = judge(answer, language, [type_ for type_, _ in PLAN[:2]])
    assert says(result.text, "trainer_reversed_result", language, matched=2, count=2, useful=1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_judgment_is_resumed(stack: Stack, sql: Sql, language: str) -> None:
    chat = begin(stack, sql, language)
    ask(chat, ANSWERS[language][0])
    ask(chat, "/finish")
    for command in ("/resume", "/finish", "/tip"):
        screen = ask(chat, command)
        assert says(screen.text, "trainer_reversed_ask_type", language), command
        assert ANSWERS[language][0] in screen.text
    assert says(screen.text, "trainer_tip_reversed", language)
    home = ask(chat, "/new")
    tap(home, texts.text(language, "trainer_resume_button"))
    assert says(home.text, "trainer_reversed_ask_type", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tip_repeats_the_question_that_waits(stack: Stack, sql: Sql, language: str) -> None:
    chat = begin(stack, sql, language)
    screen = ask(chat, "/tip")
    assert says(screen.text, "trainer_tip_reversed", language)
    assert PLAN[0][1].of(language) in screen.text
    assert labels(screen) == [texts.text(language, "trainer_reversed_judge_button")]


def test_an_answer_and_the_judgment_at_once_agree(stack: Stack, sql: Sql) -> None:
    chat = begin(stack, sql)
    ask(chat, ANSWERS["en"][0])
    training, user = training_of(sql, chat)["id"], user_id(sql, chat)

    def stop() -> str:
        return str(sql("select stop_reversed_questions(%s, %s) as r", user, training)[0]["r"]["outcome"])

    def answer() -> None:
        ask(chat, ANSWERS["en"][1])

    with ThreadPoolExecutor(2) as pool:
        stopped, answered = pool.submit(stop), pool.submit(answer)
        answered.result()
    replies = [turn["reply"] for turn in turns_of(sql, chat)]
    if stopped.result() == "stopped":
        assert "" not in replies or replies == [*ANSWERS["en"][:2], ""]
    else:
        assert replies == [*ANSWERS["en"][:2], ""]
    assert training_of(sql, chat)["question_count"] == len([one for one in replies if one])
    assert stop() == stop() == "stopped"
    assert "" not in [turn["reply"] for turn in turns_of(sql, chat)]


def test_before_the_first_answer_there_is_nothing_to_judge(stack: Stack, sql: Sql) -> None:
    chat = begin(stack, sql)
    training, user = training_of(sql, chat)["id"], user_id(sql, chat)
    found = sql("select stop_reversed_questions(%s, %s) as r", user, training)[0]["r"]
    assert [turn["reply"] for turn in found["training"]["turns"]] == [""]
    other = sql("select stop_reversed_questions(%s, %s) as r", user + 1, training)[0]["r"]
    assert other == {"outcome": "none"}


@pytest.mark.parametrize("blank", ["", "  \n", "\u00a0\u3000\u2003"])
def test_sql_takes_no_blank_answer(stack: Stack, sql: Sql, blank: str) -> None:
    chat = begin(stack, sql)
    sql("update trainings set turn_reference = 'telegram:spin:1:1'")
    with pytest.raises(Exception, match="an answer needs words"):
        sql(
            "select record_reversed_turn(%s, %s, 'telegram:spin:1:1', %s, null)",
            user_id(sql, chat), training_of(sql, chat)["id"], blank,
        )  # fmt: skip
    assert training_of(sql, chat)["question_count"] == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_client_sees_each_stage_of_a_problem_on_its_own_line(
    stack: Stack, sql: Sql, language: str
) -> None:
    from tests.stories.test_spin import CASE

    briefing = begin(stack, sql, language).answers()[-1].text
    names = [name for stage in SPIN.stages for name in stage.facts]
    for one in CASE.hidden:
        lines = [one.fact(name).of(language) for name in names]
        assert "• " + "\n→ ".join(lines) in briefing
