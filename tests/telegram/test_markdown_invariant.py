"""No character of an answer may change or disappear.

Without the markup, every letter, digit and symbol of the source is in the messages, in order. The URL of a
link and the language of a code block are in their entities.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.texts import Text
from shared.telegram.markdown import render
from shared.telegram.split import MIN_LENGTH, split
from tests.support import for_each
from tests.telegram.test_markdown import ANSWER, PIECES, assert_valid_for_telegram, part


def full_text(text: Text) -> str:
    """Return a message with the language before each code block and the URL after each link."""
    units = text.text.encode("utf-16-le")
    added = [(e["offset"], 0, e["language"]) for e in text.entities if "language" in e]
    added += [(e["offset"] + e["length"], -e["offset"], e["url"]) for e in text.entities if "url" in e]
    parts, end = [], 0
    for offset, _, words in sorted(added):
        parts += [units[2 * end : 2 * offset].decode("utf-16-le"), words]
        end = offset
    return "".join([*parts, units[2 * end :].decode("utf-16-le")])


def missing(wanted: str, found: str) -> str:
    """Return `wanted` from the first character that `found` lacks in this order, ignoring blanks."""
    position = 0
    for index, character in enumerate(wanted):
        if not character.isspace():
            position = found.find(character, position) + 1
            if not position:
                return wanted[max(index - 20, 0) :]
    return ""


def in_messages(markdown: str, limit: int = 4096) -> str:
    """Return the whole text of the messages of an answer."""
    text = render(markdown)
    assert_valid_for_telegram(text)
    return "\n".join(map(full_text, split(text, limit, max_parts=100_000)))


def of(kind: str, text: Text) -> list[str]:
    return [part(text.text, entity) for entity in text.entities if entity["type"] == kind]


# Text that must not change

AS_WRITTEN = [
    *("5! = 5*4*3*2*1", "Размер 10*20*30 см", "2*3=6 и 4*5=20", "a*b*c", "ширина*высота*глубина", "长*宽*高"),
    *(
        "(a+b)*(c+d)*(e+f)",
        "f(x)*g*h(x)",
        "2*(3+4)*5",
        "50%*20%*3",
        "x²*y²*z",
        "n*[1]*m",
        "n!*(n-1)*!k",
        "*p*2 и *q*3",
    ),
    *(
        "2**10 = 1024 и 3**2 = 9",
        "x**2 + y**2 = z**2",
        "a**b**c",
        "(1+r)**n*(1-r)**n",
        "base**exp * other**exp",
    ),
    *(
        "*args, **kwargs",
        "**kwargs, a**b",
        "f(*args, **kwargs)",
        "int *a, *b;",
        "char **argv, **envp",
        "/*x*/ и /*y*/",
    ),
    *(
        "*.py,*.txt",
        "src/**/test/**/*.py",
        "COUNT(*) и SUM(*)",
        "SELECT *,COUNT(*)",
        '"*" и "*"',
        ".*foo.* и .*bar.*",
    ),
    *(
        "5~7 и 100~200",
        "（0.3~8mm）和（0.3~4.5mm）",
        "喵~♡这呦~",
        "~50% и ~60%",
        "~/.config и ~/bin",
        "~example~",
    ),
    *(
        "__init__ и __name__",
        "__FILE__:__LINE__",
        "snake_case_name",
        "_.map(_.values(x))",
        "(_,_) => _",
        "$_GET и $_POST",
    ),
    *("-_- и -_-", "^_^ и ^_^", ">_< и >_<", "*_* и *_*", r"¯\_(ツ)_/¯", r"\o/ и \o/"),
    *(
        r"C:\new\*.txt",
        r"D:\_temp\.git",
        r"\\server\share\_x",
        r"\d+\.\d+",
        r"\w+@\w+\.\w{2,}",
        r"\frac{a}{b}\,dx",
    ),
    *("> 18 лет", ">18", ">= 18", ">=18 и <=65", ">>> 2+2", ">:(", "> $5"),
    *("2 + 2\n=\n4", "10\n-\n3", "a\n==\nb", "[Анна]: привет\n[Борис]: пока", "[x]: y\n\n[x] и [x]"),
    *("1961. Гагарин\n1969. Луна", "007. Бонд", "3) c\n1) a", "0. ноль\n0. ноль", "10. x\n9. y\n8. z"),
    *("+ 100\n+ 200", "+ 7 999 123-45-67", "#1 и #тег", "1. 1. 1.", "№1*№2*№3", "5 > 3 < 7 & 2", "a|b||c"),
    *("<T>(x: T) => T", "List<String>", "if a<b and c>d", "<!-- x -->", "R&D; AT&T", "?a=1&copy=2"),
    *(
        "https://a.b/x*y*z",
        "https://a.b/?q=a_b_&r=_c_*d*",
        "(c) (r) (tm) -- ... 'x'",
        "H~2~O, x^2^, ==y==",
        "||x||",
    ),
    *("f***ing", "it is b*****d and f***ing", "**Warning:**text", "х**(а+б)**2", "f(a)**б(c)**d"),
    *("Цена 100* и 200*", "5 * 3 * 2", "2 ** 3 ** 4", "**", "a * b*", "`", "[ ] [x] [1]", "!", "~~", "\\"),
]


@for_each("markdown", AS_WRITTEN)
def test_text_that_is_no_markup_stays_unchanged(markdown: str) -> None:
    text = render(markdown)
    assert "".join(text.text.split()) == "".join(markdown.split())
    assert not [entity for entity in text.entities if entity["type"] != "text_link"]


@for_each("markdown", AS_WRITTEN)
def test_text_that_is_no_markup_keeps_the_markup_around_it(markdown: str) -> None:
    text = render(f"**Итак**, *вот*:\n\n{markdown}\n\n~~нет~~ **да**")
    assert "".join(markdown.split()) in "".join(text.text.split())
    assert of("bold", text) == ["Итак", "да"]
    assert (of("italic", text), of("strikethrough", text)) == (["вот"], ["нет"])


@for_each("markdown", [text for text in AS_WRITTEN if "`" not in text and "\n" not in text])
def test_code_stays_unchanged(markdown: str) -> None:
    for source, kind in ((f"`` {markdown} ``", "code"), (f"```\n{markdown}\n```", "pre")):
        if markdown:
            assert of(kind, render(source)) == [markdown]


# Markup that stays markup


@pytest.mark.parametrize(
    ("markdown", "kind", "words"),
    [
        *[
            (f"{before}**{words}**{after}", "bold", [words])
            for before, words, after in [
                ("про ", ".env", ""),
                ("(", "важно", ")"),
                ("«", "важно", "»"),
                ("—", "важно", "—"),
                ("", "Да!", ","),
                ("не", "при", "ятный"),
                ("这是", "重点", "吗"),
                ("str", "aw", "berry"),
                ("", "слово", "м"),
                ("", "(a)", "."),
                ("", '"a"', ": b"),
                ("", "-5", ""),
                ("", "5*4*3", ""),
                ("", "Python", "中文"),
                ("", "Плюсы -", " b"),
                ("含", "「重点」", "内容"),
                ("", "重要：", "10 轮"),
                ("日本語", "(強調)", "日本語"),
                ("", "Важно:", "текст"),
                ("это", "«Слово»", "текст"),
            ]
        ],
        *[
            (f"{before}*{words}*{after}", "italic", [words])
            for before, words, after in [
                ("", "слово", ""),
                ("(", "слово", ")"),
                ("", "(см. ниже)", "."),
                ("—", "так", "—"),
                ("", "a b", "!"),
                ("", "«цитата»", ","),
                ("глава ", "3", " и"),
            ]
        ],
        ("_так_, (_так_)", "italic", ["так", "так"]),
        ("__Важно__ и __два слова__", "bold", ["Важно", "два слова"]),
        ("~~нет~~, (~~нет~~)", "strikethrough", ["нет", "нет"]),
        ("> цитата\n> 18 строк", "blockquote", ["цитата\n18 строк"]),
        ("> цитата", "blockquote", ["цитата"]),
        ("Заголовок\n---", "bold", ["Заголовок"]),
        ("Заголовок\n===", "bold", ["Заголовок"]),
        ("***a***", "bold", ["a"]),
    ],
)
def test_intended_styles_are_rendered(markdown: str, kind: str, words: list[str]) -> None:
    text = render(markdown)
    assert of(kind, text) == words
    assert not re.search(r"[*~]", text.text.replace("5*4*3", ""))


# Fences


@pytest.mark.parametrize(
    ("markdown", "code", "around"),
    [
        (
            "Код:```python\nprint(1)\n``` Запустите его.\nИ всё.",
            ["print(1)"],
            ["Код:", "Запустите его.", "И всё."],
        ),
        ("Сначала:```sh\nls\n``` потом **это**", ["ls"], ["Сначала:", "потом это"]),
        ("```sh\nls\n``` потом **это**", ["ls"], ["потом это"]),
        ("```sh\nls\n```Готово, дальше.", ["ls"], ["Готово, дальше."]),
        ("a ```\nx\n``` b ", ["x"], ["a", "b"]),
        ("- пункт:```sh\nls\n```\n- ещё", ["ls"], ["• пункт:", "• ещё"]),
        ("1. пункт:\n   ```sh\n   ls\n   ``` дальше\n2. ещё", ["ls"], ["1. пункт:", "дальше", "2. ещё"]),
        ("> a:```sh\n> ls\n> ``` b", ["ls"], ["a:", "b"]),
        ("A:```a\n1\n``` и B:\n```b\n2\n``` конец", ["1", "2"], ["A:", "и B:", "конец"]),
        (
            "```md\n# T\n\n```python\nx = 1\n```\n\nтекст\n```\n\n**конец**",
            ["# T\n\n```python\nx = 1\n```\n\nтекст"],
            ["конец"],
        ),
        ("```\n```a\n1\n```\n```b\n2\n```\n```\nконец", ["```a\n1\n```\n```b\n2\n```"], ["конец"]),
        ("````md\n```a\n1\n```\n````\nконец", ["```a\n1\n```"], ["конец"]),
        ("```python\nx\n\nзабыто\n\n```python\ny\n```\nконец", ["x\n\nзабыто\n\n```python\ny"], ["конец"]),
        ("~~~\nx\n~~~\nконец", ["x"], ["конец"]),
        ("```py\nx = 1```\nДальше **текст**.", ["x = 1"], ["Дальше текст."]),
        ("a:\n```py\nx = 1```\n\nb:\n```\nz = 2\n```\nконец", ["x = 1", "z = 2"], ["a:", "b:", "конец"]),
        ("Вот: ```py\nx = 1```\nКонец", ["x = 1"], ["Вот:", "Конец"]),
        ("- a\n  ```py\n  if x:\n      return y```\n- **б**", ["if x:\n    return y"], ["• a", "• б"]),
        ("> ```py\n> x```\n> конец", ["x"], ["конец"]),
        ("```md\nТак:```\nx\n```\nконец", ["Так:```\nx"], ["конец"]),
        ("```py\nx = '`'```\nконец", ["x = '`'```\nконец"], []),
    ],
)
def test_text_and_code_around_fences_are_distinguished(
    markdown: str, code: list[str], around: list[str]
) -> None:
    text = render(markdown)
    assert of("pre", text) == code
    lines = [line.strip() for line in text.text.splitlines()]
    assert [line for line in around if line not in lines] == []
    assert "".join(text.text.split()) == "".join(_in_order(markdown, code, around).split())


def _in_order(markdown: str, code: list[str], around: list[str]) -> str:
    places = sorted((markdown.find(words.lstrip("• ")[:2]), words) for words in [*code, *around])
    return " ".join(words for _, words in places)


def test_inline_code_between_three_backticks_is_no_block() -> None:
    text = render("Код ```print(1)``` и ```ls``` дальше")
    assert (of("code", text), text.text) == (["print(1)", "ls"], "Код print(1) и ls дальше")


def test_three_backticks_that_nothing_closes_are_text() -> None:
    assert render("Поставьте ```\nперед кодом.").text == "Поставьте ```\nперед кодом."


# Lists, tables, links


def test_numbers_of_a_list_are_those_of_the_source() -> None:
    assert render("1. a\n1. b\n   5) c\n   3) d\n2. e").text == "1. a\n1. b\n    5) c\n    3) d\n2. e"
    assert render("12. a\n\n12. b").text == "12. a\n\n12. b"
    assert render("> 7. a\n> 9. b").text == "7. a\n9. b"


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("|`x|y`|z|", ["x|y", "z"]),
        ("|``a|`b``|z|", ["a|`b", "z"]),
        (r"|`x\|y`|z|", ["x|y", "z"]),
        (r"|x\|y|z|", ["x|y", "z"]),
        ("|1|2|3|4|", ["1", "2", "3|4"]),
        ("|1|2|**3**", ["1", "2", "**3**"]),
        ("|1|2||", ["1", "2"]),
        ("1|2|3", ["1", "2", "3"]),
    ],
)
def test_a_row_loses_nothing(row: str, cells: list[str]) -> None:
    lines = render(f"|a|b|\n|-|-|\n{row}\n|e|f|").text.splitlines()
    assert [cell.strip() for cell in lines[2].split(" | ")] == cells
    assert [cell.strip() for cell in lines[3].split(" | ")] == ["e", "f"]
    wide = render(f"|{'a' * 50}|b|\n|-|-|\n{row}\n|e|f|").text
    assert not missing("".join(cells), wide.partition("\n")[2])


def test_a_list_that_begins_an_item_begins_on_its_line() -> None:
    assert render("- 1961. a\n- 1969. b").text == "• 1961. a\n• 1969. b"
    assert render("1. - [x] a\n   - b\n2. c").text == "1. ☑ a\n    • b\n2. c"


def test_a_pipe_in_code_outside_of_a_table_stays() -> None:
    assert render("`a|b` и `c||d`").text == "a|b и c||d"


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("[a](/path) b", "a (/path) b"),
        ("[a](url)", "a (url)"),
        ("[a](ftp://b.c)", "a (ftp://b.c)"),
        ('[a](https://b.c "Заголовок") d', "a (Заголовок) d"),
        ("[a][b] c\n\n[b]: d", "[a][b] c\n\n[b]: d"),
        ("[a]: https://b.c\n[a]: https://d.e\n\n[a]", "[a]: https://d.e\na"),
        ("x\n\n[a]: https://b.c\n\ny", "x\n\n[a]: https://b.c\ny"),
        ("- x\n- [a]: https://b.c\n- y", "• x\n• [a]: https://b.c\n• y"),
        ('[a]: https://b.c "T"\n\nx', '[a]: https://b.c "T"\nx'),
        ("> [a]: https://b.c\n> x", "[a]: https://b.c\nx"),
    ],
)
def test_addresses_and_their_titles_are_not_lost(markdown: str, words: str) -> None:
    assert render(markdown).text == words


# Any input

NAMES = st.text(st.sampled_from("abzБЯёи"), min_size=1, max_size=6)
WORDS = st.builds(str.__add__, NAMES, st.text(st.sampled_from("aБ019+=%№€°²😀-"), max_size=6))
TERMS = st.sampled_from(["5", "40", "x", "ab", "(a+b)", "к", "f(2)", "a[1]"])
PRODUCTS = st.lists(TERMS, min_size=2, max_size=5).map("*".join)
POWERS = st.lists(st.sampled_from(["5", "40", "x", "(a+b)", "f(2)"]), min_size=2, max_size=5).map("**".join)
SYMBOLS = st.sampled_from(AS_WRITTEN).filter(
    lambda text: "\n" not in text and not re.match(r"[>+#\d`]", text)
)
Said = tuple[str, str]  # (Markdown, expected text)


def _wrapped(marker: str) -> st.SearchStrategy[Said]:
    phrases = st.lists(NAMES, min_size=1, max_size=3).map(" ".join)
    return phrases.map(lambda words: (f"{marker}{words}{marker}", words))


INLINE: st.SearchStrategy[Said] = st.one_of(
    WORDS.map(lambda word: (word, word)),
    PRODUCTS.map(lambda text: (text, text)),
    POWERS.map(lambda text: (text, text)),
    *map(_wrapped, ("**", "*", "_", "~~", "`", "***")),
    NAMES.map(lambda w: (f"[{w}](https://a.b/{w})", f"{w}https://a.b/{w}")),
)
# At most one symbol per line: an asterisk may close a style that another one opened.
LINE: st.SearchStrategy[Said] = st.builds(
    lambda pieces, symbol: tuple(" ".join(["и", *words, *symbol]) for words in zip(*pieces, strict=True)),
    st.lists(INLINE, min_size=1, max_size=6),
    st.lists(SYMBOLS, max_size=1),
)
CODE = st.lists(
    st.sampled_from(["x = 5*4*3", "a|b", "# **c**", "  d_e_f", "", "\\d\\."]), min_size=1, max_size=4
)


def _list(items: list[tuple[int, Said]], mark: str) -> Said:
    lines = [(f"{number}{mark} {source}", f"{number}{mark} {words}") for number, (source, words) in items]
    return "\n".join(line for line, _ in lines), "\n".join(words for _, words in lines)


def _code(lines: list[str], opening: str, closing: str) -> Said:
    code = "\n".join(["0", *lines])
    return f"{opening}```py\n{code}\n```{closing}", f"{opening}py{code}{closing}"


def _table(header: list[str], rows: list[list[str]]) -> Said:
    lines = [header, *rows]
    source = [f"|{'|'.join(line)}|" for line in lines]
    source.insert(1, "|" + "-|" * len(header))
    return "\n".join(source), "".join("".join(line).replace("`", "") for line in lines)


CELLS = st.sampled_from(["a", "5*4*3", "`x|y`", "Б" * 30, "7 %", "`p||q`", "1"])
BLOCK: st.SearchStrategy[Said] = st.one_of(
    LINE,
    LINE.map(lambda line: (f"## {line[0]}", line[1])),
    LINE.map(lambda line: (f"> {line[0]}", line[1])),
    st.lists(LINE, min_size=1, max_size=3).map(
        lambda lines: ("\n".join(f"- {s}" for s, _ in lines), "\n".join(w for _, w in lines))
    ),
    st.builds(
        _list, st.lists(st.tuples(st.integers(0, 2050), LINE), min_size=1, max_size=4), st.sampled_from(".)")
    ),
    st.builds(
        _code, CODE, st.sampled_from(["", "Код: ", "Код:"]), st.sampled_from(["", " Потом так.", "\nПотом."])
    ),
    st.builds(
        _table,
        st.lists(CELLS, min_size=2, max_size=3),
        st.lists(st.lists(CELLS, min_size=2, max_size=5), max_size=3),
    ),
)


@given(st.lists(BLOCK, min_size=1, max_size=6), st.integers(MIN_LENGTH + 60, 400))
def test_every_letter_digit_and_symbol_is_in_the_messages_in_order(blocks: list[Said], limit: int) -> None:
    markdown = "\n\n".join(source for source, _ in blocks)
    wanted = "\n".join(words for _, words in blocks)
    assert not missing(wanted, in_messages(markdown)), markdown
    # A cut entity has its URL or language in both messages.
    assert not missing(wanted, in_messages(markdown, limit)), markdown


# Markup in PIECES that has letters, and the private-use characters of tokens.
_MARKUP = re.compile(r"&nbsp;|\[x\]|<br>|mailto:|\ue000|\ue001|\ud800")
_DEFINITION = re.compile(r"\[\^?1\]: (?:https://a\.b\n)?")


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_markdown_keeps_all_letters_and_digits(markdown: str) -> None:
    markdown = _DEFINITION.sub("", _MARKUP.sub("", markdown))
    wanted = "".join(filter(str.isalnum, markdown))
    assert not missing(wanted, in_messages(markdown))


@given(st.text(st.characters(exclude_categories=["C"], exclude_characters="&[]<"), max_size=120))
def test_any_characters_keep_all_letters_and_digits(markdown: str) -> None:
    assert not missing("".join(filter(str.isalnum, markdown)), in_messages(markdown))


@given(
    st.text("0123456789abБ*_()+- .,/", max_size=60).filter(lambda text: not re.match(r"\s*[-+*_\d]", text))
)
def test_asterisks_between_figures_stay(text: str) -> None:
    found = render(text).text
    assert found.count("*") >= len(re.findall(r"(?<=\d)\*(?=\d)", text))


@given(st.integers(0, len(ANSWER)))
def test_a_truncated_answer_keeps_all_text_before_the_end(length: int) -> None:
    cut = re.sub(r"\[[^\]]*\]?\([^)\s]*$|^[`~]{3}\w*$", "", ANSWER[:length], flags=re.MULTILINE)
    assert not missing("".join(filter(str.isalnum, cut)), in_messages(cut))


@pytest.mark.parametrize("wrong", [{"5*4*3": "543"}, {"1961.": "1962."}, {"важно": ""}])
def test_the_check_finds_what_is_missing(wrong: dict[str, Any]) -> None:
    text = "1961. 5*4*3 важно 1"
    for old, new in wrong.items():
        assert missing(text, text.replace(old, new))
    assert not missing(text, text)
