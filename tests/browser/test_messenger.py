"""The messenger in Chromium: two operators and a user at once, the keyboard, the look of its pages."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.texts import text
from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.features.messenger.operators import Sql, compose, enter, number_of, post_json, started
from tests.web.visitor import Visitor
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

pytestmark = pytest.mark.browser
IS_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(autouse=True)
def _no_earlier_attempts(sql: Sql) -> None:
    sql("delete from login_attempts")


def cookies(stack: Stack, browser: Visitor) -> list[dict[str, str]]:
    return [{"name": name, "value": value, "url": stack.url} for name, value in browser.cookies.items()]


def asked(stack: Stack, name: str, *questions: str, language: str = "en") -> Chat:
    """Return the chat of a user who asked something."""
    chat = started(stack, name, language)
    for question in questions:
        chat.send(question).wait()
        chat.answer()
    return chat


def test_two_operators_and_a_user_at_once(stack: Stack, browser_page: Open, sql: Sql) -> None:
    anna = asked(stack, "Anna", "Where is my order?")
    number = number_of(sql, anna)
    olga, boris = enter(stack, sql, "Olga"), enter(stack, sql, "Boris")
    address = f"{stack.url}/console/messenger/{number}?lang=en"
    first = browser_page(address, 1440, cookies=cookies(stack, olga))
    second = browser_page(address, 1440, cookies=cookies(stack, boris))
    first.locator("#viewers").filter(has_text="Boris").wait_for(timeout=15_000)

    first.locator(".talk .viewing").filter(has_text="Boris").wait_for()
    second.locator(".talk .viewing").filter(has_text="Olga").wait_for()

    second.locator("#body").fill("Hello from Boris")
    first.locator("#viewers").filter(has_text=text("en", "messenger_typing", names="Boris")).wait_for()
    first.locator("#body").fill("It arrives tomorrow")
    first.get_by_role("button", name=text("en", "messenger_send"), exact=True).click()
    assert anna.answer().text == text("en", "messenger_taken_over")
    assert anna.answer().text == "It arrives tomorrow"
    first.locator(".m-out").filter(has_text="It arrives tomorrow").locator(".state-sent").wait_for()
    assert first.locator("#body").input_value() == ""
    second.locator(".m-out").filter(has_text="It arrives tomorrow").wait_for(timeout=5_000)

    anna.send("Great, thank you!").wait()
    for page in (first, second):
        page.locator(".m-in").filter(has_text="Great, thank you!").wait_for(timeout=6_000)
    assert "Great, thank you!" in first.locator("#news").inner_text()
    second.get_by_role("button", name=text("en", "messenger_send"), exact=True).click()
    assert anna.answer().text == "Hello from Boris"


def test_a_faster_colleague_is_a_conflict_and_the_text_stays(
    stack: Stack, browser_page: Open, sql: Sql
) -> None:
    anna = asked(stack, "Anna", "Where is my order?")
    number = number_of(sql, anna)
    olga, boris = enter(stack, sql, "Olga"), enter(stack, sql, "Boris")
    page = browser_page(
        f"{stack.url}/console/messenger/{number}?lang=en",
        1440,
        cookies=cookies(stack, olga),
        tolerated="status of 4",
    )
    page.locator("#body").fill("I answer, too")
    page.evaluate("changes = live.dataset.changes; live.dataset.changes = '/console/nowhere'")
    page.wait_for_timeout(100)  # an answer that is on its way
    compose(boris, number, "Boris was faster")
    page.evaluate("live.dataset.changes = changes")
    page.get_by_role("button", name=text("en", "messenger_send"), exact=True).click()
    page.get_by_role("alert").filter(has_text=text("en", "messenger_conflict")).wait_for()
    page.locator(".is-newer").filter(has_text="Boris was faster").wait_for()
    keep(page, "messenger-conflict")
    assert page.locator("#body").input_value() == "I answer, too"
    page.get_by_role("button", name=text("en", "messenger_send"), exact=True).click()
    page.locator(".m-out").filter(has_text="I answer, too").wait_for()


def furnish(stack: Stack, sql: Sql, language: str) -> tuple[Visitor, int]:
    """Return an operator and a conversation in which much has happened, among others."""
    words = {
        "en": ("Hi! Which plan fits a team of five?", "Let me check with the team", "Ask for a discount code",
               "Premium fits. It has no daily limit: https://example.com/plans", "Great, thank you!"),
        "ru": ("Здравствуйте! Какой тариф подойдёт команде из пяти человек?", "Уточню у коллег",
               "Просит промокод на скидку", "Подойдёт «Премиум», без дневного лимита: https://example.com/plans",
               "Отлично, спасибо!"),
    }[language]  # fmt: skip
    names = {
        "en": ("Ben Carter", "Chloe Martin", "Daniel Novak"),
        "ru": ("Борис Волков", "Светлана Константинопольская", "Дмитрий Ким"),
    }[language]
    for name in names:
        asked(stack, name, words[0], language=language)
    anna = started(stack, {"en": "Anna Berg", "ru": "Анна Берг"}[language], language)
    anna.send(words[0]).wait()
    anna.answer()
    anna.photo("IMG").wait()
    anna.answer()
    number = number_of(sql, anna)
    olga = enter(stack, sql, {"en": "Olga", "ru": "Ольга"}[language], role="admin")
    olga.post("/messenger/labels/save", {"name": "VIP", "color": "purple", "id": ""})
    (label,) = sql("select id from messenger_labels")
    olga.post("/messenger/replies/save", {"id": "", "shortcut": "thanks", f"text_{language}": words[4]})
    compose(olga, number, words[2], mode="note")
    compose(olga, number, words[3], buttons="Premium | https://example.com/premium")
    anna.send(words[4]).wait()
    olga.post(f"/messenger/{number}/label", {"label": str(label["id"]), "is_on": "1"})
    (me,) = sql("select user_id from staff order by created_at desc limit 1")
    olga.post(f"/messenger/{number}/assign", {"assignee": str(me["user_id"])})
    sql("update conversations set waiting_since = now() - interval '2 hours', ai_ready_score = 90"
        " where id = (select min(id) from conversations)")  # fmt: skip
    sql("update conversations set waiting_since = now() - interval '20 minutes', ai_ready_score = 70"
        " where id = (select min(id) + 1 from conversations)")  # fmt: skip
    sql(
        "select private.enqueue_user_message(user_id, bot, 'gift_reset', '{}')"
        " from conversations where id = %s",
        number,
    )
    sql("update telegram_outbox set send_after = private.clock()")
    stack.run_job("sweep")
    anna.block()
    stack.telegram.idle()
    compose(olga, number, words[1])
    post_json(olga, f"/messenger/{number}/draft", {"body": words[1]})
    sql("update conversations set ai_processing_until = now() + interval '1 hour' where id = %s", number)
    sql(
        "insert into conversation_presence (conversation_id, operator_id, seen_until)"
        " select %s, id, now() + interval '1 hour' from users where id <> %s order by id limit 1",
        number,
        me["user_id"],
    )
    return olga, number


@needs_axe
@pytest.mark.parametrize(
    ("language", "scheme"), [("en", "light"), ("ru", "dark"), ("en", "dark"), ("ru", "light")]
)
def test_the_pages_can_be_read(
    stack: Stack, browser_page: Open, sql: Sql, language: str, scheme: str
) -> None:
    olga, number = furnish(stack, sql, language)
    (reply,) = sql(
        "select min(seq) as seq from conversation_messages where conversation_id = %s and source = 'staff'"
        " and kind = 'text' and status = 'sent'",
        number,
    )
    for width in (390, 768, 1440):
        for name, path in (
            ("list", "/messenger"),
            ("thread", f"/messenger/{number}"),
            ("card", f"/messenger/{number}/card"),
            ("replies", f"/messenger/replies?conversation={number}&seq={reply['seq']}"),
            ("article", f"/knowledge/new?conversation={number}&seq={reply['seq']}"),
        ):
            page: Any = browser_page(
                f"{stack.url}/console{path}{'&' if '?' in path else '?'}lang={language}",
                width,
                scheme,
                cookies=cookies(stack, olga),
                locale=language,
            )
            if name == "thread":
                page.evaluate("for (const one of document.querySelectorAll('.m details')) one.open = true")
                page.locator(".m-out details").first.scroll_into_view_if_needed()
            if name == "list":
                page.locator(".talk .viewing:not([hidden])").wait_for()
                assert page.locator(".talk .viewing:visible").count() == 1
            keep(page, f"messenger-{name}-{language}-{width}-{scheme}")
            if name == "thread":  # the card is beside it where there is room
                assert page.locator(".to-card").is_visible() == (width < 1152)
            wide = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide[0] <= wide[1], f"{name} scrolls sideways at {width}"
            assert contrasts(page) == []
            assert violations(page) == [], name
            page.context.close()


def test_the_thread_shows_that_the_bot_is_writing(stack: Stack, browser_page: Open, sql: Sql) -> None:
    anna = asked(stack, "Anna", "Where is my order?")
    number = number_of(sql, anna)
    olga = enter(stack, sql, "Olga")
    page = browser_page(f"{stack.url}/console/messenger/{number}?lang=en", 1440, cookies=cookies(stack, olga))
    writing = page.locator("#state").get_by_text(text("en", "messenger_answering"))
    stack.ai.next(AiBehaviour(text="On its way.", delay=6.0))
    sent = anna.send("And now?")
    writing.wait_for(timeout=6_000)
    sent.wait()
    writing.wait_for(state="hidden", timeout=6_000)
    # What a crash leaves ends by time, without an answer of the server.
    sql(
        "update conversations set ai_processing_until = private.clock() + interval '5 seconds',"
        " changed_xid = pg_current_xact_id() where id = %s",
        number,
    )
    writing.wait_for(timeout=5_000)
    writing.wait_for(state="hidden", timeout=12_000)


def test_the_keyboard(stack: Stack, browser_page: Open, sql: Sql) -> None:
    anna = asked(stack, "Anna", "Hello")
    olga = enter(stack, sql, "Olga")
    olga.post("/messenger/replies/save", {"id": "", "shortcut": "thanks", "text_en": "Thanks, {first_name}!"})
    page = browser_page(
        f"{stack.url}/console/messenger/{number_of(sql, anna)}?lang=en", 1440, cookies=cookies(stack, olga)
    )
    page.keyboard.press("a")
    page.get_by_role("status").filter(has_text=text("en", "messenger_assigned_notice")).wait_for()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    page.keyboard.press("n")
    assert page.get_by_role("radio", name=text("en", "messenger_mode_note")).is_checked()
    page.keyboard.type("jeans? n/a")
    assert page.locator("#body").input_value() == "jeans? n/a", "no shortcuts while typing"
    page.locator("#body").fill("")
    page.locator("h1").click()
    page.keyboard.press("/")
    page.locator("#choices [role=option]").filter(has_text="thanks").wait_for()
    page.keyboard.press("Enter")
    assert page.locator("#body").input_value() == "Thanks, Anna!"
    page.keyboard.press("Control+Enter")
    page.locator(".m-out").filter(has_text="Thanks, Anna!").wait_for()
    page.locator("h1").click()
    page.keyboard.press("j")
    page.get_by_role("heading", name="Olga", level=1).wait_for()
    page.keyboard.press("k")
    page.get_by_role("heading", name="Anna", level=1).wait_for()


def test_one_menu_is_open_at_a_time(stack: Stack, browser_page: Open, sql: Sql) -> None:
    anna = asked(stack, "Anna", "Where is my order?")
    olga = enter(stack, sql, "Olga")
    page = browser_page(
        f"{stack.url}/console/messenger/{number_of(sql, anna)}?lang=en", 1440, cookies=cookies(stack, olga)
    )
    actions, options = page.locator("#more-actions"), page.locator("#composer .menu:not(.by-ai)")
    actions.locator("summary").click()
    options.locator("summary").click()
    assert (actions.get_attribute("open"), options.get_attribute("open")) == (None, "")
    page.locator("#send_at").fill("2030-01-01T10:00")
    page.locator("#body").click()
    options.locator(".menu-body").wait_for(state="hidden")
    assert page.locator("#send_at").input_value() == "2030-01-01T10:00", "what was chosen stays"
    actions.locator("summary").click()
    page.locator("#how_long").focus()
    page.keyboard.press("Escape")
    actions.locator(".menu-body").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.matches('#more-actions summary')")


def test_without_a_script_everything_is_a_form(stack: Stack, browser_page: Open, sql: Sql) -> None:
    anna = asked(stack, "Anna", "Where is my order?")
    olga = enter(stack, sql, "Olga")
    page = browser_page(
        f"{stack.url}/console/messenger?lang=en",
        390,
        cookies=cookies(stack, olga),
        java_script_enabled=False,
    )
    assert not page.locator(".talk .viewing").first.is_visible(), "no one views it"
    page.get_by_role("link").filter(has_text="Anna").click()
    page.get_by_label(text("en", "messenger_text"), exact=True).fill("On its way")
    page.get_by_role("button", name=text("en", "messenger_send"), exact=True).click()
    page.locator(".m-out").filter(has_text="On its way").wait_for()
    anna.answer()
    assert anna.answer().text == "On its way"
    page.get_by_role("link", name=text("en", "messenger_card")).click()
    assert page.get_by_text(text("en", "messenger_balance")).is_visible()


def test_the_ai_helps_and_sends_nothing(stack: Stack, browser_page: Open, sql: Sql) -> None:
    from playwright.sync_api import expect  # conftest skips where it is not installed

    anna = asked(stack, "Anna", "Wo ist meine Bestellung?")
    number = number_of(sql, anna)
    olga = enter(stack, sql, "Olga")
    page = browser_page(f"{stack.url}/console/messenger/{number}?lang=en", 1440, cookies=cookies(stack, olga))
    body, answer = page.locator("#body"), page.locator("#ai-answer")

    def choose(step: str, says: str) -> None:
        stack.ai.next(AiBehaviour(text=says))
        page.locator("#ai-help > summary").click()
        page.get_by_role("button", name=text("en", f"messenger_ai_{step}"), exact=True).click()

    choose("draft_reply", "It is on its way.")
    expect(body).to_have_value("It is on its way.")
    assert answer.is_hidden()
    choose("translation", "Sie ist unterwegs.")
    expect(body).to_have_value("Sie ist unterwegs.")
    assert "It is on its way." in answer.inner_text()
    page.get_by_role("button", name=text("en", "messenger_ai_use")).click()
    assert body.input_value() == "It is on its way."
    choose("summary", "Anna asks for her order.")
    answer.filter(has_text="Anna asks for her order.").wait_for()
    assert page.locator("#ai-use").is_hidden()
    page.get_by_role("button", name=text("en", "messenger_ai_hide")).click()
    choose("draft_reply", "Another draft")
    answer.filter(has_text="Another draft").wait_for()
    assert body.input_value() == "It is on its way.", "what was typed stays"

    stack.ai.next(AiBehaviour(text="Where is my order?"))
    page.locator(".m-in").get_by_role(
        "button", name=text("en", "messenger_translate"), exact=True
    ).last.click()
    page.locator(".m-in .translated").filter(has_text="Where is my order?").wait_for()
    stack.ai.next(AiBehaviour(status=503), AiBehaviour(status=503), AiBehaviour(status=503))
    choose("summary", "late")
    page.locator("#failure").filter(has_text="AI").wait_for()
    assert not sql("select from conversation_messages where source = 'staff'")
