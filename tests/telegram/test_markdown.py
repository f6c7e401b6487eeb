"""Markdown of AI models is rendered as readable text that Telegram accepts."""

import time
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.texts import Text, utf16_length
from shared.telegram.markdown import MAX_MARKDOWN, render

VERBATIM = {"pre", "code"}


def part(text: str, entity: dict[str, Any]) -> str:
    """The text of an entity, sliced in UTF-16 code units as Telegram does."""
    units = text.encode("utf-16-le")
    return units[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")


def rendered(markdown: str) -> tuple[str, list[tuple[str, str]]]:
    """The text of an answer, and type and text of each entity."""
    text, entities = render(dedent(markdown))
    return text, [(entity["type"], part(text, entity)) for entity in entities]


def links(markdown: str) -> list[tuple[str, str]]:
    """The links of an answer: text and URL."""
    text, entities = render(markdown)
    return [(part(text, entity), entity["url"]) for entity in entities if entity["type"] == "text_link"]


def assert_valid_for_telegram(result: Text) -> None:
    """Telegram's rules for a text with entities, as tdlib checks them (MessageEntity.cpp)."""
    text, entities = result
    assert text == text.rstrip(" \n")
    text.encode()  # raises at a lone surrogate
    length = utf16_length(text)
    order = [(entity["offset"], -entity["length"]) for entity in entities]
    assert order == sorted(order)
    open_entities: list[dict[str, Any]] = []
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        assert 0 <= start < end <= length
        words = part(text, entity)  # raises in the middle of a surrogate pair
        assert entity["type"] in ("pre", "blockquote") or words == words.strip(" \n")
        assert words.strip(" \n")
        while open_entities and open_entities[-1]["offset"] + open_entities[-1]["length"] <= start:
            open_entities.pop()
        for outer in open_entities:
            assert end <= outer["offset"] + outer["length"], "nested or apart, never crossing"
        around = {outer["type"] for outer in open_entities}
        assert not around & VERBATIM
        assert entity["type"] not in around
        assert not around - {"blockquote"} if entity["type"] in {*VERBATIM, "blockquote"} else True
        open_entities.append(entity)


ANSWER = """\
## 🚀 Как начать

Вот **три шага** 👨‍👩‍👧, чтобы *запустить* `проект`:

1. Скачайте [Python](https://www.python.org/downloads/)
2. Создайте окружение:
   - Linux: `python3 -m venv .venv`
   - Windows: `py -m venv .venv`
3. Готово!

```python
def main() -> None:
\tprint("Привет")
```

| Язык | Год |
|:-----|----:|
| Python | 1991 |
| **Go** | 2009 |

> Не забудьте
> про **.env**

---

### Итог
~~Сложно~~ легко: \\(E_0 = m_0 c^2\\) 😀 **всё**.
"""


def test_a_typical_answer_in_russian_reads_well_in_telegram() -> None:
    text, entities = rendered(ANSWER)
    assert text == dedent("""\
        🚀 Как начать

        Вот три шага 👨‍👩‍👧, чтобы запустить проект:

        1. Скачайте Python
        2. Создайте окружение:
            • Linux: python3 -m venv .venv
            • Windows: py -m venv .venv
        3. Готово!

        def main() -> None:
            print("Привет")

        Язык   |  Год
        -------+-----
        Python | 1991
        Go     | 2009

        Не забудьте
        про .env

        ———

        Итог

        Сложно легко: \\(E_0 = m_0 c^2\\) 😀 всё.""")
    assert entities == [
        ("bold", "🚀 Как начать"),
        ("bold", "три шага"),
        ("italic", "запустить"),
        ("code", "проект"),
        ("text_link", "Python"),
        ("code", "python3 -m venv .venv"),
        ("code", "py -m venv .venv"),
        ("pre", 'def main() -> None:\n    print("Привет")'),
        ("pre", "Язык   |  Год\n-------+-----\nPython | 1991\nGo     | 2009"),
        ("blockquote", "Не забудьте\nпро .env"),
        ("bold", ".env"),
        ("bold", "Итог"),
        ("strikethrough", "Сложно"),
        ("bold", "всё"),
    ]
    assert_valid_for_telegram(render(ANSWER))


def test_offsets_count_utf_16_after_emoji_beyond_the_first_plane() -> None:
    assert render("😀👍🏽 **b**") == Text("😀👍🏽 b", [{"type": "bold", "offset": 7, "length": 1}])


def test_text_without_markup_stays_as_it_is() -> None:
    plain = "Столица Франции - Париж (2 млн). 5 * 3 = 15, a_b_c, #1, 3 > 2 & 10~20, 30~40!\nВторая строка"
    assert render(plain) == Text(plain, [])


@given(st.lists(st.text("aZбЯ😀,.!?", min_size=1).filter(lambda word: word[0] not in "!"), min_size=1))
def test_plain_words_stay_as_they_are(words: list[str]) -> None:
    assert render(" ".join(words)) == Text(" ".join(words), [])


@pytest.mark.parametrize("empty", ["", " \n\t ", "\x00\r\n", "\u200b\ufeff\u00a0"])
def test_nothing_visible_becomes_an_empty_text(empty: str) -> None:
    assert render(empty) == Text("", [])


@pytest.mark.parametrize("odd", ["#", "```", "**", "[]()", "> ", "- ", "|-|", "<!---->", "[a]: b", "&#32;"])
def test_something_is_shown_even_of_markup_without_words(odd: str) -> None:
    assert render(odd).text.strip()


# Styles


def test_styles_nest() -> None:
    assert rendered("***a*** **b *c* ~~d~~**") == (
        "a b c d",
        [("bold", "a"), ("italic", "a"), ("bold", "b c d"), ("italic", "c"), ("strikethrough", "d")],
    )


def test_styles_pause_at_code_because_code_holds_nothing_else() -> None:
    assert rendered("**до `x` после**") == ("до x после", [("bold", "до"), ("code", "x"), ("bold", "после")])


def test_a_heading_is_bold_once() -> None:
    assert rendered("# a **b** *c*") == ("a b c", [("bold", "a b c"), ("italic", "c")])
    assert rendered("Title\n=====") == ("Title", [("bold", "Title")])


def test_line_breaks_stay() -> None:
    assert render("a\nb  \nc\\\nd<br>e<br/>f").text == "a\nb\nc\nd\ne\nf"


def test_html_is_shown_as_text() -> None:
    source = "<b>жирный</b> & <script>alert(1)</script>"
    assert render(source) == Text(source, [])
    assert render("<div>\n<p>a</p>\n</div>\n\n<!-- b -->").text == "<div>\n<p>a</p>\n</div>\n\n<!-- b -->"


def test_escapes_and_named_characters_are_read() -> None:
    assert render(r"\*a\* \_b\_ &lt;c&gt; &amp; 2\*3").text == "*a* _b_ <c> & 2*3"


# Lists, quotes, code


def test_lists_nest_by_indentation() -> None:
    text, _ = rendered("""\
        - a
          - b
            - c
        - d

        3. e
        4. f

           still f
        """)
    assert text == "• a\n    • b\n        • c\n• d\n\n3. e\n\n4. f\n\n    still f"


def test_a_list_within_an_item_of_paragraphs_stands_close_to_it() -> None:
    assert render("- a\n\n  - b\n  - c\n\n- d").text == "• a\n    • b\n    • c\n\n• d"


def test_tasks_show_whether_they_are_done() -> None:
    assert render("- [x] a\n- [ ] b\n- c\n\n1. [x] d").text == "☑ a\n☐ b\n• c\n\n1. ☑ d"


def test_blocks_in_a_list_stand_on_their_own_lines() -> None:
    text, entities = rendered("""\
        - a
          ```sh
          ls
          ```
        - > q
        - b
        """)
    assert text == "• a\nls\n• \nq\n\n• b"
    assert entities == [("pre", "ls"), ("blockquote", "q")]


def test_nested_quotes_become_one() -> None:
    text, entities = rendered("> a\n> > b\n> > > c\n\nd")
    assert text == "a\n\nb\n\nc\n\nd"
    assert entities == [("blockquote", "a\n\nb\n\nc")]


def test_a_quote_of_code_begins_with_its_indentation() -> None:
    assert rendered(">\t\tx") == ("  x", [("blockquote", "  x"), ("pre", "  x")])


def test_an_entity_ends_with_the_text() -> None:
    assert rendered("> a&#32;") == ("a", [("blockquote", "a")])
    assert rendered("a\n\n> &#32;") == ("a", [])


def test_a_quote_may_hold_code() -> None:
    assert rendered("> a\n> ```\n> b\n> ```")[1] == [("blockquote", "a\n\nb"), ("pre", "b")]


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("python", "python"),
        ("c++", "c++"),
        ("", None),
    ],
)
def test_code_keeps_its_language(info: str, language: str | None) -> None:
    entity = render(f"```{info}\nx = 1\n```").entities[0]
    assert entity == {"type": "pre", "offset": 0, "length": 5} | ({"language": language} if language else {})


@pytest.mark.parametrize(
    ("info", "words", "language"),
    [
        ("py title=x", "py title=x", "py"),
        ("py app.py", "py app.py", "py"),
        ("{.x}", "{.x}", None),
        ("src/app.py", "src/app.py", None),
        ("Теперь запустите его", "Теперь запустите его", None),
        ("x" * 40, "x" * 40, None),
    ],
)
def test_text_behind_a_fence_is_shown_above_the_code(info: str, words: str, language: str | None) -> None:
    text, entities = render(f"```{info}\nx = 1\n```")
    assert text == f"{words}\nx = 1"
    assert [(entity["type"], entity.get("language")) for entity in entities] == [("pre", language)]


def test_code_keeps_its_indentation_even_at_the_beginning_of_a_message() -> None:
    assert render("```\n\n  if x:\n\ty()\n\n```") == Text(
        "  if x:\n    y()", [{"type": "pre", "offset": 0, "length": 15}]
    )


def test_nothing_in_code_is_markup() -> None:
    source = "**a** $x_1$ \\(b_c\\) https://a.b/_c_ [d](e) <br> &amp;"
    assert rendered(f"```\n{source}\n```") == (source, [("pre", source)])
    assert rendered(f"`{source}`") == (source, [("code", source)])


# Links


def test_links_become_links() -> None:
    assert links(
        "[a](https://a.b/c?d=e#f) [**b**](http://я.рф) [c](tg://resolve?domain=d) ![e](https://e.f)"
    ) == [
        ("a", "https://a.b/c?d=e#f"),
        ("b", "http://я.рф"),
        ("c", "tg://resolve?domain=d"),
        ("e", "https://e.f"),
    ]


@pytest.mark.parametrize(
    "address",
    [
        *(
            "javascript:alert(1)",
            "/path",
            "#part",
            "ftp://a.b",
            "tg://user?id=1",
            "https://",
            "https://a:b@c.d",
        ),
        *("https://a.b:99999", "https://a..b", "https://a%zz.b", "https://" + "a" * 3000 + ".b"),
    ],
)
def test_a_url_that_telegram_rejects_is_no_link(address: str) -> None:
    text, entities = render(f"see [here]({address}).")
    assert text.startswith("see here")
    assert entities == []


def test_a_url_that_cannot_be_a_link_is_shown() -> None:
    assert render("[почта](mailto:a@b.co?subject=x)").text == "почта (a@b.co)"
    assert render("[a@b.co](mailto:a@b.co)").text == "a@b.co"
    assert render("[сервер](http://localhost:8000/x)").text == "сервер (http://localhost:8000/x)"


def test_bare_urls_stay_text() -> None:
    source = (
        "https://a.b/c_d_e/__init__ _https://q.w/e_r_ <https://z.x/_c_> <a@b.co> [https://e.f](https://e.f)"
    )
    assert rendered(source) == (
        "https://a.b/c_d_e/__init__ https://q.w/e_r https://z.x/_c_ a@b.co https://e.f",
        [("italic", "https://q.w/e_r")],
    )


def test_a_link_outranks_the_code_and_the_picture_in_it() -> None:
    assert links("[`f()`](https://a.b) [![c](https://d.e)](https://f.g) ![](https://h.i)") == [
        ("f()", "https://a.b"),
        ("c", "https://f.g"),
    ]
    assert rendered("[`f()`](https://a.b)")[1] == [("text_link", "f()")]
    assert rendered("[![](https://a.b)](https://c.d)") == ("https://c.d", [])


def test_numbered_sources_keep_their_brackets() -> None:
    assert links("fact[1]\n\n[1]: https://a.b/c_d") == [("[1]", "https://a.b/c_d")]


def test_unused_link_definitions_are_shown() -> None:
    assert (
        render("fact\n\n[1]: https://a.b\n[2]: https://c.d").text
        == "fact\n\n[1]: https://a.b\n[2]: https://c.d"
    )


def test_footnotes_are_kept() -> None:
    assert render("a[^1] b[^x]\n\n[^1]: *note*\n\nend").text == "a[1] b[^x]\n\n[1] note\n\nend"


# Tables


def test_a_wide_table_becomes_a_record_for_each_row() -> None:
    text, entities = rendered("""\
        | Параметр | Что он делает | Пример |
        |---|---|---|
        | `timeout` | Сколько секунд ждать ответа от сервера | **30** |
        | retries | | [см.](https://a.b) |
        """)
    assert text == (
        "Параметр | Что он делает | Пример\n\n"
        "Параметр: timeout\nЧто он делает: Сколько секунд ждать ответа от сервера\nПример: 30\n\n"
        "Параметр: retries\nПример: см."
    )
    assert entities == [
        ("bold", "Параметр"),
        ("bold", "Что он делает"),
        ("bold", "Пример"),
        ("bold", "Параметр"),
        ("code", "timeout"),
        ("bold", "Что он делает"),
        ("bold", "Пример"),
        ("bold", "30"),
        ("bold", "Параметр"),
        ("bold", "Пример"),
        ("text_link", "см."),
    ]


def test_a_narrow_table_with_links_keeps_them() -> None:
    assert links("|a|b|\n|-|-|\n|1|[2](https://a.b)|") == [("2", "https://a.b")]


def test_a_table_is_aligned_by_character_width() -> None:
    text, _ = render("|Язык|n|\n|:-:|-:|\n|日本語|1|\n|👍|200|\n|e\u0301<br>`<br>`||")
    assert text.split("\n") == [
        " Язык  |   n",
        "-------+----",
        "日本語 |   1",
        "  👍   | 200",
        "e\u0301 <br> |",
    ]


def test_a_table_without_rows_is_shown() -> None:
    assert render("|a|b|\n|-|-|").text == "a | b\n--+--"
    assert render(f"|{'a' * 50}|b|\n|-|-|").text == f"{'a' * 50} | b"


# Formulas


@pytest.mark.parametrize(
    "formula",
    [
        r"\(a_1 * b_1 * c_1\)",
        r"\[\frac{a}{b} \\ \{x\}\]",
        "\\[\n- x_1\n= *y*\n\\]",
        r"$a_1*b_2*c$",
        r"$$\sum_{i=1}^n x_i * y_i * z$$",
        r"$\{a\}$",
    ],
)
def test_formulas_stay_readable(formula: str) -> None:
    assert render(formula) == Text(formula, [])
    assert rendered(f"**Дано:** {formula}, *где*") == (
        f"Дано: {formula}, где",
        [("bold", "Дано:"), ("italic", "где")],
    )


def test_money_and_brackets_are_no_formulas() -> None:
    assert rendered(r"from **$5** to **$10**, $A and $B, \[1\]") == (
        "from $5 to $10, $A and $B, [1]",
        [("bold", "$5"), ("bold", "$10")],
    )


def test_text_with_token_characters_is_unchanged() -> None:
    source = "\ue0000\ue001 $x_1^2$"
    assert render(source) == Text(source, [])


# Any input


@pytest.mark.parametrize(
    ("cut", "text"),
    [
        ("Вот:\n```python\nx = 1", "Вот:\n\nx = 1"),
        ("**важно", "**важно"),
        ("a `b", "a `b"),
        ("[a](https://exam", "[a](https://exam"),
        ("|a|b|\n|-|-|\n|1", "a | b\n--+--\n1 |"),
        (r"x \(a_1", r"x (a_1"),
        ("- a\n- ", "• a\n•"),
        ("## ", "##"),
        ("\ud83d", "\ufffd"),
    ],
)
def test_an_answer_cut_off_in_the_middle_is_shown(cut: str, text: str) -> None:
    assert render(cut).text == text
    assert_valid_for_telegram(render(cut))


def test_surrogates_control_characters_and_carriage_returns_do_no_harm() -> None:
    assert render("a\ud83d\ude00\udc00\x00b\x1b\r\nc\rd").text == "a😀\ufffd b\nc\nd"


def test_markdown_beyond_the_limit_is_sent_as_plain_text() -> None:
    source = "**a** " * MAX_MARKDOWN
    assert render(source) == Text(source.strip(), [])


def test_an_answer_of_a_hundred_kilobytes_is_rendered_like_a_short_one() -> None:
    short, count = render(ANSWER), MAX_MARKDOWN // (len(ANSWER) + 1)
    long = render("\n".join([ANSWER] * count))
    assert long.text == "\n\n".join([short.text] * count)
    assert len(long.entities) == count * len(short.entities)


def test_an_answer_is_sent_even_if_the_parser_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):  # the exception of a Rust panic
        pass

    def broken(*_: Any, **__: Any) -> None:
        raise PanicException

    monkeypatch.setattr("pyromark.events_with_range", broken)
    assert render(" **a** ") == Text("**a**", [])


def test_a_process_exit_is_not_taken_for_a_parser_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def ending(*_: Any, **__: Any) -> None:
        raise SystemExit

    monkeypatch.setattr("pyromark.events_with_range", ending)
    with pytest.raises(SystemExit):
        render("a")


PIECES = [
    *"*_~`#>|-+[]()!<&\\$\n 1.:😀é\t",
    *(
        "**",
        "```",
        "~~~",
        "\n\n",
        "- ",
        "1. ",
        "> ",
        "\n    ",
        "# ",
        "|a|b|\n|-|-|\n",
        "[ ] ",
        "[x] ",
        "<br>",
    ),
    *("слово", "word ", "[a](https://b.c/d_e)", "![i](http://j.k)", "[m](mailto:a@b.c)", "https://a.b/c_d"),
    *(
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "$$",
        "$x_1$",
        "[^1]",
        "[^1]: ",
        "[1]",
        "[1]: https://a.b\n",
        "`c`",
        "---\n",
    ),
    *("<div>\n", "</div>", "&nbsp;", "\u200d", "\u00a0", "\x00", "\ud800", "\ue000", "\ue001", "* * * "),
]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_telegram_accepts_any_markdown(markdown: str) -> None:
    assert_valid_for_telegram(render(markdown))


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
def test_telegram_accepts_any_characters(markdown: str) -> None:
    assert_valid_for_telegram(render(markdown))


@settings(deadline=None)
@given(st.integers(0, len(ANSWER)))
def test_a_truncated_answer_is_rendered(length: int) -> None:
    assert_valid_for_telegram(render(ANSWER[:length]))


@pytest.mark.parametrize(
    "unit",
    [
        "*a ",
        "[",
        "![",
        "](",
        "> ",
        ">",
        "- ",
        "`",
        "|",
        "|-|-\n",
        "<a ",
        "\\(",
        "$",
        "http://",
        "_*",
        "[a](http://l)",
        "`a` ",
        "**😀** ",
        "# a\n",
        "- a\n",
        "$a_1$ ",
        "[a]: http://b.c/d_e\n",
        "\\a\\.",
        "__a",
        "a*b",
        "`|",
        "` |`` ",
        "> 1\n",
        "a\n-\n",
        "```a\n",
        "```a\n```b\n```\n",
        "```a\nb```\n",
        "b```\n",
        "**я:",
        "я**«я»**",
        "a***",
        "a```a\n```\n",
        "1. a\n",
        "|a|b|\n|-|-|\n|1|2|3|\n\n",
    ],
)
@pytest.mark.slow
def test_hostile_markdown_takes_linear_time(unit: str) -> None:
    started = time.process_time()
    result = render((unit * MAX_MARKDOWN)[: MAX_MARKDOWN - 1] + "a")
    assert time.process_time() - started < 3  # seconds; linear time takes 0.4 at most
    assert len(result.text) < 20 * MAX_MARKDOWN


def test_an_address_is_not_repeated_without_bounds() -> None:
    address = "http://localhost/" + "x_" * 30_000  # a literal, so the parser sees only a token
    source = f"[a]: {address}\n\n" + "[a]" * 20_000
    assert render(source) == Text(source, [])
    assert render(f"[a]: {address}\n\n[a] [a]").text == f"[a]: {address}\n[a] [a]"


def test_a_header_is_not_repeated_without_bounds() -> None:
    header, rows = "a" * 30_000, "|x|\n" * 8000
    assert len(render(f"|{header}|\n|-|\n{rows}").text) < 2 * MAX_MARKDOWN
    wide = "words\n\n" + "|a" * 1000 + "\n" + "|-" * 1000 + "\n" + "|b\n" * 2000
    assert render(wide) == Text(wide.strip(), [])
