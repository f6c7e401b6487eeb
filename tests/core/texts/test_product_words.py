"""A product always has a title, even when a language lacks one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from shared.core import texts

GOOD = {"title": "Plan", "description": "Words"}


@pytest.fixture
def russian(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings whose default language is Russian."""
    monkeypatch.setattr(texts, "settings", lambda: SimpleNamespace(default_language="ru"))


@pytest.mark.usefixtures("russian")
@pytest.mark.parametrize(
    ("code", "named", "expected"),
    [
        ("en", {"en": GOOD}, ("Plan", "Words")),
        ("ru", {"en": GOOD}, ("Plan", "Words")),
        ("ru", {"en": GOOD, "ru": {"description": "Слова"}}, ("Plan", "Words")),
        ("ru", {"en": GOOD, "ru": {"title": ""}}, ("Plan", "Words")),
        ("ru", {"de": {"title": "Tarif"}, "ru": None}, ("Tarif", "")),
        ("en", {"en": {"title": "Plan", "description": None}}, ("Plan", "")),
        ("en", {"en": "Plan"}, ("—", "")),
        ("en", {}, ("—", "")),
    ],
)
def test_a_title_is_found(code: str, named: dict[str, Any], expected: tuple[str, str]) -> None:
    assert texts.product_words(code, named) == expected


@pytest.mark.parametrize(
    "named",
    [
        "{}", "[]", '"Plan"', "null", '{"en": {}}', '{"en": {"title": ""}}', '{"en": {"title": " \\n"}}',
        '{"en": {"title": 5}}', '{"en": {"title": null}}', '{"en": {"title": ["Plan"]}}', '{"en": "Plan"}',
        '{"en": [{"title": "Plan"}]}', '{"title": "Plan"}', '{"en": {"description": "Words"}}',
    ],
)  # fmt: skip
def test_the_table_takes_no_product_without_a_title(sql: Any, named: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        sql("update products set texts = %s::jsonb where key = 'credits_100'", named)


def test_the_table_takes_a_title_in_any_language(sql: Any) -> None:
    for named in ('{"de": {"title": "я"}}', '{"ru": {"description": "x"}, "en": {"title": "Plan"}}'):
        sql("begin; update products set texts = '" + named + "' where key = 'credits_100'; rollback")


def test_messages_take_the_title_of_another_language(sql: Any) -> None:
    named = (
        '{"ru": {"description": "x"}, "de": {"title": null}, "fr": {"title": ""}, "en": {"title": "Plan"}}'
    )
    sql("insert into products (key, kind, quantity, texts) values ('titles', 'credits', 1, %s::jsonb)", named)
    assert sql("select private.product_titles('titles') as found") == [{"found": {"en": "Plan"}}]
