"""Parses prices as admins write them: `350 XTR, 499 RUB, $5.99`, and `-USD` to remove one."""

from __future__ import annotations

import re

_SYMBOLS = {
    "⭐️": "XTR", "⭐": "XTR", "★": "XTR", "₽": "RUB", "$": "USD", "€": "EUR", "£": "GBP", "₸": "KZT",
    "₴": "UAH", "₺": "TRY", "₹": "INR",
}  # fmt: skip
_WORDS = {"STARS": "XTR", "STAR": "XTR", "РУБ": "RUB", "Р": "RUB", "ЗВ": "XTR"}
_ALTERNATIVES = "|".join(map(re.escape, _SYMBOLS))
_NUMBER = r"[-−]?[0-9]{1,12}(?:[ \u00a0\u202f][0-9]{3}(?![0-9])){0,4}(?:[.,][0-9]{1,12})?"
_TOKEN = re.compile(
    rf"\s{{0,20}}+(?:(?P<number>{_NUMBER})"
    rf"|(?P<minus>[-−–])|(?P<symbol>{_ALTERNATIVES})|(?P<word>[A-Za-zА-Яа-я]{{1,5}})\.?)\s{{0,20}}+[,;]?"
)
_MOST = 20  # prices in one message


def read(text: str) -> dict[str, str | None] | None:
    """Return the price by currency, None for one to remove; None where the text is no list of prices.

    Numbers are returned as written, with a point: whether they can be a price is decided in SQL.
    """
    tokens = _tokens(text)
    if not tokens or len(tokens) % 2 or len(tokens) > 2 * _MOST:
        return None
    prices: dict[str, str | None] = {}
    for first, second in zip(tokens[::2], tokens[1::2], strict=True):
        code, amount = (first[1], second) if first[0] == "code" else (second[1], first)
        if {first[0], second[0]} not in ({"code", "number"}, {"code", "minus"}) or code in prices:
            return None
        prices[code] = amount[1] if amount[0] == "number" else None
    return prices


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """Split a text into codes, numbers and minus signs; None where something else is in it."""
    tokens: list[tuple[str, str]] = []
    place = 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return None
        tokens.append(_token(match))
        place = match.end()
    return tokens


def _token(match: re.Match[str]) -> tuple[str, str]:
    if number := match["number"]:
        return "number", re.sub(r"[ \u00a0\u202f]", "", number).replace("−", "-").replace(",", ".")
    if match["minus"]:
        return "minus", "-"
    if symbol := match["symbol"]:
        return "code", _SYMBOLS[symbol]
    word = match["word"].upper()
    return "code", _WORDS.get(word, word)
