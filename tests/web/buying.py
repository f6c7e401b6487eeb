"""Purchases on the pages of the shop, for tests: fill in the form of a product as a browser would."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from tests.web.conftest import Answer
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]


def customer(stack: Stack, language: str = "en", name: str = "Anna") -> tuple[Chat, Visitor]:
    """Return the chat of a new user, and a browser in which they are logged in."""
    chat = stack.telegram.user(name, language_code=language).chat("assistant")
    visitor = Visitor(stack, language)
    visitor.log_in(chat, "/buy")
    return chat, visitor


def fields(page: Answer, action: str) -> dict[str, str]:
    """Return what the form that leads to `action` sends: hidden fields, texts, and the checked option."""
    form = re.search(rf'<form[^>]*action="[^"]*{re.escape(action)}[^"]*".*?</form>', page.body, re.DOTALL)
    assert form, f"no form to {action}: {page.body}"
    found = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        names = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if names.get("type") == "radio" and not tag.rstrip(">").endswith(" checked"):
            continue
        found[names["name"]] = unescape(names.get("value", ""))
    return found


def options(page: Answer) -> list[str]:
    """Return the payment options of a product's page."""
    return [unescape(one) for one in re.findall(r'name="option" value="([^"]+)"', page.body)]


def form_of(visitor: Visitor, key: str, provider: str, *, repeats: bool = False) -> dict[str, str]:
    """Open a product and return its form with a provider chosen."""
    page = visitor.get(f"/buy/{key}")
    assert page.status == 200, page.body
    option = next(
        one for one in options(page) if one.startswith(f"{provider}:") and one.endswith(":again") == repeats
    )
    return {**fields(page, f"/buy/{key}/order"), "option": option}


def order_page(visitor: Visitor, key: str, provider: str, *, repeats: bool = False, **more: str) -> Answer:
    """Order a product and return the page of the order."""
    sent = {**form_of(visitor, key, provider, repeats=repeats), **more}
    made = visitor.post(f"/buy/{key}/order", sent)
    assert made.status == 303, made.body
    return visitor.get(location(made))


def location(answer: Answer) -> str:
    """Return where a form leads."""
    return str(answer.headers["Location"])


def pay_link(page: Answer) -> str:
    """Return the link of the button "Pay"."""
    found = re.search(r'<a class="button" href="([^"]+)"', page.body)
    assert found, page.body
    return unescape(found[1])


def number(page: Answer) -> int:
    """Return the number of the order that a page shows."""
    found = re.search(r"/account/orders/(\d+)/state", page.body)
    assert found, page.body
    return int(found[1])


def plain(page: Answer) -> str:
    """Return what a page says, without tags and with ordinary spaces."""
    words = unescape(re.sub(r"<[^>]+>", " ", page.body)).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", words)
