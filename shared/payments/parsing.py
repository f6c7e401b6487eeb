"""Parses values from outside. No input raises, and every result is one that SQL accepts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

import orjson

from shared.core.json_types import JsonObject

_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_ORDER = re.compile(r"[0-9]{1,18}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,200}", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z0-9]{2,12}", re.ASCII)
_TEXT_LENGTH = 300


def json_object(data: bytes) -> JsonObject | None:
    """Return the JSON object in `data`; None if it is another value, too deep or not UTF-8."""
    try:
        found = orjson.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def get_object(value: object, *path: str) -> JsonObject:
    """Return the object at `path`, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def get_list(value: object) -> list[JsonObject]:
    """Return the objects in a list; none if it is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """Return at most 300 characters that Postgres can store; empty if it is not text."""
    return value.replace("\0", "")[:_TEXT_LENGTH] if isinstance(value, str) else ""


def identifier(value: object) -> str | None:
    """Return an id of a provider as text; None if it does not have the form of one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def order_number(value: object) -> int | None:
    """Return an order's number or a Telegram id; None if it can't be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return int(value) if isinstance(value, str) and _ORDER.fullmatch(value) else None


def decimal(value: object) -> Decimal | None:
    """Return an amount from plain decimal text, or None."""
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def currency(value: object) -> str | None:
    """Return a currency in capitals, or None."""
    return value.upper() if isinstance(value, str) and _CURRENCY.fullmatch(value) else None


def timestamp(value: object, zone: tzinfo | None = None) -> datetime | None:
    """Return a time from ISO 8601 (without a zone: in `zone`) or Unix seconds, or None."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    if found is not None and found.tzinfo is None and zone is not None:
        found = found.replace(tzinfo=zone)
    return found if found is not None and found.tzinfo is not None else None
