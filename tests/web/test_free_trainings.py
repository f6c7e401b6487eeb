"""The page of free trainings: what there is, the way to the bot, and the reward for joining the channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_trainings import channel
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.environment import CHANNEL
from tools.emulator.stack import Stack
from tools.emulator.telegram import Channel

__all__ = ["channel"]  # a fixture
Sql = Callable[..., list[dict[str, Any]]]
PATH = "/account/free"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_joining_the_channel_gives_trainings_once(
    stack: Stack, channel: Channel, sql: Sql, language: str
) -> None:
    user = stack.telegram.user("Nina", language)
    browser = Visitor(stack, language)
    browser.log_in(user.chat("assistant"))
    page = browser.get(PATH)
    check_page(page.body)
    assert f'href="https://t.me/{CHANNEL}"' in page.body
    assert text(language, "trainings_start") not in page.body
    refused = browser.post(f"{PATH}/claim")
    assert refused.status == 422
    check_page(refused.body)
    assert text(language, "trainings_not_joined", channel="Switchboard News") in refused.body
    channel.join(user)
    browser.get(PATH)
    assert browser.post(f"{PATH}/claim").status == 303
    page = browser.get(PATH)
    check_page(page.body)
    assert text(language, "trainings_start") in page.body
    assert f'href="{stack.url}/t.me/' in page.body
    assert text(language, "trainings_page_joined") not in page.body
    again = browser.post(f"{PATH}/claim")
    assert again.status == 422
    assert text(language, "trainings_already_given") in again.body
    assert sql("select sum(quantity)::int as n from free_trainings") == [{"n": 1}]
    channel.leave(user)


def test_without_telegram_the_page_is_shown(stack: Stack, channel: Channel, browser: Visitor) -> None:
    channel.room.bots.clear()
    assert browser.get(PATH).status == 200
    assert browser.post(f"{PATH}/claim").status == 422
