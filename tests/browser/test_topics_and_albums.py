"""Topics, quotes of a part and albums, as Telegram's apps have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_chat_tools import choose_files, picture
from tests.browser.test_emulator_page import answers, current_user, say, switch_to_new_user
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat, TelegramUser

pytestmark = pytest.mark.browser
Window = Callable[..., Any]


def chat_of(stack: Stack, page: Any) -> Chat:
    return TelegramUser(stack.telegram.services, stack.telegram.state.users[current_user(page)]).chat(
        "assistant"
    )


def add_topic(page: Any, name: str) -> None:
    page.get_by_role("button", name="Chat menu").click()
    page.get_by_role("menuitem", name="New topic…").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("dialog").get_by_role("button", name="Create").click()


def test_topics_of_a_private_chat_are_switched(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    bar, own = page.locator("#topics"), page.locator(".message[data-side=own]:visible")
    say(page, "outside")
    expect(bar).to_be_hidden()
    add_topic(page, "Cats")
    expect(bar.get_by_role("button", name="Cats")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".service:visible")).to_have_text("Nina created the topic “Cats”")
    expect(own).to_have_count(0)
    say(page, "meow")
    expect(own).to_have_count(1)
    expect(answers(page).locator("visible=true").last).to_be_visible()
    sent = [one.data for one in chat_of(stack, page).room.messages.values() if one.data.get("text") == "meow"]
    assert sent[0]["message_thread_id"] == store_topic(stack, page)
    bar.get_by_role("button", name="All").click()
    expect(own).to_have_count(2)
    expect(own.last.locator(".topic-label")).to_have_text("Cats")
    topic = {"chat_id": current_user(page), "message_thread_id": store_topic(stack, page)}
    stack.telegram.request("assistant", "editForumTopic", {**topic, "name": "Lions"})
    bar.get_by_role("button", name="Lions").click()
    stack.telegram.request("assistant", "closeForumTopic", topic)
    expect(bar).to_contain_text("closed")
    stack.telegram.request("assistant", "deleteForumTopic", topic)
    expect(bar).to_be_hidden()
    expect(own).to_have_count(1)


def store_topic(stack: Stack, page: Any) -> int:
    (topic,) = chat_of(stack, page).room.topics
    return topic


def test_a_forum_has_its_general_topic(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    page.get_by_role("button", name="New group").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("Book club")
    form.get_by_label("Topics (a forum)").check()
    form.get_by_label("Bots are administrators").check()
    form.get_by_role("button", name="Create").click()
    bar, own = page.locator("#topics"), page.locator(".message[data-side=own]:visible")
    bar.get_by_role("button", name="New topic").click()
    page.get_by_label("Name").fill("Poetry")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(bar.get_by_role("button", name="Poetry")).to_have_attribute("aria-pressed", "true")
    say(page, "a poem")
    expect(own).to_have_count(1)
    bar.get_by_role("button", name="General").click()
    expect(own).to_have_count(0)
    say(page, "hello all")
    expect(own).to_contain_text(["hello all"])
    room = stack.telegram.state.groups[int(page.evaluate("JSON.parse(localStorage.getItem('talk')).group"))]
    threads = {one.data["text"]: one.data.get("message_thread_id") for one in room.messages.values()
               if one.data.get("text") in ("a poem", "hello all")}  # fmt: skip
    assert threads == {"a poem": next(iter(room.topics)), "hello all": None}
    assert room.admins == room.bots
    say(page, "/help@switchboard_assistant_bot")
    expect(answers(page).locator("visible=true").last).to_contain_text("/buy")


def test_a_part_of_a_message_is_quoted(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "one two three")
    own = page.locator(".message[data-side=own]")
    expect(own).to_have_count(1)
    own.click(button="right")
    page.get_by_role("menuitem", name="Quote a part…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Quote", exact=True)).to_be_disabled()
    dialog.get_by_label("Mark the part to quote").evaluate(
        "field => { field.focus(); field.setSelectionRange(4, 7); }"
    )
    dialog.get_by_role("button", name="Quote", exact=True).click()
    expect(page.locator("#quoting")).to_contain_text("Quote of Nina")
    say(page, "why?")
    expect(own.last.locator(".quoted")).to_contain_text("two")
    expect(own.last.locator(".quoted")).not_to_contain_text("three")
    quote = [one.data["quote"] for one in chat_of(stack, page).room.messages.values() if "quote" in one.data]
    assert quote == [{"text": "two", "position": 4, "is_manual": True}]


def test_an_album_is_one_tile(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    choose_files(page, "Photo or video…", picture(), picture(), picture())
    say(page, "Three of them")
    tile = page.locator(".album")
    expect(tile).to_have_count(1)
    expect(tile.locator("img")).to_have_count(3)
    expect(tile.locator(".album-caption")).to_have_text("Three of them")
    boxes = [tile.locator(".message").nth(at).bounding_box() for at in range(3)]
    assert boxes[1]["y"] == boxes[2]["y"] > boxes[0]["y"]  # one above two
    assert boxes[0]["width"] > 1.9 * boxes[1]["width"]
    tile.locator(".message").nth(1).hover()
    tile.locator(".message").nth(1).get_by_role("button", name="Message menu").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(tile.locator("img")).to_have_count(2)
    media = [{"type": "photo", "media": f"https://x.test/{name}.png"} for name in "ab"]
    stack.telegram.request("assistant", "sendMediaGroup", {"chat_id": current_user(page), "media": media})
    expect(page.locator(".album[data-side=other] .message")).to_have_count(2)
