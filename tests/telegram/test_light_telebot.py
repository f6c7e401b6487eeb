"""telebot works without the modules that light_telebot keeps out of its import."""

from __future__ import annotations

import subprocess
import sys

from tools.emulator.stack import Stack


def _python(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    ).stdout.strip()


def test_a_cold_start_imports_neither_requests_nor_pillow() -> None:
    program = (
        "import sys, shared.telegram.webhook; from shared import bots; bots.load('assistant');"
        "heavy = {'requests', 'PIL', 'urllib3', 'cryptography', 'segno', 'pyromark'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert _python(program) == "[]"


def test_requests_and_pillow_can_be_imported_later() -> None:
    program = (
        "import shared.telegram, telebot.apihelper as used, requests, requests.adapters;"
        "print(requests.Session, used.requests.sessions is requests.sessions)"
    )
    assert _python(program) == "<class 'requests.sessions.Session'> True"


def test_a_handler_downloads_what_a_user_sent(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("second")
    chat.photo("download", b"\x89PNG" + b"x" * 100_000)

    assert chat.answer().text == "100004 bytes, then 404"
