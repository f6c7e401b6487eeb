"""Files of the pages, with a hash of their content in their names: browsers keep them for good."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "files"
_IMPORT = re.compile(rb'from "\./([a-z_]{1,60}\.js)"')
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    compressed: bytes
    content_type: str
    etag: str


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """Return the names with a hash, by those without."""
    return {path.name: _hashed(path.name) for path in _FOLDER.iterdir()}


@lru_cache(maxsize=256)
def _hashed(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(_content(name)).hexdigest()[:12]}.{suffix}"


def _content(name: str) -> bytes:
    """Return a file. A script imports others by their names with a hash, so its own hash follows theirs."""
    content = (_FOLDER / name).read_bytes()
    if not name.endswith(".js"):
        return content
    return _IMPORT.sub(lambda found: b'from "./%b"' % _hashed(found[1].decode()).encode(), content)


@lru_cache(maxsize=1)
def _files() -> Mapping[str, Asset]:
    """Return the files by their names with a hash: a visitor's name is looked up here, never on the disk."""
    found = {}
    for name, hashed in _names().items():
        content = _content(name)
        found[hashed] = Asset(
            content, gzip.compress(content, 9, mtime=0), _TYPES[Path(name).suffix], hashed.split(".")[-2]
        )
    return found


def hashed_name(name: str) -> str:
    """Return the name in the address of a file; KeyError where there is none."""
    return _names()[name]


def find(name: str) -> Asset | None:
    """Return the file with this name in its address."""
    return _files().get(name)
