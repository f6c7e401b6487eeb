"""What `./switchboard up` does before anything runs: one at a time, and the settings it is asked to use."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from shared import bots
from tools.emulator.__main__ import ready
from tools.emulator.environment import SettingMissing, bot_token, read_dotenv
from tools.emulator.functions import ROOT
from tools.emulator.lockfile import AlreadyRunning, LockFile


def test_a_folder_is_used_by_one_at_a_time(tmp_path: Path) -> None:
    first = LockFile(tmp_path)
    first.take("http://127.0.0.1:1 runs with it")
    with pytest.raises(AlreadyRunning, match=r"http://127\.0\.0\.1:1 runs with it.*Stop it first"):
        LockFile(tmp_path).take("the second")
    first.release()
    second = LockFile(tmp_path)
    second.take("http://127.0.0.1:2 runs with it")
    with pytest.raises(AlreadyRunning, match=r"127\.0\.0\.1:2"):
        first.take("again")
    second.release()


def test_a_process_that_died_holds_nothing(tmp_path: Path) -> None:
    script = (
        "import os, pathlib; from tools.emulator.lockfile import LockFile; "
        f"LockFile(pathlib.Path({str(tmp_path)!r})).take('dead'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=60)
    alive = LockFile(tmp_path)
    alive.take("alive")
    alive.release()


@pytest.mark.parametrize(
    ("dotenv", "token"),
    [
        ({"BOT_TOKEN": "1:a"}, "1:a"),
        ({"BOT_TOKENS": '{"assistant": "2:b"}'}, "2:b"),
        ({"BOT_TOKEN": "1:a", "BOT_TOKENS": '{"assistant": "2:b"}'}, "1:a"),
    ],
)
def test_the_real_bot_is_the_assistant_however_it_is_written(dotenv: dict[str, str], token: str) -> None:
    assert bot_token(dotenv) == token


@pytest.mark.parametrize(
    "dotenv", [{}, {"BOT_TOKENS": "{"}, {"BOT_TOKENS": "[]"}, {"BOT_TOKENS": '{"x": "1"}'}]
)
def test_a_missing_token_is_named(dotenv: dict[str, str]) -> None:
    with pytest.raises(SettingMissing, match="BOT_TOKEN"):
        bot_token(dotenv)


def test_a_dotenv_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"BOT_TOKEN=1:a\n\xff\xfe")
    with pytest.raises(SettingMissing, match="is no text in UTF-8"):
        read_dotenv(tmp_path / ".env")


def test_a_dotenv_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfBOT_TOKEN=1:a\r\nOPENAI_API_KEY=sk\r\n")
    assert read_dotenv(tmp_path / ".env") == {"BOT_TOKEN": "1:a", "OPENAI_API_KEY": "sk"}


@pytest.mark.parametrize("port", ["0", "65536", "abc", "-1"])
def test_an_invalid_port_is_one_line(port: str) -> None:
    done = _emulator(f"--port={port}")
    assert (done.returncode, "is no port (1 to 65535)" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_reported_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _emulator(f"--port={taken.getsockname()[1]}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is taken" in done.stderr
    assert "--port" in done.stderr


def _emulator(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.emulator", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_what_is_printed_names_each_bot_and_says_what_it_is() -> None:
    printed = ready("http://127.0.0.1:8080")
    assert "Ready: http://127.0.0.1:8080" in printed
    for name in bots.names():
        assert f"{name:<10} {bots.load(name).description}" in printed
