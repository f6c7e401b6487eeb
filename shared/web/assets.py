"""Files of the pages, with a hash of their content in their names: browsers keep them for good."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "files"
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
    return {
        path.name: f"{path.stem}.{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}{path.suffix}"
        for path in _FOLDER.iterdir()
    }


@lru_cache(maxsize=1)
def _files() -> Mapping[str, Asset]:
    """Return the files by their names with a hash: a visitor's name is looked up here, never on the disk."""
    found = {}
    for name, hashed in _names().items():
        content = (_FOLDER / name).read_bytes()
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
