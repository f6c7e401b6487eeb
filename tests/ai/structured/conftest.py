from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.ai.structured import ask_structured
from tests.ai.asking import MESSAGES
from tests.ai.labels import Labels

AskLabels = Callable[..., Labels]


@pytest.fixture
def ask_labels() -> AskLabels:
    """Return a function that requests Labels with a deadline of `seconds`."""

    def ask(*, seconds: float = 8.0, **rest: Any) -> Labels:
        arguments = {"model": "some-model", "provider": "openai", "kind": "classification"} | rest
        messages = arguments.pop("messages", MESSAGES)
        return ask_structured(Labels, messages, deadline=time.monotonic() + seconds, **arguments)

    return ask
