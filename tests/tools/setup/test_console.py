"""Parsing of typed or pasted answers."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.setup.console import QUOTES, Console, unquoted, visible
from tools.setup.verdict import Verdict

INVISIBLE = "\u200b\u200d\u2060\ufeff\u202e\u0000\u001b\udcff"
SPACES = " \t\u00a0\u2009"


def taken(typed: str, *, may_be_quoted: bool = True) -> tuple[str, str]:
    out = io.StringIO()
    console = Console(io.StringIO(typed), out)
    return console.ask_secret("Key", lambda _: Verdict.good(""), may_be_quoted=may_be_quoted), out.getvalue()


@settings(max_examples=50)
@given(
    value=st.text(sorted(set(map(chr, range(33, 127))) - set("\"'`")), min_size=1, max_size=40),
    around=st.tuples(*[st.text(INVISIBLE + SPACES, max_size=4)] * 2),
    quotes=st.sampled_from(["", *QUOTES]),
)
def test_only_the_value_is_kept(value: str, around: tuple[str, str], quotes: str) -> None:
    left, right = quotes[:1], quotes[1:]
    assert taken(f"{around[0]}{left}{around[1]}{value}{around[0]}{right}{around[1]}\n")[0] == value


@pytest.mark.parametrize("password", ['"quoted"', "'", "a b", "пароль", "“”x"])
def test_a_password_keeps_its_quotes_and_spaces(password: str) -> None:
    assert taken(f" {password} \r\n", may_be_quoted=False)[0] == password


@pytest.mark.parametrize(("text", "left"), [('"', '"'), ('"a', '"a'), ('""', ""), ("'a\"", "'a\""), ("", "")])
def test_a_single_quote_is_no_pair(text: str, left: str) -> None:
    assert unquoted(text) == left


def test_an_inner_space_stays_and_an_inner_invisible_character_goes() -> None:
    assert visible(" a\u200bb c\n") == "ab c"


def test_bytes_that_are_no_text_are_asked_for_again() -> None:
    out = io.StringIO()
    console = Console(io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), "utf-8"), out)
    with pytest.raises(EOFError):
        console.ask("Name", lambda _: Verdict.good(""))
    assert "not text in UTF-8" in out.getvalue()


def test_yes_or_no_is_asked_until_it_is_one() -> None:
    out = io.StringIO()
    console = Console(io.StringIO("ok\nда\n NO \n"), out)
    assert console.confirm("Go?") is False
    assert out.getvalue().count("Answer y or n.") == 2
