"""What this deployment has on offer, and the commands that are shown for it, in sections.

Menus and help never show what is not configured: without products on sale there is no /buy, without
encryption keys no /keys. A hidden command still answers when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from shared.ai.user_keys import encryption
from shared.bots.assistant import bot
from shared.core import db, texts
from shared.core.config import settings
from shared.core.errors import DatabaseUnavailable
from shared.payments import providers
from shared.telegram.context import UpdateContext

_KEPT = 30.0  # seconds that an answer of the database is used
MORE = "more"  # the section of commands that no other one names
# The commands of each section of /help; its title is the text help_<section>.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "chat": ("mode", "clear", "cancel", "keys"),
    "plan": (
        "profile",
        "usage",
        "buy",
        "subscription",
        "payments",
        "promo",
        "trial",
        "referral",
        "trainings",
    ),
    "data": ("language", "privacy", "mydata", "deleteme"),
    MORE: ("menu", "help", "terms", "paysupport", "whoami"),
}
ADMIN_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "admin_users": ("user", "grant", "givetrainings", "addbalance", "reset", "plan", "ban", "unban"),
    "admin_payments": ("payment", "refund", "products", "promocode", "statement", "check"),
    "admin_more": ("stats", "audit"),
}
_NOT_LISTED = ("start",)


@dataclass(frozen=True)
class Features:
    """What the owner has on offer, as `offered_features` says; by default all of it."""

    currencies: frozenset[str] = frozenset({"XTR"})
    referrals: bool = True
    trial_days: int = 1
    channel_trainings: int = 1

    @property
    def is_selling(self) -> bool:
        """Whether something is on sale that a configured provider takes money for."""
        if "XTR" in self.currencies:  # Stars need no settings
            return True
        return any(self.currencies & providers.load(key).CURRENCIES for key in providers.configured())


NOTHING = Features(frozenset(), referrals=False, trial_days=0, channel_trainings=0)


@dataclass
class _Memory:
    known: Features = field(default_factory=Features)
    until: float = 0.0


_memory = _Memory()


def features(context: UpdateContext) -> Features:
    """Return what is on offer, asked for at most every half a minute; in an outage what was known before."""
    if not settings().database_enabled:
        return NOTHING
    if monotonic() < _memory.until or context.is_offline:
        return _memory.known
    try:
        _memory.known = read_features()
    except DatabaseUnavailable:
        return _memory.known
    _memory.until = monotonic() + _KEPT
    return _memory.known


def read_features() -> Features:
    """Ask the database what is on offer.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    found = db.call("offered_features")
    return Features(
        frozenset(found["currencies"]), found["referrals"], found["trial_days"], found["channel_trainings"]
    )


def hidden_commands(offered: Features) -> frozenset[str]:
    """Return the commands of what is not configured here, for any user."""
    has = {
        "buy": offered.is_selling,
        "promo": offered.is_selling,
        "terms": offered.is_selling or bool(settings().terms_url),
        "paysupport": bool(settings().support_contact),
        "keys": encryption.is_available(),
        "referral": offered.referrals,
        "trial": offered.trial_days > 0,
        "trainings": bool(settings().training_channel) and offered.channel_trainings > 0,
    }
    return frozenset(name for name, is_there in has.items() if not is_there)


def listed_commands(context: UpdateContext) -> tuple[str, ...]:
    """Return the commands that /help shows a user, those of an admin not included."""
    offered = features(context)
    hidden = set(hidden_commands(offered)) | set(_NOT_LISTED)
    if context.usage.plan == "FREE":
        if not offered.is_selling:
            hidden |= {"subscription", "payments"}
    else:
        hidden.add("trial")  # it is for those who have no plan
    return tuple(name for name in bot.commands(settings().database_enabled) if name not in hidden)


def sections(
    names: Iterable[str], table: Mapping[str, tuple[str, ...]], line: Callable[[str], str]
) -> list[tuple[str, str]]:
    """Return (section, its lines) for the commands that are there, in the order of the table."""
    left = list(names)
    found: list[tuple[str, str]] = []
    last = list(table)[-1]
    for section, members in table.items():
        here = [name for name in members if name in left]
        left = [name for name in left if name not in here]
        if section == last:
            here += left
        if here:
            found.append((section, "\n".join(line(name) for name in here)))
    return found


def plan_name(context: UpdateContext, plan: str | None = None) -> str:
    """Return a plan's name in the user's language, by default that of their own plan."""
    return texts.plan_name(context.language, plan or context.usage.plan)
