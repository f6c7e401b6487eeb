"""/referral: the user's invite link, and what came of it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import concat
from shared.features.common.menu import REFERRAL, back
from shared.features.referrals import invitation
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import ReferralOverview

router = Router()


@router.message_handler(commands=["referral"], private_only=True)
def referral(_message: Message) -> None:
    """Show the link, how many users came and counted, and what was earned."""
    context = current_context()
    overview = _overview(context)
    link = invitation.link(str(context.bot.user.username), overview["code"])
    words = context.rich("referral", link=link, **overview)
    if overview["second_credits"]:
        second = context.rich("referral_second", second_credits=overview["second_credits"])
        words = concat(words, second, separator="\n\n")
    reply(words, _buttons(context, link))


@router.callback_query_handler(data="referral:qr", private_only=True, page="referral")
def show_code(_call: CallbackQuery) -> None:
    """Send the link as a picture that a phone can read from another phone."""
    context = current_context()
    link = invitation.link(str(context.bot.user.username), _overview(context)["code"])
    thread = context.update.thread_id or None
    context.bot.send_photo(context.update.chat_id, _picture(link), caption=link, message_thread_id=thread)


@router.link_handler(REFERRAL)
def open_invite(context: UpdateContext, code: str) -> None:
    """Store whose invite link brought the user."""
    context.set_referrer(code)


def _overview(context: UpdateContext) -> ReferralOverview:
    if context.is_offline:
        raise StateUnavailable
    overview: ReferralOverview | None = db.call("referral_overview", p_user_id=context.user.id)
    assert overview is not None, "this update made the user"
    return overview


def _buttons(context: UpdateContext, link: str) -> Keyboard:
    share = invitation.share_link(link, context.text("referral_invitation"))
    return [
        [(context.text("referral_share"), share)],
        [(context.text("referral_qr"), "referral:qr")],
        *back(context),
    ]


def _picture(link: str) -> BytesIO:
    picture = BytesIO(invitation.picture(link, "png"))
    picture.name = "invitation.png"
    return picture
