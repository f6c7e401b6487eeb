"""Successful completions from the emulator's fake server."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.ai.chat import ChatAnswer, Usage
from shared.ai.provider import MAX_TEXT
from tests.ai.asking import KEY, MESSAGES, Ask, Lines
from tests.ai.raw_server import RawServer, good, plain
from tools.emulator.ai import Ai, AiBehaviour


def test_an_answer_has_its_model_usage_and_sizes(ai: Ai, ask: Ask) -> None:
    ai.next(AiBehaviour(text="Paris is the capital of France.", chunk_delay=0.002))

    answer = ask()

    assert answer == ChatAnswer(
        text="Paris is the capital of France.",
        finish="stop",
        model="gpt-5-mini",
        provider="openai",
        usage=Usage(tokens_in=3, tokens_out=7, cost=None, tokens_cached=0),
        milliseconds=answer.milliseconds,
        request_bytes=answer.request_bytes,
        response_bytes=answer.response_bytes,
    )
    assert 10 <= answer.milliseconds < 2000
    assert answer.request_bytes > len(str(MESSAGES)) / 2
    assert answer.response_bytes > 1000


def test_openai_gets_its_current_parameters(ai: Ai, ask: Ask) -> None:
    ask(temperature=0.2, effort="low")

    assert ai.requests == [
        {
            "model": "gpt-5-mini",
            "messages": MESSAGES,
            "stream": True,
            "stream_options": {"include_usage": True, "include_obfuscation": False},
            "max_completion_tokens": 8000,
            "temperature": 0.2,
            "reasoning_effort": "low",
            "safety_identifier": "f00d",
            "prompt_cache_key": "f00d",
        }
    ]
    assert ai.headers[0]["authorization"] == f"Bearer {KEY}"
    assert ai.headers[0]["content-type"] == "application/json"


def test_optional_parameters_are_left_out_by_default(ai: Ai, ask: Ask) -> None:
    ask(user_reference=None)

    assert not {"temperature", "reasoning_effort", "safety_identifier", "prompt_cache_key", "user"} & set(
        ai.requests[0]
    )


def test_openrouter_gets_the_user_and_reports_the_cost(ai: Ai, ask: Ask) -> None:
    ai.next(AiBehaviour(text="Four."))

    answer = ask(provider="openrouter", model="openai/gpt-5-mini")

    assert (answer.text, answer.finish, answer.provider) == ("Four.", "stop", "openrouter")
    assert answer.usage == Usage(tokens_in=3, tokens_out=1, cost=Decimal("0.000007"), tokens_cached=0)
    assert ai.requests[0]["user"] == "f00d"
    assert "stream_options" not in ai.requests[0]
    assert ai.headers[0]["http-referer"] == "https://bot.example.com"
    assert ai.headers[0]["x-openrouter-title"] == "bot.example.com"


def test_a_cost_is_a_decimal(raw: RawServer, ask: Ask) -> None:
    body = {
        "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.1},
    }
    raw.next(plain(body))

    assert ask(provider="openrouter").usage.cost == Decimal("0.1")


def test_a_users_api_key_is_used_instead_of_ours(ai: Ai, ask: Ask) -> None:
    ask(api_key="sk-their-own")

    assert ai.headers[0]["authorization"] == "Bearer sk-their-own"


def test_a_whole_answer_instead_of_a_stream_is_read(raw: RawServer, ask: Ask) -> None:
    message = {"role": "assistant", "content": "Whole"}
    usage = {"prompt_tokens": 5, "completion_tokens": 1}
    raw.next(plain({"choices": [{"message": message, "finish_reason": "length"}], "usage": usage}))

    answer = ask()

    assert (answer.text, answer.finish, answer.usage) == ("Whole", "length", Usage(5, 1))


def test_keep_alive_spaces_before_a_whole_answer_are_skipped(raw: RawServer, ask: Ask) -> None:
    raw.next(plain(b" \n  " * 20_000 + b'{"choices": [{"message": {"content": "At last"}}]}'))

    answer = ask()

    assert (answer.text, answer.finish) == ("At last", "stop")


def test_content_parts_are_joined(raw: RawServer, ask: Ask) -> None:
    parts = [{"type": "text", "text": "One, "}, {"type": "image_url"}, {"type": "text", "text": "two"}]
    raw.next(plain({"choices": [{"message": {"content": parts}}]}))

    assert ask().text == "One, two"


@pytest.mark.parametrize(
    ("reason", "finish"), [("length", "length"), ("stop", "stop"), ("tool_calls", "stop")]
)
def test_finish_reasons_are_mapped(ai: Ai, ask: Ask, reason: str, finish: str) -> None:
    ai.next(AiBehaviour(text="So far", finish_reason=reason))

    assert ask().finish == finish


def test_a_stream_is_cut_at_the_maximum_text(raw: RawServer, ask: Ask) -> None:
    raw.next(good(*["ж" * 50_000] * 20))

    answer = ask()

    assert answer.finish == "length"
    assert answer.text == "ж" * MAX_TEXT
    assert raw.wait_closed(1), "the rest must not be read"


def test_a_whole_answer_is_cut_at_the_maximum_text(raw: RawServer, ask: Ask) -> None:
    raw.next(plain({"choices": [{"message": {"content": "x" * 500_000}, "finish_reason": "stop"}]}))

    answer = ask()

    assert (answer.finish, len(answer.text)) == ("length", MAX_TEXT)


def test_every_call_leaves_a_line_for_the_trace(ai: Ai, ask: Ask, lines: Lines) -> None:
    ai.next(AiBehaviour(text="Four."))
    ask(provider="openrouter", model="openai/gpt-5-mini")

    (line,) = lines()

    assert line.pop("ms") > 0
    assert line == {
        "severity": "DEBUG",
        "message": "requested a completion from openrouter",
        "action": "ai_call",
        "provider": "openrouter",
        "model": "openai/gpt-5-mini",
        "status": 200,
        "tokens_in": 3,
        "tokens_out": 1,
        "cost": "0.000007",
        "finish": "stop",
    }
