from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def environment() -> None:
    """Keep the environment of the process: the settings of the chat's tests do not apply here."""
