"""The statements of docs/ai_models.md run as they stand there, in their order, and give what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

Sql = Callable[..., list[dict[str, Any]]]
PAGE = Path(__file__).parents[3] / "docs" / "ai_models.md"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_STATEMENT = re.compile(r"(.+?);[ \t]*(?:-- (.+))?$", re.DOTALL | re.MULTILINE)


def statements() -> list[tuple[str, str]]:
    """Return the statements, each with the result that a comment behind it names."""
    found = [block for block in _BLOCK.findall(PAGE.read_text(encoding="utf-8")) if block[0] != "text"]
    assert {language for language, _ in found} == {"sql"}, "run the others, too"
    return [match for _, code in found for match in _STATEMENT.findall(code)]


def test_the_statements_of_the_page(sql: Sql, call: Callable[..., Any]) -> None:
    results = []
    for statement, expected in statements():
        rows = sql(statement.strip().replace("%", "%%"))
        if expected:
            (value,) = rows[0].values()
            assert value == Decimal(expected), statement
            results.append(value)
    assert results, "the page says what a call costs"
    (model,) = sql("select * from ai_models where model = 'ideogram/v3-text-to-image'")
    assert (model["provider"], model["kind"], model["enabled"]) == ("kie_ai", "image", True)
    prices = sql(
        "select price_usd, valid_from::text as day from ai_model_prices"
        " where model = 'nano-banana-2-1' and conditions = '{\"size\": \"2K\"}' order by valid_from"
    )
    assert [one["day"] for one in prices] == ["-infinity", "2027-01-01"]
    listed = {mode["key"]: mode for mode in call("list_ai_modes", "image")}
    assert [one["provider"] for one in listed["poster"]["models"]] == ["kie_ai", "openai"]
