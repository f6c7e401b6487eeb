"""Words that hide what the code does are not used in names, comments and docs."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each word with the reason, and what to write instead.
AVOIDED = {
    "told": "a result is a result; a user is notified; a provider reports",
    "nobody": "name who is meant: no user, no admin, no handler",
    "whoever": "name who is meant: the caller, the user, the worker",
    "somebody": "name who is meant: a user, an admin",
    "anybody": "name who is meant: any user",
    "everybody": "name who is meant: all users",
    "stand_in": "a fake server",
    "stand-in": "a fake server",
    "aside": "an update is dead-lettered",
    "owed": "an item of the outbox",
    "newcomer": "a new user; `is_newcomer` is a public column",
}
_SUFFIXES = (".py", ".sql", ".md", ".yaml", ".toml")
# Texts for users and the AI, scenarios included, follow docs/texts.md; the changelog and applied migrations
# are history.
_LEFT_OUT = re.compile(
    r"/texts/(\w+/)?\w\w\.(py|toml)$|/scenarios/.*\.toml$"
    r"|^docs/texts\.md$|/texts/test_style\.py$|^shared/ai/modes\.py$"
    r"|^CHANGELOG\.md$|^supabase/migrations/|/test_vocabulary\.py$"
)
# A public column, and the account `nobody` of Unix.
_ALLOWED = ("is_newcomer", 'CANDIDATES = ("postgres", "nobody")')
_WORD = {word: re.compile(rf"(?<![A-Za-z]){word}(?![A-Za-z])", re.IGNORECASE) for word in AVOIDED}


@functools.cache
def sources() -> dict[Path, str]:
    """Return the texts of the source and documentation files of the repository, tracked or new."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [
        name for name in listed.stdout.splitlines() if name.endswith(_SUFFIXES) and not _LEFT_OUT.search(name)
    ]
    return {
        ROOT / name: (ROOT / name).read_text(encoding="utf-8") for name in names if (ROOT / name).is_file()
    }


@pytest.mark.parametrize("word", AVOIDED)
def test_no_name_or_comment_contains_the_word(word: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path, text in sources().items()
        if _WORD[word].search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if _WORD[word].search(line) and not any(allowed in line for allowed in _ALLOWED)
    ]
    assert not found, f"write instead: {AVOIDED[word]}\n" + "\n".join(found)
