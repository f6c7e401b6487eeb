"""The trainings that a user has, and those for joining the owner's channel, for screens and pages."""

from __future__ import annotations

from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log, texts
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.core.texts import Text, concat

if TYPE_CHECKING:
    from shared.core.sql_types import GiveChannelTrainings, TrainingOverview, TrainingOverviewTrainings
    from shared.core.texts.reader import Reader
    from shared.telegram.membership import Channel

UNCHECKED = ("not_joined", "later", "broken")  # outcomes of `claim` that changed nothing
_CACHE_SECONDS = 600  # seconds that the channel's name and address are remembered


def overview(user_id: int) -> TrainingOverview:
    """Return what a user has.

    Raises:
        LookupError: there is no such user.
    """
    found: TrainingOverview | None = db.call("training_overview", p_user_id=user_id)
    if found is None:
        raise LookupError("no such user")
    return found


def what_there_is(reader: Reader, found: TrainingOverview) -> Text:
    """Return the text that says how many trainings there are, and where they come from."""
    access = found["access"]
    details = access["details"]
    if access["access_type"] == "subscription":
        until = details["ends_at"] and reader.date(details["ends_at"])
        key = "trainings_admin" if details["plan"] == "FREE" else "trainings_plan"
        plan = texts.plan_name(reader.language, details["plan"] or "FREE")
        head = reader.rich(f"{key}_until" if until else key, plan=plan, until=until)
    elif access["has_access"]:
        head = reader.rich("trainings")
    else:
        head = reader.rich("trainings_none")
    lines = [_line(reader, given) for given in found["trainings"] if given["used"] < given["quantity"]]
    if details["bonus_credits"]:
        lines.insert(0, reader.rich("trainings_credits", credits=details["bonus_credits"]))
    return concat(head, concat(*lines, separator="\n"), separator="\n\n") if lines else head


def _line(reader: Reader, given: TrainingOverviewTrainings) -> Text:
    source = f"trainings_from_{given['source']}"
    return reader.rich(
        "trainings_line",
        trainings=given["quantity"] - given["used"],
        source=reader.text(source if texts.has(reader.language, source) else "trainings_from_other"),
    )


def channel(bot: str, found: TrainingOverview) -> Channel | None:
    """Return the owner's channel; Telegram is asked only if joining is rewarded."""
    return known_channel(bot) if found["channel_trainings"] > 0 else None


def known_channel(bot: str) -> Channel | None:
    """Return the owner's channel, if one is set and Telegram answers."""
    name = settings().training_channel
    if not name:
        return None
    try:
        return _channel(bot, name, int(monotonic() // _CACHE_SECONDS))
    except TelegramError as error:
        _failed(error)
        return None


@lru_cache(maxsize=16)
def _channel(bot: str, name: str, _while: int) -> Channel:
    from shared.telegram import membership  # imports telebot, which most pages do not need

    return membership.channel_of(bot, name)


def claim(bot: str, joined: Channel, user_id: int, telegram_id: int) -> tuple[str, int]:
    """Check that a user is in the channel, and give the trainings once.

    Returns:
        The outcome, which is also the key of a text after `trainings_`, and how many were given.
    """
    from shared.telegram import membership

    try:
        if not membership.is_member(bot, joined.id, telegram_id):
            return "not_joined", 0
    except TelegramError as error:
        return _failed(error), 0
    given: GiveChannelTrainings = db.call("give_channel_trainings", p_user_id=user_id, p_channel_id=joined.id)
    return given["outcome"], given["trainings"]


def _failed(error: TelegramError) -> str:
    """Log why Telegram gave no answer about the channel; return the outcome for the user."""
    if error.is_temporary:
        log.warning("Telegram does not answer about the channel", action="channel_unknown", reason=str(error))
        return "later"
    # The owner must act: the name is wrong, or the bot is no administrator there.
    log.alert(f"TRAINING_CHANNEL cannot be asked about: {error}", action="config_error")
    return "broken"
