"""Decision records: numbered, one page each, with the same sections."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_decisions_are_numbered_and_have_the_same_sections() -> None:
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [path.name[:4] for path in files] == [f"{number:04d}" for number in range(1, len(files) + 1)]
    for path in files:
        text = path.read_text()
        assert re.match(rf"# {path.name[:4]}: ", text), path.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives",
        ]
        assert len(text.split()) < 600, f"{path.name} is longer than a page"
