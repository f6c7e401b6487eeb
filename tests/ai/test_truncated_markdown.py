"""A truncated answer shows no raw markers."""

from __future__ import annotations

import time

import pytest

from shared.ai.truncated_markdown import close_markup
from shared.telegram.markdown import render
from tests.support import for_each

ANSWER = """\
## What *to* do

First **open the settings** and press **“Save”!** Then `make all`, ``a`b`` in a *quiet, **very quiet** room*.

- **One:** with a [link](https://example.com/a_page?b=1) and ~~nothing~~
- *Two* and __three__
  1. ***both*** at once
> **Quoted** words

| Name | **Price** |
|---|---|
| `a|b` | *5* |

```python
def f(**kwargs): return 2 ** 8 * 3  # __init__
```

Это **важно**, а *это* — `нет`.
"""


@pytest.mark.parametrize(
    ("cut", "closed"),
    [
        ("A **bold", "A **bold**"),
        ("A **bold*", "A **bold**"),
        ("A **bold **", "A **bold**"),
        ("A **", "A"),
        ("***both", "***both***"),
        ("**bold *it", "**bold *it***"),
        ("*it **bold*", "*it **bold***"),
        ("a ~~strik~", "a ~~strik~~"),
        ("use `code", "use `code`"),
        ("use ``co`de`", "use ``co`de``"),
        ("use `", "use"),
        ("**a `co", "**a `co`**"),
        ("see [label](http://exa", "see label"),
        ("```py\nprint(1", "```py\nprint(1\n```"),
        ("x\n```py\ny\n``", "x\n```py\ny\n```"),
        ("x\n\n```py", "x"),
        ("- one\n- **two", "- one\n- **two**"),
        ("- one\n-", "- one"),
        ("text\n1.", "text"),
        ("# **Tit", "# **Tit**"),
        ("слово **жирный", "слово **жирный**"),
    ],
)
def test_open_markup_is_closed(cut: str, closed: str) -> None:
    assert close_markup(cut) == closed


@pytest.mark.parametrize(
    "whole",
    [
        "5 * 4",
        "2**8",
        "5*4",
        "a_b",
        "snake_case_name",
        "\\*no",
        "**a** b",
        "`a*b`",
        "```\ncode\n```",
        "x [1]",
        "a < b",
    ],
)
def test_other_text_is_unchanged(whole: str) -> None:
    assert close_markup(whole) == whole


def _raw_markers(text: str, code: list[tuple[int, int]]) -> list[str]:
    plain = [char for at, char in enumerate(text) if not any(start <= at < end for start, end in code)]
    return [char for char in plain if char in "*`~"]


@for_each("length", range(1, len(ANSWER) + 1))
def test_no_truncation_shows_a_marker(length: int) -> None:
    text, entities = render(close_markup(ANSWER[:length]))
    code = [(e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in ("code", "pre")]
    assert _raw_markers(text, code) == [], text[-60:]


@pytest.mark.parametrize(
    "piece", ["**a ", "`a", "[a](", "_a *b ", "```\n", "*", "\\*", "- \n", "> ", "``a` "]
)
def test_closing_takes_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        started = time.thread_time()
        close_markup(piece * count)
        return time.thread_time() - started

    short, long = (min(seconds(count) for _ in range(3)) for count in (5_000, 20_000))
    assert long < 10 * max(short, 0.01)  # generous: quadratic time would take seconds
