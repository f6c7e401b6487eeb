"""A long answer is split into messages: within the limits, none empty, no text or entity lost."""

import time
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.texts import Text, utf16_length
from shared.telegram.markdown import render
from shared.telegram.split import MAX_ENTITIES, MAX_ENTITY_BYTES, MIN_LENGTH, split

BLANKS = dict.fromkeys(map(ord, " \n\u200b"))


def plain(text: str) -> Text:
    return Text(text, [])


def part(text: str, entity: dict[str, Any]) -> str:
    """The text of an entity, sliced in UTF-16 code units as Telegram does."""
    units = text.encode("utf-16-le")
    return units[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")


def texts(parts: list[Text]) -> list[str]:
    return [part.text for part in parts]


def styled(text: Text) -> list[tuple[str, str]]:
    return [(entity["type"], part(text.text, entity)) for entity in text.entities]


def characters(text: Text) -> list[tuple[str, frozenset[str]]]:
    """Every visible character with the entities that cover it."""
    units: list[set[str]] = [set() for _ in range(utf16_length(text.text))]
    for entity in text.entities:
        for unit in range(entity["offset"], entity["offset"] + entity["length"]):
            units[unit].add(f"{entity['type']} {entity.get('url')} {entity.get('language')}")
    found, position = [], 0
    for character in text.text:
        if ord(character) not in BLANKS:
            found.append((character, frozenset(units[position])))
        position += utf16_length(character)
    return found


# Cuts


def test_a_short_text_stays_one_message() -> None:
    text = render("**a** b")
    assert split(text) == [text]
    assert split(plain("x" * 4096)) == [plain("x" * 4096)]


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\u200b", "\u00a0\ufeff"])
def test_nothing_visible_is_no_message(blank: str) -> None:
    assert split(plain(blank)) == []
    assert split(plain(blank + " " * 5000)) == []


def test_paragraphs_are_kept_whole() -> None:
    assert texts(split(plain("one one.\none\n\ntwo two.\ntwo"), 20)) == ["one one.\none", "two two.\ntwo"]


def test_lines_are_kept_whole() -> None:
    assert texts(split(plain("one two. three\nfour five six"), 20)) == ["one two. three", "four five six"]


def test_sentences_are_kept_whole() -> None:
    assert texts(split(plain("Раз два три. Четыре пять шесть"), 20)) == ["Раз два три.", "Четыре пять шесть"]
    assert texts(split(plain("Цена 3.14 и 2.71 сегодня"), 16)) == ["Цена 3.14 и 2.71", "сегодня"]
    assert texts(split(plain("一二三四五六七八九。一二三四五六七八九"), 16)) == [
        "一二三四五六七八九。",
        "一二三四五六七八九",
    ]


def test_words_are_kept_whole_wherever_they_begin() -> None:
    assert texts(split(plain("one two three four five"), 16)) == ["one two three", "four five"]
    assert texts(split(plain("see https://a.b/cdefgh"), 20)) == ["see", "https://a.b/cdefgh"]


def test_a_word_longer_than_a_message_is_cut() -> None:
    assert texts(split(plain("x" * 40), 16)) == ["x" * 16, "x" * 16, "x" * 8]


def test_half_a_message_is_not_left_empty_for_the_sake_of_a_paragraph() -> None:
    assert texts(split(plain("a\n\nbbbb cccc dddd eeee"), 16)) == ["a\n\nbbbb cccc", "dddd eeee"]


def test_a_heading_goes_with_what_follows_it() -> None:
    parts = split(render("aaaa aaaa\n\n## Head\n\nbbbb bbbb bbbb"), 24)
    assert texts(parts) == ["aaaa aaaa", "Head\n\nbbbb bbbb bbbb"]
    assert styled(parts[1]) == [("bold", "Head")]


@pytest.mark.parametrize(
    "grapheme",
    [
        "😀",
        "👨‍👩‍👧‍👦",
        "👍🏽",
        "e\u0301\u0323",
        "🇷🇺",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e007f",
        "नि",
    ],
)
def test_graphemes_are_not_cut(grapheme: str) -> None:
    for shift in range(16):
        parts = split(plain("x" * shift + grapheme * 20), 16, max_parts=50)
        assert "".join(texts(parts)) == "x" * shift + grapheme * 20
        for text in texts(parts):
            assert text.lstrip("x") == grapheme * text.count(grapheme)


def test_a_letter_with_too_many_accents_is_cut() -> None:
    zalgo = "a" + "\u0301" * 300
    assert "".join(texts(split(plain(zalgo), 100))) == zalgo


# Code


def test_code_that_fits_in_a_message_is_not_cut() -> None:
    code = "a = 1\n\nb = 2\n\nc = 3"
    parts = split(render(f"some words\n```py\n{code}\n```\nand more"), 24)
    assert texts(parts) == ["some words", code, "and more"]
    assert parts[1].entities == [{"type": "pre", "offset": 0, "length": 19, "language": "py"}]


def test_a_line_break_after_code_is_better_than_a_blank_line_in_it() -> None:
    parts = split(render("- xxxx xxxx\n  ```\n  aa\n\n  bb\n  ```\n  cccc dddd eeee"), 24)
    assert texts(parts) == ["• xxxx xxxx\naa\n\nbb", "cccc dddd eeee"]


def test_code_longer_than_a_message_continues_as_code() -> None:
    code = "\n".join(f"    line {number}" for number in range(12))
    parts = split(render(f"```python\n{code}\n```"), 40)
    assert "\n".join(texts(parts)) == code, "no line is cut, no indentation lost"
    for text, entities in parts:
        assert entities == [{"type": "pre", "offset": 0, "length": len(text), "language": "python"}]


# Entities


def test_styles_and_links_continue_in_the_next_message() -> None:
    parts = split(render("😀 [one **two three** four](https://a.b)"), 16)
    assert texts(parts) == ["😀 one two three", "four"]
    assert styled(parts[0]) == [("text_link", "one two three"), ("bold", "two three")]
    assert parts[1].entities == [{"type": "text_link", "offset": 0, "length": 4, "url": "https://a.b"}]


def test_a_message_has_no_more_entities_than_telegram_takes() -> None:
    parts = split(render("**a** " * 250))
    assert [len(text.entities) for text in parts] == [100, 100, 50]
    assert list(chain.from_iterable(map(characters, parts))) == characters(render("**a** " * 250))


def test_a_style_within_a_style_counts_twice() -> None:
    parts = split(render("**a *b* c** " * 60), max_parts=10)
    assert max(len(text.entities) for text in parts) <= MAX_ENTITIES * 2 // 3 + 1


def test_long_addresses_do_not_make_a_message_too_heavy() -> None:
    address = "https://a.b/" + "x" * 1000
    parts = split(render(f"[a]({address}) " * 20))
    assert [len(text.entities) for text in parts] == [MAX_ENTITY_BYTES // 1024] * 2 + [6]


# Beyond max_parts


def test_dropped_text_is_marked() -> None:
    parts = split(plain("one two three four five six seven eight"), 16, max_parts=2)
    assert texts(parts) == ["one two three", "four five six…"]
    assert texts(split(plain("x" * 100), 16, max_parts=1)) == ["x" * 14 + "…"]


def test_complete_text_has_no_mark() -> None:
    assert texts(split(plain("one two three four five six"), 16, max_parts=2)) == [
        "one two three",
        "four five six",
    ]
    assert texts(split(plain("x" * 16 + " \n" * 30), 16, max_parts=1)) == ["x" * 16]


def test_the_mark_stands_outside_of_code() -> None:
    [text] = split(render("```\n" + "x = 1\n" * 10 + "```"), 20, max_parts=1)
    assert text.text == "x = 1\nx = 1\nx = 1\n…"
    assert styled(text) == [("pre", "x = 1\nx = 1\nx = 1")]


@pytest.mark.parametrize(("limit", "max_parts"), [(0, 10), (MIN_LENGTH - 1, 10), (4096, 0), (-1, -1)])
def test_invalid_limits_are_rejected(limit: int, max_parts: int) -> None:
    with pytest.raises(ValueError, match="cannot split"):
        split(plain("a"), limit, max_parts=max_parts)


# Any input

FRAGMENTS = [
    *(
        "слово ",
        "word",
        " ",
        "\n",
        "\n\n",
        ". ",
        "! ",
        "😀",
        "👨‍👩‍👧",
        "e\u0301",
        "🇷🇺",
        "longlonglonglonglonglong",
        "\u200b",
    ),
    *(
        "**b** ",
        "*i i* ",
        "`c c`",
        "~~s~~",
        "**a *b* `c`** ",
        "[l l](https://a.b)",
        "\n- item",
        "\n\n## Head\n\n",
    ),
    *(
        "\n```py\nx\n\n  y\n```\n",
        "\n```\nzzzzzzzzzz\nzzzzzzzzzzz\nzzzzzzzzzz\n```\n",
        "\n\n> q **q**\nq\n\n",
    ),
]
answers = st.lists(st.sampled_from(FRAGMENTS), max_size=80).map(lambda pieces: render("".join(pieces)))


@given(answers, st.integers(MIN_LENGTH, 120))
def test_the_messages_together_contain_the_whole_text(answer: Text, limit: int) -> None:
    parts = split(answer, limit, max_parts=10_000)
    assert list(chain.from_iterable(map(characters, parts))) == characters(answer)
    for text, entities in parts:
        assert 0 < utf16_length(text) <= limit
        assert text.translate(BLANKS)
        assert all(part(text, entity).strip() for entity in entities)
        assert text == text.rstrip(" \n")


@given(answers, st.integers(MIN_LENGTH, 60), st.integers(1, 4))
def test_no_more_messages_than_allowed_and_the_end_is_marked(
    answer: Text, limit: int, max_parts: int
) -> None:
    everything = split(answer, limit, max_parts=10_000)
    parts = split(answer, limit, max_parts=max_parts)
    if len(everything) <= max_parts:
        assert parts == everything
        return
    assert len(parts) == max_parts
    assert parts[:-1] == everything[: max_parts - 1]
    assert parts[-1].text.endswith("…")
    assert all(utf16_length(text) <= limit for text, _ in parts)
    said = "".join(texts(parts)).removesuffix("…").translate(BLANKS)
    assert answer.text.translate(BLANKS).startswith(said)


@given(st.text(max_size=300), st.integers(MIN_LENGTH, 40), st.data())
def test_any_text_with_any_entities_is_split(text: str, limit: int, data: st.DataObject) -> None:
    length = utf16_length(text)
    span = st.integers(0, length).flatmap(
        lambda start: st.tuples(st.just(start), st.integers(0, length - start))
    )
    spans = data.draw(st.lists(span, max_size=8))
    kinds = st.sampled_from(["bold", "pre", "code", "blockquote", "spoiler"])
    entities = [{"type": data.draw(kinds), "offset": start, "length": size} for start, size in spans]
    parts = split(Text(text, entities), limit, max_parts=1000)
    for content, inside in parts:
        assert utf16_length(content) <= limit
        assert all(entity["offset"] >= 0 for entity in inside)
        assert all(entity["offset"] + entity["length"] <= utf16_length(content) for entity in inside)


@pytest.mark.parametrize(
    "unit",
    ["x", " ", "\n", "word ", "e\u0301", "\u200d", "😀", "🇷", "a\n\n", "```\nx\n```\n", "**a** ", "*_"],
)
def test_a_hundred_thousand_characters_are_split_quickly(unit: str) -> None:
    text = render((unit * 100_000)[:100_000])
    started = time.process_time()
    parts = split(text, max_parts=100)
    assert time.process_time() - started < 2  # seconds; it takes 0.2 at most
    assert all(utf16_length(part.text) <= 4096 for part in parts)
