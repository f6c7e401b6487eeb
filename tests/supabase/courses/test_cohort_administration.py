"""Admins rename cohorts, move learners between them, and create what sells a course."""

from __future__ import annotations

import pytest

from tests.supabase.admins.users import BOSS, audit_entries
from tests.supabase.courses.school import School, Sql
from tests.supabase.courses.test_administration import code_of
from tests.support import in_parallel

pytestmark = pytest.mark.usefixtures("boss")


def cohort(school: School, key: str, starts_at: str) -> None:
    """Create a cohort of the school's course."""
    saved = school.call(
        "admin_save_cohort", p_slug="sales", p_key=key, p_starts_at=starts_at, p_admin_email=BOSS
    )
    assert saved["outcome"] == "saved"


def cohorts(school: School) -> dict[str, int]:
    """Return the cohorts with the number of their learners."""
    found = school.call("admin_list_cohorts", p_slug="sales", p_admin_email=BOSS)
    return {one["key"]: one["learners"] for one in found}


def test_a_learner_is_moved_once_for_each_reference(school: School, sql: Sql) -> None:
    cohort(school, "may", "2027-05-01T00:00+00")
    cohort(school, "june", "2027-06-01T00:00+00")
    anna = school.bot_user()
    school.enroll(anna, p_cohort_key="may", p_days=30)
    (enrollment,) = school.enrollments(anna).values()
    assert cohorts(school) == {"may": 1, "june": 0}
    move = lambda key, reference: school.call(  # noqa: E731
        "admin_move_learner",
        p_enrollment_id=enrollment["id"],
        p_cohort_key=key,
        p_admin_email=BOSS,
        p_reference=reference,
    )
    results = in_parallel(5, lambda n: move("june", "move:1"))
    assert results == [{"outcome": "moved"}] * 5
    assert [one["action"] for one in audit_entries(sql, anna)].count("move_learner") == 1
    assert cohorts(school) == {"may": 0, "june": 1}
    (moved,) = school.enrollments(anna).values()
    assert moved["expires_at"].date().isoformat() == "2027-07-01"
    assert code_of(lambda: move("may", "move:1")) == "N0003"
    assert move("june", "move:2") == {"outcome": "unchanged"}
    assert move("nothing", "move:3") == {"outcome": "none"}
    assert move(None, "move:4") == {"outcome": "moved"}
    assert cohorts(school) == {"may": 0, "june": 0}
    school.call("admin_withdraw_enrollment", p_enrollment_id=enrollment["id"], p_admin_email=BOSS)
    assert move("may", "move:5") == {"outcome": "withdrawn"}
    found = school.call("admin_get_enrollment", p_enrollment_id=enrollment["id"], p_admin_email=BOSS)
    assert (found["course"], found["enrollment"]["tier"]) == ("sales", "basic")
    assert found["enrollment"]["withdrawn_at"]
    assert school.call("admin_get_enrollment", p_enrollment_id=0, p_admin_email=BOSS) is None


def test_learners_of_one_cohort(school: School) -> None:
    cohort(school, "may", "2027-05-01T00:00+00")
    anna, ben = school.bot_user(), school.bot_user()
    school.enroll(anna, p_cohort_key="may")
    school.enroll(ben)
    for key, ids in (("may", [anna]), (None, [ben, anna]), ("nothing", [])):
        listed = school.call("admin_list_learners", p_slug="sales", p_admin_email=BOSS, p_cohort_key=key)
        assert [one["user_id"] for one in listed["learners"]] == ids
        assert listed["total"] == len(ids)


def test_a_cohort_is_renamed_and_no_name_is_taken_twice(school: School) -> None:
    cohort(school, "may", "2027-05-01")
    cohort(school, "june", "2027-06-01")
    rename = lambda key, new: school.call(  # noqa: E731
        "admin_change_cohort",
        p_slug="sales",
        p_key=key,
        p_new_key=new,
        p_starts_at="2027-05-02",
        p_admin_email=BOSS,
    )
    assert rename("may", "spring") == {"outcome": "saved"}
    assert rename("may", "summer") == {"outcome": "none"}
    assert rename("june", "spring") == {"outcome": "exists"}
    results = in_parallel(2, lambda n: rename(["spring", "june"][n], "both"))
    assert sorted(one["outcome"] for one in results) == ["exists", "saved"]
    assert code_of(lambda: rename("both", "Not A Key")) == "W0003"
    assert school.call("admin_list_cohorts", p_slug="nothing", p_admin_email=BOSS) is None


def test_of_two_new_cohorts_with_one_key_the_first_stays(school: School) -> None:
    create = lambda day: school.call(  # noqa: E731
        "admin_save_cohort", p_slug="sales", p_key="may", p_starts_at=f"2027-05-0{day + 1}T00:00+00",
        p_admin_email=BOSS, p_is_new=True,
    )  # fmt: skip
    results = in_parallel(2, create)
    assert sorted(one["outcome"] for one in results) == ["exists", "saved"]
    (row,) = school.call("admin_list_cohorts", p_slug="sales", p_admin_email=BOSS)
    first = next(day for day, one in enumerate(results) if one["outcome"] == "saved")
    assert row["starts_at"].startswith(f"2027-05-0{first + 1}")
    missing = school.call(
        "admin_save_cohort",
        p_slug="none",
        p_key="may",
        p_starts_at="2027-05-01",
        p_admin_email=BOSS,
        p_is_new=True,
    )
    assert missing == {"outcome": "none"}


def test_a_product_for_a_course_begins_hidden(school: School, sql: Sql) -> None:
    create = lambda **more: school.call(  # noqa: E731
        "admin_create_course_product",
        **{
            "p_product_key": "vip_may",
            "p_titles": {"en": "VIP in May"},
            "p_slug": "sales",
            "p_tier": "vip",
            "p_admin_email": BOSS,
            "p_access_days": 90,
        }
        | more,
    )
    assert create(p_slug="nothing") == create(p_cohort_key="nothing") == {"outcome": "none"}
    for wrong in ({"p_titles": {"en": "x" * 33}}, {"p_titles": {}}, {"p_product_key": "Not A Key"},
                  {"p_tier": "gold"}, {"p_access_days": 0}):  # fmt: skip
        assert code_of(lambda w=wrong: create(**w)) == "W0003", wrong  # type: ignore[misc]
    assert not sql("select from products where key = 'vip_may'")
    assert create() == {"outcome": "saved"}
    assert create() == {"outcome": "exists"}
    listed = school.call("admin_list_course_offers", p_slug="sales", p_admin_email=BOSS)
    (own,) = [one for one in listed if one["product"]["key"] == "vip_may"]
    assert (own["tier"], own["access_days"], own["cohort"]) == ("vip", 90, None)
    assert own["product"]["is_active"] is False
    assert own["product"]["prices"] == {}
    assert school.call("admin_list_course_offers", p_slug="nothing", p_admin_email=BOSS) is None


def test_others_may_not(school: School) -> None:
    for function, values in {
        "admin_get_enrollment": {"p_enrollment_id": 1},
        "admin_move_learner": {"p_enrollment_id": 1, "p_cohort_key": None},
        "admin_list_cohorts": {"p_slug": "sales"},
        "admin_change_cohort": {
            "p_slug": "sales", "p_key": "a", "p_new_key": "b", "p_starts_at": "2027-05-01",
        },
        "admin_list_course_offers": {"p_slug": "sales"},
        "admin_create_course_product": {
            "p_product_key": "x", "p_titles": {"en": "X"}, "p_slug": "sales", "p_tier": "vip",
        },
    }.items():  # fmt: skip
        refused = lambda f=function, v=values: school.call(f, p_admin_email="ben@example.com", **v)  # noqa: E731
        assert code_of(refused) == "N0001", function
