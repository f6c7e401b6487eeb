"""The emulator's page as a new user sees it, in a real browser, with the running stack."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.scheduled.jobs import JOBS
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.faults import fault_of_kind

pytestmark = pytest.mark.browser
Window = Callable[..., Any]


def switch_to_new_user(page: Any, name: str = "Nina", language: str = "en", bot: str = "Assistant") -> None:
    """Add a user and switch to them: the chat with the bot is empty."""
    page.get_by_role("button", name="Add a user").click()
    page.get_by_label("First name").fill(name)
    page.get_by_label("Telegram language").select_option(language)
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    page.locator("#you").get_by_text(name, exact=True).wait_for()
    # A description may name another bot: "An AI assistant that …".
    page.locator("#talk-list").get_by_role("option", name=re.compile(rf"^{bot}\b")).click()


def say(page: Any, text: str) -> None:
    field = page.get_by_label("Message", exact=True)
    field.fill(text)
    field.press("Enter")


def give_commands(stack: Stack, bot: str) -> None:
    """Commands as @BotFather would have them, in the default language and in Russian."""
    for language, words in (("", "Your plan"), ("ru", "Ваш план")):
        commands = [{"command": "profile", "description": words}, {"command": "show", "description": "…"}]
        stack.telegram.request(bot, "setMyCommands", {"commands": commands, "language_code": language})


def current_user(page: Any) -> int:
    """Return the Telegram id of the page's current user, which is also the id of their private chats."""
    row = page.locator("#user-list [aria-selected=true]")
    return int(row.get_attribute("id").removeprefix("user-"))


def answers(page: Any) -> Any:
    return page.locator(".message[data-side=other]")


def test_a_message_gets_its_answer_and_its_trace_is_shown(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    stack.ai.next(AiBehaviour(text="It is **Paris**."))
    say(page, "The capital of France?")
    expect(answers(page).last).to_contain_text("It is Paris.")
    expect(answers(page).last.locator("strong")).to_have_text("Paris")
    expect(page.locator(".tick[data-status=delivered]")).to_be_visible()
    way = page.locator(".way.open").first
    expect(way.locator(".way-head")).to_contain_text("The capital of France?")
    expect(way.locator(".way-head .pill")).to_have_text("200")
    for kind in ("queue", "verify", "sql", "ai", "delivery"):
        expect(way.locator(f".step[data-kind={kind}]").first).to_be_visible()
    expect(way).to_contain_text("receive_update")
    expect(way).to_contain_text("finish_update")
    way.locator(".step[data-kind=ai] .step-line").click()
    expect(way.locator(".detail")).to_contain_text('"gpt-5.4-mini"')


def test_the_panel_has_every_function_and_every_job(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    page.get_by_role("tab", name="Faults").click()
    for name in stack.functions:
        expect(page.get_by_role("button", name=f"Restart {name}")).to_be_visible()
    for name, job in JOBS.items():
        expect(page.locator("#faults")).to_contain_text(job.about)
        page.get_by_role("button", name=f"Run {name} now").click()
        expect(page.get_by_text(f"{name} returned 200.")).to_be_visible(timeout=30_000)
    for words in ("Runs every minute.", "Runs every 5 minutes.", "Runs every hour at :17."):
        expect(page.locator("#faults")).to_contain_text(words)


def test_an_empty_chat_offers_a_first_step(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    give_commands(stack, "second")
    page = window()
    switch_to_new_user(page, bot="Second")
    welcome = page.locator("#welcome")
    expect(welcome).to_contain_text("You’re Nina.")
    welcome.get_by_role("button", name="Open the menu").click()
    expect(page.locator("#commands").get_by_role("option", name="/profile")).to_be_visible()
    welcome.get_by_role("button", name="Say hello").click()
    expect(answers(page)).to_have_count(1)
    expect(welcome).to_be_hidden()


def test_enter_sends_what_was_typed_while_commands_are_listed(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    give_commands(stack, "second")
    page = window()
    switch_to_new_user(page, bot="Second")
    field = page.get_by_label("Message", exact=True)
    field.press_sequentially("/s")
    option = page.locator("#commands").get_by_role("option")
    expect(option).to_have_count(1)
    option.hover()
    field.press("Enter")
    own = page.locator(".message[data-side=own]")
    expect(own.last.locator(".text")).to_contain_text(re.compile(r"^/s\d\d:"))
    field.press_sequentially("/s")
    field.press("ArrowDown")
    field.press("Enter")
    expect(own.last).to_contain_text("/show")
    field.press_sequentially("/s")
    field.press("Tab")
    expect(field).to_have_value("/show ")


@pytest.mark.parametrize("says", [{"isComposing": True}, {"keyCode": 229}], ids=["others", "Safari"])
def test_enter_that_ends_a_composition_sends_nothing(window: Window, says: dict[str, Any]) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    field = page.get_by_label("Message", exact=True)
    field.fill("日本")
    field.dispatch_event("keydown", {"key": "Enter", **says})
    expect(field).to_have_value("日本")
    field.press("Enter")
    expect(page.locator(".message[data-side=own]").last).to_contain_text("日本")


def test_a_lost_response_shows_the_second_delivery(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    stack.telegram.faults.arm("lose_response", 1)
    say(page, "Are you still there?")
    expect(answers(page)).to_have_count(1)
    way = page.locator(".way.open").first
    expect(way.locator(".way-head .pill")).to_have_text("200 ×2")
    expect(way).to_contain_text("Response lost")
    expect(answers(page)).to_have_count(1)
    page.get_by_role("button", name="Errors").click()
    expect(page.locator(".way:visible")).to_have_count(0)  # nothing was lost for good
    page.get_by_role("button", name="Errors").click()


def test_a_refused_answer_in_the_response_is_explained(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    chat = {"chat_id": current_user(page), "bot": "assistant"}
    stack.telegram.faults.fail(fault_of_kind("rate_limit", method="sendMessage", **chat))
    say(page, "/help")
    way = page.locator(".way.open").first
    expect(way.locator(".explained")).to_contain_text("Telegram never repeats a method in a response")
    page.get_by_role("button", name="Errors").click()
    expect(page.locator(".way:visible")).to_have_count(1)


def test_errors_can_be_shown_alone(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/help")
    expect(answers(page)).to_have_count(1)
    page.get_by_role("button", name="Errors").click()
    expect(page.locator(".way:visible")).to_have_count(0)
    expect(page.locator("#trace-list")).to_have_attribute("data-empty", "No errors in this chat.")


def test_an_inline_button_is_tapped_and_the_message_changes(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/start")
    page.get_by_role("button", name="Profile").click()
    expect(answers(page)).to_have_count(1)
    expect(answers(page)).to_contain_text("Today: 0 of 25 requests")
    expect(page.locator(".way.open").first).to_contain_text("tapped “👤 Profile”")
    expect(page.locator(".key.busy")).to_have_count(0)


def test_a_user_sees_commands_in_their_own_language(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    give_commands(stack, "second")
    page = window()
    switch_to_new_user(page, "Нина", "ru", "Second")
    page.get_by_label("Message", exact=True).press_sequentially("/pro")
    option = page.locator("#commands").get_by_role("option")
    expect(option).to_have_count(1)
    expect(option).to_contain_text("Ваш план")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".message[data-side=own]")).to_contain_text("/profile")


def test_a_refused_user_stays_in_the_form(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    page.get_by_role("button", name="Add a user").click()
    page.get_by_label("First name").fill("Nina")
    page.get_by_label("Username").fill("no spaces here")
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_database_stops_and_starts_again(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    page.get_by_role("tab", name="Faults").click()
    switch = page.get_by_role("switch", name="Database down")
    switch.click()
    expect(switch).to_be_checked()
    expect(page.locator("#warning")).to_contain_text("Database is down")
    page.get_by_role("tab", name="Trace").click()
    say(page, "/start")
    expect(answers(page).first).to_contain_text("can’t load your history and settings", timeout=20_000)
    page.locator("#warning").get_by_role("button", name="Undo").click()
    expect(page.locator("#warning")).to_be_hidden()
    expect(page.locator(".tick[data-status=delivered]")).to_be_visible(timeout=20_000)


def test_a_killed_function_is_shown_above_the_chat_until_it_is_restarted(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    page.get_by_role("tab", name="Faults").click()
    page.get_by_role("button", name="Kill telegram").click()
    warning = page.locator("#warning")
    expect(warning).to_contain_text("Function telegram isn’t running")
    warning.get_by_role("button", name="Restart").click()
    expect(warning).to_be_hidden(timeout=20_000)
    say(page, "/help")
    expect(answers(page)).to_have_count(1)


def test_the_trace_names_a_fault_as_the_panel_does(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    page.get_by_role("tab", name="Faults").click()
    page.get_by_label("Empty answer", exact=True).check()
    page.get_by_label("Normal", exact=True).check()
    page.get_by_role("tab", name="Trace").click()
    expect(page.locator(".step[data-kind=fault]").first).to_contain_text("AI: normal")
    expect(page.locator(".step[data-kind=fault]").nth(1)).to_contain_text("AI: empty answer")


def test_a_bot_introduces_itself_in_the_users_language(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    for language, words in (("", "A second bot"), ("ru", "Второй бот")):
        parameters = {"short_description": words, "language_code": language}
        stack.telegram.request("second", "setMyShortDescription", parameters)
    page = window()
    row = page.locator("#talk-list").get_by_role("option", name="Second")
    switch_to_new_user(page, "Nina", "en")
    expect(row).to_contain_text("A second bot")
    switch_to_new_user(page, "Нина", "ru")
    expect(row).to_contain_text("Второй бот")


def test_a_fault_is_armed_and_used_up(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    page.get_by_role("tab", name="Faults").click()
    switch = page.get_by_role("switch", name="Deliver the next update twice")
    switch.click()
    expect(switch).to_be_checked()
    say(page, "/help")
    expect(switch).not_to_be_checked()
    expect(answers(page)).to_have_count(1)


def test_formatted_text_is_built_and_never_parsed(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    user = stack.telegram.user("Philippa")
    text = "😀 bold both italic\n<img src=x onerror=alert(1)>\nprint()\nhidden"
    entities = [
        {"type": "bold", "offset": 3, "length": 9},
        {"type": "italic", "offset": 8, "length": 11},
        {"type": "pre", "language": "python", "offset": 49, "length": 7},
        {"type": "spoiler", "offset": 57, "length": 6},
    ]
    user.chat("assistant").send("/start").wait()
    user.chat("assistant").answer()
    parameters = {"chat_id": user.id, "text": text, "entities": entities}
    assert stack.telegram.request("assistant", "sendMessage", parameters)
    page.get_by_role("option", name="Philippa").click()
    bubble = answers(page).last
    expect(bubble).to_contain_text("<img src=x onerror=alert(1)>")
    expect(bubble.locator("img")).to_have_count(0)
    expect(bubble.locator("strong").first).to_have_text("bold both")
    expect(bubble.locator("strong em")).to_have_text("both")
    expect(bubble.locator("em").last).to_have_text(" italic")
    expect(bubble.locator(".code-head")).to_contain_text("python")
    expect(bubble.locator("pre")).to_have_text("print()")
    bubble.get_by_role("button", name="Hidden text, press to show").click()
    expect(bubble.locator(".shown")).to_have_text("hidden")


def test_an_own_message_is_answered_and_edited_with_the_keyboard(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/help")
    expect(answers(page)).to_have_count(1)
    field = page.get_by_label("Message", exact=True)
    field.press("ArrowUp")
    expect(page.locator("#quoting")).to_contain_text("Editing")
    expect(field).to_have_value("/help")
    field.press("Escape")
    expect(page.locator("#quoting")).to_be_hidden()
    field.press("ArrowUp")
    field.fill("/help please")
    field.press("Enter")
    own = page.locator(".message[data-side=own]")
    expect(own).to_contain_text("/help please")
    expect(own).to_contain_text("edited")


def test_a_reply_keyboard_is_shown_below_the_field_until_it_is_removed(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/start")
    expect(answers(page)).to_have_count(1)
    chat_id = current_user(page)
    keyboard = {"keyboard": [[{"text": "Tea"}, {"text": "Coffee"}]], "input_field_placeholder": "Tea?"}
    message = {"chat_id": chat_id, "text": "What will it be?", "reply_markup": keyboard}
    stack.telegram.request("assistant", "sendMessage", message)
    expect(page.get_by_label("Message", exact=True)).to_have_attribute("placeholder", "Tea?")
    page.locator("#keys").get_by_role("button", name="Coffee").click()
    expect(page.locator(".message[data-side=own]").last).to_contain_text("Coffee")
    gone = {"chat_id": chat_id, "text": "Here you are.", "reply_markup": {"remove_keyboard": True}}
    stack.telegram.request("assistant", "sendMessage", gone)
    expect(page.locator("#keys")).to_be_hidden()


def test_a_draft_shows_an_answer_while_it_is_written(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/start")
    expect(answers(page)).to_have_count(1)
    chat_id = current_user(page)
    draft = {"chat_id": chat_id, "draft_id": 1, "text": "Once upon"}
    stack.telegram.request("assistant", "sendMessageDraft", draft)
    expect(page.locator("#typing")).to_contain_text("Once upon")
    stack.telegram.request("assistant", "sendMessage", {"chat_id": chat_id, "text": "Once upon a time."})
    expect(answers(page).last).to_contain_text("Once upon a time.")
    expect(page.locator("#typing")).to_have_count(0)


def test_a_hidden_page_holds_no_connection_and_replays_missed_events(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    def turn(hidden: bool) -> None:
        page.evaluate(
            "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            hidden,
        )

    page = window()
    switch_to_new_user(page)
    say(page, "First")
    expect(page.locator(".message[data-side=own]")).to_have_count(1)
    with page.expect_event("requestfailed", lambda request: "/api/events" in request.url):
        turn(hidden=True)
    page.evaluate(
        "() => fetch('/api/send', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: "
        "JSON.stringify({ user: Number(localStorage.user), bot: 'assistant', text: 'Missed' }) })"
    )
    with page.expect_request(lambda request: "/api/events?after=" in request.url):
        turn(hidden=False)
    expect(page.locator(".message[data-side=own]").last).to_contain_text("Missed")
    expect(page.locator("#line-state[data-state=up]")).to_be_attached()


def test_a_group_is_made_and_written_in(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    page.get_by_role("button", name="New group").click()
    page.get_by_label("Name", exact=True).fill("Kitchen table")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.locator("#chat-head")).to_contain_text("Kitchen table")
    say(page, "Hello, all")
    expect(page.locator(".message[data-side=own]")).to_contain_text("Hello, all")


def test_an_answer_in_another_chat_is_counted_there(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    other = stack.telegram.user("Quentin").chat("assistant")
    other.send("/start").wait()
    row = page.locator("#user-list").get_by_role("option", name="Quentin")
    expect(row.locator(".badge")).to_have_text("1")
    row.click()
    expect(answers(page)).to_have_count(1)


def test_everything_can_be_attached(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    own = page.locator(".message[data-side=own]")
    kinds = {
        "Sample photo": "img",
        "Sample file": ".file",
        "Sticker": ".sticker",
        "Sample voice message": ".voice",
        "Location": ".place",
    }
    for count, (label, shown) in enumerate(kinds.items(), 1):
        page.get_by_role("button", name="Attach").click()
        page.get_by_role("menuitem", name=label).click()
        expect(own).to_have_count(count)
        expect(own.last.locator(shown)).to_be_visible()


def test_an_invite_link_opens_the_bot_with_its_parameter(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    user = stack.telegram.user("Pavel")
    user.chat("second").send("/start").wait()
    username = stack.telegram.bot("assistant").username
    link = f"https://t.me/{username}?start=ref_7Q2X"
    stack.telegram.request("second", "sendMessage", {"chat_id": user.id, "text": f"Come: {link}"})
    page.get_by_role("option", name="Pavel").click()
    page.locator("#talk-list").get_by_role("option", name="Second").click()
    page.get_by_role("link", name=link).click()
    expect(page.locator("#chat-head")).to_contain_text("Assistant")
    expect(page.locator(".message[data-side=own]").last).to_contain_text("/start ref_7Q2X")
    expect(answers(page)).to_have_count(1)


def test_a_phone_shows_one_thing_at_a_time_without_scrolling_sideways(window: Window) -> None:
    from playwright.sync_api import expect

    page = window(390, 844, has_touch=True)
    tabs = page.get_by_role("navigation", name="Views")
    for view, place in (("Users", "#users"), ("Inspect", "#trace"), ("Chat", "#chat")):
        tabs.get_by_role("button", name=view).click()
        expect(page.locator(place)).to_be_visible()
        width = page.locator("html").evaluate("node => node.scrollWidth")
        assert width <= 390, f"{view} is {width} pixels wide"
    tabs.get_by_role("button", name="Users").click()
    switch_to_new_user(page)
    say(page, "a_very_long_word_that_cannot_be_broken_anywhere_" * 6)
    expect(answers(page)).to_have_count(1)
    assert page.locator("html").evaluate("node => node.scrollWidth") <= 390
    assert page.locator("#log").evaluate("node => node.scrollWidth - node.clientWidth") == 0


def test_the_keyboard_reaches_everything(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    skip = page.get_by_role("link", name="Skip to faults")
    skip.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#faults")).to_be_focused()
    page.get_by_role("link", name="Skip to the message field").focus()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not focused.count():
            break  # past the last one: the browser's own controls
        reached.append(focused.evaluate("node => node.id || node.className || node.textContent"))
        ring = focused.evaluate("node => getComputedStyle(node).outlineStyle")
        assert ring != "none", f"no focus ring on {reached[-1]}"
    for place in ("theme", "add-user", "add-group", "write", "attach", "tab-faults"):
        assert place in reached, reached
    users = page.locator("#user-list").get_by_role("option")
    users.first.focus()
    page.keyboard.press("ArrowDown")
    expect(users.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(users.nth(1)).to_have_attribute("aria-selected", "true")


def test_the_theme_follows_the_system_until_it_is_chosen(window: Window) -> None:
    page = window(color_scheme="dark")

    def paper() -> str:
        return str(page.locator("#users").evaluate("node => getComputedStyle(node).backgroundColor"))

    dark = paper()
    page.emulate_media(color_scheme="light")
    light = paper()
    assert dark != light
    page.locator("#theme").click()
    page.locator("#theme").click()
    assert paper() == dark
    page.reload()
    page.locator("#line-state[data-state=up]").wait_for()
    assert paper() == dark


def test_the_last_message_stays_visible_in_a_smaller_window(window: Window) -> None:
    page = window()
    switch_to_new_user(page)
    for number in (1, 2):  # two answers to /help are longer than the window
        say(page, "/help")
        answers(page).nth(number - 1).wait_for()
    beyond = "(log) => Math.round(log.scrollHeight - log.scrollTop - log.clientHeight)"
    page.wait_for_function(f"() => ({beyond})(document.getElementById('log')) === 0")
    page.set_viewport_size({"width": 1440, "height": 500})
    page.wait_for_function(f"() => ({beyond})(document.getElementById('log')) === 0")
    page.locator("#log").evaluate("(log) => { log.scrollTop = 0; }")
    page.set_viewport_size({"width": 1440, "height": 450})
    page.wait_for_timeout(100)
    assert page.locator("#log").evaluate("(log) => log.scrollTop") == 0, "who reads above stays there"
