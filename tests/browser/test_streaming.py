"""An answer that grows on the page, its stop button, and the buttons below it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_emulator_page import answers, say, switch_to_new_user
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Window = Callable[..., Any]
PICTURES = os.environ.get("PICTURES")  # a folder that gets a picture of each step
STORY = [f"Line {number} of a story that **goes on** and on.\n\n" for number in range(60)]


def picture(page: Any, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_a_growing_answer_is_stopped_continued_and_regenerated(
    stack: Stack, window: Window, width: int, height: int
) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    page.set_viewport_size({"width": width, "height": height})
    stack.ai.next(AiBehaviour(chunks=STORY, chunk_delay=0.2))
    say(page, "Tell me a story")
    draft = page.locator("#typing")
    expect(draft).to_contain_text("Line 3 of a story")
    expect(draft).not_to_contain_text("*")
    stop = draft.get_by_role("button", name="Stop")
    expect(stop).to_be_in_viewport()
    picture(page, f"draft-{width}")
    stop.click()
    expect(stop).to_have_count(0)
    expect(answers(page).last).to_contain_text("Stopped.")
    expect(draft).to_have_count(0)
    picture(page, f"stopped-{width}")

    stack.ai.next(AiBehaviour(text="The end."))
    answers(page).last.get_by_role("button", name="Continue").click()
    expect(answers(page)).to_have_count(2)
    expect(answers(page).last).to_contain_text("The end.")
    expect(answers(page).first.get_by_role("button", name="Continue")).to_have_count(0)

    stack.ai.next(AiBehaviour(text="One."), AiBehaviour(text="Another."))
    say(page, "And now?")
    expect(answers(page).last).to_contain_text("One.")
    answers(page).last.get_by_role("button", name="Regenerate").click()
    expect(answers(page).last).to_contain_text("Another.")
    expect(answers(page).get_by_role("button", name="Regenerate")).to_have_count(1)
    picture(page, f"regenerated-{width}")
