"""A quiz counts each answer once, whatever is repeated, late, foreign or at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.quiz.players import QUESTIONS, Call, Player, Sql, Time, next_reference
from tests.support import examples, in_parallel

CARD = {
    "state": 2,
    "stability": "2.3065",
    "difficulty": "2.1181",
    "due": "2026-12-02T12:00:00+03:00",
    "last_review": "2026-11-30T12:00:00+03:00",
}


def test_a_quiz_from_its_start_to_its_result(anna: Player) -> None:
    run = anna.start(p_topic="closing", p_level=3)["run"]
    assert (run["answered"], run["shown"], run["status"]) == (0, 1, "open")
    done = anna.finish(run["id"], [True] * 8 + [False] * 2)
    assert (done["status"], done["right_answers"], done["score"]) == ("finished", 8, None)
    assert done["result"] == {
        "questions": 10, "right": 8, "seconds": 100.0, "is_fast": False, "xp": 60, "leveled_up": False,
        "new_level": 1, "total_xp": 60, "badges": ["first_quiz"],
        "streak": 1,
    }  # fmt: skip
    assert [one["is_right"] for one in done["answers"]] == [True] * 8 + [False] * 2
    assert anna.xp() == 60


def test_the_same_update_starts_one_quiz(anna: Player, sql: Sql) -> None:
    reference = next_reference()
    first = anna.start(p_reference=reference)
    anna.answer(first["run"]["id"], 1)
    again = anna.start(p_reference=reference)
    assert (again["outcome"], again["run"]["id"]) == ("started", first["run"]["id"])
    assert again["run"]["answered"] == 1
    assert sql("select count(*) as n from quiz_runs where user_id = %s", anna.id)[0]["n"] == 1


def test_a_new_quiz_abandons_the_open_one_but_no_challenge(anna: Player) -> None:
    daily = anna.start("daily", QUESTIONS[:5], p_day="2026-11-30")["run"]
    first, second = anna.start()["run"], anna.start("review")["run"]
    assert anna.see(first["id"])["status"] == "abandoned"
    assert anna.answer(first["id"], 1)["outcome"] == "closed"
    assert anna.see(second["id"])["status"] == anna.see(daily["id"])["status"] == "open"


def test_the_open_quiz_that_was_seen_last_is_continued(anna: Player, time: Time) -> None:
    assert anna.see() is None
    topic = anna.start()["run"]
    time.move(seconds=5)
    daily = anna.start("daily", QUESTIONS[:5], p_day="2026-11-30")["run"]
    assert anna.see()["id"] == daily["id"]
    anna.answer(topic["id"], 1)
    time.move(seconds=5)
    anna.see(topic["id"], 2)
    assert anna.see()["id"] == topic["id"]


def test_the_first_of_twenty_taps_at_once_counts(anna: Player, sql: Sql) -> None:
    run = anna.start()["run"]
    results = in_parallel(20, lambda n: anna.answer(run["id"], 1, n % 2 == 0))
    assert [one["outcome"] for one in results].count("counted") == 1
    assert {one["outcome"] for one in results} == {"counted", "answered"}
    assert sql("select sum(answers)::int as n from quiz_totals where user_id = %s", anna.id)[0]["n"] == 1


def test_an_update_that_is_delivered_again_gets_its_result_again(anna: Player) -> None:
    run = anna.start(questions=QUESTIONS[:5])["run"]
    anna.finish(run["id"], [True] * 4)
    anna.see(run["id"], 5)
    reference = next_reference()
    first = anna.answer(run["id"], 5, p_reference=reference)
    xp = anna.xp()
    assert anna.answer(run["id"], 5, p_reference=reference) == first
    assert first["outcome"] == "counted"
    assert anna.answer(run["id"], 5)["outcome"] == "answered"
    assert anna.xp() == xp > 0


@pytest.mark.parametrize(
    ("n", "outcome"), [(0, "answered"), (2, "answered"), (3, "answered"), (11, "answered")]
)
def test_only_the_question_that_is_shown_can_be_answered(anna: Player, n: int, outcome: str) -> None:
    run = anna.start()["run"]
    assert anna.answer(run["id"], n)["outcome"] == outcome
    anna.answer(run["id"], 1)
    assert anna.answer(run["id"], 2)["outcome"] == "answered", "it was not shown"
    anna.see(run["id"], 2)
    assert anna.answer(run["id"], 2)["outcome"] == "counted"


def test_the_quiz_of_another_user_or_bot_is_unknown(anna: Player, sql: Sql, call: Call, time: Time) -> None:
    ben, run = Player(sql, call, time), anna.start()["run"]
    assert ben.answer(run["id"], 1) == {"outcome": "none"}
    assert ben.see(run["id"]) is None
    assert ben.see(run["id"], 2) is None
    other = call("get_quiz_run", p_user_id=anna.id, p_bot="second", p_run_id=run["id"])
    assert other is None


def test_showing_a_question_again_does_not_restart_its_time(anna: Player, time: Time) -> None:
    run = anna.start()["run"]
    time.move(seconds=7)
    assert anna.see(run["id"], 1)["seconds"] == 7.0
    anna.answer(run["id"], 1)
    time.move(seconds=60)  # reading the explanation
    assert anna.see(run["id"], 2)["seconds"] == 0.0
    time.move(seconds=3)
    anna.see(run["id"], 2)
    anna.answer(run["id"], 2)
    assert [float(one["seconds"]) for one in anna.sql("select seconds from quiz_answers order by n")] == [
        7.0,
        3.0,
    ]


def test_a_withdrawn_question_counts_nothing(anna: Player) -> None:
    run = anna.start(questions=QUESTIONS[:6])["run"]
    done = anna.finish(run["id"], [True, None, True, True, True, None])
    assert (done["result"]["questions"], done["result"]["right"]) == (4, 4)
    assert done["result"]["badges"] == ["first_quiz"]
    only = anna.play([None])
    assert (only["status"], only["result"]["questions"], only["result"]["xp"]) == ("finished", 0, 0)


def test_a_quiz_that_was_tapped_through_gives_nothing(anna: Player) -> None:
    fast = anna.play([True] * 10, seconds=1)
    assert fast["result"]["is_fast"]
    assert (fast["result"]["xp"], fast["result"]["badges"], anna.xp()) == (0, [], 0)
    assert anna.play([True] * 10, seconds=2)["result"]["badges"] == ["first_quiz", "perfect_run"]


def test_xp_has_the_limits_of_a_day(anna: Player, time: Time) -> None:
    gained = [anna.play([True] * 10)["result"]["xp"] for _ in range(6)]
    assert gained == [70, 70, 70, 70, 20, 0], "200 for right answers, 100 for quizzes"
    time.set("2026-12-01 09:00:00+03:00")
    assert anna.play([True] * 10)["result"]["xp"] == 70
    assert anna.play([True] * 4)["result"]["xp"] == 20, "four questions are no quiz"


def test_a_new_level_is_reported_by_the_call_that_reaches_it(anna: Player) -> None:
    reported = [anna.play([True] * 10)["result"]["leveled_up"] for _ in range(3)]
    assert reported == [False, True, False]


def test_cards_are_stored_and_returned_until_they_are_not_due(anna: Player, time: Time) -> None:
    run = anna.start()["run"]
    assert run["card"] is None
    anna.answer(run["id"], 1, False, p_card=CARD)
    assert anna.call("due_quiz_cards", p_user_id=anna.id) == []
    time.set("2026-12-02 12:00:00+03:00")
    assert anna.call("due_quiz_cards", p_user_id=anna.id) == ["q-1"]
    assert anna.call("quiz_overview", p_user_id=anna.id, p_bot="quiz")["due"] == 1
    again = anna.start("review", ["q-1"])["run"]
    assert (again["card"]["stability"], again["card"]["state"]) == ("2.3065", 2)
    anna.answer(again["id"], 1, True, p_card={**CARD, "due": "2026-12-13T12:00:00+03:00"})
    assert anna.call("due_quiz_cards", p_user_id=anna.id) == []
    (card,) = anna.sql("select reviews, lapses from quiz_cards where user_id = %s", anna.id)
    assert card == {"reviews": 2, "lapses": 1}


def test_the_median_of_the_last_answers_needs_five(anna: Player) -> None:
    run = anna.start()["run"]
    for n, seconds in enumerate((4, 8, 30, 6), 1):
        assert anna.see(run["id"], n)["median_seconds"] is None
        anna.time.move(seconds=seconds)
        anna.answer(run["id"], n)
    anna.see(run["id"], 5)
    anna.time.move(seconds=10)
    assert anna.answer(run["id"], 5)["run"]["median_seconds"] == 8.0


def test_statistics_count_by_topic_and_day(anna: Player, time: Time) -> None:
    anna.play([True, True, False, False, True])
    time.set("2026-12-01 09:00:00+03:00")
    run = anna.start(questions=["q-1"])["run"]
    anna.answer(run["id"], 1, False, p_topic="needs", p_card={**CARD, "due": "2026-12-03T12:00:00+03:00"})
    shown = anna.call("quiz_statistics", p_user_id=anna.id, p_bot="quiz", p_days=3)
    assert shown == {
        "runs": 1, "answers": 6, "right_answers": 3, "cards": 1, "due": 0, "due_soon": 1,
        "topics": [
            {"topic": "closing", "answers": 5, "right_answers": 3},
            {"topic": "needs", "answers": 1, "right_answers": 0},
        ],
        "days": [
            {"day": "2026-11-29", "answers": 0, "right_answers": 0},
            {"day": "2026-11-30", "answers": 5, "right_answers": 3},
            {"day": "2026-12-01", "answers": 1, "right_answers": 0},
        ],
    }  # fmt: skip


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["start", "show", "answer", "repeat", "wait"]),
        st.integers(0, 4),  # the question, or the quiz
        st.booleans(),
    ),
    max_size=40,
)


@settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=ACTIONS)
def test_any_order_of_taps_counts_each_question_once(
    sql: Sql, call: Call, time: Time, actions: list[tuple[str, int, bool]]
) -> None:
    """Whatever is tapped in whichever order, counters equal the answers, and awards equal the results."""
    anna = Player(sql, call, time)
    runs: list[int] = []
    last: dict[str, Any] = {}
    for action, number, is_right in actions:
        if action == "start" or not runs:
            runs.append(anna.start(questions=QUESTIONS[:3])["run"]["id"])
        run = runs[-1 - number % len(runs)]
        if action == "show":
            anna.see(run, number)
        elif action == "answer":
            last = {"run_id": run, "n": number, "is_right": is_right, "p_reference": next_reference()}
            anna.answer(**last)
        elif action == "repeat" and last:
            anna.answer(**last)
        elif action == "wait":
            time.move(seconds=5 * number)
    (facts,) = sql(
        "select (select count(*) from quiz_answers where user_id = u.id) as answers, "
        "(select count(*) from quiz_answers where user_id = u.id and is_right) as right_answers, "
        "(select coalesce(sum(answered), 0) from quiz_runs where user_id = u.id) as answered, "
        "(select coalesce(sum(right_answers), 0) from quiz_runs where user_id = u.id) as right_of_runs, "
        "(select coalesce(sum(answers), 0) from quiz_topics where user_id = u.id) as of_topics, "
        "(select coalesce(sum(answers), 0) from quiz_days where user_id = u.id) as of_days, "
        "(select coalesce(sum(right_answers), 0) from quiz_totals where user_id = u.id) as of_totals, "
        "(select coalesce(sum((result ->> 'xp')::int), 0) from quiz_runs where user_id = u.id) as xp, "
        "(select count(*) from quiz_runs where user_id = u.id and status = 'open') as open, "
        "u.total_xp from users u where u.id = %s",
        anna.id,
    )
    assert facts["answers"] == facts["answered"] == facts["of_topics"] == facts["of_days"]
    assert facts["right_answers"] == facts["right_of_runs"] == facts["of_totals"]
    assert facts["xp"] == facts["total_xp"]
    assert facts["open"] <= 1
