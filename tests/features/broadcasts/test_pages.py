"""Stories of admins who write, test, count, start and watch broadcasts, with forms alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest

from shared.core.texts import text
from shared.features.broadcasts import links
from tests.features.broadcasts.conftest import Chats, Send, Sql
from tests.features.broadcasts.test_job import row, statuses
from tests.generations.painter import PNG
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

EVIL = '<script>alert(1)</script> "><img src=x onerror=alert(2)>'


@pytest.fixture
def admin(stack: Stack, sql: Sql, chat: Chats) -> Iterator[Callable[..., Visitor]]:
    """Log an admin in: `admin("Boss")`."""

    def log_in(name: str, language: str = "en") -> Visitor:
        its = chat(name, language)
        sql("insert into admins (email, telegram_id) values (%s, %s)", f"{name.lower()}@example.com", its.id)
        visitor = Visitor(stack, language)
        visitor.log_in(its, "/broadcasts")
        its.answer()  # says that there is a new login
        visitor.chat = its  # type: ignore[attr-defined]
        return visitor

    yield log_in
    sql("delete from admins where email like '%%@example.com'")


def draft(boss: Visitor, name: str = "News") -> str:
    """Create a draft; return its path."""
    made = boss.post("/broadcasts/new", {"name": name})
    assert made.status == 303
    path = made.headers["Location"].removeprefix("/console").partition("?")[0]
    assert boss.get(path).status == 200
    return path


def fields(page: str, action: str) -> dict[str, str]:
    """Return the fields of a form as a browser would send them."""
    form = next(one for one in page.split("<form")[1:] if f'{action}"' in one.partition(">")[0])
    form = form.partition("</form>")[0]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and ("checkbox" not in tag or " checked" in tag):
            found[name[1]] = unescape(value[1]) if value else ""
    for name_, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        found[name_] = chosen[0] if chosen else ""
    for name_, value_ in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        found[name_] = unescape(value_)
    found.pop("csrf", None)
    return found


def save(boss: Visitor, path: str, **typed: str) -> Any:
    page = boss.get(path).body
    return boss.post(f"{path}/save", {**fields(page, "/save"), **typed})


def number_of(path: str) -> int:
    return int(path.rpartition("/")[2])


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_broadcast_from_the_draft_to_its_result(
    stack: Stack, sql: Sql, chat: Chats, admin: Callable[..., Visitor], language: str
) -> None:
    boss, anna = admin("Boss", language), chat("Anna", language)
    path = draft(boss)
    typed = {
        "text_en": "**Sale** for {name}", "text_ru": "**Скидки** для {name}", "label1_en": "Look",
        "label1_ru": "Смотреть", "target1": "https://shop.example/sale?x=1&y=2",
    }  # fmt: skip
    saved = save(boss, path, **typed)
    assert saved.status == 303
    page = boss.get(path).body
    assert "<strong>Sale</strong> for Anna" in page
    assert "<strong>Скидки</strong> для Анна" in page
    assert text(language, "broadcast_stop_button") in page
    assert fields(page, "/save")["target1"] == typed["target1"]

    counted = save(boss, path, action="count")
    assert text(language, "broadcast_counted", count=2) in counted.body
    tested = save(boss, path, action="test")
    assert text(language, "broadcast_tested", bot=text(language, "bot_name_assistant")) in tested.body
    assert boss.chat.answer().text == "Sale for Boss"  # type: ignore[attr-defined]
    assert boss.chat.answer().text == "Скидки для Boss"  # type: ignore[attr-defined]

    assert save(boss, path, action="start").status == 303
    assert text(language, "broadcast_status_freezing") in boss.get(path).body
    stack.run_job("broadcasts")
    message = anna.answer()
    assert message.text == ("Sale for Anna" if language == "en" else "Скидки для Anna")
    address = message.button("Look" if language == "en" else "Смотреть").url or ""
    token = address.rpartition("/")[2]
    assert len(token) == links.LENGTH
    led = Visitor(stack).get(f"/go/{token}")
    assert (led.status, led.headers["Location"]) == (303, typed["target1"])
    Visitor(stack).get(f"/go/{token}")
    assert Visitor(stack).get(f"/go/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}").status == 404
    page = boss.get(path).body
    assert text(language, "broadcast_status_done") in page
    assert text(language, "broadcast_share", count=1, percent=50) in page
    assert "<svg" in page
    assert row(sql, number_of(path))["clicks"] == {"0": 1}
    state = boss.get(f"{path}/state", Accept="application/json")
    assert '"is_live":false' in state.body


def test_what_the_form_refuses(admin: Callable[..., Visitor], sql: Sql) -> None:
    boss = admin("Boss")
    path = draft(boss)
    for wrong in (
        {"text_en": "x" * 4097}, {"label1_en": "x", "target1": "javascript:alert(1)"}, {"target1": "/none"},
        {"label1_en": "x", "target1": ""}, {"target1": "https://x.example"}, {"activity": "active"},
        {"activity": "never"}, {"name": " "}, {"uncontacted_days": "-1"}, {"bot": "other"}, {"course": "x"},
        {"label1_en": "x", "target1": "http://plain.example"}, {"kind": "spam"}, {"version": "0"},
    ):  # fmt: skip
        answer = save(boss, path, **wrong)
        assert answer.status == 422, wrong
        assert text("en", "web_error_fields") in answer.body
    assert row(sql, number_of(path))["version"] == 1
    assert save(boss, path, action="start").status == 422, "nothing to send"
    typed = fields(boss.get(path).body, "/save")
    assert boss.post(f"{path}/save", {**typed, "text_en": "one"}).status == 303
    boss.get(path)
    late = boss.post(f"{path}/save", {**typed, "text_en": "typed by another"})
    assert late.status == 409
    assert "typed by another" in late.body


def test_nothing_that_is_typed_becomes_markup(
    stack: Stack, admin: Callable[..., Visitor], chat: Chats, sql: Sql
) -> None:
    boss = admin("Boss")
    chat(EVIL[:60])
    path = draft(boss, EVIL)
    save(boss, path, text_en=EVIL, label1_en=EVIL[:60], target1="https://x.example/?a=%22%3E")
    pages = [boss.get(path).body, boss.get("/broadcasts").body]
    save(boss, path, action="start")
    stack.run_job("broadcasts")
    pages.append(boss.get(path).body)
    boss.post("/broadcasts/sequences/new", {"name": EVIL, "event": "start"})
    pages.append(boss.get("/broadcasts/sequences").body)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;" in page


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_segment_by_source(
    admin: Callable[..., Visitor], chat: Chats, sql: Sql, others: None, language: str
) -> None:
    boss, anna = admin("Boss", language), chat("Anna", language)
    (link,) = sql("insert into ad_links (key, name) values ('summer-1', %s) returning id", EVIL)
    sql(
        "insert into ad_link_visits (link_id, user_id, bot, is_source)"
        " select %s, id, 'assistant', true from users where telegram_id = %s",
        link["id"], anna.id,
    )  # fmt: skip
    path = draft(boss)
    typed = {"text_en": "Sale", "text_ru": "Скидки"}
    counted = save(boss, path, action="count", **typed, **{"source_ad_summer-1": "true"})
    assert text(language, "broadcast_counted", count=1) in counted.body
    assert row(sql, number_of(path))["segment"] == {"sources": ["ad_summer-1"]}
    page = boss.get(path).body
    assert "<script>alert(1)" not in page
    assert fields(page, "/save")["source_ad_summer-1"] == "true", (
        "the box is ticked when the page is opened again"
    )
    sql("update ad_links set archived_at = private.clock()")
    assert "source_ad_summer-1" in fields(boss.get(path).body, "/save"), "an archived link stays"
    counted = save(boss, path, action="count", source_direct="true")
    assert text(language, "broadcast_counted", count=2) in counted.body


def test_a_second_admin_approves(stack: Stack, admin: Callable[..., Visitor], chat: Chats, sql: Sql) -> None:
    sql("update private.settings set value = '1' where key = 'broadcast_approval_size'")
    boss, other, anna = admin("Boss"), admin("Olga"), chat("Anna")
    path = draft(boss)
    save(boss, path, text_en="Hello, {name}!", action="start")
    stack.run_job("broadcasts")
    anna.expect_silence()
    page = boss.get(path).body
    assert text("en", "broadcast_approval_wait", count=3) in page
    assert text("en", "broadcast_approve") not in page
    own = boss.post(f"{path}/act", {"action": "approve"})
    assert "broadcast_own_notice" in own.headers["Location"]
    assert text("en", "broadcast_approve") in other.get(path).body
    other.post(f"{path}/act", {"action": "approve"})
    stack.run_job("broadcasts")
    assert anna.answer().text == "Hello, Anna!"


def test_pause_resume_cancel_copy_and_delete_with_buttons(
    stack: Stack, admin: Callable[..., Visitor], chat: Chats, sql: Sql
) -> None:
    boss, anna = admin("Boss"), chat("Anna")
    path = draft(boss)
    save(boss, path, text_en="Hello, {name}!", action="start")
    sql("update broadcasts set status = 'running'")

    def act(action: str) -> str:
        boss.get(path)
        return boss.post(f"{path}/act", {"action": action}).headers["Location"]

    assert "broadcast_pause_notice" in act("pause")
    assert text("en", "broadcast_resume") in boss.get(path).body
    assert "broadcast_state_notice" in act("pause")
    sql("update broadcasts set status = 'freezing'")
    stack.run_job("broadcasts")
    anna.answer()
    assert "broadcast_delete_sent_notice" in act("delete_sent")
    stack.run_job("broadcasts")
    assert statuses(sql, number_of(path)) == ["deleted", "deleted"]
    copied = act("copy").partition("?")[0].removeprefix("/console")
    assert "Hello, {name}!" in boss.get(copied).body
    boss.post(f"{copied}/act", {"action": "delete"})
    assert boss.get(copied).status == 404
    assert boss.post(f"{path}/act", {"action": "explode"}).status == 422


def test_a_picture_is_uploaded_once(
    stack: Stack, admin: Callable[..., Visitor], chat: Chats, sql: Sql
) -> None:
    boss, anna, boris = admin("Boss"), chat("Anna"), chat("Boris")
    path = draft(boss)
    save(boss, path, text_en="Look, {name}")
    boss.get(path)
    mark = "----x"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{boss.csrf}\r\n',
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="../a.png"\r\n\r\n',
    ]
    body = parts[0].encode() + parts[1].encode() + PNG + f"\r\n--{mark}--\r\n".encode()
    sent = {"Origin": boss.origin, "Content-Type": f"multipart/form-data; boundary={mark}"}
    assert boss._send("POST", f"{path}/media", body, sent).status == 303
    assert "a.png" in boss.get(path).body
    save(boss, path, action="start")
    stack.run_job("broadcasts")
    assert statuses(sql, number_of(path)) == ["sent"] * 3
    photos = [one for one in stack.telegram.calls if one["method"] == "sendPhoto"]
    assert len(photos) == 3
    assert len({str(one["parameters"]["photo"]) for one in photos[1:]}) == 1
    for one in (anna, boris):
        assert "Look" in str(one.answer().data)


def test_who_may_open_the_pages(stack: Stack, admin: Callable[..., Visitor], chat: Chats, sql: Sql) -> None:
    boss, anna = admin("Boss"), chat("Anna")
    path = draft(boss)
    visitor = Visitor(stack)
    visitor.log_in(anna)
    for page in ("/broadcasts", path, f"{path}/state", "/broadcasts/sequences"):
        assert visitor.get(page).status == 403
    visitor.get("/account")
    for form in (f"{path}/save", f"{path}/act", f"{path}/media", "/broadcasts/new"):
        assert visitor.post(form, {"name": "x", "action": "start"}).status == 403
    assert "/broadcasts" not in visitor.get("/account").body
    sql("delete from admins where email = 'boss@example.com'")
    assert boss.get(path).status in (303, 403)


def test_the_switch_in_the_settings(stack: Stack, sql: Sql, chat: Chats, send: Send, others: None) -> None:
    anna = chat("Anna")
    visitor = Visitor(stack)
    page = visitor.log_in(anna, "/account/settings").body
    assert 'name="takes_marketing" value="true" checked' in page
    assert visitor.post("/account/settings/marketing").status == 303
    assert 'name="takes_marketing" value="true" checked' not in visitor.get("/account/settings").body
    number = send()
    stack.run_job("broadcasts")
    assert row(sql, number)["total"] == 0
    visitor.get("/account/settings")
    visitor.post("/account/settings/marketing", {"takes_marketing": "true"})
    assert 'name="takes_marketing" value="true" checked' in visitor.get("/account/settings").body


def test_a_sequence_on_the_web(stack: Stack, admin: Callable[..., Visitor], chat: Chats, sql: Sql) -> None:
    boss = admin("Boss")
    made = boss.post("/broadcasts/sequences/new", {"name": "Welcome", "event": "start"})
    path = made.headers["Location"].removeprefix("/console").partition("?")[0]
    boss.get(path)
    assert "broadcast_no_steps_notice" in boss.post(f"{path}/act", {"action": "start"}).headers["Location"]
    page = boss.get(path).body
    sent = boss.post(
        f"{path}/save", {**fields(page, "/save"), "leaves_on_reply": "true", "language_en": "true"}
    )
    assert sent.status == 303
    steps = []
    for words in ("First for {name}", "Second for {name}"):
        boss.get(path)
        step = boss.post(f"{path}/step").headers["Location"].removeprefix("/console").partition("?")[0]
        assert save(boss, step, text_en=words).status == 303
        steps.append(step)
    assert save(boss, steps[1], delay="0").status == 303
    boss.get(path)
    assert (
        "broadcast_sequence_start_notice" in boss.post(f"{path}/act", {"action": "start"}).headers["Location"]
    )
    anna = chat("Anna")
    stack.run_job("broadcasts")
    assert anna.answer().text == "First for Anna"
    sql("delete from private.bot_pace")
    stack.run_job("broadcasts")
    assert anna.answer().text == "Second for Anna"
    stack.run_job("broadcasts")
    anna.expect_silence()
    page = boss.get(path).body
    assert sql("select entered, finished from sequences") == [{"entered": 2, "finished": 2}]
    check_page(boss.get(f"{path}?lang=ru").body)
    boss.post(f"{path}/act", {"action": "stop"})
    boss.get(path)
    assert "delete_notice" in boss.post(f"{path}/act", {"action": "delete"}).headers["Location"]
    assert boss.get(path).status == 404
    assert text("ru", "audit_sequence_delete", name="Welcome") in boss.get("/staff/audit").body
