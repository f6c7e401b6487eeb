"""The page of a shared conversation in Chromium: narrow and wide, light and dark, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.stories.test_conversations import ask
from tests.stories.test_shared_pages import TOKEN, share
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
ANSWER = """Here is a **short plan** for the first week.

## What to prepare

1. Write down the *three* questions that customers ask most often.
2. Answer each in two sentences; see [the guide](https://example.com/guide).
3. Read them aloud.

> A good answer is one that you would give on the phone.

```python
def greeting(name: str, language: str = "en", *, formal: bool = False, sign: str = "!", n: int = 1) -> str:
    return f"Hello, {name}{sign}" * n
```

| Day | Task | Hours | Who is responsible | Result | Comment |
|:--|:--|--:|:--|:--|:--|
| Monday | Questions | 2 | The whole team | A list of questions | Ask sales first |
| Tuesday | Answers | 3.5 | Support | Drafts | Short ones |

The address is https://example.com/a/very/long/path?with=parameters&and=more&so=on&until=the&line=is&long=enough

---

- [x] Done
- [ ] `to do`
"""
RTL = "שלום עולם, זו שאלה. مرحبا بالعالم"


def link(stack: Stack, name: str = "Anna") -> str:
    chat = stack.telegram.user(name, "en").chat("assistant")
    ask(chat, "/new The first week of a new support team")
    stack.ai.next(AiBehaviour(text=ANSWER))
    ask(chat, "How do I prepare a team of four people for support?\n\nWe start on Monday.")
    stack.ai.next(AiBehaviour(text=RTL + "\n\n" + "x" * 300))
    ask(chat, RTL + " " + "y" * 300)
    found = TOKEN.search(share(chat).text)
    assert found
    return f"{stack.url}/console/s/{found[1]}"


def test_the_page_fits_every_width_in_light_and_dark(stack: Stack, browser_page: Open) -> None:
    url = link(stack)
    for width in (320, 390, 768, 1024, 1440):
        for scheme in ("light", "dark"):
            page = browser_page(f"{url}?lang={'en' if width > 400 else 'ru'}", width, scheme)
            sizes = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert sizes[0] <= sizes[1], f"{width} {scheme}: scrolls sideways"
            assert page.locator("h1").bounding_box()["width"] <= width
            wide = page.evaluate(
                "[...document.querySelectorAll('pre, .table')].map(e => [e.scrollWidth > e.clientWidth,"
                " getComputedStyle(e).overflowX])"
            )
            assert all(overflow == "auto" for _, overflow in wide)
            assert contrasts(page) == []
            keep(page, f"shared-{width}-{scheme}")


@needs_axe
def test_axe_finds_nothing(stack: Stack, browser_page: Open) -> None:
    shared = link(stack)
    addresses = {
        f"{shared}?lang=en": 200,
        f"{stack.url}/console/none?lang=ru": 404,
        f"{stack.url}/console/": 200,
    }
    for address, status in addresses.items():
        for width, scheme in ((390, "light"), (1440, "dark")):
            page = browser_page(address, width, scheme, status)
            assert violations(page) == []


def test_everything_is_reached_by_keyboard(stack: Stack, browser_page: Open) -> None:
    page = browser_page(f"{link(stack)}?lang=en", 390)
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.className + document.activeElement.textContent"))
    assert reached[0] == "skip" + text("en", "web_skip")
    assert any(one.startswith("table") for one in reached)
    assert any("def greeting" in one for one in reached)
    assert any("the guide" in one for one in reached)
    page.keyboard.press("Shift+Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


def test_direction_follows_the_text(stack: Stack, browser_page: Open) -> None:
    page = browser_page(f"{link(stack)}?lang=en", 1440)
    directions = page.evaluate(
        "[...document.querySelectorAll('.message > div')].map(e => e.matches(':dir(rtl)'))"
    )
    assert directions == [False, False, True, True]


def test_the_page_works_without_scripts_and_in_print(stack: Stack, browser_page: Open) -> None:
    page = browser_page(f"{link(stack)}?lang=en", 1440, java_script_enabled=False)
    assert page.locator("h1").inner_text() == "The first week of a new support team"
    page.emulate_media(media="print")
    assert not page.locator(".languages").is_visible()


def test_errors_and_the_first_page_are_whole(stack: Stack, browser_page: Open) -> None:
    for width in (390, 1440):
        for scheme in ("light", "dark"):
            page = browser_page(f"{stack.url}/console/none?lang=ru", width, scheme, 404)
            assert page.locator("h1").inner_text() == text("ru", "web_error_404")
            assert contrasts(page) == []
            keep(page, f"error-{width}-{scheme}")
            page = browser_page(f"{stack.url}/console/?lang=en", width, scheme)
            assert page.locator("h1").inner_text() == text("en", "web_home")
            assert contrasts(page) == []
            keep(page, f"home-{width}-{scheme}")
            page.locator("nav a", has_text="Русский").click()
            assert page.locator("h1").inner_text() == text("ru", "web_home")


def test_the_button_in_the_chat_opens_the_page(stack: Stack, window: Callable[..., Any]) -> None:
    url = link(stack, "Zoe")
    page = window()
    page.get_by_text("Zoe", exact=True).first.click()
    opener = page.get_by_role("button", name=text("en", "chatshare_open")).last
    with page.context.expect_page() as opened:
        opener.click()
    assert opened.value.url == url
    assert opened.value.locator("h1").inner_text() == "The first week of a new support team"
