"""A scratch copy of the repository with a pip that needs no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REQUIREMENTS = (
    "demo==1.0 \\\n    --hash=sha256:0\nother==2.0 ; sys_platform != 'win32' \\\n    --hash=sha256:1\n"
)
# Does what the launcher asks of pip, and notes each installation.
PIP = """
import os, pathlib, sys
root = pathlib.Path({root!r})
if sys.argv[1:] == ["--version"]:
    print("pip 99")
elif os.environ.get("PIP_FAILS"):
    print("ERROR: " + os.environ["PIP_FAILS"])
    sys.exit(1)
else:
    with (root / "installations").open("a") as notes:
        notes.write(" ".join(sys.argv[1:]) + "\\n")
    print("Collecting demo==1.0 (from -r requirements-dev.txt (line 1))")
    print("Collecting other==2.0")
    print("Installing collected packages: demo, other")
"""
# `python -m venv` takes seconds because it installs pip; this one writes the pip above instead.
BASE_PYTHON = """#!/bin/sh
set -eu
if [ "${{1:-}} ${{2:-}}" = "-m venv" ]; then
  if [ -n "${{VENV_FAILS:-}}" ]; then mkdir -p "$3/bin"; echo "$VENV_FAILS"; exit 1; fi
  {python} -m venv --without-pip "$3"
  for folder in "$3"/lib/python*/site-packages; do cp {pip} "$folder/pip.py"; done
  exit 0
fi
exec {python} "$@"
"""
TOOL = """
import os, sys
print("ran", *sys.argv[1:])
if sys.argv[1:] == ["fail"]: raise ValueError("a secret is in this message")
if sys.argv[1:2] == ["errno"]: raise OSError(int(sys.argv[2]), os.strerror(int(sys.argv[2])), "/some/file")
if sys.argv[1:] == ["incomplete"]: import a_package_that_is_not_there
"""


class Checkout:
    """A copy of the repository in which commands run."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"  # a blank in the path, as on many machines
        self.venv = self.root / ".venv"
        for name in ("launcher", "keys", "secret", "cloud"):
            shutil.copytree(ROOT / "tools" / name, self.root / "tools" / name)
        shutil.copy(ROOT / "tools" / "__init__.py", self.root / "tools")
        shutil.copy(ROOT / "switchboard", self.root)
        (self.root / "requirements-dev.txt").write_text(REQUIREMENTS)
        for name in ("telegram", "emulator"):
            self.module(name, TOOL)
        pip = folder / "pip.py"
        pip.write_text(PIP.format(root=str(self.root)))
        self.base_python = folder / "base-python"
        real = Path(sys.executable).resolve()
        self.base_python.write_text(BASE_PYTHON.format(python=real, pip=pip))
        self.base_python.chmod(0o755)
        self.environment = {"PATH": os.environ["PATH"], "PYTHON": str(self.base_python), "HOME": str(folder)}

    def module(self, name: str, text: str) -> None:
        """Write a tool of that name."""
        folder = self.root / "tools" / name
        folder.mkdir(exist_ok=True)
        (folder / "__main__.py").write_text(text)

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.run_at(self.root / "switchboard", *arguments, **extra)

    def run_at(self, program: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [program, *arguments], cwd="/", env=self.environment | extra, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        return done

    @property
    def installations(self) -> int:
        notes = self.root / "installations"
        return len(notes.read_text().splitlines()) if notes.exists() else 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy without installed packages."""
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout(tmp_path_factory.mktemp("launcher"))
    assert made.run("telegram").returncode == 0
    return made


@pytest.fixture
def installed(_shared: Checkout) -> Iterator[Checkout]:
    """A copy with a complete .venv, which a test may damage: the next one gets it repaired."""
    yield _shared
    _shared.run("telegram")
