"""What this deployment has on offer, and the commands that are shown for it, in sections.

Menus and help never show what is not configured: without products on sale there is no /buy, without
encryption keys no /keys. A hidden command still answers when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from shared.ai.user_keys import encryption
from shared.core import db
from shared.core.config import settings
from shared.core.errors import DatabaseUnavailable
from shared.payments import providers
from shared.telegram.context import BotInterface, UpdateContext
from shared.telegram.feature import Command
from shared.telegram.messenger.incoming import has_messenger

if TYPE_CHECKING:
    from shared.core.sql_types import OfferedFeatures

_CACHE_SECONDS = 30.0  # for which a result is reused
# The sections of /help in their order; the title of each is the text help_<section>.
SECTIONS = ("chat", "play", "plan", "progress", "data", "more")
ADMIN_SECTIONS = ("admin_users", "admin_payments", "admin_more")
_PAID = ("subscription", "payments")  # commands of buyers: hidden on the free plan where nothing is sold


@dataclass(frozen=True)
class Offering:
    """What the owner offers, as `offered_features` returns it; by default everything."""

    currencies: frozenset[str] = frozenset({"XTR"})
    referrals: bool = True
    trial_days: int = 1
    channel_trainings: int = 1
    image_providers: frozenset[str] = frozenset()
    video_providers: frozenset[str] = frozenset()
    courses: bool = True

    @property
    def is_selling(self) -> bool:
        """Whether something is on sale that a configured provider takes money for."""
        if "XTR" in self.currencies:  # Stars need no settings
            return True
        return any(self.currencies & providers.load(key).CURRENCIES for key in providers.configured())

    def includes(self, need: str, bot: BotInterface) -> bool:
        """Return whether a condition that a command declares as its `needs` is met in a bot.

        Raises:
            KeyError: there is no such condition.
        """
        return CONDITIONS[need](self, bot)


def _has_key(providers_of_modes: Iterable[str]) -> bool:
    """Return whether one of the providers has an API key."""
    return any(settings().variable(f"{one.upper()}_API_KEY") for one in providers_of_modes)


# What a command may declare as its `needs`. A bot that meters nothing neither sells nor gives requests.
CONDITIONS: Mapping[str, Callable[[Offering, BotInterface], bool]] = {
    "": lambda _, __: True,
    "sales": lambda offering, bot: bot.is_metered and offering.is_selling,
    "terms": lambda offering, bot: (bot.is_metered and offering.is_selling) or bool(settings().terms_url),
    "support": lambda _, bot: bot.is_metered and bool(settings().support_contact),
    "messenger": lambda _, bot: has_messenger(bot.name),
    "speech": lambda _, __: bool(settings().speech_provider),
    "encryption": lambda _, __: encryption.is_available(),
    "referrals": lambda offering, bot: bot.is_metered and offering.referrals,
    "trial": lambda offering, bot: bot.is_metered and offering.trial_days > 0,
    "images": lambda offering, _: _has_key(offering.image_providers),
    "videos": lambda offering, _: _has_key(offering.video_providers),
    "courses": lambda offering, _: offering.courses,
    "channel": lambda offering, _: bool(settings().training_channel) and offering.channel_trainings > 0,
}
NOTHING = Offering(frozenset(), referrals=False, trial_days=0, channel_trainings=0, courses=False)


@dataclass
class _Cache:
    offering: Offering = field(default_factory=Offering)
    until: float = 0.0


_cache = _Cache()


def current_offering(context: UpdateContext) -> Offering:
    """Return what is on offer, read at most every 30 s; in an outage what was read last."""
    if not settings().database_enabled:
        return NOTHING
    if monotonic() < _cache.until or context.is_offline:
        return _cache.offering
    try:
        _cache.offering = read_offering()
    except DatabaseUnavailable:
        return _cache.offering
    _cache.until = monotonic() + _CACHE_SECONDS
    return _cache.offering


def read_offering() -> Offering:
    """Read from the database what is on offer.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    found: OfferedFeatures = db.call("offered_features")
    return Offering(
        frozenset(found["currencies"]),
        found["referrals"],
        found["trial_days"],
        found["channel_trainings"],
        frozenset(found["image_providers"]),
        frozenset(found["video_providers"]),
        found["courses"],
    )


def hidden_commands(bot: BotInterface, offering: Offering) -> frozenset[str]:
    """Return the commands of what is not configured here, for any user."""
    return frozenset(one.name for one in bot.declared_commands() if not offering.includes(one.needs, bot))


def is_offered(context: UpdateContext, command: str) -> bool:
    """Return whether the bot has a command, and what it needs is configured."""
    found = next((one for one in context.bot.declared_commands() if one.name == command), None)
    return found is not None and current_offering(context).includes(found.needs, context.bot)


def listed_commands(context: UpdateContext) -> tuple[Command, ...]:
    """Return the commands that /help shows a user, those of an admin not included."""
    offering = current_offering(context)
    hidden = set(hidden_commands(context.bot, offering))
    if not context.bot.answers_text_with_ai:
        hidden.add("usage")  # there are no requests to count
    if context.usage.plan != "FREE":
        hidden.add("trial")  # only users without a plan may start one
    elif not (context.bot.is_metered and offering.is_selling):
        hidden.update(_PAID)
    known = context.bot.declared_commands(has_database=settings().database_enabled)
    return tuple(one for one in known if one.section and one.name not in hidden)


def in_sections(
    commands: Iterable[Command], sections: Sequence[str], line: Callable[[str], str]
) -> list[tuple[str, str]]:
    """Return (section, its lines) for the sections that have commands, in the order of `sections`."""
    by_section: dict[str, list[str]] = {section: [] for section in sections}
    for command in commands:
        by_section[command.section].append(line(command.name))
    return [(section, "\n".join(lines)) for section, lines in by_section.items() if lines]
