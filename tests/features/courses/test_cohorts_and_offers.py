"""Stories of admins: cohorts, learners who change them, and what sells a course."""

from __future__ import annotations

import re
from html import unescape

import pytest

from shared.core.texts import text
from tests.features.courses.conftest import COURSE, SLUG, Enroll, Sql
from tests.features.courses.test_admin_pages import boss, enrollment
from tests.features.courses.test_pages import EVIL, reference
from tests.web.visitor import Visitor
from tools.emulator.telegram import Chat

__all__ = ["boss"]  # a fixture
ADMIN = f"/admin/courses/{SLUG}"
COHORTS, OFFERS = f"{ADMIN}/cohorts", f"{ADMIN}/offers"


def test_a_cohort_with_a_time_zone_a_new_name_and_a_learner(
    boss: Visitor, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    assert text("en", "course_admin_cohorts_none") in unescape(boss.get(COHORTS).body)
    form = {"key": "spring", "starts_at": "2030-03-01T09:00"}
    assert boss.post(f"{ADMIN}/new_cohort", form).status == 303
    (row,) = sql("select (starts_at at time zone 'UTC')::text as starts_at from cohorts")
    assert row["starts_at"] == "2030-03-01 06:00:00", "of Moscow, the time zone of users who chose none"
    taken = boss.post(f"{ADMIN}/new_cohort", form)
    assert taken.status == 422
    assert text("en", "course_admin_taken") in taken.body
    assert (
        boss.post(
            f"{ADMIN}/new_cohort", {**form, "key": "autumn", "enrolls_until": "2030-08-31T10:00"}
        ).status
        == 303
    )

    enroll(anna, "")
    page = boss.get(f"{ADMIN}/learners").body
    sent = {"reference": reference(page), "user": str(anna.id), "tier": "basic", "cohort": "spring"}
    assert boss.post(f"{ADMIN}/enroll", sent).status == 303
    path = enrollment(boss, "Anna")
    page = boss.get(path).body
    assert 'value="spring" selected' in page
    moved = boss.post(f"{path}/move", {"cohort": "autumn", "reference": reference(page)})
    assert "course_moved_notice" in moved.headers["Location"]
    page = boss.get(path).body
    again = boss.post(f"{path}/move", {"cohort": "autumn", "reference": reference(page)})
    assert "course_unchanged_notice" in again.headers["Location"]
    assert boss.post(f"{path}/move", {"cohort": "none", "reference": 22 * "x"}).status == 404
    for key, is_there in (("autumn", True), ("spring", False)):
        assert ("Anna" in boss.get(f"{ADMIN}/learners?cohort={key}").body) is is_there

    page = boss.get(f"{COHORTS}/autumn").body
    assert 'value="2030-03-01T09:00"' in page
    changed = {"key": "fall", "starts_at": "2030-09-02T09:00"}
    assert boss.post(f"{COHORTS}/autumn/save", changed).status == 303
    assert boss.get(f"{COHORTS}/autumn").status == 404
    assert "Anna" in boss.get(f"{ADMIN}/learners?cohort=fall").body
    refused = boss.post(f"{COHORTS}/fall/save", {**changed, "key": "spring"})
    assert refused.status == 422
    wrong = boss.post(f"{COHORTS}/fall/save", {"key": "winter", "starts_at": "soon"})
    assert wrong.status == 422
    assert "soon" in wrong.body
    assert boss.get(f"{COHORTS}/fall").status == 200, "a wrong date does not rename the cohort"
    assert boss.post(f"{COHORTS}/none/save", changed).status == 404
    # A page of before the renaming, and one with a new name and no date: neither changes anything.
    assert boss.post(f"{COHORTS}/autumn/save", {**changed, "key": "autumn"}).status == 404
    assert boss.post(f"{COHORTS}/fall/save", {"key": "winter", "starts_at": "soon"}).status == 422
    assert [row["key"] for row in sql("select key from cohorts order by key")] == ["fall", "spring"]


@pytest.mark.parametrize("wrong", [
    {"key": EVIL}, {"key": ""}, {"starts_at": "soon"}, {"starts_at": EVIL}, {"enrolls_until": EVIL},
    {"starts_at": "0001-01-01T00:00"}, {"starts_at": "9999-12-31T23:59"},
])  # fmt: skip
def test_a_wrong_cohort_is_shown_with_its_fault(
    boss: Visitor, course: None, sql: Sql, wrong: dict[str, str]
) -> None:
    boss.get(COHORTS)
    answer = boss.post(f"{ADMIN}/new_cohort", {"key": "spring", "starts_at": "2030-03-01T09:00", **wrong})
    assert answer.status == 422
    assert 'aria-invalid="true"' in answer.body
    assert "<script>alert" not in answer.body
    assert not sql("select from cohorts")


def test_a_product_that_sells_a_tier(boss: Visitor, enroll: Enroll, anna: Chat, sql: Sql) -> None:
    page = unescape(boss.get(OFFERS).body)
    assert text("en", "course_admin_prices_where") in page
    form = {"key": "sales_gold", "title_en": f"Gold {EVIL}"[:32], "tier": "vip", "days": "30"}
    made = boss.post(f"{ADMIN}/new_offer", form)
    assert "course_offer_created_notice" in made.headers["Location"]
    page = boss.get(OFFERS).body
    assert text("en", "course_admin_no_price") in page
    assert "<script>" not in page
    again = boss.post(f"{ADMIN}/new_offer", form)
    assert again.status == 422
    assert text("en", "course_admin_taken") in again.body
    assert sql("select is_active from products where key = 'sales_gold'") == [{"is_active": False}]
    one = f"{OFFERS}/sales_gold"
    assert text("en", "course_admin_change_in_bot", key="sales_gold") in boss.get(one).body
    assert boss.post(f"{one}/save", {"tier": "basic", "days": ""}).status == 303
    assert sql("select tier, access_days from course_offers where product_key = 'sales_gold'") == [
        {"tier": "basic", "access_days": None}
    ]
    for wrong in ({"tier": "gold"}, {"tier": "vip", "days": "-1"}):
        assert boss.post(f"{one}/save", wrong).status == 422
    assert boss.post(f"{one}/save", {"tier": "vip", "cohort": "none"}).status == 404
    assert boss.post(f"{OFFERS}/premium_month/save", {"tier": "vip"}).status == 404
    # Still hidden: learners see no price of it.
    assert "Gold" not in enroll(anna, "").get(COURSE).body


@pytest.mark.parametrize("wrong", [
    {"key": EVIL}, {"key": ""}, {"title_en": ""}, {"title_en": "x" * 33}, {"title_en": "\u202egold"},
    {"tier": "gold"}, {"days": "0"}, {"days": "99999999"},
])  # fmt: skip
def test_a_wrong_product_is_not_made(boss: Visitor, course: None, sql: Sql, wrong: dict[str, str]) -> None:
    boss.get(OFFERS)
    sent = {"key": "gold", "title_en": "Gold", "title_ru": "", "tier": "vip", **wrong}
    answer = boss.post(f"{ADMIN}/new_offer", sent)
    assert answer.status == 422
    assert re.search('aria-invalid="true"|role="alert"', answer.body)
    assert not sql("select from products where key = 'gold'")


def test_the_next_step_of_a_course_is_a_product(boss: Visitor, course: None, sql: Sql) -> None:
    from tests.features.courses.test_admin_pages import fields

    sent = fields(boss.get(ADMIN).body)
    assert sent["next_product"] == ""
    assert boss.post(f"{ADMIN}/save", {**sent, "next_product": "premium_month"}).status == 303
    assert (
        sql("select next_product_key as key from courses where slug = %s", SLUG)[0]["key"] == "premium_month"
    )
    sent = fields(boss.get(ADMIN).body)
    assert sent["next_product"] == "premium_month"
    assert boss.post(f"{ADMIN}/save", {**sent, "next_product": "nothing"}).status == 422


def test_faults_of_the_editor_stand_beside_their_fields(boss: Visitor, course: None) -> None:
    from tests.features.courses.test_admin_pages import fields

    path = f"{ADMIN}/lessons/objections"
    sent = fields(boss.get(path).body)
    for wrong, field, key in (
        ({"completion": "watched", "adapter": ""}, "adapter", "course_admin_needs_video"),
        ({"adapter": "youtube", "reference": ""}, "reference", "course_admin_needs_reference"),
        ({"completion": "quiz", "quiz": ""}, "quiz", "course_admin_needs_quiz"),
        ({"quiz": '{"questions": []}'}, "quiz", "course_admin_wrong_quiz"),
        ({"quiz": "{"}, "quiz", "course_admin_invalid_quiz"),
        ({"files": '[{"name": "x"}]'}, "files", "course_admin_wrong_files"),
        ({"title_en": ""}, "title_en", "course_admin_title_missing"),
        ({"watch_percent": "101"}, "watch_percent", "web_field_wrong"),
    ):
        page = unescape(boss.post(f"{path}/save", {**sent, **wrong}).body)
        assert f'id="{field}-wrong">{text("en", key)}' in page, wrong
        assert text("en", "course_admin_check_fields") in page
        assert sent["body_en"] in page
