"""One Chromium for all browser tests; each test gets a new window that fails on page errors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import pytest

from tests.browser.site_pages import Open
from tests.conftest import make_stack
from tools.emulator.stack import Stack

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # A page that stands for Telegram's site frames one of this machine.
    "--disable-features=LocalNetworkAccessChecks",
]  # fmt: skip


@pytest.fixture(scope="session")
def one_stack(backend_url: str, database_url: str) -> Iterator[Stack]:
    """The stack of all tests, with the owner's connection: the page moves time and reads tables."""
    stack = make_stack(backend_url, database_url)
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Start the browser. Without one, tests are skipped on a developer's machine and fail in CI."""
    missing = "Chromium" if CHROMIUM is None else "playwright" if find_spec("playwright") is None else None
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{missing} is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Any, stack: Stack) -> Iterator[Callable[..., Any]]:
    """Open the page: `window(width=…, height=…)`. Fails on page errors and requests to other hosts."""
    contexts, complaints = [], []

    def open_page(width: int = 1440, height: int = 900, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on(
            "request",
            lambda request: None if request.url.startswith(stack.url) else complaints.append(request.url),
        )
        page.goto(stack.url)
        page.locator("#line-state[data-state=up]").wait_for(state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def browser_page(chromium: Any, stack: Stack) -> Iterator[Open]:
    """Open an address without the emulator's page; fail on errors and requests to other hosts."""
    contexts, complaints = [], []

    def open_page(
        url: str,
        width: int,
        scheme: str = "light",
        expected: int = 200,
        cookies: Sequence[Any] = (),
        tolerated: str = "",
        **options: Any,
    ) -> Any:
        def is_fault(words: str) -> bool:
            return expected == 200 and not (tolerated and tolerated in words)

        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        contexts.append(context)
        context.add_cookies(list(cookies))
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("console", lambda line: complaints.append(line.text) if is_fault(line.text) else None)
        page.on(
            "request",
            lambda request: None if request.url.startswith(stack.url) else complaints.append(request.url),
        )
        response = page.goto(url)
        assert response.status == expected
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
