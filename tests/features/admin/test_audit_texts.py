"""Every action that the audit log can name has a text in each language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from shared.core import texts
from shared.features.admin.audit import _SWITCHED
from shared.features.broadcasts.pages import actions, sequences

FUNCTIONS = Path(__file__).parents[3] / "supabase/schemas/functions"
_CALL = re.compile(r"write_audit\(\s*[\w.()-]+(?:\([^)]*\))?,\s*'(\w+)',")


def written() -> Iterator[str]:
    """Yield the actions that SQL functions write, and those they compose of what a button says."""
    for path in sorted(FUNCTIONS.rglob("*.sql")):
        yield from _CALL.findall(path.read_text())
    for prefix, form in (("broadcast", actions._Action), ("sequence", sequences._Action)):
        for action in get_args(form.model_fields["action"].annotation):
            if action not in ("copy", "approve"):
                yield f"{prefix}_{action}"


@pytest.mark.parametrize("language", sorted(texts.codes()))
def test_every_action_has_a_text(language: str) -> None:
    found = set(written())
    assert {"broadcast_start", "save_lesson", "set_plan", "sequence_stop"} <= found
    lacking = {one for one in found - set(_SWITCHED) if not texts.has(language, f"audit_{one}")}
    assert lacking == set()
