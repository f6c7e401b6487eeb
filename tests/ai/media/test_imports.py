"""A chat pays nothing for pictures and videos: their modules are imported when one is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHAT = (
    "import sys; from tests.features.loading import loaded; import shared.telegram.webhook; "
    "from shared.ai import chat, providers; [providers.load(name) for name in providers.names()]; "
    "loaded('start'); loaded('Hello'); "
)
SHOW = "print(*sorted(name for name in sys.modules if name.startswith('shared.ai.media')))"


def modules(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_chat_imports_nothing_of_it() -> None:
    assert modules(CHAT + SHOW) == []


@pytest.mark.parametrize("key", ["gemini", "kie_ai", "openai", "openrouter"])
def test_a_provider_imports_no_other(key: str) -> None:
    program = f"import sys; from shared.ai.media import providers; providers.load('{key}'); "
    found = {name.split(".")[4] for name in modules(program + SHOW) if name.count(".") > 3}
    assert found == {key}
