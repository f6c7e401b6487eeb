"""Progress counts what was watched, once; lessons and courses are completed by their rules, once."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.courses.school import School, Sql
from tests.support import examples, in_parallel

QUIZ = {
    "pass_percent": 60,
    "attempts": 2,
    "questions": [
        {"texts": {"en": {"question": "One?", "options": ["a", "b"], "explanation": "a"}}, "correct": [0]},
        {"texts": {"en": {"question": "Two?", "options": ["a", "b", "c"]}}, "correct": [1, 2]},
    ],
}


@pytest.fixture
def anna(school: School) -> int:
    """Return a learner of all tiers."""
    anna = school.learner()
    school.buy(anna, "vip")
    return anna


def test_watching_completes_at_the_share_of_the_rule(school: School, anna: int) -> None:
    film = school.video("film", 100)
    school.read(anna, "film")
    results = []
    for start in range(0, 90, 15):
        school.time.move(seconds=15)
        results.append(school.watch(anna, film, start, start + 15))
    assert [one["watched_percent"] for one in results] == [15, 30, 45, 60, 75, 90]
    assert [one["is_new"] for one in results] == [False] * 5 + [True]
    assert results[-1]["time_spent_seconds"] == 90
    assert results[-1]["position_seconds"] == 90
    assert (results[-1]["xp"], results[-1]["badges"]) == (10, ["first_lesson"])


def test_skipping_rewatching_and_forged_jumps_add_nothing(school: School, anna: int) -> None:
    film = school.video("film", 3600)
    school.read(anna, "film")
    school.time.move(seconds=10)
    assert school.watch(anna, film, 0, 3600)["watched_seconds"] == 25
    for _ in range(50):
        assert school.watch(anna, film, 1000, 3600)["watched_seconds"] == 25
    school.time.move(seconds=10)
    assert school.watch(anna, film, 0, 20)["watched_seconds"] == 25
    assert school.progress(anna, film)["time_spent_seconds"] <= 20


def test_a_pause_is_credited_two_minutes_at_most(school: School, anna: int) -> None:
    film = school.video("film", 3600)
    school.read(anna, "film")
    school.time.move(hours=5)
    seen = school.watch(anna, film, 0, 3600)
    assert seen["watched_seconds"] == 245
    assert seen["time_spent_seconds"] == 120


@pytest.mark.parametrize(
    ("start", "end", "position"), [(50, 20, 20), (-100, -50, -7), (5000, 6000, 9999), (0, 0, 0)]
)
def test_senseless_parts_add_nothing(school: School, anna: int, start: int, end: int, position: int) -> None:
    film = school.video("film", 100)
    school.read(anna, "film")
    school.time.move(seconds=30)
    seen = school.watch(anna, film, start, end, p_position=position)
    assert (seen["watched_seconds"], seen["time_spent_seconds"]) == (0, 0)
    assert 0 <= seen["position_seconds"] <= 100


def test_a_lesson_continues_where_it_stopped(school: School, anna: int) -> None:
    film = school.video("film", 100)
    school.read(anna, "film")
    school.time.move(seconds=20)
    school.watch(anna, film, 0, 20, p_position=61)
    assert school.read(anna, "film")["progress"]["position_seconds"] == 61


def test_fifty_reports_at_once_count_once(school: School, anna: int) -> None:
    film = school.video("film", 600)
    school.read(anna, "film")
    school.time.move(seconds=15)
    results = in_parallel(50, lambda n: school.watch(anna, film, 0, 15, p_playback_id=f"tab-{n}"))
    assert {one["watched_seconds"] for one in results} == {15}
    assert school.progress(anna, film)["time_spent_seconds"] == 15


def test_two_lessons_at_once_take_the_time_once(school: School, anna: int) -> None:
    films = [school.video("film-1"), school.video("film-2")]
    for slug in ("film-1", "film-2"):
        school.read(anna, slug)
    for beat in range(10):
        for film in films:
            school.time.move(seconds=7)
            school.watch(anna, film, beat * 14, beat * 14 + 14)
    assert sum(school.progress(anna, film)["time_spent_seconds"] for film in films) == 140


Beat = tuple[float, int, int]
beats = st.lists(
    st.tuples(st.sampled_from([0, 0.3, 1, 7, 15, 30, 200]), st.integers(-50, 1300), st.integers(-50, 1300)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(beats)
def test_watched_is_never_more_than_was_possible(school: School, anna: int, reports: list[Beat]) -> None:
    film = school.video(f"film-{school.time.now.timestamp():.0f}-{len(reports)}-{id(reports)}", 1200)
    (slug,) = school.sql("select slug from lessons where id = %s", film)
    school.read(anna, slug["slug"])
    passed, reported = 0.0, set[int]()
    before = 0
    for seconds, start, end in reports:
        school.time.move(seconds=seconds)
        passed += seconds
        reported |= set(range(max(start, 0), min(end, 1200)))
        seen = school.watch(anna, film, start, end)
        assert before <= seen["watched_seconds"] <= min(2 * passed + 5, len(reported), 1200)
        assert seen["time_spent_seconds"] <= passed + 1
        before = seen["watched_seconds"]
    row = school.progress(anna, film)
    (sums,) = school.sql(
        "select sum(upper(r) - lower(r))::int as seconds, min(lower(r)) as low, max(upper(r)) as high"
        " from lesson_progress, unnest(watched) as r where lesson_id = %s",
        film,
    )
    assert (sums["seconds"] or 0) == row["watched_seconds"]
    assert (sums["low"] or 0) >= 0
    assert (sums["high"] or 0) <= 1200


def test_the_button_completes_only_where_it_is_the_rule(school: School, anna: int) -> None:
    film, read = school.video("film"), school.lesson("text")
    opened = school.lesson("opened", completion="opened")
    assert school.complete(anna, film)["outcome"] == "other_rule"
    assert not school.progress(anna, film)["completed"]
    assert school.complete(anna, read)["outcome"] == "completed"
    assert school.complete(anna, read)["outcome"] == "known"
    assert school.read(anna, "opened")["progress"]["is_new"]
    assert school.complete(anna, opened)["outcome"] == "known"


def test_fifty_completions_at_once_are_one(school: School, anna: int, sql: Sql) -> None:
    lesson = school.lessons["basic"]
    results = in_parallel(50, lambda n: school.complete(anna, lesson))
    assert sorted(one["outcome"] for one in results).count("completed") == 1
    assert sum(one["xp"] for one in results) == 10
    assert sql("select count(*) as n from xp_awards where user_id = %s", anna)[0]["n"] == 1


def test_the_last_two_lessons_at_once_complete_the_course(school: School, anna: int, sql: Sql) -> None:
    school.complete(anna, school.lessons["vip"])
    last = [school.lessons["basic"], school.lessons["accelerator"]]
    results = in_parallel(2, lambda n: school.complete(anna, last[n]))
    assert sorted(one["is_course_new"] for one in results) == [False, True]
    assert sum(one["xp"] for one in results) == 120
    assert sorted(badge for one in results for badge in one["badges"]) == ["first_course"]


def test_a_course_is_completed_by_the_lessons_of_the_own_tier(school: School) -> None:
    ben = school.learner()
    school.lesson("extra", is_required=False)
    school.buy(ben)
    assert school.card(ben)["percent"] == 0
    done = school.complete(ben, school.lessons["basic"])
    assert done["is_course_new"]
    card = school.card(ben)
    assert (card["percent"], card["completed_lessons"], card["lessons"]) == (100, 1, 2)
    school.lesson("new")
    assert school.card(ben)["percent"] == 100
    assert school.card(ben)["continue_with"] == "extra"


def test_previews_alone_complete_no_course(school: School, sql: Sql) -> None:
    sql("delete from lessons where tier <> 'basic'")
    sql("update lessons set is_preview = true")
    ben = school.learner()
    done = school.complete(ben, school.lessons["basic"])
    assert (done["outcome"], done["is_course_new"]) == ("completed", False)


def test_a_course_whose_last_lesson_is_taken_away_is_completed(school: School, anna: int, sql: Sql) -> None:
    for tier in ("basic", "accelerator"):
        school.complete(anna, school.lessons[tier])
    sql("update lessons set is_published = false where slug = 'vip-lesson'")
    course = school.call("read_course", p_user_id=anna, p_slug="sales")
    assert course["completed_at"]
    assert course["percent"] == 100


def test_the_next_step_comes_with_the_completion(school: School, anna: int, sql: Sql) -> None:
    sql("""update courses set next_step = '{"en": "Call us"}', next_product_key = 'credits_100'""")
    before = school.call("read_course", p_user_id=anna, p_slug="sales")
    assert (before["next_step"], before["next_product_key"]) == ({}, None)
    for lesson in school.lessons.values():
        school.complete(anna, lesson)
    after = school.call("read_course", p_user_id=anna, p_slug="sales")
    assert (after["next_step"], after["next_product_key"]) == ({"en": "Call us"}, "credits_100")


def test_continue_with_the_lesson_where_the_learner_stopped(school: School, anna: int) -> None:
    assert school.card(anna)["continue_with"] == "basic-lesson"
    seen = school.read(anna, "accelerator-lesson")
    assert seen["progress"]["next"] == {
        "slug": "vip-lesson",
        "state": "open",
        "opens_at": seen["lesson"]["opens_at"],
    }
    assert school.card(anna)["continue_with"] == "accelerator-lesson"
    school.complete(anna, school.lessons["accelerator"])
    assert school.card(anna)["continue_with"] == "vip-lesson"
    school.complete(anna, school.lessons["vip"])
    assert school.card(anna)["continue_with"] == "basic-lesson"


def test_a_quiz_hides_its_answers_until_it_is_passed(school: School, anna: int) -> None:
    lesson = school.lesson("quiz", quiz=QUIZ, completion="quiz")
    quiz = school.read(anna, "quiz")["content"]["quiz"]
    assert quiz["questions"] == [
        {"texts": {"en": {"question": "One?", "options": ["a", "b"]}}, "is_multiple": False},
        {"texts": {"en": {"question": "Two?", "options": ["a", "b", "c"]}}, "is_multiple": True},
    ]
    assert (quiz["attempts_left"], quiz["best_right"], quiz["is_passed"]) == (2, None, False)
    failed = school.answer(anna, lesson, [[0], [1]])
    assert (failed["outcome"], failed["right"], failed["completed"]) == ("failed", 1, False)
    assert "correct" not in failed["quiz"]["questions"][0]
    passed = school.answer(anna, lesson, [[0], [2, 1]])
    assert (passed["outcome"], passed["right"], passed["is_new"]) == ("passed", 2, True)
    assert passed["quiz"]["questions"][1]["correct"] == [1, 2]
    assert passed["quiz"]["questions"][0]["texts"]["en"]["explanation"] == "a"


def test_a_quiz_without_a_limit_takes_any_number_of_attempts(school: School, anna: int) -> None:
    unlimited = {name: value for name, value in QUIZ.items() if name != "attempts"}
    lesson = school.lesson("quiz", quiz=unlimited, completion="quiz")
    quiz = school.read(anna, "quiz")["content"]["quiz"]
    assert quiz["attempts_left"] is None
    assert "correct" not in quiz["questions"][0]
    for _ in range(5):
        failed = school.answer(anna, lesson, [[1], [0]])
        assert failed["outcome"] == "failed"
        assert "correct" not in failed["quiz"]["questions"][0]
    assert school.answer(anna, lesson, [[0], [1, 2]])["outcome"] == "passed"


def test_a_video_of_unknown_length_has_no_share(school: School, anna: int) -> None:
    video = {"adapter": "youtube", "reference": "abc"}
    school.lesson("long", video=video)
    lesson = school.read(anna, "long")
    assert (lesson["lesson"]["watched_percent"], lesson["progress"]["watched_percent"]) == (None, None)


def test_attempts_are_limited_also_at_once(school: School, anna: int, sql: Sql) -> None:
    lesson = school.lesson("quiz", quiz=QUIZ, completion="quiz")
    results = in_parallel(10, lambda n: school.answer(anna, lesson, [[1], [0]]))
    assert sorted(one["outcome"] for one in results) == ["failed"] * 2 + ["no_attempts"] * 8
    assert sql("select count(*) as n from lesson_quiz_attempts")[0]["n"] == 2


def test_a_repeated_form_is_one_attempt(school: School, anna: int) -> None:
    lesson = school.lesson("quiz", quiz=QUIZ, completion="quiz")
    first = school.answer(anna, lesson, [[1], [0]], "form:same")
    again = school.answer(anna, lesson, [[0], [1, 2]], "form:same")
    assert first["outcome"] == again["outcome"] == "failed"
    assert again["quiz"]["attempts_left"] == 1


def test_changed_questions_count_no_attempt(school: School, anna: int) -> None:
    lesson = school.lesson("quiz", quiz=QUIZ, completion="quiz", version=3)
    assert school.answer(anna, lesson, [[0], [1, 2]], version=2)["outcome"] == "changed"
    assert school.read(anna, "quiz")["content"]["quiz"]["attempts_left"] == 2


@pytest.mark.parametrize(
    "answers", [[], [[0]], [[0], 1], [[0], ["x"]], {"a": 1}, [[0], [-1]], [[0], [1.5]], [[0], [list("ab")]]]
)
def test_answers_that_do_not_fit_are_refused(school: School, anna: int, answers: Any) -> None:
    lesson = school.lesson("quiz", quiz=QUIZ, completion="quiz")
    with pytest.raises(psycopg.Error) as caught:
        school.answer(anna, lesson, answers)
    assert caught.value.sqlstate == "W0002"


def test_a_lesson_without_a_quiz_takes_no_answers(school: School, anna: int) -> None:
    assert school.answer(anna, school.lessons["basic"], [[0]]) == {"outcome": "no_access"}
