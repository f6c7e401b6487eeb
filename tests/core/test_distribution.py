"""Runs of tests on several workers end, also where a test takes its worker with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--import-mode=importlib",
          "-p", "no:cacheprovider"]  # fmt: skip
CONFTEST = """
from tests.distribution import scheduling

def pytest_xdist_make_scheduler(config, log):
    return scheduling(config, log)
"""
DIES = "import os\n\ndef test_dies():\n    os._exit(3)\n"
PASSES = "def test_{}():\n    pass\n"


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_run_ends_when_a_worker_dies(tmp_path: Path, after: int) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    others = "".join(PASSES.format(number) for number in range(after))
    (tmp_path / "test_dies.py").write_text(DIES + others)
    (tmp_path / "test_passes.py").write_text(PASSES.format("other"))
    run = subprocess.run(
        [*PYTEST, str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert f"1 failed, {after + 1} passed" in run.stdout
    assert run.stdout.count("node down") == 1, "a test that ends its worker runs once"
