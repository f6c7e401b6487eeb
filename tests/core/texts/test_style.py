"""Rules of docs/texts.md that can be checked automatically."""

from __future__ import annotations

import re

import pytest

from shared.core import texts

CODES = ("en", "ru")
NOT_PROSE = re.compile(r"`[^`]*`|/\w+|\{[^{}]*\}")
FORBIDDEN = {
    "en": r"shall|whom|whoever|somebody|anybody|handiest|any more|meanwhile|e-mail|user name|one-off|"
    r"nobody|will not|we will",
    "ru": r"осуществ\w+|данн(?:ый|ая|ое|ого|ой)|является|производится|понарошку|в случае если|"
    r"на данный момент|разобрали|мы будем|кто бы ни|тот, кто|само собой",
}
UNCONTRACTED = (
    r"(?:do|does|did|is|are|was|were|has|have|had|could|would|should) not|cannot|"
    r"I (?:am|will|have)|(?:you|we|they) are|(?:you|they|it) will"
)
# Forms that always have ё (платежи, счета and включены do not).
MISSING_YO = (
    r"еще|ее|нее|счет|счетом|платеж|мое|твое|свое|причем|придет|найдет|вернем|начнем|пришлем|пришел|подошел|"
    r"прошел|нашел|ушел|вернется|остается|дается|"
    r"\w*(?:(?<!вы)ключен|дален|вершен|хранен|вращен|чтен|решен|мещен|нужден|ведет|шлет|несет)|дает|отдает|передает"
)
SHORT = re.compile(r"command_|menu_\w+$|admin_button_|.*_button$")


def prose(code: str) -> dict[str, str]:
    """Return every text without markup, values, code and commands, by key."""
    known = texts.table(code)
    return {key: NOT_PROSE.sub("X", template).replace("**", "") for key, template in known.items()}


def matching(code: str, pattern: str) -> dict[str, list[str]]:
    words = re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
    return {key: found for key, text in prose(code).items() if (found := words.findall(text))}


@pytest.mark.parametrize("code", CODES)
def test_quotes_ellipses_and_spaces(code: str) -> None:
    wrong = {"en": r"['\"«»]|(?<!X) — ", "ru": "['\"“”’„]"}[code]
    spaces = r"[^\S\n]{2}|[^\S\n]\n|\n{3}| [,;!?.](?:\s|$)"
    found = [key for key, text in prose(code).items() if re.search(rf"{wrong}|\.\.\.|{spaces}", text)]
    assert not found, "“ ” ’ and no dash in English, « » in Russian, … is one character, single spaces"


@pytest.mark.parametrize(
    ("code", "pattern"),
    [*FORBIDDEN.items(), ("en", UNCONTRACTED), ("ru", MISSING_YO)],
    ids=["en words", "ru words", "contractions", "ё"],
)
def test_words(code: str, pattern: str) -> None:
    assert not matching(code, pattern), "see docs/texts.md"


@pytest.mark.parametrize("code", CODES)
def test_a_label_has_no_full_stop_and_sentences_do(code: str) -> None:
    known = prose(code)
    labels = [key for key, text in known.items() if SHORT.match(key) and text.endswith((".", ":"))]
    open_ended = [
        key
        for key, text in known.items()
        if re.search(r"[.!?] [A-ZА-ЯЁ]", text) and not re.search(r"([.!?…:)»”]|X)$|X — [^\n.]+$", text)
    ]
    assert not labels + open_ended
