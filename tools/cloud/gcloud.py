"""Runs gcloud: every call has a deadline, a secret travels on stdin alone, errors are one line."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PROGRAM = "gcloud"
LOGIN = "gcloud auth login"
READ_SECONDS = 60
CHANGE_SECONDS = 300
# What was just made is known everywhere only after some seconds: a service account
# (cloud.google.com/iam/docs/service-accounts-create: "wait for 60 seconds or more before you use it"; until
# then reading it ends with 403 or 404), an API ("wait a few minutes for the action to propagate"), billing.
SPREADING = ("does not exist", "is not a valid member", "Service account")
FRESH = {
    ("iam", "service-accounts", "create"): ("Unknown service account", "does not exist", "may not exist"),
    ("services", "enable"): ("it is disabled", "SERVICE_DISABLED"),
    ("billing", "projects", "link"): ("Billing account for project", "billing to be enabled"),
}  # what such a command makes, and in whose words the others say that they do not know it yet
SPREAD_ATTEMPTS, SPREAD_PAUSE = 8, 8.0


class CloudError(Exception):
    """gcloud could not be run or refused; the message is one line without a secret."""


class Gcloud:
    """gcloud for one project. `show` gets each command before it runs, as one would type it."""

    def __init__(
        self,
        project: str = "",
        show: Callable[[str], None] = lambda _: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.project = project
        self._show = show
        self._pause = pause
        self._fresh: set[str] = set()  # what may be said of things that this run made

    def command(self, *words: str) -> list[str]:
        """Return the whole command, the project included."""
        return [PROGRAM, *words, *([f"--project={self.project}"] if self.project else [])]

    def read(self, *words: str) -> str:
        """Return what a command that changes nothing prints. Raises CloudError."""
        return self._patiently("?", words, "", READ_SECONDS)

    def read_one(self, kind: type[T], *words: str) -> T:
        """Return the object that a command prints; nothing is an empty one. Raises CloudError."""
        return self._read_as(kind, "{}", words)

    def read_list(self, kind: type[T], *words: str) -> list[T]:
        """Return the objects that a command lists. Raises CloudError."""
        return self._read_as(list[kind], "[]", words)  # type: ignore[valid-type]

    def _read_as(self, kind: type[T], nothing: str, words: tuple[str, ...]) -> T:
        from tools import validation

        text = self.read(*words, "--format=json").strip()
        try:
            return validation.parse_json(kind, nothing if text in ("", "null") else text)
        except validation.InvalidData as error:
            raise CloudError(f"{shlex.join(words)}: gcloud printed something unexpected: {error}") from None

    def change(self, *words: str, value: str = "", deadline: float = CHANGE_SECONDS) -> str:
        """Run a command that changes something; `value` goes to its stdin. Raises CloudError."""
        output = self._patiently("+", words, value, deadline)
        for made, unknown in FRESH.items():
            if words[: len(made)] == made:
                self._fresh |= set(unknown)
        return output

    def _patiently(self, sign: str, words: tuple[str, ...], value: str, deadline: float) -> str:
        """Run a command; what fails because something new is not known everywhere is tried for a minute."""
        for attempt in range(1, SPREAD_ATTEMPTS + 1):
            try:
                return self._run(sign, words, value, deadline)
            except CloudError as error:
                if attempt == SPREAD_ATTEMPTS or not self._is_spreading(words, str(error)):
                    raise
                self._pause(SPREAD_PAUSE)
        raise AssertionError("the last attempt returns or raises")

    def _is_spreading(self, words: tuple[str, ...], error: str) -> bool:
        names_account = any(word.startswith("--member") for word in words)
        return any(said in error for said in (*self._fresh, *(SPREADING if names_account else ())))

    def watch(self, *words: str, deadline: float, folder: Path) -> bool:
        """Run a command in a folder, its progress on the terminal; return whether it succeeded."""
        command = self.command(*words)
        self._show(f"+ {shlex.join(command)}")
        try:
            done = subprocess.run(
                command, check=False, timeout=deadline, stdin=subprocess.DEVNULL, cwd=folder
            )
        except (FileNotFoundError, PermissionError):
            raise _missing() from None
        except subprocess.TimeoutExpired:
            raise CloudError(f"gcloud did not end within {deadline / 60:.0f} minutes") from None
        return done.returncode == 0

    def _run(self, sign: str, words: tuple[str, ...], value: str, deadline: float) -> str:
        command = self.command(*words)
        self._show(f"{sign} {shlex.join(command)}")
        try:
            done = subprocess.run(
                [*command, "--quiet"], input=value, capture_output=True, text=True, check=False,
                timeout=deadline, env={**os.environ, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
            )  # fmt: skip
        except (FileNotFoundError, PermissionError):
            raise _missing() from None
        except subprocess.TimeoutExpired:
            raise CloudError(f"gcloud did not answer within {deadline:.0f} s: {shlex.join(words)}") from None
        if done.returncode:
            raise CloudError(f"gcloud {' '.join(words[:3])}: {_reason(done.stderr)}")
        return done.stdout


def _missing() -> CloudError:
    """A folder of PATH that may not be read makes a missing program a PermissionError."""
    return CloudError("gcloud is not installed: https://cloud.google.com/sdk/docs/install")


def _reason(errors: str) -> str:
    """Return gcloud's own line for why it failed; the lines around it are advice."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith("ERROR:")]
    reason = (marked or lines or ["it failed and gave no reason"])[-1].removeprefix("ERROR: ")
    # A login that ran out still counts as one in `gcloud auth list`.
    return f"{reason} Log in again: {LOGIN}" if LOGIN in errors and LOGIN not in reason else reason
