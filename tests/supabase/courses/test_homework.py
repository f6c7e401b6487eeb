"""Homework is submitted, returned and accepted, one submission at a time."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from tests.supabase.admins.users import BOSS
from tests.supabase.courses.school import School, Sql
from tests.supabase.payments.conftest import message_keys
from tests.support import in_parallel

HOMEWORK = {"en": "Call three customers"}


@pytest.fixture
def lesson(school: School, boss: int) -> int:
    """Return a lesson with homework that is reviewed from the middle tier on."""
    return school.lesson("work", homework=HOMEWORK, homework_tier="accelerator")


@pytest.fixture
def anna(school: School) -> int:
    """Return a learner of all tiers who has written to the assistant."""
    anna = school.bot_user(first_name="Anna")
    school.buy(anna, "vip")
    return anna


def review(school: School, submission: int, is_accepted: bool, comment: str | None = None) -> object:
    return school.call(
        "admin_review_homework",
        p_submission_id=submission,
        p_is_accepted=is_accepted,
        p_comment=comment,
        p_admin_email=BOSS,
    )


def test_homework_from_its_return_to_its_acceptance(school: School, anna: int, lesson: int) -> None:
    first = school.homework(anna, lesson, " I called two ")
    assert first["outcome"] == "submitted"
    (submission,) = first["homework"]["submissions"]
    assert (submission["n"], submission["text"], submission["state"]) == (1, "I called two", "submitted")
    assert not first["homework"]["can_submit"]
    assert school.homework(anna, lesson)["outcome"] == "waiting"

    listed = school.call("admin_list_homework", p_admin_email=BOSS)
    assert listed["waiting"] == 1
    (row,) = listed["submissions"]
    assert (row["name"], row["course"], row["lesson"]) == ("Anna", "sales", "work")
    returned = review(school, submission["id"], False, "One more, please")
    assert (returned["outcome"], returned["state"]) == ("reviewed", "returned")
    assert message_keys(returned["outgoing"]) == ["homework_returned"]
    assert review(school, submission["id"], True) == {"outcome": "known", "state": "returned", "outgoing": []}

    second = school.homework(anna, lesson, "I called the third")
    assert [one["n"] for one in second["homework"]["submissions"]] == [2, 1]
    accepted = review(school, second["homework"]["submissions"][0]["id"], True)
    assert message_keys(accepted["outgoing"]) == ["homework_accepted"]
    assert school.homework(anna, lesson)["outcome"] == "accepted"
    assert [
        (one["state"], one["comment"])
        for one in school.read(anna, "work")["content"]["homework"]["submissions"]
    ] == [("accepted", None), ("returned", "One more, please")]
    assert school.call("admin_list_homework", p_admin_email=BOSS)["waiting"] == 0
    done = school.call("admin_list_homework", p_admin_email=BOSS, p_state="accepted")
    assert [one["n"] for one in done["submissions"]] == [2]


def test_ten_submissions_at_once_are_one(school: School, anna: int, lesson: int, sql: Sql) -> None:
    results = in_parallel(10, lambda n: school.homework(anna, lesson))
    assert sorted(one["outcome"] for one in results) == ["submitted"] + ["waiting"] * 9
    again = in_parallel(5, lambda n: school.homework(anna, lesson, p_reference="homework:same"))
    assert {one["outcome"] for one in again} == {"waiting"}
    assert sql("select count(*) as n from homework_submissions")[0]["n"] == 1


def test_a_repeated_form_is_known(school: School, anna: int, lesson: int) -> None:
    school.homework(anna, lesson, p_reference="homework:same")
    assert school.homework(anna, lesson, p_reference="homework:same")["outcome"] == "known"


def test_two_reviews_at_once_are_one(school: School, anna: int, lesson: int) -> None:
    submission = school.homework(anna, lesson)["homework"]["submissions"][0]["id"]
    results = in_parallel(2, lambda n: review(school, submission, bool(n), "Comment"))
    assert sorted(one["outcome"] for one in results) == ["known", "reviewed"]


def test_homework_of_a_lower_tier_is_not_reviewed(school: School, lesson: int) -> None:
    ben = school.learner()
    school.buy(ben)
    assert not school.read(ben, "work")["content"]["homework"]["can_submit"]
    assert school.homework(ben, lesson)["outcome"] == "not_reviewed"
    assert school.homework(school.learner(), lesson) == {"outcome": "no_access"}
    assert school.homework(ben, school.lessons["basic"]) == {"outcome": "no_access"}


def test_a_file_is_the_learners_own(school: School, anna: int, lesson: int, sql: Sql) -> None:
    keys = [f"homework/{uuid4()}/{uuid4()}.pdf" for _ in range(2)]
    for user, key in zip((anna, school.learner()), keys, strict=True):
        sql(
            "insert into stored_files (user_id, bot, kind, key, mime_type, size_bytes, delete_after)"
            " values (%s, 'assistant', 'homework', %s, 'application/pdf', 5, now())",
            user,
            key,
        )
    with pytest.raises(psycopg.Error) as caught:
        school.homework(anna, lesson, "", p_file_key=keys[1])
    assert caught.value.sqlstate == "W0002"
    done = school.homework(anna, lesson, "", p_file_key=keys[0])
    assert done["homework"]["submissions"][0]["file"] == keys[0]
    sql("delete from stored_files")
    assert school.read(anna, "work")["content"]["homework"]["submissions"][0]["file"] is None


@pytest.mark.parametrize("text", ["", " \n", "x" * 20_001])
def test_senseless_homework_is_refused(school: School, anna: int, lesson: int, text: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        school.homework(anna, lesson, text)
    assert caught.value.sqlstate == "W0002"


def test_reviews_are_for_admins_and_returns_need_a_comment(school: School, anna: int, lesson: int) -> None:
    submission = school.homework(anna, lesson)["homework"]["submissions"][0]["id"]
    with pytest.raises(psycopg.Error) as caught:
        review(school, submission, False, " ")
    assert caught.value.sqlstate == "N0004"
    for function, values in (
        ("admin_review_homework", {"p_submission_id": submission, "p_is_accepted": True, "p_comment": None}),
        ("admin_list_homework", {}),
    ):
        with pytest.raises(psycopg.Error) as caught:
            school.call(function, p_admin_email="ben@example.com", **values)
        assert caught.value.sqlstate == "N0001"
    assert review(school, 0, True) is None
