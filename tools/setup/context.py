"""What every step works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.cloud.gcloud import Gcloud
from tools.secret.store import SecretStore
from tools.setup.answers import Answers
from tools.setup.console import Console


class Stop(Exception):
    """The wizard cannot go on; the message says what to do before the next run."""


@dataclass
class Context:
    """The answers, the terminal and the cloud of one run."""

    answers: Answers
    console: Console
    cloud: Gcloud
    store: SecretStore
    root: Path
    save: Callable[[], None]
    yes: bool = False  # do not ask before commands run
    previous: Answers = field(default_factory=Answers)  # what Enter keeps when answers are changed

    def answer(self, name: str, ask: Callable[[], str]) -> str:
        """Return an answer that was given before, or ask for it and keep it at once."""
        if not getattr(self.answers, name):
            setattr(self.answers, name, ask())
            self.save()
        return str(getattr(self.answers, name))

    def default(self, name: str, otherwise: str = "") -> str:
        """Return what Enter means for an answer: the previous one, or `otherwise` where there is none."""
        return str(getattr(self.previous, name)) or otherwise

    def allow(self, what: str) -> None:
        """Ask before commands run. Raises Stop when the owner says no."""
        if not self.yes and not self.console.confirm(what):
            raise Stop("Stopped before that. Run ./switchboard setup again to go on from here.")

    def tokens(self) -> dict[str, str]:
        """Return the bots' tokens from Secret Manager. Raises Stop when they are not readable there."""
        from tools import validation

        try:
            tokens = validation.parse_json(dict[str, str], self.store.get("BOT_TOKENS"))
        except validation.InvalidData:
            tokens = {}
        if not tokens:
            raise Stop(
                "BOT_TOKENS holds no JSON object of bots and tokens: ./switchboard secret set BOT_TOKENS"
            )
        return tokens
