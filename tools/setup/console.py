"""Questions and lines on the terminal. A secret is never shown and never repeated.

What is pasted often brings more than was copied: spaces, quotes, invisible characters. They are removed.
"""

from __future__ import annotations

import getpass
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import TextIO

from tools.setup.verdict import Verdict

Check = Callable[[str], Verdict]
QUOTES = ('""', "''", "``", "“”", "‘’", "«»")


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
            answer = unquoted(visible(self._line())) or default
            if answer and self._passes(check(answer)):
                return answer

    def ask_secret(
        self, question: str, check: Check, *, may_be_quoted: bool = True, is_optional: bool = False
    ) -> str:
        """Ask for a secret until it passes its check; on a terminal nothing of it is shown.

        Quotes around it are removed, unless they may belong to it (a password). Enter alone leaves an
        optional one empty.
        """
        while True:
            answer = visible(self._secret(f"{question} (not shown): "))
            answer = unquoted(answer) if may_be_quoted else answer
            if (is_optional and not answer) or (answer and self._passes(check(answer))):
                return answer

    def choose(self, question: str, options: Sequence[str], default: str) -> str:
        """Ask for one of several words."""
        listed = ", ".join(options)

        def check(answer: str) -> Verdict:
            return Verdict.good("") if answer in options else Verdict.bad(f"Choose one of: {listed}.")

        return self.ask(f"{question} ({listed})", check, default)

    def confirm(self, question: str, *, default: bool = True) -> bool:
        """Ask yes or no, again until it is one of them; Enter takes the default."""
        while True:
            print(f"{question} [{'Y/n' if default else 'y/N'}]: ", end="", file=self._out, flush=True)
            answer = unquoted(visible(self._line())).lower()
            if not answer:
                return default
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")
            self.say("  Answer y or n.")

    def _passes(self, verdict: Verdict) -> bool:
        if verdict.text:
            self.say(f"  {verdict}")
        if verdict.is_good or not verdict.is_unknown:
            return verdict.is_good
        how = "anyway" if verdict.state == "warning" else "unchecked"
        return self.confirm(f"Use it {how}?", default=False)

    def _line(self) -> str:
        return self._read(self._in.readline)

    def _read(self, read: Callable[[], str]) -> str:
        """Return a line, an empty one where it is no text in the terminal's encoding. EOFError at the end."""
        try:
            line = read()
        except UnicodeDecodeError:
            self.say("  That was not text in UTF-8. Type or paste it again.")
            return "\n"
        if not line:
            raise EOFError
        return line

    def _secret(self, question: str) -> str:
        if self._in.isatty():
            return self._read(lambda: f"{getpass.getpass(question)}\n")
        print(question, end="", file=self._out, flush=True)
        answer = self._line()
        self.say()
        return answer


def visible(text: str) -> str:
    """Return a line without spaces around it and without invisible characters in it."""
    kept = (one for one in text if one.isspace() or unicodedata.category(one) not in ("Cf", "Cc", "Cs"))
    return "".join(kept).strip()


def unquoted(text: str) -> str:
    """Return a line without the quotes around it."""
    is_quoted = len(text) > 1 and text[0] + text[-1] in QUOTES
    return text[1:-1].strip() if is_quoted else text
