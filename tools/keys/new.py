"""Makes an entry of TOKEN_ENCRYPTION_KEYS."""

import base64
import os
from datetime import UTC, datetime
from pathlib import Path


def new_key() -> str:
    """Return a fresh entry: its day and eight random hex digits as the id, and 32 random bytes."""
    key_id = f"{datetime.now(UTC):%Y-%m-%d}-{os.urandom(4).hex()}"
    return f"{key_id}:{base64.b64encode(os.urandom(32)).decode()}"


def kept_key(path: Path) -> str:
    """Return the entry stored in a file that only its owner can read; create one if there is none."""
    if not path.exists():
        path.touch(mode=0o600)
    kept = path.read_text().strip()
    if not kept:
        kept = new_key()
        path.write_text(kept + "\n")
    return kept
