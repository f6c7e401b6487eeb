"""Secret Manager through gcloud. A value travels on stdin: never in an argument, a file or a log."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence

PROGRAM = "gcloud"
DEADLINE = 120  # seconds of one call


class StoreError(Exception):
    """Secret Manager could not be asked or refused; the message says why."""


class SecretStore:
    """The secrets of one project; without a project, of the one that gcloud is configured for."""

    def __init__(self, project: str | None = None) -> None:
        self._where = [f"--project={project}"] if project else []

    def names(self) -> frozenset[str]:
        """Return the names of all secrets, those without a version included. Raises StoreError."""
        found = self._call("secrets", "list", "--format=value(name)")
        return frozenset(line.rsplit("/", 1)[-1] for line in found.split())

    def has_value(self, name: str) -> bool:
        """Return whether a secret exists and has a version that can be read. Raises StoreError."""
        if name not in self.names():
            return False
        return bool(
            self._call(
                "secrets", "versions", "list", name,
                "--filter=state=ENABLED", "--limit=1", "--format=value(name)",
            ).strip()
        )  # fmt: skip

    def put(self, name: str, value: str) -> None:
        """Store a value: a new secret, or a new version of one that exists.

        Raises StoreError, also for an empty value: nothing is called then.
        """
        if not value.strip():
            raise StoreError(f"{name}: an empty value is not stored.")
        if name not in self.names():
            # Two calls, so that each can be repeated: whichever is cut off, the next run does the rest.
            self._show_and_call("secrets", "create", name, "--replication-policy=automatic")
        self._show_and_call("secrets", "versions", "add", name, "--data-file=-", value=value)

    def _show_and_call(self, *words: str, value: str | None = None) -> None:
        print(f"+ {shlex.join([PROGRAM, *words, *self._where])}", file=sys.stderr, flush=True)
        self._call(*words, value=value)

    def _call(self, *words: str, value: str | None = None) -> str:
        command: Sequence[str] = [PROGRAM, *words, *self._where, "--quiet"]
        try:
            done = subprocess.run(
                command,
                input=value if value is not None else "",
                capture_output=True,
                text=True,
                check=False,
                timeout=DEADLINE,
                env={**os.environ, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
            )
        except FileNotFoundError:
            raise StoreError("gcloud is not installed: https://cloud.google.com/sdk/docs/install") from None
        except subprocess.TimeoutExpired:
            raise StoreError(f"gcloud did not answer within {DEADLINE} s: {shlex.join(command)}") from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise StoreError(f"gcloud: {lines[-1].removeprefix('ERROR: ') if lines else 'failed'}")
        return done.stdout
