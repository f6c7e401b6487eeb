"""Cost of a call before and after it, and messages that fit a model's context."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai import models
from shared.ai.models import cost_of, count_characters, estimate_cost, fit_context
from shared.ai.provider import Usage
from shared.core.config import settings
from tests.ai.asking import Ask
from tests.ai.raw_server import CHUNKED, END, RawServer, chunk, plain, sends, stream

SMALL = '{"small": {"in": 1, "out": 10, "context": 16000}}'


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure a model in MODELS."""
    monkeypatch.setenv("MODELS", SMALL)
    settings.cache_clear()


def test_the_estimate_counts_every_character_and_the_longest_answer(small: None) -> None:
    assert estimate_cost("small", 1000) == Decimal("0.081")  # 1,000 at $1 and 8,000 at $10 a million
    assert estimate_cost("gpt-5-mini", 4000) == Decimal("0.017")
    assert estimate_cost("unheard-of", 1000) > estimate_cost("gpt-5-mini", 1000) * 10


def test_reported_tokens_count_and_missing_ones_are_estimated(small: None) -> None:
    assert cost_of("small", Usage(10, 20), 1000) == Decimal("0.00021")
    assert cost_of("small", Usage(10, None), 1000) == Decimal("0.08001")
    assert cost_of("small", Usage(None, 20), 1000) == Decimal("0.0012")
    assert cost_of("small", Usage(10, 20, Decimal("0.5")), 1000) == Decimal("0.5")
    assert cost_of("small", Usage(0, 0, Decimal(0)), 1000) == 0


@given(lengths=st.lists(st.integers(0, 4000), max_size=12), newest=st.integers(1, 16_000))
def test_only_the_newest_messages_that_fit_are_sent(lengths: list[int], newest: int) -> None:
    roles = ("user", "assistant")
    history = [{"role": roles[n % 2], "content": "x" * length} for n, length in enumerate(lengths)]
    messages = [{"role": "system", "content": "s" * 100}, *history, {"role": "user", "content": "n" * newest}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "find_model", lambda _name: models.Model(Decimal(1), Decimal(1), 16_000))
        fitting = fit_context(messages, "small")
    assert (fitting[0], fitting[-1]) == (messages[0], messages[-1])
    kept = fitting[1:-1]
    assert kept == history[len(history) - len(kept) :]
    assert not kept or count_characters(fitting) <= 8_000
    left = history[: len(history) - len(kept)]
    if left and left[-1]["role"] == "user":  # it was left out because it did not fit
        longer = count_characters(fitting) + len(left[-1]["content"])
        following = len(history[len(left)]["content"]) if kept == [] and len(left) < len(history) else 0
        assert longer + following > 8_000


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported parameter: 'max_completion_tokens' is not supported with this model.",
        "max_completion_tokens is too large: 8000. This model supports at most 4096 completion tokens.",
    ],
)
def test_every_request_limits_tokens(raw: RawServer, ask: Ask, message: str) -> None:
    refusal = plain({"error": {"message": message, "param": "max_completion_tokens"}}, "400 Bad Request")
    raw.next(refusal, sends(CHUNKED + chunk(stream("Hello")) + END))
    assert ask(model="an-older-one").text == "Hello"
    first, second = (request.body for request in raw.requests)
    assert first["max_completion_tokens"] == settings().chat_max_tokens
    assert "max_completion_tokens" not in second
    assert second["max_tokens"] == 4000


def test_the_estimate_of_a_question_covers_the_longest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.features.chat.cost import question_cost

    assert Decimal("0.0300") < question_cost() < Decimal("0.0310")  # as docs/deployment.md says
    monkeypatch.setenv("MAX_HISTORY_CHARACTERS", "140000")
    settings.cache_clear()
    assert Decimal("0.0550") < question_cost() < Decimal("0.0560")
