"""What a command prints: no password of any environment reaches it, whatever failed.

`hidden` replaces stdout and stderr for the time of a command, so that also the texts of libpq and of Python
itself are covered. JSON goes to stdout as one object, progress to stderr.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from shared.core.redaction import REDACTED, redact

_GREEN, _YELLOW, _RED, _GREY, _END = "\033[32m", "\033[33m", "\033[31m", "\033[2m", "\033[0m"
COLOURS = {"good": _GREEN, "warning": _YELLOW, "bad": _RED, "weak": _GREY}


class Redacting:
    """A text stream that hides known secrets, and what looks like a secret, in everything written to it."""

    def __init__(self, stream: TextIO, secrets: Iterable[str]) -> None:
        self._stream = stream
        # The longest first: a password that contains another one is hidden whole.
        self._secrets = sorted(secrets, key=len, reverse=True)

    def write(self, text: str) -> int:
        """Write the text without secrets."""
        return self._stream.write(self.hide(text))

    def hide(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return redact(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def hidden(secrets: Iterable[str]) -> Iterator[None]:
    """Hide the secrets in everything that is printed meanwhile."""
    known = set(secrets)
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (Redacting(stream, known) for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def coloured(text: str, meaning: str) -> str:
    """Return the text in the colour of its meaning on a terminal without NO_COLOR, else as it is."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"{COLOURS[meaning]}{text}{_END}"


def progress(text: str) -> None:
    """Print a line about what is going on, to stderr."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Print one JSON object to stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def counted(number: int, word: str) -> str:
    """Return a number with its noun: "1 row", "2,000 rows"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def size(count: int) -> str:
    """Return a number of bytes for a reader: "7.2 MB", "66 kB"."""
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.0f} kB"


def table(rows: list[list[str]]) -> list[str]:
    """Return the rows as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
