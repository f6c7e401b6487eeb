"""Reads questions from CSV with a header row: question, a, b, c, … l, right, explanation, topic, level.

`right` is a letter, or several (`a c`) of a question with several right answers. Commas, semicolons and tabs
separate. explanation, topic and level may be missing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from tools.quiz.draft import Draft, UnreadableLine, refuse_control_characters

LETTERS = "abcdefghijkl"
_KNOWN = {"question", *LETTERS, "right", "explanation", "topic", "level"}


def read(text: str) -> list[Draft]:
    """Return the questions of a file.

    Raises:
        UnreadableLine: a row breaks the format.
    """
    refuse_control_characters(text)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.DictReader(
        io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter, strict=True
    )
    line = 1
    try:
        rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
        unknown = sorted(set(rows.fieldnames) - _KNOWN)
        missing = sorted({"question", "a", "b", "right"} - set(rows.fieldnames))
        if unknown or missing:
            reason = f"no column {missing[0]}" if missing else f"unknown column {unknown[0]!r}"
            raise UnreadableLine(1, reason)
        drafts, line = [], rows.line_num + 1
        for row in rows:
            if any(row.values()):
                drafts.append(_draft(row, line))
            line = rows.line_num + 1
    except csv.Error as error:
        raise UnreadableLine(line, str(error)) from None
    return drafts


def _draft(row: Mapping[str | None, str | None], line: int) -> Draft:
    if None in row or None in row.values():
        raise UnreadableLine(line, "the row has another number of columns than the header")
    cells = {str(name): (value or "").strip() for name, value in row.items()}
    options = [cells[letter] for letter in LETTERS if cells.get(letter)]
    if options != [cells.get(letter, "") for letter in LETTERS[: len(options)]]:
        raise UnreadableLine(line, "an option is empty before one that is not")
    if not cells["question"]:
        raise UnreadableLine(line, "the question is empty")
    letters = cells["right"].lower().replace(",", " ").split()
    for letter in letters:
        if len(letter) != 1 or letter not in LETTERS[: len(options)]:
            raise UnreadableLine(line, f"there is no option {letter[:20]!r}")
    if not letters:
        raise UnreadableLine(line, "right is empty")
    level = cells.get("level") or "0"
    if level not in ("0", "1", "2", "3", "4", "5"):
        raise UnreadableLine(line, "level is a number from 1 to 5")
    return Draft(
        line,
        cells["question"],
        options,
        sorted({LETTERS.index(letter) for letter in letters}),
        cells.get("explanation", ""),
        multiple=len(set(letters)) > 1,
        topic=cells.get("topic", ""),
        level=int(level),
    )
