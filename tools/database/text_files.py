"""Reads text files of the repository; one in another encoding is refused by its name, before it is used."""

from __future__ import annotations

from pathlib import Path

from tools.database.errors import DatabaseToolError

_BYTE_ORDER_MARK = "\ufeff"


def read(path: Path, error: type[DatabaseToolError], shown: str = "") -> str:
    """Return the text of a UTF-8 file; line breaks become \\n.

    Raises `error`, which names the file, where it cannot be read, is not UTF-8, begins with a byte order mark
    or has a NUL; FileNotFoundError stays.
    """
    name = shown or path.name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except OSError as failed:
        raise error(f"{name} cannot be read: {failed.strerror}") from None
    except UnicodeDecodeError as failed:
        line = failed.object.count(b"\n", 0, failed.start) + 1
        raise error(f"{name}: line {line} is not UTF-8. Save the file as UTF-8.") from None
    if text.startswith(_BYTE_ORDER_MARK):
        raise error(f"{name} begins with a byte order mark. Save the file as UTF-8 without it.")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise error(f"{name}: line {line} has a NUL character, which Postgres does not take.")
    return text
