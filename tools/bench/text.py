"""What our own work on a text costs: hiding secrets in it before it is logged, and rendering an answer."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import process_time

from tools.bench.report import Aim, Row, Section

LENGTH = 4096  # characters, the longest message there is
_ROUNDS, _CALLS = 21, 5
_RUSSIAN = "Завтра в 10:30 встречаемся у входа, адрес: ул. Ленина, д. 5, кв. 12 (домофон 12-34). "
_ENGLISH = "The token count was 1,536 and the key point is on https://example.com/docs/page?id=7: see it. "
_CODE = "def total(items: list[int]) -> int:\n    return sum(item * 2 for item in items)  # O(n)\n"
_ANSWER = (
    "## Итог\n\n**Важно**: `x = 5*4`, см. [сайт](https://example.com).\n\n1. Раз\n2. Два\n\n"
    "|a|b|\n|-|-|\n|1|2|\n\n"
)


def measure() -> Section:
    """Measure the CPU of one call each, as the median of some rounds."""
    from shared.core.log import redact_secrets
    from shared.telegram.markdown import render

    messages = {"Russian": _RUSSIAN, "English": _ENGLISH, "code": _CODE, "one word": "a1"}
    rows = [
        Row(f"secret filter, {name}, ms", _milliseconds(redact_secrets, text), aim=Aim(1), digits=2)
        for name, text in messages.items()
    ]
    rows.append(Row("an AI answer full of Markdown rendered, ms", _milliseconds(render, _ANSWER), digits=2))
    return Section(f"A text of {LENGTH:,} characters, CPU, median of {_ROUNDS}", rows, baseline="")


def _milliseconds(work: Callable[[str], object], text: str) -> float:
    whole = (text * (LENGTH // len(text) + 1))[:LENGTH]
    work(whole)  # what is compiled and imported once is not counted
    return median(_once(work, whole) for _ in range(_ROUNDS))


def _once(work: Callable[[str], object], text: str) -> float:
    started = process_time()
    for _ in range(_CALLS):
        work(text)
    return (process_time() - started) * 1000 / _CALLS
