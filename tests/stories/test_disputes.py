"""Disputed lines over HTTP: a reason, an admin who upholds or corrects, one message to the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core import texts
from shared.features.trainer import library
from tests.stories.test_spin import CASE, QUESTIONS, begin, choose
from tests.stories.test_teams import ask, count, last
from tests.stories.test_trial import tap, user_id
from tests.support import says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
Appoint = Callable[..., TelegramUser]
LANGUAGES = ("en", "ru")


def disputed(
    stack: Stack, sql: Sql, clock: Callable[[str], None], language: str, reason: str = "It is a problem."
) -> tuple[Chat, int]:
    """A user disputes the fourth line of a training; return the chat and the score."""
    chat = begin(stack, sql, language)
    for question in QUESTIONS[language][:5]:
        ask(chat, question)
    clock("clock_timestamp() + interval '5 minutes'")
    result = ask(chat, "/finish")
    tap(result, "4")
    tap(result, texts.text(language, "trainer_dispute_button"))
    assert says(ask(chat, reason).text, "trainer_disputed", language)
    return chat, int(sql("select score from training_history")[0]["score"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_correction_changes_score_and_xp_and_is_audited(
    stack: Stack, sql: Sql, appoint: Appoint, clock: Callable[[str], None], language: str
) -> None:
    olga = appoint(language).chat("spin")
    ask(olga, "/start")
    chat, score = disputed(stack, sql, clock, language)
    alarm = last(olga, "admin_training_dispute", language)
    assert "It is a problem." in alarm.text
    scenario = library.load("spin")
    for name in (scenario.info.name, CASE.client.company, scenario.type("implication").name):
        assert name.of(language) in alarm.text
    assert not [one for one in ("packaging_line", "implication", "counted") if one in alarm.text]
    tap(alarm, texts.text(language, "trainer_correct_button"))
    assert library.load("spin").type("implication").name.of(language) in alarm.text
    choose(alarm, library.load("spin").type("problem").name.of(language))
    tap(alarm, texts.text(language, "trainer_not_in_context_button"))
    assert says(alarm.text, "trainer_you_corrected", language)
    (history,) = sql("select * from training_history")
    assert history["per_type_counts"] == {"situation": 2, "problem": 2, "need_payoff": 1}
    assert history["score"] < score
    (user,) = sql("select total_xp from users where id = %s", user_id(sql, chat))
    assert user["total_xp"] == history["score"]
    message = last(chat, "trainer_dispute_corrected", language)
    assert says(message.text, "trainer_dispute_corrected", language, before=score, after=history["score"])
    tap(message, texts.text(language, "trainer_result_button"))
    assert says(tap(message, "4").text, "trainer_line_corrected", language)
    (entry,) = sql("select * from audit_log where action = 'decide_dispute'")
    assert (entry["before"]["score"], entry["after"]["score"]) == (score, history["score"])
    assert says(ask(olga, "/audit").text, "audit_decide_dispute", language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("badge", ["full_clarity", "ear_of_gold"])
def test_a_badge_of_a_correction_is_announced_at_once(
    stack: Stack, sql: Sql, appoint: Appoint, clock: Callable[[str], None], language: str, badge: str
) -> None:
    olga = appoint(language).chat("spin")
    ask(olga, "/start")
    chat, _ = disputed(stack, sql, clock, language)
    sql(
        "insert into badges (badge, bot, condition) values (%s, 'spin', %s)"
        " on conflict (badge, bot) do update set condition = excluded.condition",
        badge, '{"all": [["best_score", ">=", 1]]}',
    )  # fmt: skip
    alarm = last(olga, "admin_training_dispute", language)
    tap(alarm, texts.text(language, "trainer_correct_button"))
    choose(alarm, library.load("spin").type("problem").name.of(language))
    tap(alarm, texts.text(language, "trainer_not_in_context_button"))
    name = texts.text(language, "badge_full_clarity") if badge == "full_clarity" else "Ear of gold"
    assert says(last(chat, "badge_new", language).text, "badge_new", language, name=name)
    assert count(chat, "badge_new", language) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_upheld_points_stay_and_the_user_gets_one_message(
    stack: Stack, sql: Sql, appoint: Appoint, clock: Callable[[str], None], language: str
) -> None:
    olga = appoint(language).chat("spin")
    ask(olga, "/start")
    chat, score = disputed(stack, sql, clock, language)
    alarm = last(olga, "admin_training_dispute", language)
    alarm.tap(texts.text(language, "trainer_uphold_button")).wait()
    alarm.wait_for_edit()
    assert says(alarm.text, "trainer_you_upheld", language)
    last(chat, "trainer_dispute_upheld", language)
    assert count(chat, "trainer_dispute_upheld", language) == 1
    assert sql("select score from training_history")[0]["score"] == score


def test_a_training_that_is_resumed_gets_the_next_text_and_not_the_dispute(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    chat = begin(stack, sql)
    for question in QUESTIONS["en"][:5]:
        ask(chat, question)
    result = ask(chat, "/finish")
    tap(result, "4")
    tap(result, texts.text("en", "trainer_dispute_button"))
    ask(chat, "/new")
    ask(chat, "Hello?")
    assert sql("select from training_disputes") == []


def test_only_admins_decide(stack: Stack, sql: Sql, appoint: Appoint, clock: Callable[[str], None]) -> None:
    olga = appoint().chat("spin")
    ask(olga, "/start")
    disputed(stack, sql, clock, "en")
    alarm = last(olga, "admin_training_dispute")
    sql("delete from admins")
    alarm.tap(texts.text("en", "trainer_uphold_button")).wait()
    assert sql("select status from training_disputes") == [{"status": "open"}]
