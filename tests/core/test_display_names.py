"""Names that others choose are shown on one line, without invisible characters and links."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.display_names import display_name

# What tdlib reads as part of an address: U+2060 is not, so it ends one (td/telegram/MessageEntity.cpp).
ADDRESS = re.compile(r"[\w-]\.[\w-]|://\w|(?<!\w)[@#$/]\w")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Anna", "Anna"),
        ("Анна-Мария О’Нил", "Анна-Мария О’Нил"),
        ("\u202eanna", "anna"),
        ("\u2067a\u2069\u200e\u200f\u061cb", "ab"),
        ("A\u200bn\u2060n\ufeffa\u00ad", "Anna"),
        ("An\u200dna \u200c", "Anna"),
        ("a\nb\r\tc\u2028d  e", "a b c d e"),
        ("\u3164\u2800\u115f\u200b", ""),
        ("\ud800x", "x"),
        ("❤️ Anna 👨‍👩‍👧", "❤️ Anna 👨‍👩‍👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("👨\u200d\u200d\u200d👩", "👨👩"),
        ("t.me/evil", "t.\u2060me/\u2060evil"),
        ("https://evil.example", "https:\u2060/\u2060/\u2060evil.\u2060example"),
        ("@durov #tag /start $USD", "@\u2060durov #\u2060tag /\u2060start $\u2060USD"),
        ("evil\u200b.\u200bcom", "evil.\u2060com"),
        ("Dr. No", "Dr. No"),
    ],
)
def test_a_name_is_shown_without_invisible_characters(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_the_parts_of_a_name_are_joined_and_missing_ones_left_out() -> None:
    assert display_name("Anna", None, "", "K.") == "Anna K."


@given(st.text(max_size=40) | st.text("\u202e\u2066\u200b\u200d\u2060\ufeffab.@/#$:\n 👨א", max_size=20))
def test_no_name_reverses_the_text_or_becomes_a_link(name: str) -> None:
    shown = display_name(name)
    assert not ADDRESS.search(shown)
    assert not re.search("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\n\r]", shown)
    assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cs")]
    assert display_name(shown) == shown
