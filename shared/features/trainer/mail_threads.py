"""Reads a pasted thread of e-mails: who wrote what, oldest first.

A mail begins with its headers (`From: …`, `Sent: …`), as Outlook writes them, or with a line above a
quotation (`On 12 March 2026 at 10:15, Anna <anna@example.com> wrote:`). A thread has its newest mail on top;
what stands above the first header is the answer to it. Every line is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_HEADER = 200  # characters of a header
_NAME = 40  # characters
_FROM = frozenset({"from", "от", "от кого"})
_OTHER_HEADERS = frozenset(
    {
        *("sent", "date", "to", "cc", "bcc", "subject", "reply-to"),
        *("отправлено", "дата", "кому", "копия", "тема"),
    }
)
HEADERS = _FROM | _OTHER_HEADERS
_WROTE = (" wrote:", " writes:", " пишет:", " написал:", " написала:", " написал(а):", ">:")
_TIME = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp]\.?[Mm]\b\.?)?")
_SEPARATORS = ("-----", "_____", "=====", "*****")
_NUMBERS = re.compile(r"\d{1,4}")
_MONTH_NAMES = (
    *("jan янв", "feb фев", "mar мар", "apr апр", "may май мая", "jun июн"),
    *("jul июл", "aug авг", "sep сен", "oct окт", "nov ноя", "dec дек"),
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}


@dataclass
class _Mail:
    """A mail. `author`: empty above the first header; `written`: (year, month, day, minutes), if known."""

    author: str
    is_quotation: bool = False
    written: tuple[int, int, int, int] | None = None
    lines: list[str] = field(default_factory=list)


def read(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Return (author, text) of each mail, oldest first; nothing where the lines are no thread.

    The author is empty where the thread does not name it.
    """
    mails = [mail for mail in _mails(lines) if mail.lines]
    authors = list(dict.fromkeys(mail.author for mail in mails if mail.author))
    if len(mails) < 2 or not authors:
        return []
    if _is_newest_first(mails):
        if not mails[0].author and len(authors) == 2:
            mails[0].author = next(name for name in authors if name != mails[1].author)
        mails.reverse()
    return [(mail.author, " ".join(mail.lines)) for mail in mails]


def _mails(lines: Sequence[str]) -> Iterator[_Mail]:
    mail = _Mail("")
    is_header = False
    for line, following in pairwise([*map(_unquoted, lines), ""]):
        name, colon, value = line[:_HEADER].partition(":")
        word = name.strip("*_ ").lower()
        if colon and word in _FROM and _header_word(following) in _OTHER_HEADERS:
            yield mail
            mail, is_header = _Mail(_author(value)), True
        elif colon and is_header and word in HEADERS:
            if word in ("sent", "date", "отправлено", "дата"):
                mail.written = _moment(value)
        elif author := _quoted_author(line, following):
            yield mail
            mail, is_header = _Mail(author, is_quotation=True), False
        else:
            is_header = False
            if line and not line.startswith(_SEPARATORS) and not _ends_attribution(line):
                mail.lines.append(line)
    yield mail


def _is_newest_first(mails: Sequence[_Mail]) -> bool:
    if not mails[0].author or any(mail.is_quotation for mail in mails):
        return True
    known = [mail.written for mail in mails if mail.written]
    return len(known) > 1 and known[0] > known[-1]


def _unquoted(line: str) -> str:
    return line.lstrip("> ").rstrip()


def _header_word(line: str) -> str:
    name, colon, _ = line[:_HEADER].partition(":")
    return name.strip("*_ ").lower() if colon else ""


def _quoted_author(line: str, following: str) -> str:
    """Return the author that the line above a quotation names; programs break a long one in two."""
    if not (0 < len(line) <= _HEADER):
        return ""
    whole = line
    if not line.endswith(_WROTE):
        if not _ends_attribution(following):
            return ""
        whole = f"{line} {following}"
    times = list(_TIME.finditer(whole))
    if not times or not _NUMBERS.search(whole[: times[-1].start()]):  # a date, too
        return ""
    rest = whole[times[-1].end() :]
    for end in _WROTE[:-1]:
        rest = rest.removesuffix(end)
    return _author(rest)


def _ends_attribution(line: str) -> bool:
    """Return whether a line is the second half of one above a quotation: an address, or its last word."""
    return (
        0 < len(line) <= _HEADER
        and f" {line}".endswith(_WROTE)
        and ("@" in line or len(line.split()) == 1)
        and not _TIME.search(line)
    )


def _author(value: str) -> str:
    name = value.partition("<")[0].partition("[mailto")[0].strip(" ,;:\"'«»*_")
    name = name or value.partition("<")[2].partition(">")[0].strip()
    return name[:_NAME]


def _moment(value: str) -> tuple[int, int, int, int] | None:
    """Return when a mail was sent, as numbers that can be compared; None where the date can't be read."""
    time = _TIME.search(value)
    day = value[: time.start()] if time else value
    months = [_MONTHS[word[:3]] for word in re.findall(r"[a-zа-я]+", day.lower()) if word[:3] in _MONTHS]
    numbers = [int(one) for one in _NUMBERS.findall(day)]
    years = [one for one in numbers if one > 1900]
    rest = [one for one in numbers if one <= 31]
    if len(years) != 1 or len(rest) != (1 if months else 2):
        return None
    if not months:  # 2026-03-12, 12.03.2026 and 3/12/2026
        month, number = rest if numbers[0] == years[0] or "/" in day else reversed(rest)
    else:
        month, number = months[0], rest[0]
    return (years[0], month, number, _minutes(time[0]) if time else 0)


def _minutes(time: str) -> int:
    hours, minutes = (int(part) for part in _NUMBERS.findall(time)[:2])
    if "m" in time.lower():
        hours = hours % 12 + 12 * ("p" in time.lower())
    return hours * 60 + minutes
