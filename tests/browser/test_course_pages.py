"""A learner in Chromium: video with reports, quiz, certificate; every page at two widths, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.core.texts import text
from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.features.courses.conftest import COURSE, SLUG, Enroll, Sql, anna, course, enroll, lesson_id
from tests.features.courses.test_pages import reference
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

pytestmark = pytest.mark.browser
__all__ = ["anna", "course", "enroll"]  # fixtures
PLAYED = "select watched_seconds from lesson_progress where lesson_id = %s"


def cookies(stack: Stack, visitor: Visitor) -> dict[str, Any]:
    """Return the session of a visitor as a state of a browser."""
    host = urlsplit(stack.url).hostname
    kept = [
        {
            "name": name, "value": value, "domain": host, "path": "/", "expires": -1, "httpOnly": True,
            "secure": False, "sameSite": "Lax",
        }
        for name, value in visitor.cookies.items()
    ]  # fmt: skip
    return {"cookies": kept, "origins": []}


def until(page: Any, condition: str) -> None:
    """Wait for a condition of the video. Playwright's own way evaluates text, which our pages forbid."""
    for _ in range(300):
        if page.locator("video").evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


def finish(sql: Sql, chat: Chat) -> None:
    """Complete all lessons of a learner."""
    sql(
        """insert into lesson_progress (user_id, lesson_id, completed, completed_at)
             select u.id, l.id, true, private.clock() from users as u, lessons as l where u.telegram_id = %s
           on conflict (user_id, lesson_id) do update set completed = true, completed_at = private.clock()""",
        chat.id,
    )


def test_a_video_is_reported_resumed_and_completes_its_lesson(
    stack: Stack, browser_page: Open, enroll: Enroll, anna: Chat, sql: Sql, clock: Callable[[str], None]
) -> None:
    state = cookies(stack, enroll(anna))
    page = browser_page(f"{stack.url}/console{COURSE}/first-minute?lang=en", 1024, storage_state=state)
    number = lesson_id(sql, "first-minute")
    video = page.locator("video")
    until(page, "v => v.readyState >= 2")
    assert 44 < video.evaluate("v => v.duration") < 46
    assert video.evaluate("v => v.textTracks[0].mode") == "showing"
    video.evaluate("v => { v.muted = true; return v.play(); }")
    until(page, "v => v.currentTime > 8")
    with page.expect_response("**/watching*") as response:
        video.evaluate("v => v.pause()")
    assert response.value.status == 200
    assert 4 <= sql(PLAYED, number)[0]["watched_seconds"] <= 10

    page.reload()
    until(page, "v => v.currentTime > 7")
    clock("clock_timestamp() + interval '1 minute'")
    # Of a jump only what was played counts.
    video.evaluate("v => { v.muted = true; v.currentTime = 30; return v.play(); }")
    until(page, "v => v.currentTime > 32")
    with page.expect_response("**/watching*"):
        video.evaluate("v => v.pause()")
    assert sql(PLAYED, number)[0]["watched_seconds"] <= 15
    assert page.locator("#is-done").is_hidden()

    clock("clock_timestamp() + interval '3 minutes'")
    video.evaluate("v => { v.currentTime = 0; v.playbackRate = 8; return v.play(); }")
    page.locator("#is-done").wait_for(state="visible", timeout=30_000)
    assert page.locator(".finish progress").evaluate("p => p.value") >= 80
    assert page.locator("#rule").count() == 0


def test_a_page_that_is_left_reports_the_rest(
    stack: Stack, browser_page: Open, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    state = cookies(stack, enroll(anna))
    page = browser_page(f"{stack.url}/console{COURSE}/first-minute?lang=en", 1024, storage_state=state)
    until(page, "v => v.readyState >= 2")
    page.locator("video").evaluate("v => { v.muted = true; return v.play(); }")
    until(page, "v => v.currentTime > 3")
    page.goto(f"{stack.url}/console/dashboard")
    for _ in range(100):
        if sql(PLAYED, lesson_id(sql, "first-minute"))[0]["watched_seconds"] >= 2:
            return
        page.wait_for_timeout(100)
    raise AssertionError("nothing was reported")


def test_a_refund_closes_the_page_at_the_next_report(
    stack: Stack, browser_page: Open, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    from tests.features.courses.conftest import take

    state = cookies(stack, enroll(anna))
    address = f"{stack.url}/console{COURSE}/first-minute?lang=en"
    page = browser_page(address, 1024, storage_state=state)
    until(page, "v => v.readyState >= 2")
    page.locator("video").evaluate("v => { v.muted = true; return v.play(); }")
    until(page, "v => v.currentTime > 2")
    take(sql, anna)
    page.locator("video").evaluate("v => v.pause()")
    page.get_by_text(text("en", "course_needs_access")).wait_for()


@pytest.mark.parametrize(("language", "is_scripted"), [("en", True), ("ru", False)])
def test_a_learner_passes_the_quiz_and_gets_the_certificate(
    stack: Stack, browser_page: Open, enroll: Enroll, sql: Sql, language: str, is_scripted: bool
) -> None:
    chat = stack.telegram.user("Vera", language).chat("assistant")
    state = cookies(stack, enroll(chat, "accelerator", language))
    page = browser_page(
        f"{stack.url}/console/dashboard?lang={language}", 390,
        storage_state=state, java_script_enabled=is_scripted,
    )  # fmt: skip
    page.get_by_role("link", name=text(language, "course_begin")).click()
    page.get_by_role("button", name=text(language, "course_mark_done")).click()
    assert page.get_by_role("status").inner_text() == text(language, "course_lesson_done_notice")
    page.get_by_role("link", name=text(language, "course_next")).click()
    page.get_by_role("link", name=text(language, "course_next")).click()
    page.get_by_label(text(language, "course_homework_text")).fill("1. Result …\n2. How …")
    page.get_by_role("button", name=text(language, "course_homework_send")).click()
    assert page.get_by_text(text(language, "course_homework_submitted"), exact=True).is_visible()
    page.get_by_label(text(language, "course_question_label")).fill("And if I have two offers?")
    page.get_by_role("button", name=text(language, "course_question_send")).click()
    page.get_by_role("link", name=text(language, "course_next")).click()
    for number, options in enumerate(((1,), (0,), (0, 2), (2,))):
        boxes = page.locator("fieldset").nth(number).locator("input")
        for option in options:
            boxes.nth(option).check()
    keep(page, f"course-quiz-{language}-390")
    page.get_by_role("button", name=text(language, "course_quiz_send")).click()
    assert page.get_by_role("status").inner_text() == text(language, "course_quiz_passed_notice")
    keep(page, f"course-quiz-passed-{language}-390")
    finish(sql, chat)
    page.goto(f"{stack.url}/console{COURSE}?lang={language}")
    page.get_by_label(text(language, "course_certificate_name")).fill("Вера Петрова")
    keep(page, f"course-completed-{language}-390")
    page.get_by_role("button", name=text(language, "course_certificate_get")).click()
    assert page.get_by_text(text(language, "course_certificate_valid")).is_visible()
    page.wait_for_load_state("networkidle")
    assert not is_scripted or page.locator("img.sheet").evaluate("i => i.naturalWidth") == 1280
    keep(page, f"course-certificate-{language}-390")


def addresses(sql: Sql, chat: Chat) -> dict[str, str]:
    """Return the pages of a learner, by the names of their pictures."""
    finish(sql, chat)
    sql(
        """insert into course_certificates (user_id, course_id, name, code)
             select u.id, c.id, 'Anna Petrova', 'abcdefghjkmnpqrs' from users as u, courses as c
              where u.telegram_id = %s and c.slug = %s on conflict do nothing""",
        chat.id,
        SLUG,
    )
    return {
        "catalogue": "/courses",
        "dashboard": "/dashboard",
        "course": COURSE,
        "lesson": f"{COURSE}/what-sells",
        "lesson-video": f"{COURSE}/first-minute",
        "lesson-homework": f"{COURSE}/five-lines",
        "lesson-quiz": f"{COURSE}/objections",
        "lesson-closed": f"{COURSE}/payment",
        "certificate": "/certificates/abcdefghjkmnpqrs",
    }


@needs_axe
@pytest.mark.parametrize(("width", "scheme", "language"), [
    (390, "light", "ru"), (390, "dark", "en"), (1440, "light", "en"), (1440, "dark", "ru"),
])  # fmt: skip
def test_every_page_fits_and_axe_finds_nothing(
    stack: Stack, browser_page: Open, enroll: Enroll, anna: Chat, sql: Sql,
    width: int, scheme: str, language: str,
) -> None:  # fmt: skip
    state = cookies(stack, enroll(anna, "basic"))
    sql("update courses set shows_learner_count = true")
    pages = addresses(sql, anna)
    sql("delete from lesson_progress using lessons as l where l.id = lesson_id and l.slug > 'n'")
    for who in ("learner", "visitor"):
        page = None
        for name, path in pages.items():
            if who == "visitor" and name not in ("catalogue", "course", "lesson", "lesson-closed"):
                continue
            address = f"{stack.url}/console{path}?lang={language}"
            if page is None:
                options = {"storage_state": state} if who == "learner" else {}
                page = browser_page(address, width, scheme, **options)
            else:
                page.goto(address)
            page.wait_for_load_state("networkidle")
            keep(page, f"course-{who}-{name}-{width}-{scheme}-{language}")
            sizes = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert sizes[0] <= sizes[1], f"{name}: scrolls sideways"
            assert contrasts(page) == [], name
            assert violations(page) == [], name


@needs_axe
@pytest.mark.parametrize(("width", "scheme", "language"), [
    (390, "light", "ru"), (390, "dark", "en"), (1440, "light", "en"), (1440, "dark", "ru"),
])  # fmt: skip
def test_the_pages_of_admins_fit_and_axe_finds_nothing(
    stack: Stack, browser_page: Open, enroll: Enroll, anna: Chat, sql: Sql,
    width: int, scheme: str, language: str,
) -> None:  # fmt: skip
    learner = enroll(anna, "accelerator")
    page_of_lesson = learner.get(f"{COURSE}/five-lines").body
    learner.post(
        f"{COURSE}/five-lines/homework", {"reference": reference(page_of_lesson), "text": "1. Result …"}
    )
    boss = stack.telegram.user("Boss", language).chat("assistant")
    boss.send("/start")
    boss.answer()
    sql("insert into admins (email, telegram_id) values ('boss@example.com', %s)", boss.id)
    sql(
        """insert into cohorts (course_id, key, starts_at)
             select c.id, k.key, '2030-03-01 09:00+03'
               from courses as c, unnest('{spring-2030,autumn}'::text[]) as k (key)
              where c.slug = %s""",
        SLUG,
    )
    sql(
        """insert into course_files (course_id, kind, key, name, alt, mime_type, size_bytes, status)
             select c.id, k.kind, format('courses/%%s/%%s.png', gen_random_uuid(), gen_random_uuid()),
                    'Plan of rooms', 'A plan', 'image/png', 123456, 'stored'
               from courses as c, unnest('{picture,document,video}'::text[]) as k (kind) where c.slug = %s""",
        SLUG,
    )
    number = sql("select max(id) as id from enrollments")[0]["id"]
    product = sql("select min(product_key) as key from course_offers")[0]["key"]
    try:
        state = cookies(stack, enroll(boss, "", language))
        page = None
        for name, path in {
            "courses": "/admin/courses",
            "course": f"/admin/courses/{SLUG}",
            "lesson": f"/admin/courses/{SLUG}/lessons/objections",
            "learners": f"/admin/courses/{SLUG}/learners",
            "enrollment": f"/admin/courses/{SLUG}/enrollments/{number}",
            "cohorts": f"/admin/courses/{SLUG}/cohorts",
            "cohort": f"/admin/courses/{SLUG}/cohorts/autumn",
            "offers": f"/admin/courses/{SLUG}/offers",
            "offer": f"/admin/courses/{SLUG}/offers/{product}",
            "files": f"/admin/courses/{SLUG}/files",
            "homework": "/admin/homework",
        }.items():
            address = f"{stack.url}/console{path}?lang={language}"
            if page is None:
                page = browser_page(address, width, scheme, storage_state=state)
            else:
                page.goto(address)
            keep(page, f"course-admin-{name}-{width}-{scheme}-{language}")
            sizes = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert sizes[0] <= sizes[1], f"{name}: scrolls sideways"
            assert contrasts(page) == [], name
            assert violations(page) == [], name
    finally:
        sql("delete from admins where email = 'boss@example.com'")
