"""Reads Moodle's Aiken format: a question on one line, its options, and the letter of the right one.

Which question closes?
A) What is your budget?
B) Shall we sign on Friday?
ANSWER: B
"""

from __future__ import annotations

import re

from tools.quiz.draft import Draft, UnreadableLine, refuse_control_characters

_OPTION = re.compile(r"([A-L])[.)]\s(.*)")
_ANSWER = re.compile(r"ANSWER:\s*([A-Za-z])\s*")


def read(text: str) -> list[Draft]:
    """Return the questions of a file.

    Raises:
        UnreadableLine: it is no Aiken.
    """
    refuse_control_characters(text)
    drafts: list[Draft] = []
    draft: Draft | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        option, answer = _OPTION.fullmatch(line.strip()), _ANSWER.fullmatch(line.strip())
        if draft is None:
            if option or answer:
                raise UnreadableLine(number, "a question comes before its options")
            draft = Draft(number, line.strip())
        elif option:
            _add(draft, number, option[1], option[2].strip())
        elif answer:
            drafts.append(_finished(draft, number, answer[1].upper()))
            draft = None
        else:
            raise UnreadableLine(number, "expected an option (A. …) or ANSWER: of the question above")
    if draft is not None:
        raise UnreadableLine(draft.line, "the question has no ANSWER:")
    return drafts


def _add(draft: Draft, line: int, letter: str, text: str) -> None:
    expected = chr(ord("A") + len(draft.options))
    if letter != expected:
        raise UnreadableLine(line, f"option {letter} comes where {expected} is next")
    if not text:
        raise UnreadableLine(line, "an option is empty")
    draft.options.append(text)


def _finished(draft: Draft, line: int, letter: str) -> Draft:
    number = ord(letter) - ord("A")
    if number >= len(draft.options):
        raise UnreadableLine(line, f"there is no option {letter}")
    draft.right = [number]
    return draft
