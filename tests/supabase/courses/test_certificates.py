"""A certificate is issued once, for a completed course, and is withdrawn with the course."""

from __future__ import annotations

import psycopg
import pytest

from tests.supabase.courses.school import School, Sql
from tests.support import in_parallel


def find(school: School, code: str) -> object:
    return school.call("find_course_certificate", p_code=code)


def test_a_certificate_with_the_name_as_it_was_typed(school: School) -> None:
    anna = school.learner(first_name="Annabella")
    school.buy(anna, "vip")
    assert school.certificate(anna) == {"outcome": "not_completed"}
    school.complete_all(anna)
    issued = school.certificate(anna, "  Anna   Lee ")
    assert issued["outcome"] == "issued"
    certificate = issued["certificate"]
    assert (certificate["name"], certificate["course"]) == ("Anna Lee", "sales")
    assert school.certificate(anna, "Another") == {"outcome": "known", "certificate": certificate}
    assert find(school, certificate["code"]) == certificate
    assert school.card(anna)["certificate"]["code"] == certificate["code"]
    assert find(school, "nothing") is None


def test_ten_requests_at_once_issue_one(school: School, sql: Sql) -> None:
    anna = school.learner()
    school.buy(anna, "vip")
    school.complete_all(anna)
    results = in_parallel(10, lambda n: school.certificate(anna, f"Name {n}"))
    assert sorted(one["outcome"] for one in results) == ["issued"] + ["known"] * 9
    assert len({one["certificate"]["name"] for one in results}) == 1


@pytest.mark.parametrize("name", ["", "  ", "—", "\u202e", "\x07", "x" * 101, None])
def test_names_that_are_none(school: School, name: str | None) -> None:
    with pytest.raises(psycopg.Error) as caught:
        school.certificate(school.learner(), name)  # type: ignore[arg-type]
    assert caught.value.sqlstate == "W0002"


def test_a_name_loses_what_cannot_be_seen(school: School) -> None:
    anna = school.learner()
    school.buy(anna, "vip")
    school.complete_all(anna)
    issued = school.certificate(anna, "\u202eАнна\u2069\x07 \t王芳 2")
    assert issued["certificate"]["name"] == "Анна 王芳 2"


def test_a_refund_withdraws_it_and_a_new_purchase_restores_it(school: School) -> None:
    anna = school.learner()
    number = school.buy(anna, "vip")
    school.complete_all(anna)
    code = school.certificate(anna)["certificate"]["code"]
    school.refund(number)
    assert find(school, code) == {"state": "withdrawn"}
    assert school.card(anna)["certificate"] is None
    assert school.certificate(anna) == {"outcome": "not_completed"}
    school.buy(anna, "basic")
    assert find(school, code)["state"] == "valid"  # type: ignore[index]


def test_expired_access_keeps_it(school: School) -> None:
    school.offer("month", "vip", 300, access_days=30)
    anna = school.learner()
    school.buy(anna, "month")
    school.complete_all(anna)
    school.time.move(days=31)
    assert school.certificate(anna)["outcome"] == "issued"


def test_a_refund_leaves_it_to_a_learner_whose_plan_opens_the_course(school: School, sql: Sql) -> None:
    anna, ben = school.learner(is_paid=True), school.learner(is_paid=True)
    for user in (anna, ben):
        number = school.buy(user, "basic")
        school.complete_all(user)
        code = school.certificate(user)["certificate"]["code"]
        sql("update users set is_paid = %s where id = %s", user == anna, user)
        school.refund(number)
        state = "valid" if user == anna else "withdrawn"
        assert find(school, code)["state"] == state  # type: ignore[index]
