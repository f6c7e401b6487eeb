"""What the owner answered, without secrets: kept in .switchboard, so that no question is asked twice."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from tools.setup import checks
from tools.setup.verdict import Verdict

ENVIRONMENTS = ("production", "staging")


class AnswersError(Exception):
    """A file of answers cannot be used; the message says why."""


@dataclass
class Answers:
    """An empty answer was not given yet; `-` is the answer "none"."""

    environment: str = "production"
    project: str = ""
    region: str = ""
    public_url: str = ""  # a domain before the functions
    chat_provider: str = ""
    default_language: str = ""
    admin_emails: str = ""
    admin_telegram_ids: str = ""
    support_contact: str = ""
    terms_url: str = ""
    user_api_keys: str = ""  # yes or no
    payment_providers: str = ""  # names separated by commas
    backup_recipient: str = ""  # the public key that seals backups
    welcomed: list[int] = field(default_factory=list)  # admins who got the first message
    deployed: dict[str, str] = field(default_factory=dict)  # the last substitutions

    def without_choices(self) -> Answers:
        """Return answers that only say where the deployment is, so that everything else is asked again."""
        return Answers(
            self.environment, self.project, self.region, self.public_url,
            welcomed=self.welcomed, deployed=self.deployed,
        )  # fmt: skip

    def or_else(self, previous: Answers) -> Answers:
        """Return answers with the previous one wherever none was given yet."""
        return Answers(
            **{one.name: getattr(self, one.name) or getattr(previous, one.name) for one in fields(Answers)}
        )

    @property
    def functions_url(self) -> str:
        """Return where the functions are reached: at the owner's domain, or where Google puts them."""
        if self.public_url not in ("", "-"):
            return self.public_url
        return f"https://{self.region}-{self.project}.cloudfunctions.net"

    @property
    def providers(self) -> list[str]:
        """Return the payment providers besides Telegram Stars."""
        return [] if self.payment_providers == "-" else split(self.payment_providers)

    @property
    def has_backups(self) -> bool:
        """Whether the database is backed up."""
        return self.backup_recipient not in ("", "-")

    @property
    def admins(self) -> list[int]:
        """Return the admins' Telegram ids."""
        return [int(word) for word in split(self.admin_telegram_ids)]


def split(text: str) -> list[str]:
    """Return the words of a list separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def path(root: Path, environment: str) -> Path:
    """Return where the answers of an environment are kept."""
    return root / ".switchboard" / f"setup-{environment}.json"


def load(file: Path, environment: str) -> Answers:
    """Return the kept answers, or empty ones. Raises AnswersError."""
    if not file.exists():
        return Answers(environment=environment)
    from tools import validation

    try:
        answers = validation.parse_json(Answers, file.read_bytes())
    except (validation.InvalidData, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise AnswersError(
            f"{file} is not readable ({why}): remove it, and the questions are asked again."
        ) from None
    if wrong := _wrong(answers):
        raise AnswersError(f"{file}: {wrong}")
    return answers


def _wrong(answers: Answers) -> str:
    """Say which kept answer would not pass its question's check: a file may come from anywhere."""
    for name, check in _CHECKS.items():
        value = getattr(answers, name)
        if value and not (verdict := check(value)).is_good:
            return f"{name}: {verdict.text}"
    return ""


def _word(answer: str) -> Verdict:
    if re.fullmatch(r"-|[a-z0-9_]+(, ?[a-z0-9_]+)*", answer):
        return Verdict.good("")
    return Verdict.bad("It has lowercase letters, digits and _.")


_CHECKS: dict[str, Callable[[str], Verdict]] = {
    "environment": _word,
    "project": checks.project,
    "region": checks.region,
    "public_url": checks.public_url,
    "chat_provider": _word,
    "default_language": _word,
    "admin_emails": checks.emails,
    "admin_telegram_ids": checks.telegram_ids,
    "support_contact": checks.contact,
    "terms_url": checks.link_or_none,
    "user_api_keys": _word,
    "payment_providers": _word,
    "backup_recipient": checks.recipient_or_none,
}


def save(file: Path, answers: Answers) -> None:
    """Keep the answers; a save that is cut off leaves the old ones. Raises AnswersError."""
    fresh = file.with_suffix(".new")
    try:
        file.parent.mkdir(exist_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(answers), indent=2) + "\n", encoding="utf-8")
        fresh.replace(file)
    except OSError as error:
        raise _not_kept(file, error) from None


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Keep a second wizard away that would ask and deploy the same. Raises AnswersError where one runs."""
    try:
        file.parent.mkdir(exist_ok=True)
        lock = file.with_suffix(".lock").open("w")
    except OSError as error:
        raise _not_kept(file, error) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AnswersError(f"Another ./switchboard setup uses {file}: end that one first.") from None
        yield


def _not_kept(file: Path, error: OSError) -> AnswersError:
    return AnswersError(
        f"Answers cannot be kept in {file.parent} ({error.strerror}): make it writable, or name a file with "
        "--answers, and run ./switchboard setup again."
    )
