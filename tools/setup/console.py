"""Questions and lines on the terminal. A secret is never shown and never repeated."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from tools.setup.verdict import Verdict

Check = Callable[[str], Verdict]


class Console:
    """Asks on `source` (stdin) and writes to `out`. EOFError when the answers end."""

    def __init__(self, source: TextIO | None = None, out: TextIO | None = None) -> None:
        self._in = source or sys.stdin
        self._out = out or sys.stdout

    def say(self, text: str = "") -> None:
        """Write a line."""
        print(text, file=self._out, flush=True)

    def ask(self, question: str, check: Check, default: str = "") -> str:
        """Ask until an answer passes its check; Enter takes the default."""
        hint = f" [{default}]" if default else ""
        while True:
            print(f"{question}{hint}: ", end="", file=self._out, flush=True)
            answer = self._line().strip() or default
            if answer and self._passes(check(answer)):
                return answer

    def ask_secret(self, question: str, check: Check) -> str:
        """Ask for a secret until it passes its check; on a terminal nothing of it is shown."""
        while True:
            answer = self._secret(f"{question} (not shown): ").strip()
            if answer and self._passes(check(answer)):
                return answer

    def choose(self, question: str, options: Sequence[str], default: str) -> str:
        """Ask for one of several words."""
        listed = ", ".join(options)

        def check(answer: str) -> Verdict:
            return Verdict.good("") if answer in options else Verdict.bad(f"Choose one of: {listed}.")

        return self.ask(f"{question} ({listed})", check, default)

    def confirm(self, question: str, *, default: bool = True) -> bool:
        """Ask yes or no."""
        print(f"{question} [{'Y/n' if default else 'y/N'}]: ", end="", file=self._out, flush=True)
        answer = self._line().strip().lower()
        return default if not answer else answer in ("y", "yes")

    def _passes(self, verdict: Verdict) -> bool:
        if verdict.text:
            self.say(f"  {verdict}")
        return verdict.is_good or (verdict.is_unknown and self.confirm("Use it unchecked?", default=False))

    def _line(self) -> str:
        line = self._in.readline()
        if not line:
            raise EOFError
        return line

    def _secret(self, question: str) -> str:
        if self._in.isatty():
            return getpass.getpass(question)
        print(question, end="", file=self._out, flush=True)
        answer = self._line()
        self.say()
        return answer
