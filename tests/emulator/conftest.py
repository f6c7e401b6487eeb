from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.receiving import Receiver
from tools.emulator.telegram import Telegram


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
    return telegram.person("Anna").chat("assistant")
