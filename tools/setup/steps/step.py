"""What a step is."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tools.setup.answers import Answers
from tools.setup.context import Context


class Step(ABC):
    """One part of a deployment. It asks the cloud whether it is done, and may be cut off anywhere."""

    title: ClassVar[str]
    heading: ClassVar[str]  # in docs/deployment.md

    def ask(self, context: Context) -> None:  # noqa: B027  most steps ask nothing
        """Ask for answers that are no secrets; nothing is asked twice."""

    @abstractmethod
    def is_done(self, context: Context) -> bool:
        """Ask the cloud whether nothing is missing. Changes nothing. Raises CloudError."""

    @abstractmethod
    def run(self, context: Context) -> None:
        """Do what is missing. Raises Stop, CloudError."""

    def script(self, answers: Answers) -> list[str]:
        """Return lines of bash that do the same, and may be run again."""
        return []


@dataclass(frozen=True)
class Action:
    """A gcloud command. `exists` succeeds where it is done already; without one it may be repeated."""

    words: tuple[str, ...]
    exists: tuple[str, ...] = ()

    def line(self, project: str) -> str:
        """Return it as a line of bash."""
        command = shlex.join(["gcloud", *self.words, f"--project={project}", "--quiet"])
        if not self.exists:
            return command
        probe = shlex.join(["gcloud", *self.exists, f"--project={project}"])
        return f"{probe} >/dev/null 2>&1 || {command}"


class CloudStep(Step):
    """A step that is a list of gcloud commands."""

    _missing: Sequence[Action] = ()

    @abstractmethod
    def actions(self, answers: Answers) -> Sequence[Action]:
        """Return all commands of the step, for a project that has nothing yet."""

    @abstractmethod
    def missing(self, context: Context) -> Sequence[Action]:
        """Ask the cloud which of them are still to run."""

    def is_done(self, context: Context) -> bool:
        """Whether no command is missing. `run` takes what was found: every question takes gcloud a second."""
        self._missing = self.missing(context)
        return not self._missing

    def run(self, context: Context) -> None:
        """Run what `is_done` found missing, after asking once."""
        missing = self._missing
        context.console.say(f"  {len(missing)} command{'s' if len(missing) > 1 else ''}:")
        for action in missing:
            context.console.say(f"    {shlex.join(context.cloud.command(*action.words))}")
        context.allow("  Run them?")
        for action in missing:
            context.cloud.change(*action.words)

    def script(self, answers: Answers) -> list[str]:
        """Return all commands, each guarded where it may not be repeated."""
        return [action.line(answers.project) for action in self.actions(answers)]
