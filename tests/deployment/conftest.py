from __future__ import annotations

from pathlib import Path

import pytest

from tests.deployment.build import Build


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path / "build")
