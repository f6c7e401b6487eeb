"""Calls of the messenger's SQL functions: their refusals become answers that an operator understands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import Forbidden, NotFound, UnprocessableEntity

from shared.core.errors import Refusal

PATH = "/messenger"
_ROLE, _UNKNOWN, _INVALID = "N0009", "I0001", "I0002"


@contextmanager
def refusals() -> Iterator[None]:
    """Turn refusals of SQL into errors of a page.

    Raises:
        Forbidden: the user is no operator any more.
        NotFound: there is no such conversation or message.
        UnprocessableEntity: what was sent is invalid.
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.sqlstate == _ROLE:
            raise Forbidden from None
        if refusal.sqlstate == _UNKNOWN:
            raise NotFound from None
        if refusal.sqlstate == _INVALID:
            raise UnprocessableEntity("messenger_refused") from None
        raise
