"""The walkthroughs of the first screen, each completed on the running stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.test_emulator_page import answers, switch_to_new_user
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import TelegramUser

pytestmark = pytest.mark.browser
Window = Callable[..., Any]


@pytest.fixture
def admin(
    stack: Stack, appoint: Callable[..., TelegramUser], monkeypatch: pytest.MonkeyPatch
) -> Iterator[TelegramUser]:
    """Return an admin who has started the bot, as `./switchboard up` has one."""
    user = appoint("en")
    user.chat("assistant").send("/start").wait()
    monkeypatch.setitem(stack.env, "ADMIN_TELEGRAM_IDS", str(user.id))
    yield user


def begin(page: Any, title: str) -> Any:
    """Start a walkthrough in an empty chat; returns the strip that guides through it."""
    switch_to_new_user(page)
    page.get_by_role("button", name=title).click()
    guide = page.get_by_role("region", name="Walkthrough")
    guide.get_by_text("Step 1 of").wait_for()
    return guide


def press(guide: Any, *labels: str) -> None:
    for label in labels:
        guide.get_by_role("button", name=label).click(timeout=20_000)


def ends(guide: Any, words: str) -> None:
    from playwright.sync_api import expect

    expect(guide).to_contain_text(words, timeout=30_000)
    expect(guide).to_contain_text("Done")


def choose(page: Any, *labels: str) -> None:
    """Tap buttons of the bot one after another, each in the newest message that has it."""
    for label in labels:
        page.locator(".key:enabled").filter(has_text=label).last.click(timeout=20_000)


@pytest.mark.usefixtures("admin")
def test_a_purchase_is_paid_and_refunded(window: Window) -> None:
    page = window()
    guide = begin(page, "Buy and refund")
    press(guide, "Send /buy")
    choose(page, "Extra requests", "100 requests", "Telegram Stars", "Pay 100")
    page.get_by_role("button", name="Confirm and pay").click()
    press(guide, "Switch to the admin", "Send /payments")
    choose(page, "#", "Refund", "Yes, refund")
    press(guide, "Switch to the buyer")
    ends(guide, "The buyer has the Stars back")
    page.get_by_text("100 Stars refunded").wait_for()


def test_the_daily_limit_is_reached(window: Window) -> None:
    page = window()
    guide = begin(page, "Reach the limit")
    press(guide, "Ask 26 questions", "Send /profile", "Move 1 day")
    press(guide, "Ask a question")
    ends(guide, "The limit held at exactly 25")


def test_a_friend_is_invited(window: Window) -> None:
    page = window()
    guide = begin(page, "Invite a friend")
    press(guide, "Send /referral", "Open it as Friend", "Ask a question", "Switch to the inviter")
    ends(guide, "Both got bonus requests")
    page.locator("#you").get_by_text("Inviter").wait_for()


@pytest.mark.usefixtures("admin")
def test_an_admin_is_alerted(window: Window) -> None:
    page = window()
    guide = begin(page, "Alert the admin")
    press(guide, "Send /buy")
    choose(page, "Extra requests", "100 requests", "Card ·", "Card (Stripe)")
    with page.context.expect_page() as opened:
        choose(page, "Pay $")
    opened.value.get_by_role("button", name="Wrong amount").click()
    opened.value.close()
    press(guide, "Switch to the admin")
    ends(guide, "The admin knows what to do")
    answers(page).last.get_by_text("Wrong amount").wait_for()


def test_the_walkthrough_of_a_database_outage(stack: Stack, window: Window) -> None:
    page = window()
    guide = begin(page, "Lose the database")
    press(guide, "Turn it off", "Ask a question", "Send /buy", "Turn it on")
    assert not stack.database.is_down
    stack.telegram.idle(20)
    eventually(lambda: stack.telegram.deliver(b"probe", "second").status == 200, 20)
    press(guide, "Send /buy")
    ends(guide, "The bot kept answering")


def test_an_update_is_delivered_twice(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    guide = begin(page, "Deliver twice")
    press(guide, "Turn it on", "Ask a question")
    ends(guide, "One answer, one request counted")
    expect(answers(page)).to_have_count(1)


def test_a_walkthrough_starts_over_and_removes_its_faults(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    guide = begin(page, "Lose the database")
    press(guide, "Turn it off")
    expect(guide).to_contain_text("Step 2")
    page.reload()
    expect(guide).to_contain_text("Step 2")
    before = page.evaluate("localStorage.getItem('user')")
    press(guide, "Start over")
    expect(guide).to_contain_text("Step 1")
    assert page.evaluate("localStorage.getItem('user')") != before
    assert not stack.database.is_down
    press(guide, "Turn it off", "Close the walkthrough")
    expect(guide).to_be_hidden()
    assert not stack.database.is_down
    expect(page.locator("#welcome").get_by_role("button", name="Deliver twice")).to_be_visible()
    page.get_by_role("button", name="Walkthroughs").click()
    # Without an admin nothing is refunded and no one is alerted.
    expect(page.get_by_role("dialog").locator(".thing")).to_have_count(4)
    page.get_by_role("dialog").get_by_role("button", name="Invite a friend").click()
    expect(guide).to_contain_text("Get an invite link.")


def test_an_admin_is_marked_in_the_list(admin: TelegramUser, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    row = page.locator(f"#user-{admin.id}")
    expect(row.locator(".role")).to_have_text("Admin")
    row.click()
    expect(page.locator("#you")).to_contain_text("Admin")


def test_on_a_phone_a_walkthrough_ends_in_view(window: Window) -> None:
    from playwright.sync_api import expect

    page = window(width=390, height=844, has_touch=True, is_mobile=True)
    page.get_by_role("navigation", name="Views").get_by_role("button", name="Walkthroughs").click()
    page.get_by_role("dialog").get_by_role("button", name="Deliver twice").click()
    guide = page.get_by_role("region", name="Walkthrough")
    press(guide, "Turn it on", "Ask a question")
    ends(guide, "One answer, one request counted")
    expect(guide).to_be_visible()
    press(guide, "Open the trace")
    expect(page.locator("#trace")).to_be_visible()
    page.get_by_role("navigation", name="Views").get_by_role("button", name="Walkthroughs").click()
    expect(page.get_by_role("dialog").locator(".thing", has_text="Deliver twice")).to_be_visible()


def test_walkthroughs_are_found_in_a_chat_and_leave_one_user_in_the_list(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    guests = page.locator("#user-list .row", has_text="Guest")
    for _ in range(3):
        page.get_by_role("button", name="Walkthroughs").click()
        page.get_by_role("dialog").get_by_role("button", name="Lose the database").click()
        expect(page.get_by_role("region", name="Walkthrough")).to_contain_text("Step 1 of")
        expect(guests).to_have_count(1)
