"""Reads users_data.json: an object with the data of each user by Telegram id."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from tools.database.arriving_users import EARLIEST, HIGHEST_ID
from tools.imports import json_places

MOST_BYTES = 512 * 1024 * 1024
DEEPEST = 100  # objects and lists within one another
MOST_DIGITS = 1_000  # of a whole number; Python refuses to read 4,300

Json = dict[str, Any]
FieldPath = tuple[str | int, ...]  # names of objects' members and indexes of lists


class UnreadableFile(Exception):
    """The file cannot be imported at all; the message is one sentence for the owner."""


@dataclass(frozen=True)
class Entry:
    """One user of the file: the data for private.import_user, or why it is refused.

    `key` is as the file has it; `telegram_id` is 0 where the key is none. `line` is that of the user, or of
    the field for which they are refused.
    """

    key: str
    telegram_id: int
    data: Json = field(default_factory=dict)
    refusal: str = ""
    line: int = 0


class _Refused(Exception):
    """The user is refused; the message says why, `path` leads to the field."""

    def __init__(self, reason: str, path: FieldPath = ()) -> None:
        super().__init__(reason)
        self.path = path


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in their order: an object that names a key twice loses nothing."""


def read(path: Path, zone: tzinfo, now: datetime) -> Iterator[Entry]:
    """Yield the users of a file in its order. A date without a zone is in `zone`.

    Raises:
        UnreadableFile: no such file, too large, or it is no object of users.
    """
    seen: set[int] = set()
    text = _text_of(path)
    members = _members(path, text)
    places = (place for _, place in json_places.children(text, json_places.first(text)))
    lines = json_places.Lines(text)
    for (key, value), place in zip(members, places, strict=True):
        key = key.encode(errors="replace").decode()  # noqa: PLW2901 - half of a character
        line = lines.at(place)
        telegram_id = int(key) if key.isascii() and key.isdigit() and len(key) <= 16 else 0
        if not 0 < telegram_id <= HIGHEST_ID:
            yield Entry(key, 0, refusal="the key is no Telegram id of a user", line=line)
            continue
        try:
            data = _data(value, zone, now)
            if telegram_id in seen:
                raise _Refused("the file names this user twice")
            yield Entry(key, telegram_id, data, line=line)
        except _Refused as reason:
            line = lines.at(json_places.find(text, place, reason.path))
            yield Entry(key, telegram_id, refusal=str(reason), line=line)
        seen.add(telegram_id)


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableFile(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MB.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path} is not UTF-8.") from None


def _members(path: Path, text: str) -> _Pairs:
    try:
        members = json.loads(text, object_pairs_hook=_Pairs, parse_int=_integer)
    except RecursionError:
        raise UnreadableFile(f"{path} has too many objects within one another.") from None
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"{path} is no JSON (line {error.lineno}).") from None
    if not isinstance(members, _Pairs):
        raise UnreadableFile(f'{path} must be an object: {{"<Telegram id>": {{"session": …, "stats": …}}}}.')
    return members


def _integer(digits: str) -> float:
    """Return a whole number, infinity for one with too many digits: it is refused with its user only."""
    return int(digits) if len(digits) <= MOST_DIGITS else math.inf


def _data(value: Any, zone: tzinfo, now: datetime) -> Json:
    """Return the data of a user for private.import_user.

    Raises:
        _Refused: it cannot be imported.
    """
    from pydantic import ValidationError

    from tools.imports.payloads import COUNTS, LONGEST_SESSION, UserData
    from tools.validation import sentence

    plain = _plain(value)
    try:
        user = UserData.model_validate(plain)
    except ValidationError as error:
        raise _Refused(sentence(error, UserData), error.errors()[0]["loc"]) from None
    badges_at = _in_zone(user.stats.last_training_date, zone, now)
    kept = {name: dict(plain[name]) for name in ("session", "stats") if plain.get(name)}
    stats = kept.get("stats", {})
    # Readers of the statistics expect 12, not 12.0.
    stats |= {name: getattr(user.stats, name) for name in COUNTS if stats.get(name) is not None}
    for name, one in kept.items():
        if len(json.dumps(one, ensure_ascii=False)) > LONGEST_SESSION:
            raise _Refused("the session or the statistics are larger than 256 kB", (name,))
    badges = list(dict.fromkeys(user.stats.achievements_unlocked))
    data: Json = kept | {"xp": user.stats.total_xp, "badges": badges}
    return data | ({"badges_at": badges_at.isoformat()} if badges_at else {})


def _plain(value: Any, path: FieldPath = ()) -> Any:
    """Return members as a dict.

    Raises:
        _Refused: Postgres cannot store it, or an object names a key twice.
    """
    from tools.validation import path_text

    if len(path) > DEEPEST:
        raise _Refused(f"it has more than {DEEPEST} objects and lists within one another")
    if isinstance(value, _Pairs):
        names = [_text(name, path) for name, _ in value]
        if len(set(names)) != len(names):
            raise _Refused("an object names the same key twice", path)
        return {name: _plain(one, (*path, name)) for name, one in value}
    if isinstance(value, list):
        return [_plain(one, (*path, number)) for number, one in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        what = "not a number (NaN)" if math.isnan(value) else "too large a number"
        raise _Refused(f"{path_text(path)} is {what}", path)
    return _text(value, path) if isinstance(value, str) else value


def _text(value: str, path: FieldPath) -> str:
    if "\0" in value:
        raise _Refused("a text holds the character U+0000, which Postgres cannot store", path)
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise _Refused("a text holds half of a character, which Postgres cannot store", path)
    return value


def _in_zone(date: datetime | None, zone: tzinfo, now: datetime) -> datetime | None:
    if date is None:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=zone)
    if not EARLIEST <= aware <= now:
        path = ("stats", "last_training_date")
        raise _Refused("stats.last_training_date is in the future, or before Telegram", path)
    return aware
