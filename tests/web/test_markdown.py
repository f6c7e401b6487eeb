"""Markdown of AI models as HTML: every element, and no tag or attribute of the source."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings as examples_of
from hypothesis import strategies as st

from shared.web.markdown import clean, to_html
from tests.support import examples
from tests.web.pages import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, Tags

ANCHOR = ' rel="nofollow noopener noreferrer">'


def html(source: str) -> str:
    return to_html(source, code="Code", table="Table")


@pytest.mark.parametrize(("source", "expected"), [
    ("# A **b**", "<h3>A <strong>b</strong></h3>"),
    ("###### A", "<h3>A</h3>"),
    ("## A\n#### B\n#### C\n## D", "<h3>A</h3><h4>B</h4><h4>C</h4><h3>D</h3>"),
    ("### A\n# B\n## C", "<h3>A</h3><h3>B</h3><h4>C</h4>"),
    ("a\nb", "<p>a<br>b</p>"),
    ("*a* ~~b~~ `c<d`", "<p><em>a</em> <s>b</s> <code>c&lt;d</code></p>"),
    ("> a", "<blockquote><p>a</p></blockquote>"),
    ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
    ("3. a\n4. b", '<ol start="3"><li value="3">a</li><li value="4">b</li></ol>'),
    ("- [x] a\n- [ ] b",
     '<ul><li><span class="box">☑</span> a</li><li><span class="box">☐</span> b</li></ul>'),
    ("a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"),
    ("[a](https://b.com/?c=1&d=2)", f'<p><a href="https://b.com/?c=1&amp;d=2"{ANCHOR}a</a></p>'),
    ("![a](https://b.com/c.png)", f'<p><a href="https://b.com/c.png"{ANCHOR}a</a></p>'),
    ("[![a](https://b.com/c.png)](https://d.com)",
     f'<p><a href="https://d.com"{ANCHOR}<span>a</span></a></p>'),
    ("[](https://b.com)", f'<p><a href="https://b.com"{ANCHOR}https://b.com</a></p>'),
    ("(see https://b.com/c_(d)).",
     f'<p>(see <a href="https://b.com/c_(d)"{ANCHOR}https://b.com/c_(d)</a>).</p>'),
    ("a<br>b", "<p>a<br>b</p>"),
    (r"\(a_1\) and $x^2$", r"<p>\(a_1\) and $x^2$</p>"),
    ("", ""),
])  # fmt: skip
def test_an_element_is_written_as_html(source: str, expected: str) -> None:
    assert html(source) == expected


def test_code_and_tables_scroll_and_can_be_reached_by_keyboard() -> None:
    code = html("```python\nhttps://a.com <b>\n```")
    assert code == ('<pre tabindex="0" role="region" aria-label="Code" dir="ltr">'
                    "<code>https://a.com &lt;b&gt;\n</code></pre>")  # fmt: skip
    table = html("| a | b |\n|:-:|--:|\n| 1 | 2 | more |")
    assert table == ('<div class="table" tabindex="0" role="region" aria-label="Table"><table>'
                     '<thead><tr><th class="center">a</th><th class="right">b</th></tr></thead>'
                     '<tbody><tr><td class="center">1</td><td class="right">2</td><td>more</td></tr></tbody>'
                     "</table></div>")  # fmt: skip


@pytest.mark.parametrize("address", [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.com", "/local", "vbscript:x",
    "file:///etc/passwd", "https://user:password@evil.com", "tg://resolve?domain=x", "http://", "https://x",
    "java\tscript:alert(1)", "&#106;avascript:alert(1)", "mailto:a@b.com",
])  # fmt: skip
def test_only_addresses_of_the_web_are_links(address: str) -> None:
    for source in (f"[a](<{address}>)", f"![a](<{address}>)", f"[a]: <{address}>\n\n[a]", f"<{address}>"):
        assert "href" not in html(source), source


@pytest.mark.parametrize("source", [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a <b onclick=x>c</b>", "`</code><script>`",
    '[a](https://b.com/"onclick=x "t<x>")', "```\n</code></pre><script>\n```",
    "| <script> |\n|---|\n| </table> |",
    "[^1]\n\n[^1]: <script>", "<!-- x -->", "<![CDATA[x]]>", "```\"><script>\nx\n```", "# </h3><script>",
    "<div>\n<script>\n</div>", "[a](https://b.com/'><script>)", "&lt;script&gt;", "<https://b.com/<script>>",
])  # fmt: skip
def test_nothing_of_the_source_is_a_tag(source: str) -> None:
    check(html(source))


def check(written: str) -> None:
    parser = Tags()
    parser.feed(written)
    assert parser.tags <= ALLOWED_TAGS - {"img", "link", "meta", "body"}
    assert parser.attributes <= ALLOWED_ATTRIBUTES - {"id", "src"}
    opened = re.findall(r"<(/?)(\w+)", written)
    stack: list[str] = []
    for slash, tag in opened:
        if tag in ("br", "hr"):
            continue
        if slash:
            assert stack.pop() == tag
        else:
            stack.append(tag)
    assert stack == []


def test_deep_nesting_is_flattened() -> None:
    for source in (">" * 5000 + " a", "- " * 3000 + "a", "*a **b " * 3000, "[" * 3000):
        written = html(source)
        check(written)
        depth = longest = 0
        for slash in re.findall(r"<(/?)(?!br|hr)\w", written):
            depth += -1 if slash else 1
            longest = max(longest, depth)
        assert longest < 40
        assert "a" in written or "[" in written


MARKS = st.sampled_from(["<", ">", "&", '"', "'", "`", "```\n", "\n", "\n\n", "*", "**", "~~",
    "[", "]", "(", ")",
    "|", "---|", "\n|", "- ", "1. ", "> ", "# ", "https://a.com", "<script>", "javascript:", "[^1]", "[^1]: ",
    "<br>", "    ", "\\", "$", "a", "б", "\u202e", "\x00", "\ud800", "]: "])  # fmt: skip


@given(st.lists(MARKS, max_size=40).map("".join))
@examples_of(max_examples=examples(1500))
def test_any_source_is_balanced_html(source: str) -> None:
    check(html(source))


def test_too_long_a_source_and_odd_characters_are_text() -> None:
    assert html("<" * 200_000) == '<div class="words">' + "&lt;" * 200_000 + "</div>"
    assert clean("a\u202eb\u2066c\x00d\ud800e\r\nf") == "abc d e\nf"


def test_pictures_of_ours_are_shown_and_headings_begin_where_the_page_says() -> None:
    def shown(source: str) -> str:
        return to_html(
            source, code="Code", table="Table", top=2,
            picture=lambda name: f"/p/{name}" if name == "a.png" else "",
        )  # fmt: skip

    assert shown("# A\n### B") == "<h2>A</h2><h3>B</h3>"
    assert shown('![a *b* `"c"`](a.png)') == '<p><img src="/p/a.png" alt="a b &#34;c&#34;"></p>'
    assert shown("![x](b.png)") == "<p><span>x</span></p>"
    assert shown("![x](https://b.com/c.png)") == f'<p><a href="https://b.com/c.png"{ANCHOR}x</a></p>'
    assert html("![x](a.png)") == "<p><span>x</span></p>"
