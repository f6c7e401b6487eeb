"""The fake gcloud and supabase: programs on a PATH, or called in this process, which is 30 times faster.

A run of the wizard calls gcloud a hundred times, and a process for each costs more than all that it tests.
"""

from __future__ import annotations

import io
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from tests.tools.setup import fake_gcloud

HERE = Path(__file__).parent
Completed = subprocess.CompletedProcess


def install(folder: Path, *names: str) -> None:
    """Write the programs into a folder of a PATH."""
    folder.mkdir()
    for name in names:
        program = folder / name
        program.write_text(
            f"#!{Path(sys.executable).resolve()} -IS\n{(HERE / f'fake_{name}.py').read_text()}"
        )
        program.chmod(0o755)


@contextmanager
def in_this_process(environment: Mapping[str, str]) -> Iterator[None]:
    """Let this process have the environment, and the programs that the tools start run in it."""
    fake = SimpleNamespace(**{**vars(subprocess), "run": _run})
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch("tools.cloud.gcloud.subprocess", fake),
        mock.patch("tools.setup.supabase.subprocess", fake),
    ):
        yield


def _run(
    command: list[str],
    *,
    input: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    **_: Any,
) -> Completed[str]:
    program, *words = command
    if program == "supabase":
        return _supabase(command)
    assert program == "gcloud", command
    status, output, errors = fake_gcloud.answer(words, lambda: input, env or os.environ, cwd or Path())
    return Completed(command, status, output, errors)


def _supabase(command: list[str]) -> Completed[str]:
    output = io.StringIO()
    with mock.patch.object(sys, "argv", command), redirect_stdout(output):
        try:
            runpy.run_path(str(HERE / "fake_supabase.py"))
        except SystemExit as ended:
            return Completed(command, 1, output.getvalue(), str(ended.code))
    return Completed(command, 0, output.getvalue(), "")
