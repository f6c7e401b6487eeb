"""Stories of admins: edit a course, enroll learners, review homework, export; and what others may not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape

import pytest

from shared.core.texts import text
from tests.features.courses.conftest import COURSE, SLUG, Enroll, Sql
from tests.features.courses.test_pages import EVIL, raw, reference
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

ADMIN = f"/admin/courses/{SLUG}"


@pytest.fixture
def boss(stack: Stack, sql: Sql, enroll: Enroll) -> Iterator[Visitor]:
    """An admin who is logged in."""
    chat = stack.telegram.user("Boss").chat("assistant")
    chat.send("/start")
    chat.answer()
    sql("insert into admins (email, telegram_id) values ('boss@example.com', %s)", chat.id)
    visitor = Visitor(stack)
    visitor.log_in(chat, "/admin/courses")
    yield visitor
    sql("delete from admins where email = 'boss@example.com'")


def enrollment(boss: Visitor, name: str) -> str:
    """Return the path of the first tier of a learner in the list."""
    page = boss.get(f"{ADMIN}/learners").body
    found = re.search(rf'href="/console({ADMIN}/enrollments/\d+)">[^<]+<span class="hidden">: {name}<', page)
    assert found, page
    return found[1]


def fields(page: str) -> dict[str, str]:
    """Return the fields of the editor's form as a browser would send them."""
    form = page[page.rindex('name="version"') - 200 :]
    found = {}
    for name, value in re.findall(r'<input[^>]*name="([\w]+)"[^>]*value="([^"]*)"[^>]*>', form):
        found[name] = unescape(value)
    for tag in re.findall(r"<input[^>]*type=\"checkbox\"[^>]*>", form):
        if "checked" not in tag:
            found.pop(re.findall(r'name="(\w+)"', tag)[0], None)
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        found[name] = chosen[0] if chosen else ""
    for name, value in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        found[name] = unescape(value)
    found.pop("csrf", None)
    return found


def test_pages_of_admins_are_for_admins_only(stack: Stack, enroll: Enroll, anna: Chat, boss: Visitor) -> None:
    learner = enroll(anna, "vip")
    for path in ("/admin/courses", ADMIN, f"{ADMIN}/learners", f"{ADMIN}/learners.csv", "/admin/homework",
                 f"{ADMIN}/lessons/numbers"):  # fmt: skip
        assert learner.get(path).status == 403, path
        assert Visitor(stack).get(path).status == 303
    learner.get("/dashboard")
    for path in (f"{ADMIN}/save", f"{ADMIN}/enroll", "/admin/homework/1/review", "/admin/new_course"):
        assert learner.post(path, {"slug": "x", "title": "y"}).status == 403, path
    assert "/admin/courses" not in learner.get("/dashboard").body
    assert 'href="/console/admin/courses"' in boss.get("/dashboard").body


def test_an_admin_changes_a_course_and_no_change_of_another_is_lost(boss: Visitor, sql: Sql) -> None:
    page = boss.get(ADMIN)
    assert page.status == 200
    sent = fields(page.body)
    assert sent["title_en"] == "Sell with a Telegram bot"
    assert boss.post(f"{ADMIN}/save", sent).status == 303
    assert sql("select version - loaded_version as changes from courses where slug = %s", SLUG) == [
        {"changes": 0}
    ]
    changed = {**sent, "title_en": "Sell more", "shows_learner_count": "true"}
    previewed = boss.post(f"{ADMIN}/save", {**changed, "action": "preview", "description_en": "**Bold** new"})
    assert "<strong>Bold</strong> new" in previewed.body
    assert 'value="Sell more"' in previewed.body
    assert "Sell more" not in boss.get(COURSE).body
    boss.get(ADMIN)
    assert boss.post(f"{ADMIN}/save", changed).status == 303
    assert "Sell more" in boss.get(COURSE).body
    boss.get(ADMIN)
    late = boss.post(f"{ADMIN}/save", {**sent, "title_en": "Too late"})
    assert late.status == 409
    assert text("en", "course_admin_changed") in late.body
    assert 'value="Too late"' in late.body
    current = fields(boss.get(ADMIN).body)
    assert boss.post(f"{ADMIN}/save", {**current, "title_en": "", "title_ru": ""}).status == 422
    row = sql("select texts from courses where slug = %s", SLUG)[0]["texts"]
    assert row["en"]["title"] == "Sell more"
    assert row["ru"]["description"]


def test_an_admin_changes_a_lesson(boss: Visitor, sql: Sql) -> None:
    path = f"{ADMIN}/lessons/objections"
    sent = fields(boss.get(path).body)
    assert boss.post(f"{path}/save", sent).status == 303
    assert sql("select version - loaded_version as changes from lessons where slug = 'objections'") == [
        {"changes": 0}
    ]
    boss.get(path)
    changed = {**sent, "title_en": EVIL, "release": "date", "release_at": "2030-01-31T09:30"}
    assert boss.post(f"{path}/save", changed).status == 303
    page = boss.get(path).body
    assert "<script>alert" not in page
    assert fields(page)["release_at"] == "2030-01-31T09:30"
    assert fields(page)["title_en"] == EVIL
    for wrong in ({"quiz": "{"}, {"quiz": '{"questions": []}'}, {"release_at": "soon"}, {"files": "7"},
                  {"completion": "watched", "adapter": ""},
                  {"quiz": "[" * 300 + "]" * 300}, {"files": '[{"name": "x"}]'},
                  {"release_at": "0001-01-01T00:00"}, {"release_at": "9999-12-31T23:59"}):  # fmt: skip
        answer = boss.post(f"{path}/save", {**fields(page), **wrong})
        assert answer.status == 422, wrong
        page = boss.get(path).body


def test_an_admin_creates_a_course_that_learners_do_not_see(
    boss: Visitor, enroll: Enroll, anna: Chat
) -> None:
    boss.get("/admin/courses")
    made = boss.post("/admin/new_course", {"slug": "brand-new", "title": "Brand new"})
    assert made.headers["Location"].startswith("/console/admin/courses/brand-new")
    boss.get("/admin/courses")
    again = boss.post("/admin/new_course", {"slug": "brand-new", "title": "Other"})
    assert again.status == 409
    assert text("en", "course_admin_taken") in again.body
    assert 'value="Other"' in again.body
    lesson = boss.post("/admin/courses/brand-new/new_lesson", {"slug": "one", "title": "One"})
    assert lesson.status == 303
    assert boss.get("/admin/courses/brand-new/lessons/one").status == 200
    assert boss.get("/courses/brand-new").status == 200
    learner = enroll(anna)
    assert learner.get("/courses/brand-new").status == 404
    assert "Brand new" not in learner.get("/courses").body
    for slug, title in (("Bad Slug", "x"), ("no-title", "\x1c")):
        assert boss.post("/admin/new_course", {"slug": slug, "title": title}).status == 422


def test_an_admin_enrolls_and_withdraws_with_an_audit_entry(
    boss: Visitor, stack: Stack, anna: Chat, enroll: Enroll, sql: Sql
) -> None:
    learner = enroll(anna, "")
    page = boss.get(f"{ADMIN}/learners").body
    form = {"reference": reference(page), "user": str(anna.id), "tier": "basic", "reason": "a gift"}
    for _ in range(2):
        assert boss.post(f"{ADMIN}/enroll", form).status == 303
    assert learner.get(f"{COURSE}/five-lines").body.count("<textarea") == 1
    assert len(sql("select from enrollment_grants")) == 1
    assert sql("select admin_email, action, user_id is not null as has_user from audit_log") == [
        {"admin_email": "boss@example.com", "action": "enroll", "has_user": True}
    ]
    path = enrollment(boss, "Anna")
    asked = boss.get(path).body
    assert text("en", "course_admin_withdraw_sure", tier="Basic", name="Anna") in unescape(asked)
    assert learner.get(f"{COURSE}/five-lines").body.count("<textarea") == 1
    assert boss.post(f"{path}/withdraw", {"reference": reference(asked)}).status == 303
    assert text("en", "course_admin_is_withdrawn") in boss.get(path).body
    assert boss.get(path.replace(SLUG, "other")).status == 404
    assert text("en", "course_needs_access") in learner.get(f"{COURSE}/five-lines").body
    boss.get(f"{ADMIN}/learners")
    for wrong in ({"user": "999999999999"}, {"user": "x y"}, {"tier": "gold"}, {"days": "-1"}):
        sent = {**form, "reference": 22 * "x", **wrong}
        assert boss.post(f"{ADMIN}/enroll", sent).status == 422


def test_homework_is_returned_with_a_comment_and_then_accepted(
    boss: Visitor, enroll: Enroll, anna: Chat
) -> None:
    learner = enroll(anna, "accelerator")
    page = learner.get(f"{COURSE}/five-lines").body
    learner.post(f"{COURSE}/five-lines/homework", {"reference": reference(page), "text": f"Work {EVIL}"})
    page = boss.get("/admin/homework").body
    assert "<script>alert" not in page
    number = re.search(r"/admin/homework/(\d+)/review", page)
    assert number
    path = f"/admin/homework/{number[1]}/review"
    for referrer, back in (
        (f"{boss.origin}/console/admin/homework?after=7", "/console/admin/homework?after=7"),
        (f"{boss.origin}//evil.example/", ""), ("https://evil.example/x", ""), ("https://[", ""), ("", ""),
    ):  # fmt: skip
        refused = boss.post(path, {"decision": "return", "comment": " "}, Referer=referrer)
        assert refused.status == 422
        assert (
            f'href="{back or "/console/"}">{text("en", "web_back" if back else "web_to_home")}<'
        ) in refused.body
        assert "evil.example" not in refused.body
        languages = f'href="{back.partition("?")[0] or "/console/"}?lang=ru"'
        assert languages in refused.body
    boss.get("/admin/homework")
    assert boss.post(path, {"decision": "return", "comment": f"Add a **price** {EVIL}"}).status == 303
    page = learner.get(f"{COURSE}/five-lines").body
    assert text("en", "course_homework_returned") in page
    assert "<strong>price</strong>" in page
    assert "<script>alert" not in page
    learner.post(f"{COURSE}/five-lines/homework", {"reference": reference(page), "text": "With a price"})
    page = boss.get("/admin/homework").body
    number = re.search(r"/admin/homework/(\d+)/review", page)
    assert number
    path = f"/admin/homework/{number[1]}/review"
    answers = [boss.post(path, {"decision": "accept"}).headers["Location"] for _ in range(2)]
    assert "course_reviewed_notice" in answers[0]
    assert "course_review_known_notice" in answers[1]
    assert text("en", "course_homework_accepted") in learner.get(f"{COURSE}/five-lines").body
    assert boss.post("/admin/homework/999999/review", {"decision": "accept"}).status == 404


def test_the_export_holds_no_formula(boss: Visitor, stack: Stack, enroll: Enroll, sql: Sql) -> None:
    names = [
        "=HYPERLINK(1)",
        "+1",
        "-1",
        "@x",
        "Plain, name",
        "a;=1",
        "b\t @x",
        "\uff1d1",
        "Ann-Marie O'Neil; PhD",
    ]
    for name in names:
        chat = stack.telegram.user("Someone").chat("assistant")
        enroll(chat, "basic")
        sql("update users set first_name = %s, last_name = null where telegram_id = %s", name, chat.id)
    status, headers, content = raw(stack.function("console").port, f"{ADMIN}/learners.csv", boss)
    assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    shown = {row["name"] for row in rows}
    # Where a semicolon separates cells, it begins another one.
    assert shown >= {
        "'=HYPERLINK(1)", "'+1", "'-1", "'@x", "Plain, name", "a;'=1", "b\t' @x",
        "'\uff1d1", "Ann-Marie O'Neil; PhD",
    }  # fmt: skip
    assert all(row["tiers"] == "basic" for row in rows)


def test_a_secret_in_homework_is_not_stored(boss: Visitor, enroll: Enroll, anna: Chat, sql: Sql) -> None:
    """A learner who builds a bot pastes its token by mistake; a reviewer repeats it."""
    learner = enroll(anna, "accelerator")
    secret = f"123456789:AA{'hGx7Qz2k' * 4}d"[:45]
    page = learner.get(f"{COURSE}/five-lines").body
    sent = {"reference": reference(page), "text": f"My bot: {secret}"}
    assert learner.post(f"{COURSE}/five-lines/homework", sent).status == 303
    found = re.search(r"/admin/homework/\d+/review", boss.get("/admin/homework").body)
    assert found
    review = {"decision": "return", "comment": f"Revoke {secret}"}
    assert boss.post(found[0], review).status == 303
    (stored,) = sql("select text, comment from homework_submissions")
    assert stored["text"].startswith("My bot: ")
    assert stored["comment"].startswith("Revoke ")
    assert secret not in f"{stored}"
