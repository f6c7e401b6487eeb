"""Questions of other programs become a bank; what cannot is refused with its line and the reason."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.features.quiz.bank_models import Bank, Question
from tools.quiz import aiken, gift, table, toml_writer
from tools.quiz.__main__ import main
from tools.quiz.convert import Defaults, UnreadableFile, convert
from tools.quiz.draft import UnreadableLine

GIFT = r"""// a comment
$CATEGORY: sales/closing

::Closing:: Which question closes?{
  =Shall we sign on Friday? #It asks for a decision.
  ~What is your budget? #No.
  // between the options
  ~Who \{else\} decides \= signs?
}

[html]Pick two\: {~%50%One ~%50%Two ~%-100%Three ####Two of them\nare right.}

The sky is blue.{TRUE#No, it is.#Indeed.}

Prices go {~up =down ~sideways} after a concession.
"""


def test_gift_is_read() -> None:
    close, pick, sky, gap = gift.read(GIFT)
    assert close.line == 4
    assert (close.text, close.right, close.multiple) == ("Which question closes?", [0], False)
    assert close.options == [
        "Shall we sign on Friday?",
        "What is your budget?",
        "Who {else} decides = signs?",
    ]
    assert (close.explanation, close.topic) == ("It asks for a decision.", "closing")
    assert (pick.text, pick.options, pick.right, pick.multiple) == (
        "Pick two:",
        ["One", "Two", "Three"],
        [0, 1],
        True,
    )
    assert pick.explanation == "Two of them\nare right."
    assert (sky.options, sky.right, sky.explanation) == (["True", "False"], [0], "Indeed.")
    assert (gap.text, gap.right) == ("Prices go ____ after a concession.", [1])


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("No answers", 1, "no answers"),
        ("\n\nA {=b ~c", 3, "one { and one }"),
        ("A {=b ~c} d {=e ~f}", 1, "one { and one }"),
        ("A } b {", 1, "one { and one }"),
        ("{=b ~c}", 1, "the question is empty"),
        ("A {}", 1, "essay"),
        ("A {#3:2}", 1, "numerical"),
        ("A {=b =c}", 1, "short answers"),
        ("A {=b -> c =d -> e ~f}", 1, "matching"),
        ("A\n{\n~b\n~c\n}", 2, "no option is right"),
        ("A {\n=b\n~\n}", 3, "an option is empty"),
        ("A {maybe}", 1, "begin with = or ~"),
        ("A {\n=b\n\n~c}", 1, "one { and one }"),
    ],
)
def test_what_is_no_gift_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(UnreadableLine, match=reason) as refused:
        gift.read(text)
    assert refused.value.line == line


def test_aiken_is_read() -> None:
    text = "Which closes?\nA) A budget\nB) A date\nANSWER: B\n\nWhich opens?\nA. Hello\nB. Bye\nANSWER: a\n"
    first, second = aiken.read(text)
    assert (first.text, first.options, first.right) == ("Which closes?", ["A budget", "A date"], [1])
    assert (second.line, second.right) == (6, [0])


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("Q\nA) a\nB) b", 1, "no ANSWER"),
        ("Q\nA) a\nC) b\nANSWER: A", 3, "C comes where B is next"),
        ("Q\nA) a\nB) b\nANSWER: C", 4, "no option C"),
        ("A) a", 1, "before its options"),
        ("Q\nA) a\nmore\nANSWER: A", 3, "expected an option"),
        ("Q\nANSWER: A", 2, "no option A"),
    ],
)
def test_what_is_no_aiken_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(UnreadableLine, match=reason) as refused:
        aiken.read(text)
    assert refused.value.line == line


def test_csv_is_read_with_each_separator() -> None:
    for separator in ",;\t":
        rows = [
            ["question", "a", "b", "c", "right", "explanation", "topic", "level"],
            ['"Which\ncloses?"', "A budget", "A date", "", "b", "It decides.", "closing", "3"],
            ["Pick", "one", "two", "three", "a c", "", "", ""],
        ]
        first, second = table.read("\n".join(separator.join(row) for row in rows))
        assert (first.text, first.options, first.right) == ("Which\ncloses?", ["A budget", "A date"], [1])
        assert (first.topic, first.level, first.explanation) == ("closing", 3, "It decides.")
        assert (second.line, second.right, second.multiple) == (4, [0, 2], True)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("question,a,b\nQ,1,2", 1, "no column right"),
        ("question,a,b,right,colour\nQ,1,2,a,red", 1, "unknown column 'colour'"),
        ("question,a,b,right\nQ,1,2,c", 2, "no option 'c'"),
        ("question,a,b,right\nQ,1,2,", 2, "right is empty"),
        ("question,a,b,right\n,1,2,a", 2, "question is empty"),
        ("question,a,b,c,right\nQ,1,,3,a", 2, "an option is empty"),
        ("question,a,b,right\nQ,1,2", 2, "number of columns"),
        ("question,a,b,right\nQ,1,2,a,more", 2, "number of columns"),
        ("question,a,b,right,level\nQ,1,2,a,9", 2, "level"),
        ('question,a,b,right\nQ,1,2,a\n"Q,1,2,a', 3, "unexpected end"),
        ("question,a,b,right\n" + "x" * 200_000 + ",1,2,a", 2, "field limit|larger than"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(UnreadableLine, match=reason) as refused:
        table.read(text)
    assert refused.value.line == line


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip)


@given(text=TEXTS, options=st.lists(TEXTS, min_size=2, max_size=12, unique_by=lambda one: one.casefold()))
def test_a_written_bank_is_the_same_when_read(text: str, options: list[str]) -> None:
    wording = {
        "text": text,
        "options": [f"{n} {one}" for n, one in enumerate(options)],
        "explanation": "\x7f\n" + text,
    }
    question = Question.model_validate(
        {"id": "q", "topic": "t", "level": 1, "right": [0], "en": wording, "ru": wording}
    )
    bank = Bank(id="own", version=3, questions=[question])
    assert Bank.model_validate(tomllib.loads(toml_writer.write(bank))) == bank


@given(st.text(st.sampled_from("ab{}=~#:%-\\\n/ ANSWER.)1\"',;"), max_size=120))
def test_any_file_is_read_or_refused_with_a_line(text: str) -> None:
    for read in (gift.read, aiken.read, table.read):
        try:
            drafts = read(text)
        except UnreadableLine as refused:
            assert 1 <= refused.line <= len(text.splitlines()) + 1
        else:
            assert all(draft.text and draft.right for draft in drafts)


@pytest.mark.parametrize(
    "unit",
    [
        "{",
        "}",
        "::",
        "\\",
        "a {=b ~c}\n\n",
        "=",
        "~%1%",
        "#",
        "//\n",
        "$CATEGORY: x\n",
        "A) a\n",
        '"',
        ",",
        "\n",
    ],
)
def test_reading_takes_linear_time(unit: str) -> None:
    for read in (gift.read, aiken.read, table.read):
        small, large = (_seconds(read, "Q {" + unit * (size // len(unit))) for size in (30_000, 240_000))
        assert large < 24 * max(small, 0.01), "eight times the text may take about eight times as long"


def _seconds(read: Callable[[str], object], text: str) -> float:
    best = 99.0
    for _ in range(3):
        started = time.perf_counter()
        with suppress(UnreadableLine):
            read(text)
        best = min(best, time.perf_counter() - started)
    return best


def test_convert_writes_a_bank_that_check_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, bank = tmp_path / "My closing.gift", tmp_path / "own.toml"
    file.write_text(GIFT)
    assert main(["convert", str(file), "--level", "3"]) == 0
    shown = capsys.readouterr()
    assert "1 explanations are TODO" in shown.err
    bank.write_text(shown.out.replace("TODO", "A concession without one in return."))
    assert main(["check", str(bank)]) == 0
    assert "my_closing: 4 questions" in capsys.readouterr().out


def test_convert_names_file_line_and_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.csv"
    file.write_text("question,a,b,right\nQ,1,2,a\nQ2,same,Same,b\n")
    assert main(["convert", str(file), "--language", "ru"]) == 1
    assert capsys.readouterr().err == "own.csv: line 3: two options are the same\n"
    file.write_text("question,a,b,right\nQ,1,2,a\nQ,1,3,b\n")
    assert main(["convert", str(file)]) == 1
    assert "line 3: the same question as in line 2" in capsys.readouterr().err


def test_a_file_that_is_no_text_or_empty_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    for content, reason in (
        (b"\xff\xfe", "not UTF-8"),
        (b"\n\n", "no questions"),
        (b"x" * 5_000_001, "5 MB"),
    ):
        file.write_bytes(content)
        with pytest.raises(UnreadableFile, match=reason):
            convert(file, Defaults("own"))


@pytest.mark.parametrize("read", [gift.read, aiken.read, table.read])
def test_a_control_character_is_refused_in_each_format(read: Callable[[str], object]) -> None:
    with pytest.raises(UnreadableLine, match="line 2: a control character"):
        read("question,a,b,right\nWhich\0?,x,y,a\n")


def test_html_of_a_moodle_export_is_read_as_it_is_shown() -> None:
    (draft,) = gift.read(
        '[html]<p dir\\="ltr">2 &lt; 3&nbsp;?<br>Say <b>so</b>.</p>{=<p>Yes</p> ~<p>No</p>####<i>It is.</i>}'
    )
    assert (draft.text, draft.options, draft.explanation) == (
        "2 < 3 ?\nSay so.",
        ["Yes", "No"],
        "It is.",
    )
    assert gift.read("What does <b> do?{=Bold ~Italics}")[0].text == "What does <b> do?", "no HTML"
    with pytest.raises(UnreadableLine, match="pictures"):
        gift.read("[html]<img src\\='a.png'>What is it?{=A ~B}")


def test_a_text_file_is_aiken_or_gift(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("Q?\nA) a\nB) b\nANSWER: B\n", encoding="utf-8-sig")
    (question,) = convert(file, Defaults("own", "ru", "closing", 4)).questions
    assert question.ru is not None
    assert (question.en, question.right, question.topic, question.level) == (None, [1], "closing", 4)
    file.write_text("Q? {=a ~b}")
    assert convert(file, Defaults("own")).questions[0].right == [0]
