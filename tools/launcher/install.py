"""Installs the packages with pip, showing how far it is and how long it still takes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from tools.launcher.errors import LauncherError

# Downloading takes most of the time, unpacking the rest; pip says nothing while it unpacks.
DOWNLOAD_SHARE = 0.75
QUIET_STEP = 0.1  # without a terminal a line is printed for every tenth
# pip's words (pip/_internal) for a package that it has looked up.
_LOOKED_UP = re.compile(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9_.-]+)")
_UNPACKING = "Installing collected packages"
_PINNED = re.compile(r"^[A-Za-z0-9_.-]+==\S+(?: ; (?P<marker>.*?))?(?: \\)?$", re.MULTILINE)
_REASONS = (
    ("No space left", "The disk is full."),
    ("do not match the hashes", "A download does not match its pinned hash: nothing of it was installed."),
    ("Permission denied", "The folder .venv cannot be written to."),
    # What pip ends with is "No matching distribution" in all of these.
    (
        "CERTIFICATE_VERIFY_FAILED",
        "The package index has a certificate that is not trusted here: a proxy reads "
        "the traffic. Name its certificate with PIP_CERT=/path/to/ca.pem.",
    ),
    ("407 Proxy", "The proxy wants a login: HTTPS_PROXY=http://user:password@host:port."),
    ("ProxyError", "The proxy does not answer: check HTTPS_PROXY."),
    (
        "dependencies for SOCKS",
        "pip cannot use a SOCKS proxy: name an HTTP one in HTTPS_PROXY, or unset ALL_PROXY.",
    ),
    ("NewConnectionError", "The package index cannot be reached: check the network or the proxy."),
    ("NameResolutionError", "The package index cannot be reached: check the network or the proxy."),
    ("Temporary failure in name resolution", "The package index cannot be reached: check the network."),
    ("ReadTimeoutError", "The package index does not answer: check the network."),
    ("No matching distribution", "The package index has no build for this system and Python."),
)


# Settings of the owner's pip that name another place than .venv. The others stay: a mirror needs them.
_ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")


def install(python: Path, requirements: Path, log: Path) -> None:
    """Install `requirements` into the environment of `python`; `log` gets all that pip prints.

    Raises LauncherError with one line that says why it failed.
    """
    total = count(requirements.read_text(encoding="utf-8"))
    print(
        f"Installing {total} packages into .venv, once: about a minute on a fast line, "
        "up to five on a slow one.",
        file=sys.stderr,
        flush=True,
    )
    command = [
        str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-color",
        # Python compiles a module when it is first imported; all at once take half of the time.
        "--no-compile", "--progress-bar=off", "--timeout=30", "--retries=3", "--require-hashes", "-r",
        str(requirements),
    ]  # fmt: skip
    progress = Progress(total, sys.stderr)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    ) as pip:
        assert pip.stdout is not None
        with log.open("w", encoding="utf-8") as file:
            progress.follow(_copied(pip.stdout, file))
    if not pip.returncode:
        progress.done()
    else:
        raise LauncherError(f"{reason(log.read_text(encoding='utf-8'))} pip's own words: {log}")


def environment() -> dict[str, str]:
    """Return what pip gets: `user = true` in a pip.conf, or another target, would install beside .venv."""
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return kept | {"PIP_USER": "0"}


def count(requirements: str) -> int:
    """Return how many packages a list pins for this system; lines for Windows alone are left out."""
    return sum(1 for pin in _PINNED.finditer(requirements) if "== 'win32'" not in (pin["marker"] or ""))


def reason(output: str) -> str:
    """Return one line that says why pip failed."""
    for words, meaning in _REASONS:
        if words in output:
            return meaning
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else "pip failed."


class Progress:
    """Shows the share that is done and the time that is left: one line on a terminal, else a line a tenth."""

    def __init__(self, total: int, out: TextIO) -> None:
        self._total = max(total, 1)
        self._out = out
        self._began = time.monotonic()
        self._shown = 0.0
        self._seen: set[str] = set()

    def follow(self, lines: Iterable[str]) -> None:
        """Read pip's lines until they end, showing progress."""
        for line in lines:
            if match := _LOOKED_UP.match(line):
                self._seen.add(match[1].lower())
                share = DOWNLOAD_SHARE * min(len(self._seen) / self._total, 1.0)
                self._show(share, match[1])
            elif line.startswith(_UNPACKING):
                self._show(DOWNLOAD_SHARE, "unpacking")
        if self._out.isatty():
            print("\r\033[K", end="", file=self._out, flush=True)

    def done(self) -> None:
        """Say how long it took."""
        print(f"  done after {duration(time.monotonic() - self._began)}", file=self._out, flush=True)

    def _show(self, share: float, now: str) -> None:
        text = f"  {share:.0%} {now}{self._left(share)}"
        if self._out.isatty():
            print(f"\r\033[K{text[:78]}", end="", file=self._out, flush=True)
        elif share - self._shown >= QUIET_STEP or now == "unpacking":
            self._shown = share
            print(text, file=self._out, flush=True)

    def _left(self, share: float) -> str:
        elapsed = time.monotonic() - self._began
        # The first seconds say nothing about the rest.
        if share < 0.05 or elapsed < 3:
            return ""
        return f", about {duration(elapsed / share - elapsed)} left"


def duration(seconds: float) -> str:
    """Return a time as one reads it: 40 s, 2 min."""
    return f"{round(seconds)} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _copied(lines: Iterable[str], file: TextIO) -> Iterator[str]:
    for line in lines:
        file.write(line)
        yield line
