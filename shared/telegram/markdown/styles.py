"""Decides whether style markers are intended: CommonMark also finds some in formulas, code and emoticons."""

from __future__ import annotations

from typing import NamedTuple

_OPENING, _CLOSING, _QUOTES = "([{<«“„", ")]}>»”", "\"'`"
_SEPARATORS = ",.;:/=|^\\-&%"
_MAY_PRECEDE = _OPENING + _QUOTES + "*_~"  # a style that begins with a separator, as **.env**
_MAY_FOLLOW = _CLOSING + _QUOTES + "*_~"
_NO_WORDS = frozenset("*_~^.,;")


class Style(NamedTuple):
    """A style that CommonMark found. `before` and `after` are one or two adjacent characters."""

    marker: str
    before: str
    content: str
    after: str

    def is_intended(self) -> bool:
        """Whether the markers are intended as markers; otherwise they stay text."""
        if not self.content or self.marker == "~":
            return False
        return not (self._is_around_symbols() or self._is_badly_opened() or self._is_badly_closed())

    def _is_around_symbols(self) -> bool:
        """Whether this is `(_,_)`, `*_*`, `"*" + "*"`, `/*x*/` or `.*x.*`."""
        before, after, content = self.before[-1:], self.after[:1], self.content
        if all(c in _NO_WORDS for c in content) or (self.marker == "_" and not any(map(_is_word, content))):
            return True
        if before and before in _QUOTES and content[0] in _QUOTES:
            return True
        return (before == "/" and after == "/") or (before == "." and content[-1] == ".")

    def _is_badly_opened(self) -> bool:
        """Whether this is `-_-`, `a**b`, `(a)**2`, `,*.py`, `50%*3*"a"` or `n!*(n-1)*!k`."""
        before, first = self.before[-1:], self.content[0]
        if first in _CLOSING:
            return True
        if not before or before.isspace():
            return False
        if self.marker == "*" and (self.content.isdigit() or before in "!%°"):
            return True
        if first in _SEPARATORS and before not in _MAY_PRECEDE:
            return True
        return len(self.marker) == 2 and self._is_operator(before)

    def _is_operator(self, before: str) -> bool:
        """Whether `**` is a power, and no highlight within a word, as in str**aw**berry."""
        if before in ")]}":
            return True
        return before.isascii() and before.isalnum() and not (self.before.isalpha() and self._is_highlight())

    def _is_highlight(self) -> bool:
        return len(self.before) == 2 and self.content.isalpha()

    def _is_badly_closed(self) -> bool:
        """Whether this is `COUNT(*) + SUM(*)`, `_.map(_.x)`, `*.py,*.txt` or `**a**2`."""
        last, after = self.content[-1], self.after[:1]
        if last in _OPENING:
            return True
        if not after or after.isspace():
            return False
        is_power = after.isdigit() and (last.isascii() or last.isalnum())  # but not **重要：**10
        if is_power or (last == "," and after not in _MAY_FOLLOW):
            return True
        if self._is_within_word(last, after):
            return True
        return last in "/=^|\\&-" and after not in _MAY_FOLLOW + ".,;:!?"

    def _is_within_word(self, last: str, after: str) -> bool:
        """Whether this is `**kwargs, a**b`, and not **word**s."""
        if len(self.marker) < 2 or not (after + last).isascii() or not (after + last).isalpha():
            return False
        return len(self.content) < 2 or not self.content.isalpha()


def _is_word(character: str) -> bool:
    return character.isalnum() or not character.isascii()
