"""The inspector: waterfall, sending again, logs, tables, SQL functions, clock, faults of payment APIs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_emulator_page import answers, current_user, say, switch_to_new_user
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Window = Callable[..., Any]


def test_each_delivery_of_an_update_shows_what_it_got(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    stack.telegram.faults.arm("deliver_twice", 1)
    say(page, "Do you hear me twice?")
    expect(answers(page)).to_have_count(1)
    attempts = page.locator(".way.open").first.locator(".attempt")
    # Whichever copy comes second is asked to wait; the genuine one comes again then.
    waiting = attempts.filter(has_text="Another delivery of the same update").first
    expect(waiting.locator(".attempt-head .pill")).to_have_text("503", timeout=20_000)
    expect(waiting.locator(".step[data-kind=ai]")).to_have_count(0)
    expect(attempts.locator(".step[data-kind=ai]")).to_have_count(1)
    expect(page.locator(".way.open .way-head .pill")).to_have_text(re.compile(r"200 ×\d"), timeout=20_000)
    page.get_by_role("button", name="Errors").click()
    expect(page.locator(".way:visible")).to_have_count(0)


def test_a_forged_update_is_marked(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    stack.telegram.faults.arm("forge", 1)
    say(page, "/help")
    forged = page.locator(".way.open").first.locator(".attempt").filter(has_text="InvalidSignature")
    expect(forged.locator(".pill")).to_have_text("401")
    expect(forged.locator(".explained")).to_contain_text("nothing was stored")


def test_an_update_is_sent_again_and_edited(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/help")
    expect(answers(page)).to_have_count(1)
    way = page.locator(".way.open").first
    way.get_by_role("button", name="Send again").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Webhook secret").select_option("Wrong")
    form.get_by_role("button", name="Send", exact=True).click()
    expect(way.locator(".attempt").filter(has_text="Sent again").locator(".pill")).to_have_text("401")
    expect(answers(page)).to_have_count(1)

    way.get_by_role("button", name="Edit and send").click()
    body = form.get_by_label("Body")
    update = json.loads(body.input_value())
    body.fill("{broken")
    form.get_by_role("button", name="Send", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("This isn’t valid JSON")
    update["message"] |= {"text": "/whoami", "entities": [{"type": "bot_command", "offset": 0, "length": 7}]}
    body.fill(json.dumps(update))
    form.get_by_label("update_id").select_option("Next: a new update")
    form.get_by_role("button", name="Send", exact=True).click()
    expect(form).to_be_hidden()
    expect(answers(page).last).to_contain_text(str(current_user(page)))


def test_logs_are_filtered_and_lead_to_the_trace(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    switch_to_new_user(page)
    say(page, "/help")
    expect(answers(page)).to_have_count(1)
    page.get_by_role("tab", name="Logs").click()
    lines = page.locator(".log-line")
    expect(lines.last).to_contain_text("update handled")
    page.get_by_label("Level").select_option("All levels")
    expect(lines.filter(has_text="receive_update").first).to_be_visible()
    page.locator("#logs").get_by_label("Search").fill("no line says this")
    expect(lines).to_have_count(0)
    page.locator("#logs").get_by_label("Search").fill("update handled")
    lines.last.locator("button").first.click()
    page.get_by_role("button", name="Show trace").click()
    expect(page.locator("#trace")).to_be_visible()
    expect(page.locator(".way.open .way-head:focus")).to_contain_text("/help")


def test_tables_are_sorted_filtered_and_hide_secrets(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    for name in ("Horatio", "Ophelia"):
        switch_to_new_user(page, name)
        say(page, "/start")
        expect(answers(page)).to_have_count(1)
    page.get_by_role("tab", name="Database").click()
    page.get_by_label("Table").select_option(label=page.locator("#table-name option").first.inner_text())
    page.get_by_label("Filter by").select_option("telegram_id")
    page.get_by_label("Value").fill(str(current_user(page)))
    page.get_by_label("Value").press("Enter")
    rows = page.locator(".grid tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Ophelia")
    page.get_by_label("Condition").select_option("is not")
    page.get_by_role("button", name="id", exact=True).click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("id")
    page.get_by_label("Value").fill("1")
    page.get_by_label("Condition").select_option("less than")
    page.get_by_label("Value").press("Enter")
    expect(page.locator("#tables")).to_contain_text("No rows match.")


def test_a_sql_function_runs_as_a_role(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    page.get_by_role("tab", name="Database").click()
    page.get_by_role("button", name="Functions", exact=True).click()
    page.locator("#sql").get_by_label("Search").fill("get_user_usage")
    page.get_by_role("button", name="get_user_usage_stats").click()
    page.get_by_label("p_user_id").fill("-1")
    page.get_by_role("button", name="Run", exact=True).click()
    result = page.locator("#sql-result")
    expect(result.locator(".pill")).to_be_visible()
    page.get_by_label("p_user_id").fill("not a number")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(result).to_contain_text("invalid input syntax")
    page.get_by_role("button", name="All functions").click()
    page.get_by_label("Role").select_option("as anon")
    expect(page.locator("#sql")).to_contain_text("anon can’t run")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("Role").select_option("as service_role")
    role = page.get_by_label("Role")
    shown = role.evaluate("(one) => one.offsetWidth")
    role.evaluate("(one) => { one.style.cssText = 'position: absolute; width: max-content'; }")
    needed = role.evaluate("(one) => one.offsetWidth")
    assert shown >= needed, "a role's name is not cut on a phone"


def test_the_clock_moves_forward(stack: Stack, window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    page.get_by_role("button", name="Clock").click()
    dialog = page.get_by_role("dialog")
    before = stack.clock.now()
    dialog.get_by_role("button", name="+1 hour").click()
    expect(dialog).to_contain_text("ahead of real time", timeout=60_000)
    expect(dialog.get_by_role("button", name="+1 hour")).to_be_enabled(timeout=60_000)
    expect(dialog.locator(".clock-list").last).to_contain_text("sweep")
    assert stack.clock.now() - before >= 3600
    page.keyboard.press("Escape")
    expect(page.locator("#clock")).to_have_attribute("data-ahead", "")


def test_payment_apis_go_down_and_come_back(window: Window) -> None:
    from playwright.sync_api import expect

    page = window()
    page.get_by_role("tab", name="Faults").click()
    page.get_by_role("button", name="All APIs down").click()
    warning = page.locator("#warning")
    expect(warning).to_contain_text("All payment APIs: ")
    expect(warning).to_contain_text("every call")
    warning.get_by_role("button", name="Undo").click()
    expect(warning).to_be_hidden()
