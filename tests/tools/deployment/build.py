"""A fake Cloud Build: reads deploy.yaml and runs a step with programs that only record calls."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
PROJECT = "my-project"
BUILT_IN = {"PROJECT_ID": PROJECT, "BUILD_ID": "0c1d2e3f"}
SECRETS = {
    "DATABASE_ADMIN_URL": "postgresql://postgres.ref:admin-password@pooler.example:5432/postgres",
    "DATABASE_URL": "postgresql://bot_backend.ref:p%40ss%2Fword@pooler.example:6543/postgres",
    "BOT_TOKENS": '{"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
    "TELEGRAM_WEBHOOK_SECRET": "the-first-webhook-secret,the-second-webhook-secret",
    "USER_HASH_KEY": "a-key-of-at-least-32-characters-for-tests",
}
# What every deployment needs to be given.
ADMINS = {"_ADMIN_EMAILS": "boss@example.com", "_ADMIN_TELEGRAM_IDS": "123456789"}
# Notes what it was called with, and answers with what the test prepared for the first words that match.
TAKES_NOTES = """#!{python}
import json, os, sys
from pathlib import Path
here = Path({folder!r})
arguments = [Path(sys.argv[0]).name, *sys.argv[1:]]
watched = ("BOT_BACKEND_PASSWORD", "SUPABASE_CLI", "ADMIN_EMAILS", "ADMIN_TELEGRAM_IDS", "DAILY_COST_BOT",
           "ENVIRONMENT", "SUPPORT_CONTACT", "BACKUP_PLACE", "BACKUP_RECIPIENT")
kept = {{name: os.environ[name] for name in watched if name in os.environ}}
with (here / "calls").open("a") as notes:
    notes.write(json.dumps([arguments, kept]) + "\\n")
for words, answer in json.loads((here / "answers").read_text()).items():
    if " ".join(arguments).startswith(words):
        print(answer, end="")
        break
"""
# Takes notes of the tools, and is Python for everything else.
PYTHON = """#!/bin/sh
case "$*" in "-m tools.database "*|"-m tools.deployment database") exec {tool} "$@" ;; esac
exec {python} "$@"
"""


@cache
def deployment() -> dict[str, Any]:
    """Return deploy.yaml as parsed YAML."""
    loaded: dict[str, Any] = YAML(typ="safe").load(ROOT / "deploy.yaml")
    return loaded


def steps() -> list[dict[str, Any]]:
    return list(deployment()["steps"])


def step(name: str) -> dict[str, Any]:
    return next(step for step in steps() if step["id"] == name)


def substitute(text: str, given: dict[str, str]) -> str:
    """Replace ${_NAME} as Cloud Build does; an unknown name is an error there, too."""
    values = BUILT_IN | deployment()["substitutions"] | given
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text)


@dataclass
class Call:
    """One call of a program: its words, its --flags, and the relevant environment."""

    words: list[str]
    flags: dict[str, str]
    environment: dict[str, str]

    def pairs(self, flag: str) -> dict[str, str]:
        """Parse a flag's NAME=value list by gcloud's rules: a leading ^|^ changes the separator."""
        value, separator = self.flags[flag], ","
        if match := re.match(r"\^(.+?)\^", value):
            value, separator = value[match.end() :], match[1]
        return dict(pair.split("=", 1) for pair in value.split(separator))


@dataclass
class Run:
    """The exit status, output and calls of a step."""

    status: int
    output: str
    calls: list[Call] = field(default_factory=list)


class Build:
    """A working directory with the repository in it. Substitutions are those a deployer would give."""

    def __init__(self, folder: Path, **substitutions: str) -> None:
        self.folder = folder
        self.substitutions = ADMINS | substitutions
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True)
        for path in ROOT.iterdir():
            if path.name not in (".venv", ".git", ".scheduler-jobs"):
                (self.workspace / path.name).symlink_to(path)
        self._install()

    def run(self, name: str, answers: dict[str, str] | None = None, **environment: str) -> Run:
        """Run a step's script; `answers` are what programs print, by the first words of the call."""
        (self.folder / "calls").write_text("")
        (self.folder / "answers").write_text(json.dumps(answers or {}))
        script = self.folder / "script"
        script.write_text(step(name)["script"])
        done = subprocess.run(
            ["bash", str(script)],
            cwd=self.workspace,
            env=self.environment(name) | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        notes = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        return Run(done.returncode, done.stdout + done.stderr, [_call(*note) for note in notes])

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of a step: common variables, its own, its secrets, and the PATH of fakes."""
        lines = [*deployment()["options"]["env"], *step(name).get("env", [])]
        values = dict(substitute(line, self.substitutions).split("=", 1) for line in lines)
        secrets = {secret: SECRETS[secret] for secret in step(name).get("secretEnv", [])}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder)} | values | secrets

    def _install(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir()
        notes = TAKES_NOTES.format(python=sys.executable, folder=str(self.folder))
        for name in ("gcloud", "curl", "npm", "supabase", "tools", "sleep"):
            _program(programs / name, notes)
        python = PYTHON.format(python=shlex.quote(sys.executable), tool=programs / "tools")
        _program(programs / "python", python)
        (self.workspace / ".venv" / "bin").mkdir(parents=True)
        _program(self.workspace / ".venv" / "bin" / "python", python)


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _call(arguments: list[str], environment: dict[str, str]) -> Call:
    flags = dict(word[2:].partition("=")[::2] for word in arguments if word.startswith("--"))
    return Call([word for word in arguments if not word.startswith("--")], flags, environment)
