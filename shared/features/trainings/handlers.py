"""/trainings: the user's trainings, and those for joining the owner's channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.trainings import offer
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.membership import Channel
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import TrainingOverview

router = Router()

_JOINED = "trainings:joined"


@router.message_handler(commands=["trainings"], private_only=True)
def trainings(_message: Message) -> None:
    """Show the trainings."""
    context = current_context()
    overview = offer.overview(context.user.id)
    reply(*_shown(context, overview, offer.channel(context.bot.name, overview)))


@router.callback_query_handler(data="trainings", private_only=True, page="trainings")
def show_trainings(_call: CallbackQuery) -> None:
    """Show the trainings under the button of another page."""
    context = current_context()
    overview = offer.overview(context.user.id)
    context.show(*_shown(context, overview, offer.channel(context.bot.name, overview)))


@router.callback_query_handler(data=_JOINED, private_only=True, page="trainings")
def joined_channel(_call: CallbackQuery) -> None:
    """Check with Telegram that the user joined the channel, and give the reward."""
    context = current_context()
    channel = offer.known_channel(context.bot.name)
    if channel is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    outcome, trainings = offer.claim(context.bot.name, channel, context.user.id, context.user.telegram_id)
    answer = context.text(f"trainings_{outcome}", channel=channel.title, trainings=trainings)
    context.answer_callback(answer, alert=outcome != "given")
    if outcome in offer.UNCHECKED:
        return None
    return context.show(*_shown(context, offer.overview(context.user.id), channel))


def _shown(
    context: UpdateContext, overview: TrainingOverview, channel: Channel | None
) -> tuple[Text, Keyboard]:
    parts, rows = [offer.what_there_is(context, overview)], []
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
