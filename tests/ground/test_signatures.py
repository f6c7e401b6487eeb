"""Comparisons with secrets: rotation works, an empty secret opens nothing."""

from __future__ import annotations

import pytest

from shared.signatures import bearer_token, token_matches


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
def test_a_token_matches_only_a_secret_that_is_there(
    candidate: str | None, secrets: tuple[str, ...], matches: bool
) -> None:
    assert token_matches(candidate, secrets) is matches


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("", ""), (None, ""), ("Bearer", "")],
)
def test_the_token_of_a_bearer_header(header: str | None, token: str) -> None:
    assert bearer_token(header) == token
