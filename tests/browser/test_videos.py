"""A video on the page: asked for, accepted at its price, watched while it is made, and played."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_emulator_page import answers, say, switch_to_new_user
from tools.emulator.ai.media import MediaBehaviour
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Window = Callable[..., Any]
PICTURES = os.environ.get("PICTURES")  # a folder: what was seen is kept there, to be looked at


def test_a_video_is_ordered_and_played(
    stack: Stack, window: Window, sql: Callable[..., list[dict[str, Any]]], clock: Callable[[str], None]
) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    stack.media.next(MediaBehaviour(reads=2))
    say(page, "/video a cat runs")
    price = answers(page).last
    expect(price).to_contain_text("8 s · 16:9 · 720p")
    price.get_by_role("button", name="Make it for 16 requests").click()
    expect(answers(page).last).to_contain_text("Making your video")
    for minutes in (0, 1, 2, 3):
        clock(f"clock_timestamp() + interval '{minutes} minutes'")
        assert stack.telegram.idle()
        sql("update generations set due_at = private.clock() where due_at is not null")
        stack.run_job("generations")
        if minutes == 1:
            expect(answers(page).last).to_contain_text("of about 1:30")
    clip = answers(page).last.locator("video")
    expect(clip).to_be_visible()
    expect(answers(page).last).to_contain_text("Made with AI")
    expect(answers(page).last.get_by_role("button", name="Variation")).to_be_visible()
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/video.png")
