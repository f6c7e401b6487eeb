"""What Telegram says about the user who logs in, however it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.errors import SwitchboardError

_HIGHEST_ID = 2**52  # core.telegram.org/bots/api#user: at most 52 significant bits
_ID = re.compile("[1-9][0-9]{0,15}")
_NAME_LENGTH = 64  # characters of a first or last name that Telegram accepts
_USERNAME = re.compile("[A-Za-z0-9_]{1,32}")
_LANGUAGE = re.compile("[A-Za-z0-9-]{2,16}")
_CONTROLS = re.compile("[\x00-\x1f\x7f]")


class LoginRefused(SwitchboardError):
    """The proof of a login is not valid. The message, for the log, repeats nothing of it."""


@dataclass(frozen=True)
class TelegramIdentity:
    """A user, as signed by Telegram."""

    telegram_id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


def identity(telegram_id: object, values: Mapping[str, object]) -> TelegramIdentity:
    """Return the identity in signed values that are named as in the Bot API.

    An optional value that is malformed is left out: it may come from a field that is newer than this code.

    Raises:
        LoginRefused: the id is no Telegram id of a user.
    """
    return TelegramIdentity(
        user_id(telegram_id),
        _name(values.get("first_name")) or "",
        _name(values.get("last_name")),
        _matching(values.get("username"), _USERNAME),
        _matching(values.get("language_code"), _LANGUAGE),
    )


def user_id(value: object) -> int:
    """Return a Telegram id, given as a number or as its decimal digits.

    Raises:
        LoginRefused: it is none.
    """
    digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not _ID.fullmatch(digits) or int(digits) >= _HIGHEST_ID:
        raise LoginRefused("no valid Telegram id")
    return int(digits)


def _name(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return _CONTROLS.sub("", value)[:_NAME_LENGTH].strip() or None


def _matching(value: object, pattern: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
