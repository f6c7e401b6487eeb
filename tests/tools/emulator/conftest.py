from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.tools.emulator.receiving import Receiver
from tools.emulator.stack import Stack
from tools.emulator.telegram import Telegram


@pytest.fixture(scope="module")
def bare() -> Iterator[Stack]:
    """The emulator without functions: nothing in it needs the database."""
    stack = Stack("postgresql://127.0.0.1:1/none", {}, telegram=Telegram(retry_scale=0.01))
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.server.start()
    yield receiver
    receiver.gate.set()
    receiver.server.stop()


@pytest.fixture
def telegram(receiver: Receiver) -> Iterator[Telegram]:
    """One bot whose webhook is the receiver; retries wait a hundredth of the real time."""
    telegram = Telegram(retry_scale=0.01)
    telegram.request("assistant", "setWebhook", {"url": receiver.server.url, "secret_token": "s3cret"})
    yield telegram
    telegram.stop()


@pytest.fixture
def chat(telegram: Telegram) -> Any:
    return telegram.user("Anna").chat("assistant")
