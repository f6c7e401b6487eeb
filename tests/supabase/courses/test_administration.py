"""Admins enroll learners, see their progress, and edit courses without losing each other’s changes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.supabase.admins.users import BOSS, audit_entries
from tests.supabase.courses.school import School, Sql, next_reference
from tests.supabase.payments.conftest import message_keys
from tests.support import in_parallel

pytestmark = pytest.mark.usefixtures("boss")
QUESTION = {"texts": {"en": {"question": "One?", "options": ["a", "b"]}}, "correct": [0]}


def code_of(call: Any) -> str:
    """Return the SQLSTATE with which a call is refused."""
    with pytest.raises(psycopg.Error) as caught:
        call()
    return caught.value.sqlstate or ""


def test_an_admin_enrolls_once_for_each_reference(school: School, sql: Sql) -> None:
    anna = school.bot_user()
    results = in_parallel(
        5, lambda n: school.enroll(anna, p_reference="enroll:1", p_days=30, p_reason="Won a prize")
    )
    assert sorted(one["applied"] for one in results) == [False] * 4 + [True]
    assert [key for one in results for key in message_keys(one["outgoing"])] == ["course_given"]
    (enrollment,) = school.enrollments(anna).values()
    assert (enrollment["source"], enrollment["expires_at"]) == (
        "manual",
        school.time.now + timedelta(days=30),
    )
    (entry,) = audit_entries(sql, anna)
    assert entry["action"] == "enroll"
    assert entry["after"]["reason"] == "Won a prize"
    assert code_of(lambda: school.enroll(anna, "vip", p_reference="enroll:1")) == "N0003"


def test_what_was_paid_outside_lowers_an_upgrade_and_a_present_does_not(school: School) -> None:
    anna, ben = school.learner(), school.learner()
    school.enroll(anna, p_amount=700, p_currency="RUB")
    school.enroll(ben)
    assert school.price(anna, "vip") == "5300.00"
    assert school.price(ben, "vip") == "6000.00"


def test_a_place_that_was_given_survives_the_refund_of_a_purchase(school: School) -> None:
    anna = school.learner()
    number = school.buy(anna)
    school.enroll(anna)
    school.refund(number)
    assert school.enrollments(anna)["basic"]["source"] == "manual"


def test_what_an_admin_withdrew_is_not_restored_by_a_won_dispute(school: School, sql: Sql) -> None:
    anna = school.learner()
    number = school.buy(anna)
    enrollment = school.enrollments(anna)["basic"]["id"]
    withdraw = lambda: school.call(  # noqa: E731
        "admin_withdraw_enrollment",
        p_enrollment_id=enrollment,
        p_admin_email=BOSS,
        p_reason="Shared the login",
    )
    assert [one["applied"] for one in in_parallel(2, lambda n: withdraw())].count(True) == 1
    assert not school.enrollments(anna)
    dispute = {"payment_id": number, "operation_id": "d1", "amount": "1000.00"}
    school.money.record({"kind": "disputed", **dispute})
    school.money.record({"kind": "dispute_won", **dispute})
    assert not school.enrollments(anna)
    assert [entry["action"] for entry in audit_entries(sql, anna)] == ["withdraw_enrollment"]
    assert school.call("admin_withdraw_enrollment", p_enrollment_id=0, p_admin_email=BOSS) is None


@pytest.mark.parametrize(
    "values",
    [
        {"p_tier": "gold"},
        {"p_slug": "nothing"},
        {"p_days": 0},
        {"p_cohort_key": "nothing"},
        {"p_amount": -1},
        {"p_amount": 5},
        {"p_reason": "x" * 501},
    ],
)
def test_senseless_enrollments_are_refused(school: School, values: dict[str, Any]) -> None:
    given = {"p_user_id": school.learner(), "p_slug": "sales", "p_tier": "basic", "p_admin_email": BOSS}
    assert code_of(lambda: school.call("admin_enroll", **given | values)) == "N0004"


def test_only_admins_may(school: School) -> None:
    anna = school.learner()
    given: dict[str, dict[str, Any]] = {
        "admin_enroll": {"p_user_id": anna, "p_slug": "sales", "p_tier": "basic"},
        "admin_withdraw_enrollment": {"p_enrollment_id": 1},
        "admin_list_learners": {"p_slug": "sales"},
        "admin_export_learners": {"p_slug": "sales"},
        "admin_get_course": {"p_slug": "sales"},
        "admin_save_course": {"p_slug": "sales", "p_values": {}},
        "admin_save_lesson": {"p_course_slug": "sales", "p_slug": "x", "p_values": {}},
        "admin_save_cohort": {"p_slug": "sales", "p_key": "may", "p_starts_at": "2027-05-01"},
        "admin_save_course_offer": {"p_product_key": "basic", "p_slug": "sales", "p_tier": "basic"},
    }
    for function, values in given.items():
        refused = lambda f=function, v=values: school.call(f, p_admin_email="ben@example.com", **v)  # noqa: E731
        assert code_of(refused) == "N0001", function
    assert code_of(lambda: school.enroll(0)) == "N0002"


def test_learners_with_their_progress_in_pages_and_rows(school: School) -> None:
    learners = [school.learner(first_name=f"Learner {n}") for n in range(5)]
    for learner in learners:
        school.buy(learner)
    gone = school.buy(school.learner())
    school.refund(gone)
    school.complete(learners[0], school.lessons["basic"])
    listed = school.call("admin_list_learners", p_slug="sales", p_admin_email=BOSS, p_page=2, p_size=4)
    assert (listed["total"], listed["page"], listed["pages"]) == (6, 2, 2)
    assert [one["name"] for one in listed["learners"]] == ["Learner 1", "Learner 0"]
    first = listed["learners"][1]
    assert (first["lessons"], first["completed_lessons"]) == (1, 1)
    assert first["completed_at"]
    assert first["enrollments"][0]["amount_paid"] == "1000.00"
    rows, after = [], 0
    while after is not None:
        part = school.call(
            "admin_export_learners", p_slug="sales", p_admin_email=BOSS, p_after=after, p_limit=2
        )
        rows += part["rows"]
        after = part["next"]
    assert len(rows) == 6
    assert rows[0]["completed_lessons"] == 1
    assert rows[-1]["enrollments"][0]["withdrawn_at"]
    assert school.call("admin_list_learners", p_slug="x", p_admin_email=BOSS) is None
    assert school.call("admin_export_learners", p_slug="x", p_admin_email=BOSS) is None


def save_course(school: School, slug: str, values: Any, version: int | None = None) -> Any:
    return school.call(
        "admin_save_course", p_slug=slug, p_values=values, p_admin_email=BOSS, p_version=version
    )


def test_a_course_recommends_a_product_that_exists(school: School) -> None:
    save_course(school, "sales", {"next_product_key": "vip"}, 1)
    anna = school.learner()
    school.buy(anna)
    school.complete(anna, school.lessons["basic"])
    read = school.call("read_course", p_user_id=anna, p_slug="sales")
    assert read["next_product_key"] == "vip"
    with pytest.raises(psycopg.Error, match="course sales is invalid: there is no product gone") as caught:
        save_course(school, "sales", {"next_product_key": "gone"}, 2)
    assert caught.value.sqlstate == "W0003"


def load(sql: Sql, course: dict[str, Any], *, overwrites: bool = False) -> Any:
    (row,) = sql("select private.load_course(%s::jsonb, %s, false) as done", json.dumps(course), overwrites)
    return row["done"]


def test_a_load_checks_what_an_editor_checks(school: School, sql: Sql) -> None:
    words = {"en": {"title": "Python"}}
    lesson: dict[str, Any] = {"slug": "first", "texts": words}
    course: dict[str, Any] = {"slug": "python", "texts": words, "lessons": [lesson], "offers": []}
    for values in (
        {"quiz": {"questions": [{"texts": {}, "correct": [0]}]}},
        {"files": [{"name": "No reference"}]},
        {"release": "date", "release_at": "9999-01-01T00:00:00Z"},
        {"course_id": 1},
        {"tier": "gold"},
    ):
        with pytest.raises(psycopg.Error, match="lesson first is invalid") as caught:
            load(sql, course | {"lessons": [lesson | values]})
        assert caught.value.sqlstate == "W0003"
    assert code_of(lambda: load(sql, course | {"version": 7})) == "W0003"
    assert load(sql, course)["course"] == "new"
    assert save_course(school, "python", {"position": 5}, 1)["outcome"] == "saved"
    assert load(sql, course)["course"] == "edited"
    assert load(sql, course | {"position": 0}, overwrites=True)["course"] == "updated"
    assert load(sql, course)["course"] == "unchanged"


def test_two_loads_at_once_make_one_course(sql: Sql) -> None:
    words = {"en": {"title": "Python"}}
    lessons = [{"slug": f"lesson-{n}", "texts": words} for n in range(5)]
    course = {"slug": "python", "texts": words, "lessons": lessons, "offers": []}
    done = in_parallel(2, lambda _: load(sql, course))
    assert sorted(one["course"] for one in done) == ["new", "unchanged"]
    assert {lesson["outcome"] for one in done for lesson in one["lessons"]} == {"new", "unchanged"}
    assert sql("select count(*) as n from lessons where version = 1 and loaded_version = 1") == [{"n": 5}]


def save_lesson(
    school: School, slug: str, values: Any, version: int | None = None, course: str = "sales"
) -> Any:
    return school.call(
        "admin_save_lesson",
        p_course_slug=course,
        p_slug=slug,
        p_values=values,
        p_admin_email=BOSS,
        p_version=version,
    )


def test_a_course_is_created_changed_and_read(school: School) -> None:
    made = save_course(school, "python", {"texts": {"en": {"title": "Python"}}, "plan_tier": None})
    assert (made["outcome"], made["version"]) == ("created", 1)
    assert save_course(school, "python", {"texts": {"en": {"title": "Other"}}})["outcome"] == "exists"
    assert save_course(school, "python", {"is_published": True}, 1)["version"] == 2
    assert save_course(school, "python", {"is_published": True}, 2)["outcome"] == "unchanged"
    assert save_course(school, "python", {"position": 5}, 1) == {
        "outcome": "changed",
        "id": made["id"],
        "version": 2,
    }
    assert save_course(school, "nothing", {"position": 5}, 1) == {"outcome": "none"}
    lesson = save_lesson(school, "first", {"texts": {"en": {"title": "First"}}}, course="python")
    assert lesson["outcome"] == "created"
    seen = school.call("admin_get_course", p_slug="python", p_admin_email=BOSS)
    assert (seen["course"]["is_published"], seen["course"]["plan_tier"]) == (True, None)
    assert [one["slug"] for one in seen["lessons"]] == ["first"]
    assert school.call("admin_get_course", p_slug="nothing", p_admin_email=BOSS) is None


def test_two_editors_do_not_overwrite_each_other(school: School) -> None:
    titles = [{"texts": {"en": {"title": f"Title {n}"}}} for n in range(2)]
    saved = in_parallel(2, lambda n: save_course(school, "sales", titles[n], 1))
    assert sorted(one["outcome"] for one in saved) == ["changed", "saved"]
    saved = in_parallel(2, lambda n: save_lesson(school, "basic-lesson", titles[n], 1))
    assert sorted(one["outcome"] for one in saved) == ["changed", "saved"]
    made = in_parallel(2, lambda n: save_course(school, "new", titles[n]))
    assert sorted(one["outcome"] for one in made) == ["created", "exists"]
    made = in_parallel(2, lambda n: save_lesson(school, "new", titles[n]))
    assert sorted(one["outcome"] for one in made) == ["created", "exists"]


def test_a_lesson_keeps_what_is_not_given(school: School, sql: Sql) -> None:
    quiz = {"questions": [QUESTION], "pass_percent": 50, "attempts": 3}
    values = {"quiz": quiz, "completion": "quiz", "release": "days", "release_days": 2, "tier": "vip"}
    assert save_lesson(school, "vip-lesson", values, 1)["outcome"] == "saved"
    assert save_lesson(school, "vip-lesson", {"quiz": None, "completion": "button"}, 2)["outcome"] == "saved"
    (row,) = sql("select * from lessons where slug = 'vip-lesson'")
    assert (row["quiz"], row["release_days"], row["version"]) == (None, 2, 3)
    assert save_lesson(school, "nothing", {}, 1) == {"outcome": "none"}
    assert save_lesson(school, "x", {"texts": {"en": {"title": "X"}}}, course="nothing") == {
        "outcome": "none"
    }


@pytest.mark.parametrize(
    "values",
    [
        {"id": 5},
        {"version": 9},
        {"texts": {}},
        {"texts": None},
        {"tier": "gold"},
        {"completion": "watched"},
        {"completion": "quiz"},
        {"release": "days"},
        {"position": "first"},
        {"release": "date", "release_at": "never"},
        {"slug": "Not A Slug"},
        {"slug": "basic-lesson"},
        {"video": {"adapter": "vimeo", "reference": "1"}},
        {"quiz": {"questions": []}},
        {"quiz": {"questions": [QUESTION], "pass_percent": 0}},
        {"quiz": {"questions": [QUESTION], "attempts": 0}},
        {"quiz": {"questions": [QUESTION | {"correct": []}]}},
        {"quiz": {"questions": [QUESTION | {"correct": [2]}]}},
        {"quiz": {"questions": [QUESTION | {"correct": ["0"]}]}},
        {"quiz": {"questions": [QUESTION | {"texts": {}}]}},
        {"quiz": {"questions": [QUESTION | {"texts": {"en": {"question": "?", "options": ["a"]}}}]}},
        {
            "quiz": {
                "questions": [
                    QUESTION
                    | {"texts": QUESTION["texts"] | {"ru": {"question": "?", "options": ["а", "б", "в"]}}}  # type: ignore[operator]
                ]
            }
        },
        {"quiz": 5},
        {
            "quiz": {
                "questions": [QUESTION | {"texts": {"en": {"question": {"a": 1}, "options": ["a", "b"]}}}]
            }
        },
        {"quiz": {"questions": [QUESTION | {"texts": {"en": {"question": "?", "options": [1, {}]}}}]}},
        {
            "quiz": {
                "questions": [
                    QUESTION | {"texts": {"en": {"question": "?", "options": ["a", "b"], "explanation": {}}}}
                ]
            }
        },
        {"files": {}},
        {"files": None},
        {"files": [1]},
        {"files": [None]},
        {"files": [{"name": "x"}]},
        {"files": [{"reference": "x.txt"}]},
        {"files": [{"name": " ", "reference": "x.txt"}]},
        {"files": [{"name": "x", "reference": 5}]},
        {"files": [{"name": "x", "reference": "x.txt", "size": "big"}]},
        {"files": [{"name": "x", "reference": "x.txt", "size": -5}]},
        {"files": [{"name": "x", "reference": "x.txt"}] * 101},
        {"release": "date", "release_at": "0001-01-01T00:00:00+14:00"},
        {"release": "date", "release_at": "9999-12-31T23:59:00-12:00"},
        {"release": "date", "release_at": "infinity"},
    ],
)
def test_senseless_lessons_are_refused(school: School, values: dict[str, Any]) -> None:
    assert code_of(lambda: save_lesson(school, "vip-lesson", values, 1)) == "W0003"


@pytest.mark.parametrize(
    "values",
    [{"id": 1}, {"texts": {}}, {"plan_tier": "gold"}, {"next_product_key": "nothing"}, {"author_id": 0}, []],
)
def test_senseless_courses_are_refused(school: School, values: Any) -> None:
    assert code_of(lambda: save_course(school, "sales", values, 1)) == "W0003"


def test_cohorts_and_offers(school: School, sql: Sql) -> None:
    cohort = lambda **more: school.call(  # noqa: E731
        "admin_save_cohort",
        **{"p_slug": "sales", "p_key": "may", "p_starts_at": "2027-05-01", "p_admin_email": BOSS} | more,
    )
    first = cohort()
    assert first["outcome"] == "saved"
    assert cohort(p_starts_at="2027-05-02")["id"] == first["id"]
    assert cohort(p_slug="nothing") == {"outcome": "none"}
    assert code_of(lambda: cohort(p_key="Not A Key")) == "W0003"
    sql("""insert into products (key, kind, texts) values ('may', 'course', '{"en": {"title": "May"}}')""")
    offer = lambda **more: school.call(  # noqa: E731
        "admin_save_course_offer",
        **{"p_product_key": "may", "p_slug": "sales", "p_tier": "vip", "p_admin_email": BOSS} | more,
    )
    assert offer(p_cohort_key="may", p_access_days=90) == {"outcome": "saved"}
    (row,) = sql("select * from course_offers where product_key = 'may'")
    assert (row["cohort_id"], row["access_days"], row["tier"]) == (first["id"], 90, "vip")
    for wrong in ({"p_product_key": "credits_100"}, {"p_slug": "nothing"}, {"p_cohort_key": "june"}):
        assert offer(**wrong) == {"outcome": "none"}
    assert code_of(lambda: offer(p_access_days=0)) == "W0003"
    assert code_of(lambda: offer(p_tier="gold")) == "W0003"


def test_references_are_of_their_action(school: School) -> None:
    anna = school.learner()
    reference = next_reference()
    school.enroll(anna, p_reference=reference)
    enrollment = school.enrollments(anna)["basic"]["id"]
    assert (
        code_of(
            lambda: school.call(
                "admin_withdraw_enrollment",
                p_enrollment_id=enrollment,
                p_admin_email=BOSS,
                p_reference=reference,
            )
        )
        == "N0003"
    )
