"""Pasted values are read without invisible and surrounding characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core import user_input

UNSEEN = "\u200b\u200c\u200d\u200e\u202a\u202e\u2060\ufeff\xad\ufe0f\u3164\U000e0020\x00"
BLANKS = " \t\r\n\xa0\u2003\u202f\u3000\u2800\u2028"
AROUND = "\"'`«»“”„‘’<>()[]{}*~,;:.!?…"


@given(
    st.text("abcXYZ019_-", min_size=1),
    st.text(UNSEEN + BLANKS + AROUND, max_size=20),
    st.text(UNSEEN + BLANKS + AROUND, max_size=20),
)
def test_surrounding_punctuation_is_removed(word: str, before: str, after: str) -> None:
    assert user_input.single_value(before + word + after) == word


@given(st.text("abcXYZ019_-", min_size=1, max_size=30), st.text(UNSEEN, min_size=1, max_size=5), st.data())
def test_invisible_characters_are_removed(word: str, unseen: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word)))
    assert user_input.single_value(word[:at] + unseen + word[at:]) == word


@pytest.mark.parametrize(("written", "looks"), [
    ("Ａnna\u00a0\u200b  B", "Anna B"), ("ﬁx\n\n1", "fix 1"), ("\ufeff", ""), ("", ""), ("й", "й"),
])  # fmt: skip
def test_text_is_normalized(written: str, looks: str) -> None:
    assert user_input.normalize(written) == looks


@pytest.mark.parametrize(("message", "rest"), [
    ("/promo", ""), ("/promo  A  ", "A"), ("/promo\nA B", "A B"), ("/promo\u00a0A", "A"),
    ("/promo@bot\tA", "A"),
])  # fmt: skip
def test_the_argument_of_a_command(message: str, rest: str) -> None:
    assert user_input.command_argument(message) == rest
