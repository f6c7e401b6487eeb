r"""What is no Markdown, though Markdown would find its own characters in it: formulas and bare addresses.

`\(a_1\)`, `\[…\]`, `$…$` and `$$…$$` are put aside before the Markdown is read, or it would eat their
backslashes and underscores. So are bare addresses with underscores. A token stands in their place meanwhile.
"""

from __future__ import annotations

import re

from shared.telegram.markdown.limits import MAX_MARKDOWN, MAX_REPEATED

# Each begins with a plain character and looks behind only after it, so `re` skips to the next of these.
_LITERAL = re.compile(
    r"\\(?<!\\\\)\((?:[^\\`\n]|\\[^()`]|\n(?!\n))++\\\)"
    r"|\\(?<!\\\\)\[(?:[^\\`\n]|\\[^\[\]`]|\n(?!\n))++\\\]"
    r"|\$\$(?:[^$`\n]|\n(?!\n))++\$\$"
    r"|\$(?<![\w$\\]\$)(?=[^\s$])[^$`\n]*+(?<=\S)\$(?![\w$])"
    r"|h(?<![\w<]h)ttps?://[^\s<>\[\]()\"'`|\\&*]++"
)
_FORMULA = re.compile(r"[\\^_={}<>+/|]")
_OPEN, _CLOSE = "\ue000", "\ue001"  # private-use characters, which no Markdown rule knows
_TOKEN = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


class Literals:
    """What was put aside, in the order of its tokens."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._length = 0

    def token(self, match: re.Match[str]) -> str:
        """Put aside what is to be kept of a find; return what stands there instead."""
        literal, rest = _kept(match[0])
        if not literal:
            return rest
        self._found.append(literal)
        return f"{_OPEN}{len(self._found) - 1}{_CLOSE}{rest}"

    def restored(self, text: str) -> str:
        """Return `text` with the literals in place of their tokens.

        Raises:
            ValueError: more of them came back than an honest document has: a token is the address of a
                reference, which costs nothing to use again.
        """
        if not self._found or _OPEN not in text:
            return text
        text = _TOKEN.sub(lambda match: self._found[int(match[1])], text)
        self._length += len(text)
        if self._length > 3 * MAX_MARKDOWN + MAX_REPEATED:  # a cell of a table is read up to three times
            raise ValueError("literals repeated without end")
        return text


def set_aside(source: str) -> tuple[str, Literals]:
    """Return the source with a token in place of everything that is no Markdown, and what the tokens mean."""
    literals = Literals()
    has_any = "$" in source or "\\(" in source or "\\[" in source or ("://" in source and "_" in source)
    if not has_any or _OPEN in source:
        return source, literals
    return _LITERAL.sub(literals.token, source), literals


def _kept(found: str) -> tuple[str, str]:
    """Return the part of a find that is to be kept as it is, and the rest after it."""
    if found[0] == "h":
        address = found.rstrip("_~.,:;!?")
        return (address, found[len(address) :]) if "_" in address else ("", found)
    if found.startswith(("\\(", "$$")) or _FORMULA.search(found, 2, len(found) - 2):
        return found, ""
    return "", found  # `\[1\]` are brackets, "$5 or 10$" is money
