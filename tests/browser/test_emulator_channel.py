"""A link to the owner's channel opens a dialog in which a user joins and leaves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_emulator_page import answers, current_user, say, switch_to_new_user
from tests.support import eventually
from tools.emulator.environment import CHANNEL
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser


def test_joining_the_channel_is_worth_a_training(stack: Stack, window: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/trainings")
    expect(answers(page).last).to_contain_text("Join Switchboard News")
    answers(page).last.get_by_text("📣 Switchboard News").click()
    expect(page.get_by_role("dialog")).to_contain_text("isn’t subscribed")
    page.get_by_role("dialog").get_by_role("button", name="Join").click()
    me, channel = current_user(page), stack.telegram.channel_named(CHANNEL)
    eventually(lambda: me in channel.room.members, 20)
    answers(page).last.get_by_role("button", name="I’ve joined").click()
    expect(answers(page).last).to_contain_text("1 training for joining the channel", timeout=20_000)
