"""Tools of a chat: own files, reactions, blocking, faults of the Bot API."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.browser.test_emulator_page import answers, say, switch_to_new_user
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Window = Callable[..., Any]


def picture() -> dict[str, Any]:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(content, "PNG")
    return {"name": "teal.png", "mimeType": "image/png", "buffer": content.getvalue()}


def choose_files(page: Any, label: str, *files: dict[str, Any]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach").click()
        page.get_by_role("menuitem", name=label, exact=True).click()
    chooser.value.set_files(list(files))


def test_own_files_are_sent_with_a_caption(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    own = page.locator(".message[data-side=own]")
    choose_files(page, "Photo or video…", picture())
    expect(page.locator("#quoting")).to_contain_text("teal.png")
    say(page, "Look at this")
    expect(own.locator("img")).to_have_attribute("width", "40")
    expect(own).to_contain_text("Look at this")

    notes = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Buy milk"}
    choose_files(page, "File…", notes)
    page.keyboard.press("Escape")
    expect(page.locator("#quoting")).to_be_hidden()
    choose_files(page, "File…", notes)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(own).to_have_count(2)
    link = own.last.locator("a.file-link")
    expect(link).to_contain_text("notes.txt")
    assert page.request.get(stack.url + link.get_attribute("href")).body() == b"Buy milk"

    choose_files(page, "Photo or video…", picture(), picture())
    expect(page.locator("#quoting")).to_contain_text("2 files")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(own).to_have_count(4)


def test_a_message_gets_a_reaction_and_is_deleted(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/help")
    expect(answers(page)).to_have_count(1)
    for reactions in (1, 0):
        answers(page).click(button="right")
        page.get_by_role("menuitem", name="Thumbs up").click()
        expect(answers(page).locator(".reaction")).to_have_count(reactions)
    answers(page).click(button="right")
    page.get_by_role("menuitem", name="Delete").click()
    expect(answers(page)).to_have_count(0)


def test_a_blocked_bot_cannot_be_written_to_until_it_is_unblocked(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/help")
    expect(answers(page)).to_have_count(1)
    page.get_by_role("button", name="Chat menu").click()
    page.get_by_role("menuitem", name="Block the bot").click()
    expect(page.locator("#blocked")).to_contain_text("You blocked this bot.")
    expect(page.locator("#composer")).to_be_hidden()
    page.reload()
    page.get_by_role("button", name="Unblock").click()
    expect(page.locator("#composer")).to_be_visible()
    say(page, "/help")
    expect(answers(page)).to_have_count(2)


def test_a_call_of_the_bot_api_fails_on_request(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    page.get_by_role("tab", name="Faults").click()
    page.get_by_role("button", name="429 Too Many Requests").click()
    warning = page.locator("#warning")
    expect(warning).to_contain_text("Bot API: 429 Too Many Requests, next call")
    warning.get_by_role("button", name="Undo").click()
    expect(warning).to_be_hidden()

    page.get_by_role("region", name="Bot API").get_by_role("button", name="Custom…").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Method").fill("sendMessage")
    form.get_by_label("Calls").fill("2")
    form.get_by_label("Retry after, seconds").fill("3")
    form.get_by_role("button", name="Add").click()
    expect(warning).to_contain_text("sendMessage: 429 Too Many Requests, next 2 calls")
    (fault,) = stack.telegram.faults.all()
    assert (fault.method.lower(), fault.retry_after, fault.count) == ("sendmessage", 3, 2)
    page.get_by_role("button", name="Remove: sendMessage").click()
    expect(warning).to_be_hidden()
    assert stack.telegram.faults.all() == []


def test_a_transcript_is_copied(window: Window) -> None:
    page = window()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    switch_to_new_user(page)
    say(page, "/help")
    answers(page).wait_for()
    page.get_by_role("button", name="Chat menu").click()
    page.get_by_role("menuitem", name="Copy transcript").click()
    page.get_by_text("Copied").wait_for()
    assert "Nina" in page.evaluate("navigator.clipboard.readText()")
