"""/trainings: the user's trainings, and those for joining the owner's channel."""

from __future__ import annotations

from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, log, texts
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.common.plans import plan_name
from shared.telegram import current_context, membership, reply
from shared.telegram.context import UpdateContext
from shared.telegram.membership import Channel
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import GiveChannelTrainings, TrainingOverview, TrainingOverviewTrainings

router = Router()

_JOINED = "trainings:joined"
_CACHE_SECONDS = 600  # seconds that the channel's name and address are remembered


@router.message_handler(commands=["trainings"], private_only=True)
def trainings(_message: Message) -> None:
    """Show the trainings."""
    context = current_context()
    overview = _overview(context)
    reply(*_shown(context, overview, _offered_channel(context, overview)))


@router.callback_query_handler(data="trainings", private_only=True, page="trainings")
def show_trainings(_call: CallbackQuery) -> None:
    """Show the trainings under the button of another page."""
    context = current_context()
    overview = _overview(context)
    context.show(*_shown(context, overview, _offered_channel(context, overview)))


@router.callback_query_handler(data=_JOINED, private_only=True, page="trainings")
def joined_channel(_call: CallbackQuery) -> None:
    """Check with Telegram that the user joined the channel, and give the reward."""
    context = current_context()
    channel = _known_channel(context)
    if channel is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    try:
        is_in = membership.is_member(context.bot.name, channel.id, context.user.telegram_id)
    except TelegramError as error:
        return context.answer_callback(context.text(_failed(error)), alert=True)
    if not is_in:
        return context.answer_callback(
            context.text("trainings_not_joined", channel=channel.title), alert=True
        )
    given: GiveChannelTrainings = db.call(
        "give_channel_trainings", p_user_id=context.user.id, p_channel_id=channel.id
    )
    key = f"trainings_{given['outcome']}"
    context.answer_callback(
        context.text(key, trainings=given["trainings"]), alert=given["outcome"] != "given"
    )
    return context.show(*_shown(context, _overview(context), channel))


def _overview(context: UpdateContext) -> TrainingOverview:
    overview: TrainingOverview | None = db.call("training_overview", p_user_id=context.user.id)
    assert overview is not None, "this update made the user"
    return overview


def _shown(
    context: UpdateContext, overview: TrainingOverview, channel: Channel | None
) -> tuple[Text, Keyboard]:
    parts, rows = [_what_there_is(context, overview)], []
    if channel is not None:
        words = {"channel": channel.title, "trainings": overview["channel_trainings"]}
        if str(channel.id) in overview["channels"]:
            parts.append(context.rich("trainings_channel_had", **words))
        else:
            parts.append(context.rich("trainings_channel", **words))
            if channel.link:
                rows.append([(context.text("trainings_open", channel=channel.title), channel.link)])
            rows.append([(context.text("trainings_joined"), _JOINED)])
    if not overview["access"]["has_access"]:
        rows.append([(context.text("menu_buy"), "buy")])
    return concat(*parts, separator="\n\n"), [*rows, *back(context)]


def _what_there_is(context: UpdateContext, overview: TrainingOverview) -> Text:
    access = overview["access"]
    details = access["details"]
    if access["access_type"] == "subscription":
        until = details["ends_at"] and context.date(details["ends_at"])
        key = "trainings_admin" if details["plan"] == "FREE" else "trainings_plan"
        head = context.rich(
            f"{key}_until" if until else key, plan=plan_name(context, details["plan"]), until=until
        )
    elif access["has_access"]:
        head = context.rich("trainings")
    else:
        head = context.rich("trainings_none")
    lines = [_line(context, given) for given in overview["trainings"] if given["used"] < given["quantity"]]
    if details["bonus_credits"]:
        lines.insert(0, context.rich("trainings_credits", credits=details["bonus_credits"]))
    return concat(head, concat(*lines, separator="\n"), separator="\n\n") if lines else head


def _line(context: UpdateContext, given: TrainingOverviewTrainings) -> Text:
    known = texts.table(context.language)
    source = f"trainings_from_{given['source']}"
    return context.rich(
        "trainings_line",
        trainings=given["quantity"] - given["used"],
        source=context.text(source if source in known else "trainings_from_other"),
    )


def _offered_channel(context: UpdateContext, overview: TrainingOverview) -> Channel | None:
    """Return the owner's channel; Telegram is asked only if joining is rewarded."""
    return _known_channel(context) if overview["channel_trainings"] > 0 else None


def _known_channel(context: UpdateContext) -> Channel | None:
    """Return the owner's channel, if one is set and Telegram answers."""
    name = settings().training_channel
    if not name:
        return None
    try:
        return _channel(context.bot.name, name, int(monotonic() // _CACHE_SECONDS))
    except TelegramError as error:
        _failed(error)
        return None


@lru_cache(maxsize=16)
def _channel(bot: str, name: str, _while: int) -> Channel:
    return membership.channel_of(bot, name)


def _failed(error: TelegramError) -> str:
    """Log why Telegram gave no answer about the channel; return the key of the text for the user."""
    if error.is_temporary:
        log.warning("Telegram does not answer about the channel", action="channel_unknown", reason=str(error))
        return "trainings_later"
    # The owner must act: the name is wrong, or the bot is no administrator there.
    log.alert(f"TRAINING_CHANNEL cannot be asked about: {error}", action="config_error")
    return "trainings_broken"
