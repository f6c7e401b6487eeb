"""Crashes at any step of a quiz, the day's challenge and polls: nothing counts twice, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_quiz import (
    WORDS,
    Sql,
    Time,
    player,
    polls_of,
    post_round,
    right_letter,
    right_of,
    start,
    xp_of,
)
from tests.stories.test_trial import ask, tap
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

pytestmark = pytest.mark.slow

LEASE = 180  # seconds after which all leases of crashed workers have expired


def steps(*names: str) -> Any:
    """Parametrize with the steps before and after each statement."""
    return pytest.mark.parametrize(
        "step", [(when, name) for name in names for when in ("before", "after")], ids=" ".join
    )


@pytest.fixture
def time(clock: Callable[[str], None]) -> Time:
    return Time(clock)


def crash(stack: Stack, time: Time, step: tuple[Any, str], act: Callable[[], Any]) -> None:
    """Act, let the function die at a step, start it again, and let Telegram deliver again."""
    function = stack.function("telegram")
    stack.database.on(step[1], when=step[0], do=function.kill)
    act()
    assert eventually(lambda: not function.pid, 15)
    time.move(LEASE)
    function.restart()
    stack.telegram.retry_now()


def press(chat: Chat, page: Answer, label: str) -> None:
    """Tap a button without waiting for its answer."""
    data = next(one.data for row in page.buttons for one in row if one.text == label)
    chat.tap(page.stored, str(data))


def awards(sql: Sql, chat: Chat) -> list[tuple[str, int]]:
    """Return rule and points of a user's awards."""
    rows = sql(
        "select a.rule, a.points from xp_awards a join users u on u.id = a.user_id "
        "where u.telegram_id = %s order by a.rule",
        chat.id,
    )
    return [(row["rule"], row["points"]) for row in rows]


def counts(sql: Sql) -> tuple[int, int, int]:
    """Return how many answers are stored, how many are counted in all, and how many quizzes are finished."""
    (row,) = sql(
        "select (select count(*) from quiz_answers)::int as stored, "
        "(select sum(answers) from quiz_totals)::int as counted, "
        "(select count(*) from quiz_runs where status = 'finished')::int as finished"
    )
    return row["stored"], row["counted"], row["finished"]


@steps("receive_update", "start_quiz_run", "finish_update")
def test_killed_at_the_start_one_quiz_begins(stack: Stack, sql: Sql, time: Time, step: Any) -> None:
    words, anna = WORDS["en"], player(stack)
    page = tap(ask(anna, "/quiz"), words["topic"])
    crash(stack, time, step, lambda: press(anna, page, words["any"]))
    assert eventually(lambda: page.text.startswith(words["question"].format(n=1)), 30)
    assert sql("select status, answered from quiz_runs") == [{"status": "open", "answered": 0}]


@steps("receive_update", "get_quiz_run", "answer_quiz_question", "finish_update")
def test_killed_at_an_answer_it_counts_once(stack: Stack, sql: Sql, time: Time, step: Any) -> None:
    words, anna = WORDS["en"], player(stack)
    page = start(anna)
    time.move(5)
    crash(stack, time, step, lambda: press(anna, page, right_letter(page, sql)))
    assert eventually(lambda: words["right"] in page.text, 30)
    assert counts(sql) == (1, 1, 0)
    assert sql("select reviews from quiz_cards") == [{"reviews": 1}]
    tap(page, words["next"])
    assert page.text.startswith(words["question"].format(n=2))


@steps("receive_update", "get_quiz_run", "answer_quiz_question", "finish_update")
def test_killed_at_the_last_answer_the_quiz_gives_its_xp_once(
    stack: Stack, sql: Sql, time: Time, step: Any
) -> None:
    words, anna = WORDS["en"], player(stack)
    page = start(anna)
    sql("update quiz_runs set questions = questions[1:5]")
    for _ in range(4):
        time.move(5)
        tap(page, right_letter(page, sql))
        tap(page, words["next"])
    time.move(5)
    crash(stack, time, step, lambda: press(anna, page, right_letter(page, sql)))
    assert eventually(lambda: any(one.text.startswith("🏁 5 of 5 right") for one in anna.answers()), 30)
    assert counts(sql) == (5, 5, 1)
    assert awards(sql, anna) == [("quiz_right", 25), ("quiz_run", 20)]
    assert xp_of(sql, anna) == 45
    assert "+45 XP" in next(one.text for one in anna.answers() if one.text.startswith("🏁"))


@steps("receive_update", "get_quiz_run", "answer_quiz_question", "get_quiz_board", "finish_update")
def test_killed_at_the_last_answer_the_challenge_counts_once(
    stack: Stack, sql: Sql, time: Time, step: Any
) -> None:
    words, anna = WORDS["en"], player(stack)
    page = tap(ask(anna, "/daily"), words["daily start"])
    for _ in range(4):
        time.move(5)
        tap(page, right_letter(page, sql))
    time.move(5)
    crash(stack, time, step, lambda: press(anna, page, right_letter(page, sql)))
    assert eventually(lambda: any(one.text.startswith("🔥 Challenge done") for one in anna.answers()), 30)
    assert counts(sql) == (5, 5, 1)
    assert awards(sql, anna) == [("daily_challenge", 30), ("quiz_right", 25)]
    assert sql("select challenges from quiz_totals") == [{"challenges": 1}]
    (run,) = sql("select score from quiz_runs")
    assert run["score"] in (5 * 115, 4 * 115 + 100), "the time until the second delivery counts"
    assert sql("select xp from board_scores where period = 'challenge'") == [{"xp": run["score"]}]
    changes = sql("select old_xp, new_xp from board_changes where period = 'challenge'")
    assert changes == [{"old_xp": 0, "new_xp": run["score"]}]


@steps("start_quiz_run", "finish_update")
def test_killed_at_its_start_the_challenge_is_not_lost(stack: Stack, sql: Sql, time: Time, step: Any) -> None:
    words, anna = WORDS["en"], player(stack)
    page = ask(anna, "/daily")
    crash(stack, time, step, lambda: press(anna, page, words["daily start"]))
    assert eventually(lambda: page.text.startswith("Question 1 of 5"), 30)
    assert sql("select kind, answered from quiz_runs") == [{"kind": "daily", "answered": 0}]


@steps("record_poll_answer")
def test_killed_at_a_vote_it_counts_once(stack: Stack, sql: Sql, time: Time, step: Any) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    chat, polls = post_round(stack, anna)
    crash(stack, time, step, lambda: chat.vote(polls[0], right_of(polls[0])))
    assert eventually(lambda: sql("select from quiz_poll_answers"), 30)
    stack.telegram.idle()
    assert sql("select count(*)::int as n from quiz_poll_answers") == [{"n": 1}]
    assert sql("select total_xp from users where telegram_id = %s", anna.id) == [{"total_xp": 5}]


@steps("record_poll_answer")
def test_killed_at_a_vote_the_message_about_the_level_still_arrives(
    stack: Stack, sql: Sql, time: Time, step: Any
) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    private = anna.chat("quiz")
    ask(private, "/start")
    chat, polls = post_round(stack, anna)
    sql(
        "update users set total_xp = (select min_xp - 5 from levels where level = 2) where telegram_id = %s",
        anna.id,
    )
    crash(stack, time, step, lambda: chat.vote(polls[0], right_of(polls[0])))
    assert eventually(lambda: sql("select from quiz_poll_answers"), 30)
    stack.telegram.idle()
    time.move(LEASE)
    stack.run_job("sweep")
    news = eventually(lambda: [one for one in private.answers() if "reached level 2" in one.text])
    assert len(news) == 1


@steps("begin_quiz_round", "record_quiz_poll", "finish_update")
def test_killed_while_polls_are_posted_the_round_is_complete(
    stack: Stack, sql: Sql, time: Time, step: Any
) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    chat = stack.telegram.group("Team", [anna], ["quiz"]).by(anna)
    crash(stack, time, step, lambda: chat.send("/quiz"))
    assert eventually(lambda: any(one.text.startswith("🧠 Quiz: 5") for one in chat.answers()), 30)
    all_five = [{"n": n} for n in range(1, 6)]
    assert eventually(lambda: sql("select n from quiz_polls order by n") == all_five, 30)
    assert sql("select count(*)::int as n from quiz_rounds") == [{"n": 1}]
    assert 5 <= len(polls_of(chat)) <= 6, "a poll is sent again if its number was not stored"


@steps("closed_quiz_rounds", "enqueue_quiz_summary", "record_deliveries")
def test_killed_in_the_job_the_results_arrive(stack: Stack, sql: Sql, time: Time, step: Any) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    chat, polls = post_round(stack, anna)
    chat.vote(polls[0], right_of(polls[0]))
    stack.telegram.idle()
    time.move(606)
    function = stack.function("scheduled")
    stack.database.on(step[1], when=step[0], do=function.kill)
    stack.run_job("quiz")
    assert eventually(lambda: not function.pid, 15)
    function.restart()
    time.move(LEASE)
    for job in ("quiz", "sweep"):
        assert stack.run_job(job).status == 200
    results = eventually(lambda: [one for one in chat.answers() if one.text.startswith("🏁")])
    # A message that was sent, but not recorded as sent, is sent again.
    assert len(results) == (2 if step == ("before", "record_deliveries") else 1)
