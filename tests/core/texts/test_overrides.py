"""Custom texts of an owner replace the product's after a check of their placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.core import texts
from shared.core.errors import ConfigError


@pytest.fixture
def custom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(texts, "_CUSTOM", tmp_path)
    texts.table.cache_clear()
    texts._pieces.cache_clear()
    yield tmp_path
    texts.table.cache_clear()
    texts._pieces.cache_clear()


def test_a_custom_text_replaces_one_language_only(custom: Path) -> None:
    before = texts.text("ru", "menu_buy")
    (custom / "en.toml").write_text('menu_buy = "🛒 Get **more**"\n')
    assert texts.text("en", "menu_buy") == "🛒 Get more"
    assert texts.rich("en", "menu_buy").entities == [{"type": "bold", "offset": 7, "length": 4}]
    assert texts.text("ru", "menu_buy") == before


def test_a_custom_file_may_begin_with_a_byte_order_mark(custom: Path) -> None:
    (custom / "ru.toml").write_bytes(b"\xef\xbb\xbf" + 'menu_buy = "Ещё"\n'.encode())
    assert texts.text("ru", "menu_buy") == "Ещё"


def test_a_custom_file_of_another_encoding_is_named(custom: Path) -> None:
    (custom / "ru.toml").write_bytes('menu_buy = "Ещё"\n'.encode("cp1251"))
    with pytest.raises(ConfigError, match=re.escape("custom/ru.toml cannot be read")):
        texts.table("ru")


def test_custom_texts_may_omit_values_and_have_plural_forms(custom: Path) -> None:
    (custom / "en.toml").write_text('welcome_back = "Hi!"\ntoo_long = "{length|char|chars}?"\n')
    assert texts.text("en", "welcome_back", name="Anna") == "Hi!"
    assert texts.text("en", "too_long", length=1, limit=2) == "1 char?"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('welcom = "x"', "there is no text welcom"),
        ("menu_buy = 5", "menu_buy must be a text"),
        ('menu_buy = ""', "menu_buy must be a text"),
        (f'menu_buy = "{"x" * 4097}"', "menu_buy must be a text"),
        (f'command_buy = "{"x" * 257}"', "command_buy must be a text of 1 to 256 characters"),
        ('menu_buy = "{price}"', r"menu_buy names {price}; its values are: none"),
        ('welcome_back = "{nome}"', r"welcome_back names {nome}; its values are: {name}"),
        ('too_long = "{length|one}"', "{length|…} must have 2 forms of the word"),
        ('menu_buy = "a } b"', "menu_buy has a single brace"),
        ('menu_buy = "{"', "menu_buy has a single brace"),
        ('menu_buy = "x', "en.toml cannot be read"),
        ('menu_buy = "x"\nmenu_buy = "y"', "en.toml cannot be read"),
    ],
)
def test_an_invalid_custom_text_is_named(custom: Path, line: str, problem: str) -> None:
    (custom / "en.toml").write_text(line)
    with pytest.raises(ConfigError, match=re.escape(problem)):
        texts.table("en")


def test_a_custom_file_that_is_not_utf8_is_named(custom: Path) -> None:
    (custom / "ru.toml").write_bytes(b'menu_buy = "\xff"')
    with pytest.raises(ConfigError, match=r"ru\.toml cannot be read"):
        texts.table("ru")


def test_a_file_that_cannot_be_read_is_named(custom: Path) -> None:
    (custom / "en.toml").mkdir()
    with pytest.raises(ConfigError, match=r"en\.toml cannot be read"):
        texts.table("en")


@pytest.mark.parametrize("code", sorted(texts.codes()))
def test_the_custom_texts_of_this_checkout_are_valid(code: str) -> None:
    """Without custom texts the test checks nothing; with them it fails before a deployment does."""
    assert len(texts.table(code)) > 700
