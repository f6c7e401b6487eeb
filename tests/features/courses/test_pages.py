"""Stories of visitors and learners of the sample course, over HTTP."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import quote

import orjson
import psycopg
import pytest

from shared.core.texts import figures, text
from tests.features.courses.conftest import COURSE, SLUG, Enroll, Sql, give, lesson_id, take
from tests.support import says
from tests.web.conftest import request
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Clock = Callable[[str], None]
REFERENCE = re.compile(r'name="reference" value="([^"]+)"')


def reference(page: str) -> str:
    found = REFERENCE.search(page)
    assert found, page
    return found[1]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_visitor_reads_the_preview_and_sees_the_prices(stack: Stack, course: None, language: str) -> None:
    visitor = Visitor(stack, language)
    catalogue = visitor.get("/courses")
    assert catalogue.status == 200
    assert f'href="/console{COURSE}"' in catalogue.body
    page = visitor.get(COURSE)
    assert text(language, "course_tier_accelerator") in page.body
    assert ("$11.99" if language == "en" else "990") in page.body
    assert "/login?to=%2Fbuy%2Fcourse_telegram_basic" in page.body
    assert text(language, "course_preview") in page.body
    accelerator = text(language, "course_tier_accelerator")
    assert page.body.count(text(language, "course_needs_tier", tier=accelerator)) == 2
    assert 'href="/console/login?to=%2Fdashboard"' in page.body
    preview = visitor.get(f"{COURSE}/what-sells")
    assert preview.status == 200
    assert "<table>" in preview.body
    assert "<form" not in preview.body
    assert "lesson.js" not in preview.body
    closed = visitor.get(f"{COURSE}/first-minute")
    assert closed.status == 200
    assert text(language, "course_needs_access") in closed.body
    assert f'/login?to={quote(f"{COURSE}/first-minute", safe="")}"' in closed.body
    assert "first-minute/video" not in closed.body
    assert visitor.get("/dashboard").status == 303


def test_the_visitor_count_can_be_hidden(stack: Stack, enroll: Enroll, anna: Chat, sql: Sql) -> None:
    enroll(anna)
    assert "1 learner" not in Visitor(stack).get("/courses").body
    sql("update courses set shows_learner_count = true where slug = %s", SLUG)
    assert "1 learner" in Visitor(stack).get("/courses").body


def test_files_of_a_closed_lesson_are_closed(stack: Stack, enroll: Enroll, anna: Chat) -> None:
    visitor = Visitor(stack)
    for path in ("first-minute/video", "first-minute/subtitles/en", "five-lines/files/0"):
        assert visitor.get(f"{COURSE}/{path}").status == 404
    learner = enroll(anna)
    for path in ("first-minute/video", "first-minute/subtitles/en", "five-lines/files/0"):
        port = stack.function("console").port
        answer = raw(port, f"{COURSE}/{path}", learner)
        assert answer[0] == 200, path
    assert learner.get(f"{COURSE}/five-lines/files/9").status == 404
    assert learner.get(f"{COURSE}/first-minute/subtitles/de").status == 404
    assert learner.get(f"{COURSE}/numbers/files/0").status == 404  # of a higher tier


def test_a_file_waits_for_nothing_and_notes_no_visit(
    stack: Stack, enroll: Enroll, anna: Chat, sql: Sql, database_url: str
) -> None:
    learner = enroll(anna)
    learner.get(f"{COURSE}/first-minute")
    sql("update course_progress set last_active_at = '2026-01-01'")
    with psycopg.connect(database_url) as other:
        other.execute("select from lesson_progress for update")
        other.execute("select from course_progress for update")
        for path in ("first-minute/video", "first-minute/subtitles/en", "five-lines/files/0"):
            assert raw(stack.function("console").port, f"{COURSE}/{path}", learner)[0] == 200
    assert sql("select from course_progress where last_active_at = '2026-01-01'")


def test_pictures_of_a_hidden_course_are_for_its_staff(
    stack: Stack, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    port = stack.function("console").port
    path = f"{COURSE}/pictures/funnel.png"
    visitor, learner = Visitor(stack), enroll(anna)
    for one in (visitor, learner):
        status, headers, content = raw(port, path, one)
        assert (status, content[:4]) == (200, b"\x89PNG")
        assert headers["Cache-Control"].startswith("private")
    sql("update courses set is_published = false where slug = 'telegram-sales'")
    assert [raw(port, path, one)[0] for one in (visitor, learner)] == [404, 404]
    sql("update courses set author_id = (select id from users where telegram_id = %s)", anna.id)
    assert [raw(port, path, one)[0] for one in (visitor, learner)] == [404, 200]


def raw(port: int, path: str, visitor: Visitor, **headers: str) -> tuple[int, Any, bytes]:
    """Request bytes that are no text."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path, headers={"Cookie": cookies, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def test_a_player_asks_for_a_part_of_a_video(stack: Stack, enroll: Enroll, anna: Chat) -> None:
    learner = enroll(anna)
    port = stack.function("console").port
    status, headers, whole = raw(port, f"{COURSE}/first-minute/video", learner)
    assert (status, headers["Content-Type"]) == (200, "video/webm")
    status, headers, part = raw(port, f"{COURSE}/first-minute/video", learner, Range="bytes=100-199")
    assert (status, part) == (206, whole[100:200])
    assert headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert raw(port, f"{COURSE}/first-minute/video", learner, Range="bytes=99999999-")[0] == 416
    status, headers, _ = raw(port, f"{COURSE}/five-lines/files/0", learner)
    assert headers["Content-Disposition"] == "attachment; filename=offer-template.en.txt"
    page = learner.get(f"{COURSE}/first-minute")
    assert "media-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_learner_completes_the_course(
    stack: Stack, enroll: Enroll, sql: Sql, clock: Clock, language: str
) -> None:
    chat = stack.telegram.user("Vera", language_code=language).chat("assistant")
    learner = enroll(chat, "accelerator", language)
    dashboard = learner.get("/dashboard")
    assert f'href="/console{COURSE}/what-sells"' in dashboard.body
    page = learner.get(f"{COURSE}/what-sells")
    assert text(language, "course_rule_manual") in page.body
    done = learner.post(f"{COURSE}/what-sells/done")
    assert done.status == 303
    assert text(language, "course_lesson_is_done") in learner.get(done.headers["Location"]).body

    other = learner.post(f"{COURSE}/first-minute/done")
    assert "course_other_rule_notice" in other.headers["Location"]
    watch(learner, sql, "first-minute", clock, 45)
    assert learner.get(f"{COURSE}/first-minute").body.count(text(language, "course_lesson_is_done")) == 1

    assert learner.post(f"{COURSE}/five-lines/done").status == 303
    page = learner.get(f"{COURSE}/objections")
    assert "is-right" not in page.body
    assert "hides different reasons" not in page.body
    wrong = quiz(page.body, ["0", "0", "0", "0"])
    failed = learner.post(f"{COURSE}/objections/quiz", wrong)
    assert "course_quiz_failed_notice" in failed.headers["Location"]
    page = learner.get(failed.headers["Location"].partition("#")[0])
    notice = text(language, "course_quiz_failed_notice")
    assert notice in page.body.partition('id="quiz"')[2]
    assert page.body.count(notice) == 1
    assert text(language, "course_quiz_left", count=2) in page.body
    right = {**quiz(page.body, ["1", "0", "", "2"]), "q2_0": "1", "q2_2": "1"}
    passed = learner.post(f"{COURSE}/objections/quiz", right)
    assert "course_quiz_passed_notice" in passed.headers["Location"]
    page = learner.get(f"{COURSE}/objections")
    assert page.body.count('class="is-right"') == 5

    closed = learner.get(f"{COURSE}/payment")
    assert re.search(
        text(language, "course_opens_at", date="X").replace("X", r"[\d. A-Za-z]+ 0?0:00"), closed.body
    )
    clock("clock_timestamp() + interval '3 days'")
    opened = learner.get(f"{COURSE}/payment")
    assert re.search(
        r'<img src="/console/courses/telegram-sales/pictures/funnel.png[^"]*" alt="', opened.body
    )
    assert learner.post(f"{COURSE}/numbers/done").status == 303
    course = learner.get(COURSE)
    assert text(language, "course_completed_title") in course.body

    issued = learner.post(f"/certificates/{SLUG}/issue", {"name": "Vera  <b>Petrova</b>"})
    path = issued.headers["Location"].removeprefix("/console")
    checked = Visitor(stack, language).get(path)
    assert checked.status == 200
    assert "Vera &lt;b&gt;Petrova&lt;/b&gt;" in checked.body
    port = stack.function("console").port
    assert raw(port, f"{path}/picture.png", learner)[2][:4] == b"\x89PNG"
    assert raw(port, f"{path}/certificate.pdf", learner)[2][:5] == b"%PDF-"
    assert learner.post(f"/certificates/{SLUG}/issue", {"name": "Other"}).headers["Location"].endswith(path)

    take(sql, chat)
    withdrawn = Visitor(stack, language).get(path)
    assert text(language, "course_certificate_withdrawn") in withdrawn.body
    assert "Petrova" not in withdrawn.body
    assert raw(port, f"{path}/picture.png", learner)[0] == 404


def watch(learner: Visitor, sql: Sql, slug: str, clock: Clock, seconds: int) -> Any:
    """Watch a video in parts of 20 seconds, as the script of the page reports it."""
    learner.get(f"{COURSE}/{slug}")
    number = lesson_id(sql, slug)
    answer: Any = {}
    for start in range(0, seconds, 20):
        end = min(start + 20, seconds)
        clock(f"clock_timestamp() + interval '{end} seconds'")
        answer = beat(learner, number, start, end)
    return answer


def beat(learner: Visitor, number: int, begin: int, until: int, **fields: str) -> Any:
    sent = {"start": str(begin), "end": str(until), "position": str(until), "playback": "page-one", **fields}
    answer = learner.post(f"/courses/lessons/{number}/watching", sent, Accept="application/json")
    return orjson.loads(answer.body) if answer.status == 200 else answer.status


def quiz(page: str, answers: list[str]) -> dict[str, str]:
    """Return the fields of the form of a quiz."""
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version, page
    fields = {"version": version[1], "reference": reference(page), "questions": str(len(answers))}
    for number, answer in enumerate(answers):
        if answer:
            fields[f"q{number}_{answer}" if number == 2 else f"q{number}"] = "1" if number == 2 else answer
    return fields


def test_reports_that_were_made_up_complete_nothing(
    stack: Stack, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    learner = enroll(anna)
    learner.get(f"{COURSE}/first-minute")
    number = lesson_id(sql, "first-minute")
    for _ in range(5):
        answer = beat(learner, number, 0, 45)
        assert answer["completed"] is False
        assert answer["percent"] < 80
    for fields in (
        {"start": "-1"}, {"end": "99999999"}, {"position": "x"}, {"playback": ""}, {"playback": "p" * 65},
    ):  # fmt: skip
        assert beat(learner, number, 0, 20, **fields) == 422
    assert beat(learner, 10**18, 0, 20)["outcome"] == "no_access"
    assert beat(learner, lesson_id(sql, "numbers"), 0, 20)["outcome"] == "no_access"  # of a higher tier
    assert beat(learner, number, 0, 20, csrf="A" * 86) == 403
    stranger = Visitor(stack)
    stranger.csrf = learner.csrf
    assert beat(stranger, number, 0, 20) == 401


def test_a_refund_during_a_lesson_closes_it(enroll: Enroll, anna: Chat, sql: Sql) -> None:
    learner = enroll(anna)
    learner.get(f"{COURSE}/first-minute")
    number = lesson_id(sql, "first-minute")
    assert beat(learner, number, 0, 5)["completed"] is False
    take(sql, anna)
    assert beat(learner, number, 5, 10)["outcome"] == "no_access"
    assert learner.post(f"{COURSE}/first-minute/done").status == 404
    assert text("en", "course_needs_access") in learner.get(f"{COURSE}/first-minute").body


def test_an_upgrade_is_offered_for_a_lesson_of_a_higher_tier(enroll: Enroll, anna: Chat) -> None:
    learner = enroll(anna, "basic")
    closed = learner.get(f"{COURSE}/payment").body
    assert text("en", "course_needs_tier", tier="Accelerator") in closed
    assert "/buy/course_telegram_accelerator" in closed
    assert "course_telegram_basic" not in closed


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_was_paid_in_another_currency_is_said_before_paying(
    stack: Stack, enroll: Enroll, sql: Sql, language: str
) -> None:
    chat = stack.telegram.user("Vera", language_code=language).chat("assistant")
    learner = enroll(chat, "", language)
    product = "course_telegram_accelerator"
    assert not says(learner.get(f"/buy/{product}").body, "buy_note_upgrade", language)
    sql(
        """select private.grant_tier(u.id, c.id, 'basic', jsonb_populate_record(null::enrollment_grants,
               '{"source": "manual", "amount": 990, "currency": "RUB"}'))
             from users as u, courses as c where u.telegram_id = %s and c.slug = %s""",
        chat.id,
        SLUG,
    )
    page = unescape(learner.get(f"/buy/{product}").body)
    paid = figures.money(language, Decimal(990), "RUB")
    assert says(page, "buy_note_upgrade", language, paid=paid)
    chat.send("/courses")
    screen = chat.answer()
    for data in (r"course:open:\d+", f"buy:{product}"):
        shown = [button for row in screen.buttons for button in row]
        screen.tap_button(next(one for one in shown if re.fullmatch(data, one.data or "")))
        screen.wait_for_edit()
    assert says(screen.text, "buy_note_upgrade", language, paid=paid)


def test_a_form_that_is_sent_twice_counts_once(enroll: Enroll, anna: Chat, sql: Sql) -> None:
    learner = enroll(anna, "accelerator")
    page = learner.get(f"{COURSE}/objections").body
    wrong = {**quiz(page, ["0", "0", "0", "0"])}
    for _ in range(2):
        learner.post(f"{COURSE}/objections/quiz", wrong)
    assert len(sql("select from lesson_quiz_attempts")) == 1
    page = learner.get(f"{COURSE}/five-lines").body
    question = {"reference": reference(page), "text": "Why five?"}
    for _ in range(2):
        assert learner.post(f"{COURSE}/five-lines/questions", question).status == 303
    assert learner.get(f"{COURSE}/five-lines").body.count("Why five?") == 1
    work = {"reference": reference(page), "text": "My offer"}
    sent = [learner.post(f"{COURSE}/five-lines/homework", work).headers["Location"] for _ in range(2)]
    assert "submitted_notice" in sent[0]
    assert "known_notice" in sent[1]
    assert "My offer" in learner.get(f"{COURSE}/five-lines").body


def test_an_unanswered_question_costs_no_attempt(enroll: Enroll, anna: Chat, sql: Sql) -> None:
    learner = enroll(anna)
    page = learner.get(f"{COURSE}/objections").body
    for fields in (
        quiz(page, ["0", "0", "0", ""]),
        {**quiz(page, ["0", "0", "0", "0"]), "q0": "99999999999"},
        {**quiz(page, ["0", "0", "0", "0"]), "q77": "1"},
        {**quiz(page, ["0", "0", "0", "0"]), "version": "x"},
    ):
        assert learner.post(f"{COURSE}/objections/quiz", fields).status in (303, 422)
    assert not sql("select from lesson_quiz_attempts")


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e'
EVIL_MARKDOWN = (
    f"{EVIL}\n\n![x](javascript:alert(1)) [y](javascript:alert(2)) ![z](../../secret.png)\n\n<b onclick=x>"
)


def test_nothing_that_authors_and_learners_write_becomes_markup(
    stack: Stack, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    learner = enroll(anna, "vip")
    about = {"title": EVIL, "summary": EVIL, "description": EVIL_MARKDOWN}
    texts = {"title": EVIL, "body": EVIL_MARKDOWN}
    question = {
        "correct": [0],
        "texts": {"en": {"question": EVIL, "options": [EVIL, "b"], "explanation": EVIL}},
    }
    sql("update courses set texts = jsonb_build_object('en', %s::jsonb)", orjson.dumps(about).decode())
    sql(
        """update lessons set texts = jsonb_build_object('en', %s::jsonb), quiz = %s::jsonb,
             homework = jsonb_build_object('en', %s::text), files = %s::jsonb, release = 'at_once',
             release_days = null""",
        orjson.dumps(texts).decode(),
        orjson.dumps({"questions": [question]}).decode(),
        EVIL_MARKDOWN,
        orjson.dumps([{"name": EVIL, "reference": EVIL}]).decode(),
    )
    page = learner.get(f"{COURSE}/five-lines").body
    learner.post(f"{COURSE}/five-lines/questions", {"reference": reference(page), "text": EVIL})
    learner.post(f"{COURSE}/five-lines/homework", {"reference": reference(page), "text": EVIL})
    for path in ("/courses", "/dashboard", COURSE, f"{COURSE}/five-lines", f"{COURSE}/objections"):
        body = learner.get(path).body
        assert "<script>alert" not in body, path
        assert "<img src=x" not in body
        assert "onclick=x>" not in body.replace("&lt;b onclick=x&gt;", "")
        assert 'href="javascript' not in body
        assert 'secret.png"' not in body
        assert "&lt;script&gt;" in body
    assert learner.get(f"{COURSE}/five-lines/files/0").status in (404, 503)


def test_another_learners_things_stay_theirs(stack: Stack, enroll: Enroll, anna: Chat, sql: Sql) -> None:
    hers = enroll(anna, "accelerator")
    page = hers.get(f"{COURSE}/five-lines").body
    hers.post(f"{COURSE}/five-lines/homework", {"reference": reference(page), "text": "Secret offer"})
    hers.post(f"{COURSE}/five-lines/questions", {"reference": reference(page), "text": "Secret question"})
    his = enroll(stack.telegram.user("Ben").chat("assistant"), "accelerator")
    body = his.get(f"{COURSE}/five-lines").body
    assert "Secret" not in body
    assert his.get(f"{COURSE}/five-lines/homework/1").status == 404


def test_the_video_of_kinescope_asks_whether_a_user_may_see_it(
    stack: Stack, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    learner = enroll(anna)
    sql(
        """update lessons set video = '{"adapter": "kinescope", "reference": "abc123"}'
           where slug = 'first-minute'"""
    )
    page = learner.get(f"{COURSE}/first-minute")
    assert "frame-src https://kinescope.io" in page.headers["Content-Security-Policy"]
    found = re.search(r"drmauthtoken=([^&\"]+)", page.body)
    assert found

    def asked(token: str) -> int:
        port = stack.function("console").port
        return request(port, f"/courses/kinescope/access?token={token}").status

    assert asked(found[1]) == 200
    body = orjson.dumps({"token": found[1]})
    port = stack.function("console").port
    posted = request(port, "/courses/kinescope/access", "POST", body, Content_Type="application/json")
    assert posted.status == 200
    for wrong in ("", "x", found[1][:-1] + "0", found[1].replace(".", "x."), "a.b.c"):
        assert asked(wrong) == 403 or wrong == found[1]
    seen = sql("select last_active_at, last_lesson_id from course_progress")
    sql("update lessons set video = jsonb_set(video, '{reference}', '\"other\"') where slug = 'first-minute'")
    assert asked(found[1]) == 403  # the token is for one video
    sql(
        "update lessons set video = jsonb_set(video, '{reference}', '\"abc123\"') where slug = 'first-minute'"
    )
    assert asked(found[1]) == 200
    assert sql("select last_active_at, last_lesson_id from course_progress") == seen
    take(sql, anna)
    assert asked(found[1]) == 403
    give(sql, anna, "basic")
    sql(
        """update lessons set video = '{"adapter": "youtube", "reference": "abc123"}'
           where slug = 'first-minute'"""
    )
    page = learner.get(f"{COURSE}/first-minute")
    assert "frame-src https://www.youtube-nocookie.com" in page.headers["Content-Security-Policy"]
    sql("""update lessons set video = '{"adapter": "youtube", "reference": "x\\" onload=\\"y"}'
           where slug = 'first-minute'""")
    page = learner.get(f"{COURSE}/first-minute")
    assert "<iframe" not in page.body
