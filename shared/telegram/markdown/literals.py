r"""Protects text that is not Markdown but contains its characters.

Literals are replaced by tokens before parsing and restored while rendering: formulas `\(a_1\)`, `\[…\]`,
`$…$` and `$$…$$`, bare URLs, products (`5*4*3`), powers (`2**3`), paths and regular expressions
(`C:\new\*.txt`), identifiers (`__init__`), comparisons at the start of a line (`>= 18`), and pipes in the
code of a table cell.
"""

from __future__ import annotations

import re

from shared.telegram.markdown.limits import MAX_MARKDOWN, MAX_REPEATED

# Each alternative starts with a fixed character and looks behind only after it, so `re` can skip ahead.
_LITERAL = re.compile(
    r"\\(?<!\\\\)\((?:[^\\`\n]|\\[^()`]|\n(?!\n))++\\\)"
    r"|\\(?<!\\\\)\[(?:[^\\`\n]|\\[^\[\]`]|\n(?!\n))++\\\]"
    r"|\$\$(?:[^$`\n]|\n(?!\n))++\$\$"
    r"|\$(?<![\w$\\]\$)(?=[^\s$])[^$`\n]*+(?<=\S)\$(?![\w$])"
    r"|h(?<![\w<]h)ttps?://(?:[^\s<>\[\]()\"'`|\\&]|&(?!\#?\w{1,31};))++"
)
_FORMULA = re.compile(r"[\\^_={}<>+/|]")
# One asterisk within a word or between brackets is a product; alone in quotes or brackets it is literal.
# Two are a power after a bracket or one letter, and next to a digit.
_PRODUCT = re.compile(
    r"\*(?<=[^\W_]\*|[)\]}]\*)(?=[^\W_]|[(\[{])|\*\*(?<=[\d)\]}]\*\*)(?=[^\W_]|\()|\*\*(?<=[^\W_]\*\*)(?=\d)"
    r"|\*\*(?<=(?<![\w*])[A-Za-z]\*\*)(?=[^\W_]|\()"
    r"|\*(?:(?<=\"\*)(?=\")|(?<='\*)(?=')|(?<=\(\*)(?=\))|(?<=\[\*)(?=\])|(?<=«\*)(?=»))"
)
_HIDDEN = re.compile(r"(?<![\w*])[^\W_]{1,32}\*{3,32}[^\W_]{1,32}(?![\w*])")  # f***ing
# Bold with punctuation inside and a letter outside, as **重要：**这 or **Важно:**текст. CommonMark does not
# accept these markers (commonmark-spec 650), but scripts without spaces have no other way.
_BOLD = re.compile(r"\*\*(?<!\*\*\*)(?=[^\s*])([^*\n`]{1,300}?)(?<=[^\s*])\*\*(?!\*)")
_IDENTIFIER = re.compile(r"__(?<!\w__)(?:[a-z][a-z0-9_]{0,40}|[A-Z][A-Z0-9_]{0,40})(?<=[^_])__(?!\w)")
_WORD = re.compile(r"[^\s`]+")
_PLAIN_BACKSLASH = re.compile(r"\\[A-Za-z0-9]|(?<![A-Za-z0-9])[A-Za-z]:\\")
_ESCAPE = re.compile(r"\\[^\w\s]")
_SHRUG = re.compile(r"¯\\?\\_\(ツ\)\\?_/¯")
_COMPARISON = re.compile(
    r"^[ ]{0,3}(?:>(?=[=:;.,/\\|^)<]|_[<>.])|>>>(?=[ ])|>(?=[ ]?[-+~≈±]?[$€£₽¥]?[0-9]))", re.MULTILINE
)
_UNDERLINE = re.compile(r"\n[ ]{0,3}(?:={1,2}|-{1,2})[ \t]*(?=\n|\Z)")  # a setext heading in Markdown
_MARKED_LINE = re.compile(r"[ \t]*(?:[-*+>|#]|[0-9]{1,9}[.)])|[ \t]*\Z")
_CODE = re.compile(r"(?<!`)(`{1,8}+)(?!`)([^\n]{1,300}?)(?<!`)\1(?!`)")
_PIPE = re.compile(r"(?<!\\)\|")
_OPEN, _CLOSE = "\ue000", "\ue001"  # private-use characters without a meaning in Markdown
_TOKEN = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


class Literals:
    """The extracted literals, by the numbers of their tokens."""

    def __init__(self) -> None:
        self._found: dict[str, int] = {}  # literal: number
        self._literals: list[str] = []
        self._length = 0

    def token(self, literal: str) -> str:
        """Store a literal and return its token."""
        number = self._found.setdefault(literal, len(self._literals))
        if number == len(self._literals):
            self._literals.append(literal)
        return f"{_OPEN}{number}{_CLOSE}"

    def plain(self, text: str) -> str:
        """Return the source text with its tokens replaced by literals, without the limit of `restore`."""
        return _TOKEN.sub(lambda match: self._literals[int(match[1])], text) if _OPEN in text else text

    def restore(self, text: str) -> str:
        """Return `text` with its tokens replaced by literals.

        Raises:
            ValueError: the total length exceeds that of any normal document. A reference can repeat a long
                URL at no cost.
        """
        if not self._literals or _OPEN not in text:
            return text
        text = self.plain(text)
        self._length += len(text)
        if self._length > 4 * MAX_MARKDOWN + MAX_REPEATED:  # a table cell is restored up to four times
            raise ValueError("literals are repeated too often")
        return text


def extract_literals(source: str) -> tuple[str, Literals]:
    """Return the source with literals replaced by tokens, and the literals."""
    literals = Literals()
    if _OPEN in source:
        return source, literals
    token = literals.token
    if "$" in source or "\\(" in source or "\\[" in source or "://" in source:
        source = _LITERAL.sub(lambda match: _protect(match[0], literals), source)
    if "\\" in source:
        source = _SHRUG.sub(lambda match: token(match[0]), source)
        source = _WORD.sub(lambda match: _protect_word(match[0], literals), source)
    if "*" in source:
        if not source.isascii():
            source = _BOLD.sub(lambda match: _protect_bold(match, literals), source)
        if "***" in source:
            source = _HIDDEN.sub(lambda match: token(match[0]), source)
        source = _PRODUCT.sub(lambda match: token(match[0]), source)
    if "__" in source:
        source = _IDENTIFIER.sub(lambda match: token(match[0]), source)
    if ">" in source:
        source = _COMPARISON.sub(lambda match: _protect_comparison(match, literals), source)
    if "\n" in source:
        source = _UNDERLINE.sub(lambda match: _protect_underline(match, literals), source)
    if "|" in source and "`" in source:
        source = _CODE.sub(lambda match: _PIPE.sub(token("|"), match[0]), source)
    return source, literals


def _protect(found: str, literals: Literals) -> str:
    """Return the replacement of a match of `_LITERAL`."""
    if found[0] == "h":
        address = found.rstrip("_*~.,:;!?")
        is_odd = "_" in address or "*" in address
        return literals.token(address) + found[len(address) :] if is_odd else found
    if found.startswith(("\\(", "$$")) or _FORMULA.search(found, 2, len(found) - 2):
        return literals.token(found)
    return found  # `\[1\]` are brackets, "$5 or 10$" are amounts


def _protect_bold(match: re.Match[str], literals: Literals) -> str:
    """Hide the punctuation at the edges of bold text from CommonMark behind empty tokens."""
    text, source = match[1], match.string
    before, after = source[max(match.start() - 1, 0) : match.start()], source[match.end() : match.end() + 1]
    start = literals.token("") if _is_edge(text[0], before) else ""
    end = literals.token("") if _is_edge(text[-1], after) else ""
    return f"**{start}{text}{end}**"


def _is_edge(mark: str, neighbour: str) -> bool:
    """Whether punctuation inside a style meets a letter outside, and they are not both ASCII."""
    return neighbour.isalnum() and not (
        mark.isalnum() or mark in _OPEN + _CLOSE + "_" or (mark + neighbour).isascii()
    )


def _protect_word(word: str, literals: Literals) -> str:
    """Protect a word with a backslash that escapes nothing: then its other backslashes do not either."""
    if "\\" in word and _PLAIN_BACKSLASH.search(word) and _ESCAPE.search(word):
        return literals.token(literals.plain(word))
    return word


def _protect_comparison(match: re.Match[str], literals: Literals) -> str:
    """Protect a `>` that compares. Before a digit it may start a quote of several lines."""
    found, source = match[0], match.string
    follows = source[match.end() : match.end() + 2].lstrip(" ")
    if not found.endswith(">>>") and follows[:1] not in "=:;.,/\\|^)<_" and _is_in_quote(source, match):
        return found
    return literals.token(found.lstrip(" "))


def _is_in_quote(source: str, match: re.Match[str]) -> bool:
    previous = source.rfind("\n", 0, max(match.start() - 1, 0)) + 1
    following = source.find("\n", match.end()) + 1
    return (match.start() > 0 and source[previous : previous + 4].lstrip(" ").startswith(">")) or (
        following > 0 and source[following : following + 4].lstrip(" ").startswith(">")
    )


def _protect_underline(match: re.Match[str], literals: Literals) -> str:
    """Protect one or two characters below a line of text: not the underline of a heading."""
    start = match.string.rfind("\n", 0, match.start()) + 1
    if _MARKED_LINE.match(match.string[start : match.start()]):
        return match[0]
    return "\n" + literals.token(match[0][1:])
