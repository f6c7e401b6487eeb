"""Cost of a call before and after it, and messages that fit a model's context."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai import models
from shared.ai.models import cost_of, count_characters, estimate_cost, fit_context
from shared.ai.provider import Usage
from shared.core import db
from shared.core.config import settings
from shared.core.errors import DatabaseUnavailable
from tests.ai.asking import Ask
from tests.ai.raw_server import CHUNKED, END, RawServer, chunk, plain, sends, stream

SMALL = {
    "provider": "p",
    "model": "small",
    "input_price": "1.00000000",
    "output_price": "10",
    "context_tokens": 16_000,
}
MINI = {
    "provider": "openai",
    "model": "gpt-5.4-mini",
    "input_price": "0.75",
    "output_price": "4.5",
    "context_tokens": None,
}


class Rows:
    """Answers calls to the database with these rows, or as it is down."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.is_down = False
        self.calls = 0

    def __call__(self, function: str) -> list[dict[str, Any]]:
        assert function == "list_chat_models"
        self.calls += 1
        if self.is_down:
            raise DatabaseUnavailable("no answer", maybe_executed=False)
        return self.rows


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """Return the rows of a catalogue that was not read yet."""
    rows = Rows(SMALL, MINI)
    monkeypatch.setattr(db, "call", rows)
    monkeypatch.setattr(models, "_catalogue", {})
    monkeypatch.setattr(models, "_next_read", 0.0)
    return rows


def test_the_estimate_counts_every_character_and_the_longest_answer(rows: Rows) -> None:
    assert estimate_cost("p", "small", 1000) == Decimal("0.081")  # 1,000 at $1 and 8,000 at $10 a million
    assert estimate_cost("openai", "gpt-5.4-mini", 4000) == Decimal("0.039")
    assert estimate_cost("openai", "small", 4000) == Decimal("0.26"), "of another provider, so unknown"
    assert rows.calls == 1


def test_a_price_that_is_missing_counts_as_a_high_one(rows: Rows) -> None:
    rows.rows = [SMALL | {"output_price": None}]
    assert estimate_cost("p", "small", 1000) == Decimal("0.241")


def test_the_catalogue_is_read_again_after_its_time(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(models, "monotonic", lambda: now)
    first = estimate_cost("p", "small", 1000)
    rows.rows = [SMALL | {"input_price": "2"}]
    now += models.KEPT_SECONDS - 1
    assert estimate_cost("p", "small", 1000) == first
    now += 2
    assert estimate_cost("p", "small", 1000) == first + Decimal("0.001")


def test_known_prices_last_while_the_database_is_down(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(models, "monotonic", lambda: now)
    rows.is_down = True
    assert estimate_cost("p", "small", 1000) == estimate_cost("p", "unknown", 1000)
    assert rows.calls == 1, "the database is not asked again at once"
    rows.is_down = False
    now += 31
    assert estimate_cost("p", "small", 1000) == Decimal("0.081")
    rows.is_down = True
    now += models.KEPT_SECONDS + 1
    assert estimate_cost("p", "small", 1000) == Decimal("0.081")


def test_reported_tokens_count_and_missing_ones_are_estimated(rows: Rows) -> None:
    models.catalogue()
    assert cost_of("p", "small", Usage(10, 20), 1000) == Decimal("0.00021")
    assert cost_of("p", "small", Usage(10, None), 1000) == Decimal("0.08001")
    assert cost_of("p", "small", Usage(None, 20), 1000) == Decimal("0.0012")
    assert cost_of("p", "small", Usage(10, 20, Decimal("0.5")), 1000) == Decimal("0.5")
    assert cost_of("p", "small", Usage(0, 0, Decimal(0)), 1000) == 0


@given(lengths=st.lists(st.integers(0, 4000), max_size=12), newest=st.integers(1, 16_000))
def test_only_the_newest_messages_that_fit_are_sent(lengths: list[int], newest: int) -> None:
    roles = ("user", "assistant")
    history = [{"role": roles[n % 2], "content": "x" * length} for n, length in enumerate(lengths)]
    messages = [{"role": "system", "content": "s" * 100}, *history, {"role": "user", "content": "n" * newest}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "find_model", lambda *_name: models.Model(Decimal(1), Decimal(1), 16_000))
        fitting = fit_context(messages, "p", "small")
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


def test_the_estimate_of_a_question_covers_the_longest_one(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared.features.chat.cost import question_cost

    assert Decimal("0.0790") < question_cost() < Decimal("0.0820")  # as docs/deployment.md says
    monkeypatch.setenv("MAX_HISTORY_CHARACTERS", "140000")
    settings.cache_clear()
    assert Decimal("0.1540") < question_cost() < Decimal("0.1570")
