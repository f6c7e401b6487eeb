"""Charts: numbers as the language writes them, short ones beside the grid."""

from __future__ import annotations

import re

import pytest

from shared.web.charts import Chart, Series, lines


def drawn(language: str, *values: float) -> str:
    days = [f"day {number}" for number in range(len(values))]
    return str(lines(Chart("MRR", days, [Series("MRR", values)], "Day", "Table", language)))


def grid(svg: str) -> list[str]:
    return re.findall(r'<text class="end"[^>]*>([^<]*)<', svg)


@pytest.mark.parametrize(("top", "expected"), [
    (3, ["0", "1", "2", "3", "4"]),
    (7_000, ["0", "2,000", "4,000", "6,000", "8,000"]),
    (69_361, ["0", "20K", "40K", "60K", "80K"]),
    (10_000, ["0", "2.5K", "5K", "7.5K", "10K"]),
    (4_000_000, ["0", "1M", "2M", "3M", "4M"]),
    (40_000_000, ["0", "10M", "20M", "30M", "40M"]),
])  # fmt: skip
def test_large_values_of_the_grid_are_short(top: float, expected: list[str]) -> None:
    assert grid(drawn("en", top)) == expected


def test_the_table_and_the_grid_write_numbers_as_the_language_does() -> None:
    russian, english = drawn("ru", 10_000, 1234.5), drawn("en", 10_000, 1234.5)
    assert "1\u00a0234,5" in russian
    assert "2,5K" in grid(russian)
    assert "1,234.5" in english
