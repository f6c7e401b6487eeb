"""Comparisons with secrets: several secrets during a rotation; an empty one never matches."""

from __future__ import annotations

import hmac

import pytest

from shared.core.signatures import bearer_token, token_matches, user_hash


@pytest.mark.parametrize(
    ("candidate", "secrets", "matches"),
    [
        ("new", ("new", "old"), True),
        ("old", ("new", "old"), True),
        ("other", ("new", "old"), False),
        ("", ("",), False),
        (None, ("",), False),
        (None, ("new",), False),
        ("new", (), False),
        ("ключ", ("ключ",), True),
        ("\udce9", ("é",), False),
    ],
)
def test_a_token_matches_only_configured_secrets(
    candidate: str | None, secrets: tuple[str, ...], matches: bool
) -> None:
    assert token_matches(candidate, secrets) is matches


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("", ""), (None, ""), ("Bearer", "")],
)
def test_the_token_of_a_bearer_header(header: str | None, token: str) -> None:
    assert bearer_token(header) == token


@pytest.mark.parametrize("key", ["k" * 32, "ключ" * 8, "k" * 64, "k" * 65, "k" * 300])
def test_a_users_hash_is_an_hmac_whatever_the_length_of_the_key(key: str) -> None:
    for telegram_id in (1, 5_000_000_000):
        message = f"telegram:{telegram_id}".encode()
        assert user_hash(telegram_id, key) == hmac.new(key.encode(), message, "sha256").hexdigest()
