"""The language of what authors wrote."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shared.core import texts


def test_the_language_then_the_default_one_then_english_then_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "settings", lambda: SimpleNamespace(default_language="ru"))
    words = {"de": "Titel", "en": "Title", "ru": "Название", "fr": "Titre"}
    found = []
    for gone in ("fr", "ru", "en", "de"):
        found.append(texts.pick("fr", words, ""))
        del words[gone]
    assert found == ["Titre", "Название", "Title", "Titel"]
    assert texts.pick("fr", words, "none") == "none"
    with pytest.raises(StopIteration):
        texts.pick("fr", words)
