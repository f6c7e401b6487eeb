"""The pages as a Mini App in Chromium: login, links, forms, history, theme, and what Telegram is received."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core.texts import text
from shared.features.login.pages.devices import PATH as DEVICES
from tools.emulator.stack import Stack
from tools.emulator.telegram.files import picture
from tools.emulator.telegram.mini_app import launch_url
from tools.emulator.telegram.users import TelegramUser

pytestmark = pytest.mark.browser
Sql = Callable[..., list[dict[str, Any]]]
Open = Callable[..., Any]
# What Telegram's apps for phones put into a page.
PROXY = """
window.received = [];
window.TelegramWebviewProxy = { postEvent: (type, data) => window.received.push([type, JSON.parse(data)]) };
"""

# Telegram's site: another one than ours, with the Mini App in a frame.
WEB = "https://web.telegram.org/"
CLIENT = """<!doctype html><title>Telegram</title><script>
window.received = [];
addEventListener("message", ({ data }) => {
  const { eventType, eventData } = JSON.parse(data);
  received.push([eventType, eventData]);
});
</script>"""


@pytest.fixture
def anna(stack: Stack) -> TelegramUser:
    return stack.telegram.user("Anna", "en")


@pytest.fixture
def phone(chromium: Any, stack: Stack) -> Iterator[Open]:
    """Open an address as Telegram's apps do; fails on errors of the page and requests to other hosts."""
    contexts, complaints = [], []

    def open_page(url: str, script: str = PROXY, **options: Any) -> Any:
        options = {"viewport": {"width": 400, "height": 800}, "locale": "en-US", **options}
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("console", lambda line: complaints.append(line.text) if _is_complaint(line) else None)
        known = (stack.url, "blob:", WEB)
        page.on("request", lambda one: None if one.url.startswith(known) else complaints.append(one.url))
        page.route(f"{WEB}**", lambda route: route.fulfill(body=CLIENT, content_type="text/html"))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(line: Any) -> bool:
    """Whether the page complains. Chromium itself reports requests that fail, and plain HTTP."""
    is_known = line.text.startswith(("Failed to load resource", "Mixed Content"))
    return line.type in ("error", "warning") and not is_known


def address(stack: Stack, user: TelegramUser, at: str = DEVICES, theme: str = "light") -> str:
    """Return the address with which Telegram opens the assistant's Mini App."""
    url = f"{stack.url}/console/app/assistant" + (f"?at={at}" if at else "")
    return launch_url(url, user.init_data(), theme=theme)


def received(page: Any, kind: str) -> list[Any]:
    return [data for name, data in page.evaluate("received") if name == kind]


def heading(page: Any, key: str) -> Any:
    return page.get_by_role("heading", level=1, name=text("en", key))


def test_a_mini_app_logs_in_and_shows_pages(stack: Stack, anna: TelegramUser, phone: Open) -> None:
    page = phone(address(stack, anna))
    heading(page, "login_devices").wait_for()
    assert page.title() == text("en", "login_devices")
    assert page.url == f"{stack.url}/console/app/assistant?at={DEVICES}", "signed data has left the address"
    assert page.context.cookies() == []
    assert received(page, "web_app_ready") == [{}]
    assert received(page, "web_app_expand") == [{}]
    assert received(page, "web_app_setup_back_button")[-1] == {"is_visible": False}
    assert page.get_by_text(text("en", "login_way_mini_app")).count() == 1


def test_links_forms_and_the_back_button(stack: Stack, anna: TelegramUser, phone: Open, sql: Sql) -> None:
    other = phone(address(stack, anna))
    heading(other, "login_devices").wait_for()
    page = phone(address(stack, anna))
    heading(page, "login_devices").wait_for()
    page.get_by_role("link", name="Русский").click()
    page.get_by_role("heading", level=1, name=text("ru", "login_devices")).wait_for()
    assert page.locator("html").get_attribute("lang") == "ru"
    assert received(page, "web_app_setup_back_button")[-1] == {"is_visible": True}
    page.evaluate("Telegram.WebView.receiveEvent('back_button_pressed', null)")
    heading(page, "login_devices").wait_for()
    assert received(page, "web_app_setup_back_button")[-1] == {"is_visible": False}
    page.get_by_role("button", name=text("en", "login_end_others")).click()
    page.get_by_role("status").get_by_text(text("en", "login_ended_notice")).wait_for()
    assert len(sql("select from user_sessions")) == 1
    assert received(page, "web_app_setup_back_button")[-1] == {"is_visible": False}, "a form adds no history"
    # The other one has lost its session.
    other.get_by_role("link", name="Русский").click()
    other.get_by_role("alert").get_by_text(text("en", "mini_app_ended")).wait_for()


def test_a_reload_keeps_page_and_session(stack: Stack, anna: TelegramUser, phone: Open, sql: Sql) -> None:
    page = phone(address(stack, anna, theme="dark"))
    heading(page, "login_devices").wait_for()
    page.get_by_role("link", name="Русский").click()
    page.get_by_role("heading", level=1, name=text("ru", "login_devices")).wait_for()
    page.reload()
    page.get_by_role("heading", level=1, name=text("ru", "login_devices")).wait_for()
    assert len(sql("select from user_sessions")) == 1
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(33, 33, 33)"


def test_the_first_page_is_chosen_by_the_button(stack: Stack, anna: TelegramUser, phone: Open) -> None:
    page = phone(address(stack, anna, at=f"{DEVICES}?lang=ru"))
    page.get_by_role("heading", level=1, name=text("ru", "login_devices")).wait_for()
    page = phone(address(stack, anna, at="https://evil.example/"))
    page.get_by_role("heading", level=1, name="Anna").wait_for()


def test_a_theme_is_taken_as_far_as_it_is_readable(stack: Stack, anna: TelegramUser, phone: Open) -> None:
    page = phone(address(stack, anna, theme="dark"))
    heading(page, "login_devices").wait_for()
    assert page.evaluate("document.documentElement.style.colorScheme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(255, 255, 255)"
    for theme in ({"bg_color": "#777777", "text_color": "#888888"}, {"bg_color": "url(x)"}, {}):
        event = json.dumps({"theme_params": theme})
        page.evaluate(f"Telegram.WebView.receiveEvent('theme_changed', {event})")
        assert page.evaluate("document.documentElement.style.getPropertyValue('--ink')") == ""
    event = json.dumps({"theme_params": {"bg_color": "#fff8e1", "text_color": "#1b1b1b"}})
    page.evaluate(f"Telegram.WebView.receiveEvent('theme_changed', {event})")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 248, 225)"
    page.evaluate("Telegram.WebView.receiveEvent('viewport_changed', {height: 555, is_state_stable: true})")
    assert page.evaluate("document.documentElement.style.getPropertyValue('--viewport-height')") == "555px"


@pytest.mark.parametrize("kind", ["forged", "used", "none"])
def test_a_login_that_fails_says_what_to_do(stack: Stack, anna: TelegramUser, phone: Open, kind: str) -> None:
    data = anna.init_data()
    shell = f"{stack.url}/console/app/assistant"
    if kind == "used":
        heading(phone(launch_url(f"{shell}?at={DEVICES}", data)), "login_devices").wait_for()
    if kind == "forged":
        data = data.replace("Anna", "Olga")
    page = phone(launch_url(shell, data) if kind != "none" else shell, PROXY if kind != "none" else "")
    key = "mini_app_outside" if kind == "none" else "mini_app_refused"
    page.get_by_role("alert").get_by_text(text("en", key)).wait_for()


def test_a_server_that_is_down_is_tried_again(stack: Stack, anna: TelegramUser, phone: Open) -> None:
    page = phone(address(stack, anna))
    heading(page, "login_devices").wait_for()
    page.route("**/account/**", lambda route: route.abort())
    page.get_by_role("link", name="Русский").click()
    page.get_by_role("alert").get_by_text(text("en", "mini_app_offline")).wait_for()
    page.unroute("**/account/**")
    page.get_by_role("link", name="Русский").click()
    page.get_by_role("heading", level=1, name=text("ru", "login_devices")).wait_for()
    assert page.get_by_role("alert").count() == 0


def test_a_photo_that_needs_the_token_is_shown(stack: Stack, anna: TelegramUser, phone: Open) -> None:
    anna.chat().send("/start").wait()
    anna.show_photo(picture())
    page = phone(address(stack, anna))
    heading(page, "login_devices").wait_for()
    assert page.locator("span.face").inner_text() == "A"
    assert stack.run_job("avatars").status == 200
    page.get_by_role("link", name="Русский").click()
    page.locator("img.face[src^=blob]").wait_for()
    page.wait_for_function("document.querySelector('img.face').naturalWidth > 0")


def test_other_addresses_open_outside(stack: Stack, anna: TelegramUser, phone: Open) -> None:
    page = phone(address(stack, anna))
    heading(page, "login_devices").wait_for()
    page.evaluate(
        """() => {
          for (const href of ["https://t.me/example?start=x", "https://example.com/a?b#c"]) {
            const link = Object.assign(document.createElement("a"), { href, textContent: href });
            document.querySelector("main").append(link, " ");
          }
        }"""
    )
    page.get_by_role("link", name="https://t.me").click()
    page.get_by_role("link", name="https://example.com").click()
    assert received(page, "web_app_open_tg_link") == [{"path_full": "/example?start=x"}]
    assert received(page, "web_app_open_link") == [{"url": "https://example.com/a?b#c"}]
    assert page.url == f"{stack.url}/console/app/assistant?at={DEVICES}"


def test_in_a_frame_of_telegrams_site(stack: Stack, anna: TelegramUser, phone: Open) -> None:
    """A frame of another site has no cookies of ours, and events come as messages."""
    page = phone(WEB, "")
    page.evaluate(
        "url => document.body.append(Object.assign(document.createElement('iframe'), { src: url }))",
        address(stack, anna),
    )
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", level=1, name=text("en", "login_devices")).wait_for()
    frame.get_by_role("link", name="Русский").click()
    frame.get_by_role("heading", level=1, name=text("ru", "login_devices")).wait_for()
    assert received(page, "iframe_ready") == [{"reload_supported": True}]
    assert received(page, "web_app_setup_back_button")[-1] == {"is_visible": True}
    page.evaluate(
        "document.querySelector('iframe').contentWindow.postMessage("
        "JSON.stringify({ eventType: 'back_button_pressed' }), '*')"
    )
    frame.get_by_role("heading", level=1, name=text("en", "login_devices")).wait_for()
    assert page.context.cookies() == []


def test_a_frame_that_telegrams_site_inserts_anew(
    stack: Stack, anna: TelegramUser, phone: Open, sql: Sql
) -> None:
    """Its “Reload Page” gives the data that opened a session before; that of another account opens one."""
    page = phone(WEB, "")
    insert = """url => {
        document.querySelector('iframe')?.remove();
        document.body.append(Object.assign(document.createElement('iframe'), { src: url }));
    }"""
    launch = address(stack, anna)
    frame = page.frame_locator("iframe")
    for _ in range(2):
        page.evaluate(insert, launch)
        frame.get_by_role("heading", level=1, name=text("en", "login_devices")).wait_for()
    assert len(sql("select from user_sessions")) == 1
    page.evaluate(insert, address(stack, stack.telegram.user("Boris", "en"), at="/account"))
    frame.get_by_role("heading", level=1, name="Boris").wait_for()
    assert len(sql("select from user_sessions")) == 2


def test_only_telegram_may_frame_the_shell(stack: Stack, anna: TelegramUser, phone: Open) -> None:
    import urllib3

    shell = urllib3.request("GET", f"{stack.url}/console/app/assistant")
    policy = shell.headers["Content-Security-Policy"]
    assert "frame-ancestors https://web.telegram.org https://*.telegram.org;" in f"{policy};"
    assert "script-src 'self';" in f"{policy};"
    assert "X-Frame-Options" not in shell.headers
    assert urllib3.request("GET", f"{stack.url}/console/app/nope").status == 404
    page = urllib3.request("GET", f"{stack.url}/console{DEVICES}", redirect=False)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_the_emulator_opens_a_mini_app(stack: Stack, window: Open) -> None:
    page = window(locale="en-US")
    page.get_by_role("button", name="Chat menu").click()
    with page.expect_popup() as popup:
        page.get_by_role("menuitem", name="Open the Mini App").click()
    popup.value.locator("header.bar").wait_for()
    assert popup.value.url == f"{stack.url}/console/app/assistant"


@pytest.mark.parametrize("at", ["/../telegram/x", "/%252e%252e/telegram/x", "/.//evil.example/x"])
def test_an_address_that_leads_out_of_the_site_opens_the_first_page(
    stack: Stack, anna: TelegramUser, phone: Open, at: str
) -> None:
    """The token goes to our pages alone: the other functions have the same origin."""
    page = phone("about:blank")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(address(stack, anna, at))
    page.locator("h1", has_not_text=text("en", "mini_app_title")).wait_for()
    assert [one for one in asked if not one.startswith(f"{stack.url}/console/")] == []
