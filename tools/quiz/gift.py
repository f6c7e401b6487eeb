"""Reads the multiple-choice questions of Moodle's GIFT format.

    // a comment
    $CATEGORY: closing
    ::title:: Which question closes? {
        =Shall we sign on Friday?
        ~What is your budget? #A situation question.
        ####A closing question asks for a decision.
    }

Taken: one or several right answers (`~%50%`), true or false, feedback, general feedback, categories, text
formats, escapes, a missing word. Short answers, matching, numbers and essays are refused with their line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.quiz.draft import Draft, UnreadableLine, refuse_control_characters

# An escaped character becomes one that no text has, until the marks of the format are found.
_HIDDEN = {
    "~": "\x01",
    "=": "\x02",
    "#": "\x03",
    "{": "\x04",
    "}": "\x05",
    ":": "\x06",
    "\\": "\x07",
    "n": "\x08",
}
_SHOWN = str.maketrans({hidden: "\n" if plain == "n" else plain for plain, hidden in _HIDDEN.items()})
_ESCAPE = re.compile(r"\\(.)")
_TITLE = re.compile(r"\s*::[^:]*::")
_FORMAT = re.compile(r"\[(?:html|moodle|plain|markdown)\]", re.IGNORECASE)
_HTML = re.compile(r"\[html\]", re.IGNORECASE)
_BREAK = re.compile(r"<br ?/?>|</(?:p|div|li|h[1-6])>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE)
_CHOICE = re.compile(r"([=~])([^=~#]*)(?:#([^=~]*))?")
_WEIGHT = re.compile(r"\s*%(-?[0-9]{1,3}(?:\.[0-9]{1,5})?)%")
_CATEGORY = "$CATEGORY:"
_YES = {"T": True, "TRUE": True, "F": False, "FALSE": False}
_BOOLEAN_OPTIONS = {"en": ("True", "False"), "ru": ("Верно", "Неверно")}
_GAP = "____"


@dataclass(frozen=True)
class _Choice:
    text: str
    feedback: str
    is_right: bool


def read(text: str, language: str = "en") -> list[Draft]:
    """Return the questions of a file.

    Raises:
        UnreadableLine: it is no GIFT, or a question is of a kind that is not taken.
    """
    refuse_control_characters(text)
    drafts, topic = [], ""
    for line, paragraph in _paragraphs(_ESCAPE.sub(_hide, text)):
        lines = []
        for one in paragraph:
            is_category = one.lstrip().startswith(_CATEGORY)
            if is_category:
                topic = _clean(one.partition(":")[2]).rpartition("/")[2]
            lines.append("" if is_category or one.lstrip().startswith("//") else one)
        if question := "\n".join(lines).rstrip():
            draft = _question(question, line, language)
            draft.topic = topic
            drafts.append(draft)
    return drafts


def _hide(escape: re.Match[str]) -> str:
    return _HIDDEN.get(escape[1], escape[0])


def _paragraphs(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that stand between blank ones, with the number of the first."""
    lines: list[str] = []
    first = 1
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            first = first if lines else number
            lines.append(line)
        elif lines:
            yield first, lines
            lines = []


def _question(text: str, line: int, language: str) -> Draft:
    def line_of(place: int) -> int:
        return line + text.count("\n", 0, place)

    start, end = text.find("{"), text.find("}")
    first = line_of(len(text) - len(text.lstrip()))
    if start < 0:
        raise UnreadableLine(first, "no answers in { }")
    if text.count("{") != 1 or text.count("}") != 1 or end < start:
        raise UnreadableLine(first, "one { and one } belong to a question")
    title = _TITLE.match(text)
    words, rest = _clean(text[title.end() if title else 0 : start]), _clean(text[end + 1 :])
    if rest:
        words = f"{words} {_GAP}{'' if rest[0] in '.,;:!?' else ' '}{rest}"
    if not words:
        raise UnreadableLine(first, "the question is empty")
    draft = Draft(first, words)
    body, _, general = text[start + 1 : end].partition("####")
    draft.explanation = _clean(general)
    if body.lstrip().startswith(("=", "~")):
        _add_choices(draft, body, line_of(start))
    else:
        _add_boolean(draft, body, line_of(start), language)
    if _HTML.match(text[title.end() if title else 0 :].lstrip()):
        if re.search(r"<(?:img|video|audio|table)\b", text, re.IGNORECASE):
            raise UnreadableLine(first, "pictures, media and tables are not taken")
        draft.text, draft.explanation = _without_tags(draft.text), _without_tags(draft.explanation)
        draft.options = [_without_tags(one) for one in draft.options]
    return draft


def _add_choices(draft: Draft, body: str, line: int) -> None:
    choices = []
    for found in _CHOICE.finditer(body):
        weight = _WEIGHT.match(found[2])
        text = _clean(found[2][weight.end() :] if weight else found[2])
        if not text:
            raise UnreadableLine(line + body.count("\n", 0, found.start()), "an option is empty")
        is_right = found[1] == "=" or (weight is not None and float(weight[1]) > 0)
        choices.append(_Choice(text, _clean(found[3] or ""), is_right))
    if "->" in body:
        raise UnreadableLine(line, "matching questions are not taken")
    if "~" not in body:
        raise UnreadableLine(line, "short answers are not taken")
    draft.options = [choice.text for choice in choices]
    draft.right = [number for number, choice in enumerate(choices) if choice.is_right]
    if not draft.right:
        raise UnreadableLine(line, "no option is right")
    draft.multiple = len(draft.right) > 1
    if not draft.explanation:
        draft.explanation = choices[draft.right[0]].feedback


def _add_boolean(draft: Draft, body: str, line: int, language: str) -> None:
    word, _, feedback = body.partition("#")
    if word.strip().upper() not in _YES:
        if not word.strip():
            raise UnreadableLine(
                line, "numerical answers are not taken" if feedback else "an essay has no options"
            )
        raise UnreadableLine(line, "options begin with = or ~")
    draft.options = [*_BOOLEAN_OPTIONS[language]]
    draft.right = [0 if _YES[word.strip().upper()] else 1]
    # The first feedback is for a wrong answer, the second for the right one.
    draft.explanation = draft.explanation or _clean(feedback.rpartition("#")[2])


def _clean(text: str) -> str:
    """Return a text without its format, its escapes resolved."""
    return _FORMAT.sub("", text).strip().translate(_SHOWN)


def _without_tags(text: str) -> str:
    """Return what a browser shows of HTML: Moodle exports questions written in its editor so."""
    lines = html.unescape(_TAG.sub("", _BREAK.sub("\n", text))).replace("\xa0", " ").split("\n")
    return "\n".join(line for one in lines if (line := one.strip()))
