"""The wizard with fakes: gcloud, supabase, Telegram, AI and payment providers of the emulator."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.tools.setup import programs
from tools.database.embedded import Server
from tools.emulator.stack import Stack
from tools.setup import main as wizard

ROOT = Path(__file__).parents[3]
PROJECT = "my-bots-123"
PASSWORD = "p@ss/w:rd %41?"  # every character that an address must escape
# By the beginning of a question; one that is asked again gets the next answer, and the last one stays.
Answers = dict[str, list[str]]


@dataclass
class Done:
    """The exit status and output of a run."""

    status: int
    output: str
    errors: str
    asked: list[str]


class Typist:
    """Answers questions; an unknown question ends the run."""

    def __init__(self, answers: Answers, interrupted: str = "") -> None:
        self._interrupted = interrupted  # the question at which Ctrl-C is pressed
        self._answers = {question: list(lines) for question, lines in answers.items()}
        self.asked: list[str] = []

    def follow(self, process: subprocess.Popen[bytes], pipe: Any) -> str:
        """Read what a process prints until it ends, typing when it waits; return what it printed."""
        assert process.stdin is not None
        output = ""
        while piece := os.read(pipe.fileno(), 65_536):
            output += piece.decode()
            if output.rpartition("\n")[2].endswith(": "):
                try:
                    process.stdin.write(self.type(output).encode())
                except AssertionError:
                    process.kill()
                    raise
                output += "\n"
        return output

    def type(self, output: str) -> str:
        """Return the line that answers the question at the end of the output."""
        question = output.rpartition("\n")[2].strip()
        assert question.endswith(":"), f"it reads without a question\n{output[-1500:]}"
        self.asked.append(question)
        if self._interrupted and question.startswith(self._interrupted):
            raise KeyboardInterrupt
        for start, lines in self._answers.items():
            if question.startswith(start) and lines:
                return f"{lines.pop(0) if len(lines) > 1 else lines[0]}\n"
        raise AssertionError(f"no answer for {question!r}\n{output[-1500:]}")


class Keyboard(io.StringIO):
    """A stdin whose lines are typed in answer to what is on `screen`."""

    def __init__(self, typist: Typist, screen: io.StringIO) -> None:
        super().__init__()
        self._typist = typist
        self._screen = screen

    def readline(self, size: int | None = -1, /) -> str:
        """Return the answer to the question on the screen, and put the line break there."""
        line = self._typist.type(self._screen.getvalue())
        self._screen.write("\n")
        return line


class World:
    """The machine of an owner: a home folder, fake programs and external services."""

    def __init__(self, folder: Path, stack: Stack, owner_url: str) -> None:
        self.folder = folder
        self.stack = stack
        self.telegram = stack.telegram
        self.owner_url = owner_url
        self.cloud_file = folder / "cloud.json"
        self.answers = folder / "answers.json"
        programs.install(folder / "bin", "gcloud", "supabase")
        self.cloud = {
            "projects": {}, "taken": ["taken-project"], "accounts": ["olga@example.com"], "spreading": 0,
        }  # fmt: skip
        addresses = {name: url for name, url in stack.env.items() if name.endswith(("_BASE_URL", "_API_URL"))}
        self.environment = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "FAKE_CLOUD": str(self.cloud_file),
            "LOG_LEVEL": "ERROR",
            **addresses,
        }

    @property
    def cloud(self) -> dict[str, Any]:
        """Return the state of the fake cloud."""
        state: dict[str, Any] = json.loads(self.cloud_file.read_text())
        return state

    @cloud.setter
    def cloud(self, state: dict[str, Any]) -> None:
        self.cloud_file.write_text(json.dumps(state))

    @property
    def project(self) -> dict[str, Any]:
        """Return the state of the owner's project."""
        state: dict[str, Any] = self.cloud["projects"][PROJECT]
        return state

    def secret(self, name: str) -> str:
        """Return the only value of a secret."""
        [value] = self.project["secrets"][name]["versions"]
        return str(value)

    @property
    def calls(self) -> list[list[str]]:
        """Every call of gcloud."""
        file = self.folder / "calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def run(self, answers: Answers, *arguments: str, interrupted: str = "", **extra: str) -> Done:
        """Run the wizard as a user at a terminal, who reads each question before typing."""
        output, errors = io.StringIO(), io.StringIO()
        typist = Typist(answers, interrupted)
        keyboard = Keyboard(typist, errors if "--dry-run" in arguments else output)
        with (
            programs.in_this_process(self.environment | extra),
            mock.patch.object(sys, "stdin", keyboard),
            redirect_stdout(output),
            redirect_stderr(errors),
        ):
            status = wizard.main([f"--answers={self.answers}", *arguments])
        return Done(status, output.getvalue(), errors.getvalue(), typist.asked)

    def start(self, answers: Answers, *arguments: str, **extra: str) -> Done:
        """Run the wizard in a process of its own, with one process per gcloud call."""
        typist = Typist(answers)
        command = [sys.executable, "-m", "tools.setup", f"--answers={self.answers}", *arguments]
        with subprocess.Popen(
            command, cwd=ROOT, env=self.environment | extra, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # A shell lets what it runs in the background ignore the signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        ) as process:  # fmt: skip
            output = typist.follow(process, process.stdout)
            errors = process.stderr.read().decode() if process.stderr else ""
        assert "Traceback" not in errors, errors
        return Done(process.returncode, output, errors, typist.asked)


@pytest.fixture(scope="session")
def owner_url(server: Server) -> str:
    """The owner's address as Supabase shows it. The wizard only logs in, so one database serves all tests."""
    url = server.create_database("wizard")
    with psycopg.connect(server.url("postgres", "supabase_admin"), autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("create role wizard login password {}").format(PASSWORD))
    return f"postgresql://wizard:[YOUR-PASSWORD]@127.0.0.1:{urlsplit(url).port}/wizard"


@pytest.fixture
def world(tmp_path: Path, owner_url: str) -> Iterator[World]:
    """An owner without any cloud resources."""
    stack = Stack("postgresql://unused@127.0.0.1:1/unused", functions={})
    stack.server.start()
    try:
        yield World(tmp_path, stack, owner_url)
    finally:
        stack.stop()
