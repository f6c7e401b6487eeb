"""Reads a row of another bot's table of users. Every value arrives as text, whatever type its column has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from tools.adopt.columns import Columns
from tools.database.arriving_users import EARLIEST, HIGHEST_ID, MOST_XP

Row = Mapping[str, str | None]
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
MOST_BALANCE = Decimal(9_999_999_999)
LONGEST_NAME = 64
MOST_STATS = 10**15

_TRUE = frozenset(("t", "true", "yes", "y", "1", "on"))
_FALSE = frozenset(("f", "false", "no", "n", "0", "off", ""))
_LANGUAGES = {
    "english": "en", "английский": "en", "russian": "ru", "русский": "ru", "рус": "ru", "rus": "ru",
    "eng": "en",
}  # fmt: skip
_FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
)  # fmt: skip
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
_USERNAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_SHORT_OFFSET = re.compile(r"([+-]\d\d)$")


class Refused(ValueError):
    """The row cannot be taken over; the message is the reason and repeats no value."""


@dataclass(frozen=True)
class OldUser:
    """A row of the old table: the data for private.adopt_user, or why it is refused.

    `line` counts the rows from 1; `telegram_id` is 0 where there is none. `notes` say what of the row is left
    out although the user is taken over.
    """

    line: int
    telegram_id: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""
    notes: tuple[str, ...] = ()

    @property
    def xp(self) -> int:
        """Return the XP of the row."""
        return int(self.data.get("xp", 0))

    @property
    def balance(self) -> Decimal:
        """Return the balance of the row."""
        return Decimal(self.data.get("balance", "0"))


@dataclass
class _Reader:
    """Reads the values of one row; collects notes on the way."""

    row: Row
    columns: Columns
    zone: tzinfo
    now: datetime
    notes: list[str] = field(default_factory=list)

    def text(self, name: str) -> str | None:
        column = self.columns.fields.get(name)
        value = (self.row.get(column) or "").strip() if column else ""
        return value or None

    def names(self) -> dict[str, str]:
        found = {}
        for name in ("first_name", "last_name"):
            value = self.text(name)
            if value is not None:
                if len(value) > LONGEST_NAME:
                    raise Refused(f"{self.columns.fields[name]} has more than {LONGEST_NAME} characters")
                found[name] = value
        username = (self.text("username") or "").removeprefix("https://t.me/").removeprefix("@")
        if len(username) > LONGEST_NAME:
            raise Refused(f"{self.columns.fields['username']} has more than {LONGEST_NAME} characters")
        if _USERNAME.fullmatch(username):
            found["username"] = username
        elif username:
            self.notes.append("a user name that Telegram cannot have")
        return found

    def languages(self) -> dict[str, str]:
        found = {}
        for name in ("language", "language_code"):
            value = (self.text(name) or "").replace("_", "-")
            value = _LANGUAGES.get(value.lower(), value)
            if _TAG.fullmatch(value):
                found[name] = value if "-" in value else value.lower()
            elif value:
                self.notes.append("a language that is no tag such as en or pt-BR")
        return found

    def dates(self) -> dict[str, str]:
        found = {}
        for name in ("created_at", "last_activity"):
            value = self.text(name)
            moment = None if value is None else _moment(value, self.zone)
            if moment is not None and EARLIEST <= moment <= self.now:
                found[name] = moment.isoformat()
            elif value is not None:
                self.notes.append("a date that is none, in the future, or before Telegram")
        return found

    def plan(self) -> dict[str, Any]:
        level = int(_whole(self.text("vip_level"), "the VIP level", self.is_true))
        if level < 0:
            raise Refused("the VIP level is negative")
        level = min(max(level, 1 if self.is_true(self.text("is_paid")) else 0), 1_000_000)
        if level == 0:
            return {}
        value = self.text("ends_at")
        if value is None or value.lower() == "infinity":
            return {"vip_level": level}
        moment = _moment(value, self.zone)
        if moment is None or not EARLIEST <= moment < LATEST:
            raise Refused("the end of the plan is no date")
        if moment <= self.now:
            self.notes.append("a plan that has ended")
            return {}
        return {"vip_level": level, "ends_at": moment.isoformat()}

    def amounts(self) -> dict[str, Any]:
        xp = _whole(self.text("xp"), "the XP")
        if xp < 0:
            raise Refused("the XP is negative")
        if xp > MOST_XP:
            raise Refused(f"the XP is more than {MOST_XP}")
        balance = _number(self.text("balance"), "the balance")
        if balance < 0:
            raise Refused("the balance is negative")
        if balance > MOST_BALANCE:
            raise Refused("the balance is more than 10 digits")
        if balance != round(balance, 2):
            raise Refused("the balance has more than two decimals")
        return ({"xp": int(xp)} if xp else {}) | ({"balance": f"{balance:.2f}"} if balance else {})

    def stats(self) -> dict[str, Any]:
        found: dict[str, int | float] = {}
        for key, column in self.columns.stats.items():
            value = (self.row.get(column) or "").strip()
            if value:
                number = _number(value, column)
                if not 0 <= number <= MOST_STATS:
                    raise Refused(f"{column} is negative or too large")
                found[key] = int(number) if number == number.to_integral_value() else float(number)
        return {"stats": found} if any(found.values()) else {}

    def is_true(self, value: str | None) -> bool:
        return _boolean(value)


def read_id(value: str | None) -> int:
    """Return a Telegram id. Raises Refused when no user can have it."""
    try:
        number = _number((value or "").strip() or None, "the Telegram id")
    except Refused:
        number = Decimal(0)
    if not 0 < number <= HIGHEST_ID or number != number.to_integral_value():
        raise Refused("no Telegram user can have this id" if (value or "").strip() else "no Telegram id")
    return int(number)


def read(line: int, row: Row, columns: Columns, zone: tzinfo, now: datetime) -> OldUser:
    """Return the user of a row. Dates without a zone are in `zone`; a plan that ended by `now` is none."""
    reader = _Reader(row, columns, zone, now)
    telegram_id = 0
    try:
        telegram_id = read_id(row.get(columns.fields["telegram_id"]))
        data = reader.names() | reader.languages() | reader.dates() | reader.plan() | reader.amounts()
        data |= reader.stats()
        if reader.text("is_banned") and reader.is_true(reader.text("is_banned")):
            data["is_banned"] = True
    except Refused as refusal:
        return OldUser(line, telegram_id, refusal=str(refusal))
    return OldUser(line, telegram_id, data, notes=tuple(reader.notes))


def _number(value: str | None, what: str) -> Decimal:
    try:
        number = Decimal((value or "0").replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except InvalidOperation:
        raise Refused(f"{what} is no number") from None
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise Refused(f"{what} is no number")
    return number


def _whole(value: str | None, what: str, otherwise: Callable[[str], bool] | None = None) -> Decimal:
    """Return a whole number; with `otherwise`, also of a column that says true or false."""
    if otherwise is not None and value is not None and value.lower() in (_TRUE | _FALSE) - {"0", "1"}:
        return Decimal(int(otherwise(value)))
    number = _number(value, what)
    if number != number.to_integral_value():
        raise Refused(f"{what} is no whole number")
    return number


def _boolean(value: str | None) -> bool:
    word = (value or "").lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    return _number(word, "a yes or no") != 0


def _moment(value: str, zone: tzinfo) -> datetime | None:
    """Return a date as Postgres or a person writes it, or as seconds or milliseconds since 1970."""
    if re.fullmatch(r"\d{9,10}(\.\d+)?|\d{13}", value):
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)
    try:
        moment = datetime.fromisoformat(_SHORT_OFFSET.sub(r"\1:00", value) if ":" in value else value)
    except ValueError:
        parsed = (_strptime(value, pattern) for pattern in _FORMATS)
        found = next((one for one in parsed if one is not None), None)
        if found is None:
            return None
        moment = found
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None


def _strptime(value: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(value, pattern)  # noqa: DTZ007  the zone is added by the caller
    except ValueError:
        return None
