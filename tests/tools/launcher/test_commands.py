"""./switchboard lists its commands, runs them from anywhere, and asks before it deletes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.tools.launcher.conftest import ROOT, Checkout
from tools.database.embedded import free_port
from tools.launcher.commands import COMMANDS

DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / ".env.example",
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"]])
def test_every_command_is_listed_with_one_line(checkout: Checkout, arguments: list[str]) -> None:
    done = checkout.run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    for name, command in COMMANDS.items():
        assert len(re.findall(rf"^  {name} +{re.escape(command.about)}$", done.stdout, re.MULTILINE)) == 1
    assert max(map(len, done.stdout.splitlines())) <= 110
    assert not checkout.venv.exists()


def test_an_unknown_command_suggests_the_nearest(checkout: Checkout) -> None:
    done = checkout.run("telegrm")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "There is no command telegrm. Did you mean telegram? ./switchboard lists the commands.\n"
    )


def test_it_runs_through_a_link_from_any_folder(installed: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "sb"
    link.symlink_to(installed.root / "switchboard")
    assert installed.run_at(link, "telegram", "a b", "--flag").stdout == "ran a b --flag\n"


def test_help_of_a_command_is_its_own(installed: Checkout) -> None:
    assert installed.run("help", "telegram").stdout == "ran --help\n"


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.run])
def test_help_of_a_command_for_work_on_the_code_runs_nothing(installed: Checkout, name: str) -> None:
    for typed in (["help", name], [name, "--help"], [name, "-h"]):
        done = installed.run(*typed)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: ./switchboard {name}")
    assert installed.venv.exists()


def test_clean_with_something_after_it_removes_nothing(installed: Checkout) -> None:
    done = installed.run("clean", "tests")
    assert (done.returncode, done.stderr) == (1, "clean takes no arguments.\n")
    assert installed.venv.exists()


@pytest.mark.parametrize("command", ["up", "reset"])
def test_a_second_emulator_is_refused_before_anything_is_asked(installed: Checkout, command: str) -> None:
    folder = installed.root / ".switchboard"
    folder.mkdir(exist_ok=True)
    with (folder / "running").open("w+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("http://127.0.0.1:1 (Postgres on port 2)")
        lock.flush()
        done = installed.run(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "The emulator already runs: http://127.0.0.1:1 (Postgres on port 2). "
        "Stop it first (Ctrl-C in its terminal).\n"
    )


def test_a_port_in_use_is_reported_before_anything_is_installed(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = free_port()  # an emulator of this machine may have the usual ones
        for option, other in (("--port", "--database-port"), ("--database-port", "--port")):
            done = checkout.run("up", f"{option}={port}", f"{other}={free}")
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith(f"Port {port} is taken.")
            assert f"./switchboard up {option} {port + 1}" in done.stderr
    assert not checkout.venv.exists()


def test_a_reset_without_a_terminal_needs_yes(installed: Checkout) -> None:
    refused = installed.run("reset")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "reset deletes the emulator's data. Without a terminal it needs --yes.\n"
    assert installed.run("reset", "--yes", "--port=1").stdout == "ran --port=1 --reset\n"


@pytest.mark.parametrize(("answer", "ran"), [("\n", False), ("n\n", False), ("y\n", True), ("YES\n", True)])
def test_a_reset_asks_on_a_terminal(installed: Checkout, answer: str, ran: bool) -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode())
        done = subprocess.run(
            [installed.root / "switchboard", "reset"], env=installed.environment, stdin=theirs,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Delete all users, chats and payments" in done.stdout + done.stderr
    assert ("ran --reset" in done.stdout) is ran
    assert done.returncode == (0 if ran else 1)


def test_a_new_key_waits_for_no_installation(checkout: Checkout) -> None:
    done = checkout.run("keys", "new")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-[0-9a-f]{8}:[A-Za-z0-9+/]{43}=\n", done.stdout)
    assert not checkout.venv.exists()


def test_a_reader_that_ends_first_is_no_error_of_ours(installed: Checkout) -> None:
    installed.module("bench", "for _ in range(100000): print('line')")
    script = f"'{installed.root}/switchboard' bench | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        env=installed.environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("line\n1\n", "")


def test_make_calls_the_same_commands() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for target in set(targets[1].split()) - {"help"}:
        assert target in COMMANDS
        done = subprocess.run(
            ["make", "-n", target], cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith(f"./switchboard {target}")
    done = subprocess.run(
        ["make", "-n", "up", "PORT=81", "REAL=openai"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["./switchboard", "up", "--port", "81", "--real", "openai"]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_the_docs_name_commands_that_exist_and_pipe_no_secret(path: Path) -> None:
    text = path.read_text()
    for name in re.findall(r"\./switchboard ([a-z][a-z-]*)", text):
        assert name in {*COMMANDS, "help"}, f"{path.name} names ./switchboard {name}"
    assert "python -m tools." not in text
    assert not re.search(r"`make [a-z]", text), "say ./switchboard instead"
    assert not re.search(r"\|\s*(gcloud secrets|store\b)", text), (
        "./switchboard secret never stores an empty value"
    )
