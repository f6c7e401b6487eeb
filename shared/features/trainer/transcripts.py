"""Reads a pasted conversation: who says what.

Speakers are named before a colon (`Manager: …`, also after a time), in the header of a message copied from
Telegram or Zoom (`Anna, [12.03.2026 10:15]`) or of an e-mail, or not at all, where each line that begins with
a dash is the other person's. Where only one speaker is named, the lines between are the other person's. It
all takes linear time: lines are cut by their first colon or bracket, and no pattern goes back.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from shared.features.trainer import mail_threads

UNNAMED = "—"  # the speaker whose lines have no name
MOST_SPEAKERS = 6  # that a user can choose from
_FEW = 8  # names that may stand once each; of more, only those that come back are speakers
_NAME = 40  # characters
_WORDS = 4  # of a name
_HEADER = 80  # characters of a header copied from Telegram
_FULL = 4_096  # UTF-16 code units: clients split a longer text here
_LINE = 2_000  # characters of one line

_STAMP = re.compile(
    r"[\[(]?(?:\d{4}[-./]\d\d[-./]\d\d[T ,]{0,2}|\d{1,2}[.:/]\d{1,4})[\d.:/, ]{0,20}"
    r"(?:[AaPp][Mm]|Z|[+-]\d\d:?\d\d)?[\])]?[ \t]{0,3}[-–—]?[ \t]{0,3}"
)
_SELLER_WORDS = """
    менеджер продавец продажник консультант оператор специалист продажи я seller salesperson salesman sales
    rep representative consultant advisor sdr bdr agent operator me
"""
_CLIENT_WORDS = """
    клиент клиентка покупатель заказчик закупщик закупкам закупок закупки снабжению снабжения
    client customer buyer prospect lead procurement purchasing buying
"""
_SELLER, _CLIENT = frozenset(_SELLER_WORDS.split()), frozenset(_CLIENT_WORDS.split())
_DASHES = ("—", "–", "-")
# The chat of a meeting in Zoom: `10:15:22 From Anna Petrova to Everyone: …`, formerly `From Anna : …`.
_ZOOM_FROM = ("From ", "От ")
_ZOOM_TO = (" to ", " To ", " кому ", " для ", " до ")
_CUE = re.compile(r"(?:\d{1,2}:)?\d{1,2}:\d\d[.,]\d{1,3} --> ")  # of subtitles (WebVTT, SRT)
_PHONE = re.compile(r"\+\d[\d ()-]{5,20}")  # a contact without a name
# A time behind a name is cut by its first colon: the hours stay with the name, the rest comes after it.
_HOURS = re.compile(r"[\[(]?\d{1,2}$")
_MINUTES = re.compile(r"\d\d(?::\d\d)?[ ]?(?:[AaPp][Mm])?[\])]?:?")
_DIRECTION_MARKS = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
_PLAIN = {
    **dict.fromkeys(_DIRECTION_MARKS),
    0xA0: " ",
    0x202F: " ",
    0x2009: " ",
}  # other spaces become plain ones


@dataclass(frozen=True)
class Line:
    """What a speaker said without a break."""

    speaker: str
    text: str


@dataclass(frozen=True)
class Transcript:
    """A conversation. `speakers`: those who speak most come first. `is_named`: they have names."""

    lines: tuple[Line, ...]
    speakers: tuple[str, ...]
    is_named: bool

    def has_name(self, speaker: str) -> bool:
        """Return whether the conversation names a speaker."""
        return self.is_named and speaker != UNNAMED

    def first_words(self, speaker: str) -> str:
        """Return what a speaker said first."""
        return next(line.text for line in self.lines if line.speaker == speaker)


@dataclass(frozen=True)
class Exchange:
    """What the seller said, and the client's words before it and after it."""

    before: str
    said: str
    after: str


def clean(text: str) -> str:
    """Return a text that can be stored and read: no half surrogate pairs, NUL or marks of direction."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "\n".join(whole.replace("\x00", "").translate(_PLAIN).splitlines())


def join(parts: Iterable[str]) -> str:
    """Return the text of several messages. Where a client has split a long one, a word may be cut in two."""
    return "".join(f"{part}\n" if len(part.encode("utf-16-le")) // 2 < _FULL else part for part in parts)


def read(text: str) -> Transcript:
    """Return the conversation in a text; without speakers where it names fewer than two."""
    raw = [line.strip() for line in text.split("\n") if line.strip()]
    cues = {place for place, line in enumerate(raw) if _CUE.match(line)}
    cues |= {place - 1 for place in cues if place and raw[place - 1].isdigit()}
    raw = [line for place, line in enumerate(raw) if place not in cues]
    mails = mail_threads.read(raw)
    if len({_key(name) for name, _ in mails if name}) > 1:
        return _of_mails(mails)
    named = [_header(line) for line in raw]
    if len({_key(name) for name, _ in named if name}) < 2:
        named = [_speaker_of(line) for line in raw]
    counts = Counter(_key(name) for name, _ in named if name)
    if only := _only_named(counts, [_key(name) for name, _ in named]):
        lines = _joined(
            (only, rest, name) if _key(name) == only else (UNNAMED, line, UNNAMED)
            for line, (name, rest) in zip(raw, named, strict=True)
        )
        return _transcript(_merged(lines), is_named=True)
    accepted = {name for name, count in counts.items() if count > 1 or _roles(name)}
    if len(accepted) < 2 and len(counts) <= _FEW:
        accepted = set(counts)
    if len(accepted) >= 2:
        lines = _joined(
            (_key(name), rest, name) if _key(name) in accepted else ("", line, "")
            for line, (name, rest) in zip(raw, named, strict=True)
        )
        return _transcript(lines, is_named=True)
    if mails:
        return _of_mails(mails)
    dashes = [line.startswith(_DASHES) for line in raw]
    if sum(dashes) < 2:
        return Transcript((), (), is_named=False)
    turns, number = [], 0
    for line, is_new in zip(raw, dashes, strict=True):
        number += is_new
        speaker = str(2 - number % 2)
        turns.append((speaker, line.lstrip("—–- "), speaker) if is_new else ("", line, ""))
    return _transcript(_joined(turns), is_named=False)


def _of_mails(mails: Iterable[tuple[str, str]]) -> Transcript:
    return _transcript(
        _joined((_key(name) or UNNAMED, text, name or UNNAMED) for name, text in mails), is_named=True
    )


def _only_named(counts: Counter[str], keys: Sequence[str]) -> str:
    """Return the only speaker with a name, where lines without one follow again and again; else nothing.

    Args:
        counts: how often each name stands before a line.
        keys: the name of each line, empty where it has none.
    """
    often = [name for name, count in counts.items() if count > 1]
    if len(often) != 1 or any(_roles(name) for name in counts if name != often[0]):
        return ""
    answered = sum(first == often[0] and not second for first, second in pairwise(keys))
    return often[0] if answered >= max(2, 2 * len(counts) - 1) else ""


def _merged(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Join the lines that a speaker says one after the other."""
    for name, said in groupby(lines, key=lambda line: line[0]):
        yield name, " ".join(text for _, text in said)


def certain_seller(transcript: Transcript) -> str | None:
    """Return the seller where the names leave no doubt."""
    if not transcript.is_named:
        return None
    roles = {name: _roles(_key(name)) for name in transcript.speakers}
    sellers = [name for name, found in roles.items() if found == {"seller"}]
    clients = [name for name, found in roles.items() if found == {"client"}]
    if len(sellers) == 1:
        return sellers[0]
    others = [name for name in transcript.speakers if name not in clients]
    return others[0] if not sellers and len(clients) == 1 and len(others) == 1 else None


def exchanges(transcript: Transcript, seller: str, chosen: Collection[int]) -> list[Exchange]:
    """Return the seller's lines at these positions, each with the client's words between it and the others.

    Everyone but the seller is the client. Where two lines follow each other, both have the same words before.
    """
    said: list[str] = []
    answers: list[list[str]] = [[]]
    for number, line in enumerate(transcript.lines):
        if number in chosen and line.speaker == seller:
            said.append(line.text)
            answers.append([])
        elif line.speaker != seller:
            answers[-1].append(line.text)
    found: list[Exchange] = []
    before = ""
    for text, earlier, later in zip(said, answers, answers[1:], strict=False):
        before = " ".join(earlier)[:_LINE] or before
        found.append(Exchange(before, text, " ".join(later)[:_LINE]))
    return found


def verbatim(fragment: str, text: str) -> str:
    """Return the place of a text that has the words of a fragment in their order, as it is written there.

    Letters may be large or small, and punctuation may differ; empty where the words stand nowhere.
    """
    wanted = [word.lower() for word in re.findall(r"\w+", fragment)]
    places = list(re.finditer(r"\w+", text))
    words = [place[0].lower() for place in places]
    if not wanted or len(wanted) > len(words):
        return ""
    # A NUL separates words, and no text has one: the search is that of one string in another.
    at = f"\0{chr(0).join(words)}\0".find(f"\0{chr(0).join(wanted)}\0")
    if at < 0:
        return ""
    first = f"\0{chr(0).join(words)}\0".count("\0", 0, at)
    return text[places[first].start() : places[first + len(wanted) - 1].end()]


def _transcript(lines: Iterable[tuple[str, str]], *, is_named: bool) -> Transcript:
    found = tuple(Line(speaker, text[:_LINE]) for speaker, text in lines if text)
    counts = Counter(line.speaker for line in found)
    speakers = tuple(speaker for speaker, _ in counts.most_common(MOST_SPEAKERS))
    return Transcript(found, speakers if len(speakers) > 1 else (), is_named)


def _joined(turns: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Return (name, text) of each turn: a line without a speaker goes on with the one before.

    Args:
        turns: (key of the speaker or nothing, text, the name as it is written).
    """
    names: dict[str, str] = {}
    found: list[tuple[str, list[str]]] = []
    for key, text, name in turns:
        if key:
            found.append((names.setdefault(key, name), [text]))
        elif found:
            found[-1][1].append(text)
    return [(name, " ".join(texts).strip()) for name, texts in found]


def _header(line: str) -> tuple[str, str]:
    """Return the speaker in the header of a message copied from Telegram or Zoom, and what follows."""
    if (stamp := _STAMP.match(line[:_HEADER])) and line.startswith(_ZOOM_FROM, stamp.end()):
        words, _, rest = line[stamp.end() :].partition(":")
        sender = words.partition(" ")[2].strip()
        ends = [place for to in _ZOOM_TO if (place := sender.find(to)) > 0]
        return sender[: min(ends, default=_NAME)].strip(), rest.strip()
    name, comma, rest = line[:_HEADER].partition(", [")
    moment, bracket, _ = rest.partition("]")
    if comma and bracket and any(one.isdigit() for one in moment) and name.strip():
        return name.strip(), line[len(name) + len(comma) + len(moment) + 1 :].lstrip(": ")
    return "", line


def _speaker_of(line: str) -> tuple[str, str]:
    """Return the speaker that a line names, and the rest of the line; an empty name where it names none."""
    head = line[:_HEADER]
    found = _STAMP.match(head)
    start = found.end() if found else 0
    name, colon, _ = head[start:].partition(":")
    rest = line[start + len(name) + 1 :]
    hours, minutes = _HOURS.search(name), _MINUTES.match(rest)
    if hours and hours.start() and minutes:
        name, rest = name[: hours.start()], rest[minutes.end() :]
    bare = name.strip("*_ \t-–—•>~[]/")
    if colon and found and _PHONE.fullmatch(bare):
        return bare, rest.strip("*_ ")
    if not colon or rest.startswith("//") or not _is_name(bare):
        return "", line
    return bare, rest.strip("*_ ")


def _is_name(text: str) -> bool:
    return (
        0 < len(text) <= _NAME
        and (text[0].isalpha() or unicodedata.category(text[0]) == "So")  # an emoji
        and text.lower() not in mail_threads.HEADERS
        and len(text.split()) <= _WORDS
        and not any(one in '?!,;"«»“”' for one in text)
    )


def _key(name: str) -> str:
    return " ".join(name.lower().split())


def _roles(key: str) -> set[str]:
    words = set(re.findall(r"\w+", key))
    return ({"seller"} if words & _SELLER else set()) | ({"client"} if words & _CLIENT else set())
