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

MOST_BYTES = 512 * 1024 * 1024
DEEPEST = 100  # objects and lists within one another
MOST_DIGITS = 1_000  # of a whole number; Python refuses to read 4,300

Json = dict[str, Any]


class UnreadableFile(Exception):
    """The file cannot be imported at all; the message is one sentence for the owner."""


@dataclass(frozen=True)
class Entry:
    """One user of the file: the data for private.import_user, or why it is refused.

    `key` is as the file has it; `telegram_id` is 0 where the key is none.
    """

    key: str
    telegram_id: int
    data: Json = field(default_factory=dict)
    refusal: str = ""


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in their order: an object that names a key twice loses nothing."""


def read(path: Path, zone: tzinfo, now: datetime) -> Iterator[Entry]:
    """Yield the users of a file in its order. A date without a zone is in `zone`.

    Raises:
        UnreadableFile: no such file, too large, or it is no object of users.
    """
    seen: set[int] = set()
    for key, value in _members(path):
        entry = _entry(key, value, zone, now)
        if not entry.refusal and entry.telegram_id in seen:
            entry = Entry(key, entry.telegram_id, refusal="the file names this user twice")
        seen.add(entry.telegram_id)
        yield entry


def _members(path: Path) -> _Pairs:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableFile(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MB.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path} is not UTF-8.") from None
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


def _entry(key: str, value: Any, zone: tzinfo, now: datetime) -> Entry:
    from tools.imports.payloads import LONGEST_SESSION, UserData
    from tools.validation import InvalidData, parse

    key = key.encode(errors="replace").decode()
    telegram_id = int(key) if key.isascii() and key.isdigit() and len(key) <= 16 else 0
    if not 0 < telegram_id <= HIGHEST_ID:
        return Entry(key, 0, refusal="the key is no Telegram id of a user")
    try:
        plain = _plain(value)
        user = parse(UserData, plain)
        badges_at = _in_zone(user.stats.last_training_date, zone, now)
    except (InvalidData, ValueError) as error:
        return Entry(key, telegram_id, refusal=str(error))
    kept = {name: plain[name] for name in ("session", "stats") if plain.get(name)}
    if any(len(json.dumps(one, ensure_ascii=False)) > LONGEST_SESSION for one in kept.values()):
        return Entry(key, telegram_id, refusal="the session or the statistics are larger than 256 kB")
    badges = list(dict.fromkeys(user.stats.achievements_unlocked))
    data: Json = kept | {"xp": user.stats.total_xp, "badges": badges}
    return Entry(key, telegram_id, data | ({"badges_at": badges_at.isoformat()} if badges_at else {}))


def _plain(value: Any, depth: int = 0) -> Any:
    """Return members as a dict.

    Raises ValueError for what Postgres cannot store, and when an object names a key twice.
    """
    if depth > DEEPEST:
        raise ValueError(f"it has more than {DEEPEST} objects and lists within one another")
    if isinstance(value, _Pairs):
        names = [_text(name) for name, _ in value]
        if len(set(names)) != len(names):
            raise ValueError("an object names the same key twice")
        return {name: _plain(one, depth + 1) for name, one in value}
    if isinstance(value, list):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is too large, or none")
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("a text holds the character U+0000, which Postgres cannot store")
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise ValueError("a text holds half of a character, which Postgres cannot store")
    return value


def _in_zone(date: datetime | None, zone: tzinfo, now: datetime) -> datetime | None:
    if date is None:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=zone)
    if not EARLIEST <= aware <= now:
        raise ValueError("stats.last_training_date is in the future, or before Telegram")
    return aware
