"""Words of a message that may be API keys."""

from __future__ import annotations

import pytest

from shared.ai.user_keys.patterns import candidates, is_key_alone

KEY = "4f9aQ2b7Lx0TnV3mWc8RzYd1"


@pytest.mark.parametrize(
    "text", [KEY, f" {KEY}\n", f"`{KEY}`", f"“{KEY}”", f"ключ: {KEY}", f'"{KEY}",', f"{KEY} {KEY}"]
)
def test_a_key_is_found_within_other_text(text: str) -> None:
    assert candidates(text) == [KEY]


@pytest.mark.parametrize(
    "text", ["", "hello", "what is a switchboard?", "https://example.com/a/long/address", "ё" * 40, "x" * 600]
)
def test_ordinary_words_are_not_candidates(text: str) -> None:
    assert candidates(text) == []


def test_several_candidates_are_returned() -> None:
    assert len(candidates(f"{KEY} or {KEY}2")) == 2


@pytest.mark.parametrize(
    ("text", "is_key"),
    [
        (KEY, True),
        ("incomprehensibility", False),
        ("12345678901234567890", False),
        (f"is {KEY} good?", False),
        ("привет", False),
        ("https://example.com/page/12345", False),
    ],
)
def test_a_single_random_word_may_be_a_key(text: str, is_key: bool) -> None:
    assert is_key_alone(text) is is_key
