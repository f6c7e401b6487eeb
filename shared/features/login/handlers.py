"""Login through the bot: the browser shows a number, and the user chooses it among three in the chat.

A link alone logs no browser in: it may be another user's. Only the page of the browser that began the login
shows the number, so a user who was sent a link does not see it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.config import settings
from shared.telegram import current_context
from shared.telegram.router import Router
from shared.web.sessions import digest

if TYPE_CHECKING:
    from shared.core.sql_types import DecideLogin, ReadLogin
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

router = Router()

LINK = "login_"
_PUBLIC = "[A-Za-z0-9_-]{22}"


@router.link_handler(LINK)
def ask(context: UpdateContext, token: str) -> tuple[Text, Keyboard] | None:
    """Ask whether it is the user who logs in."""
    if not context.update.is_private or context.is_offline:
        return None
    if not re.fullmatch(_PUBLIC, token):
        return context.rich("login_unknown"), []
    login: ReadLogin = db.call("read_login", p_public_hash=digest(token))
    if login["outcome"] != "open":
        return context.rich(f"login_{login['outcome']}"), []
    numbers = [(str(code), f"login:{token}:{code}") for code in login["codes"]]
    question = context.rich("login_question", site=settings().console_url, device=login["device"])
    return question, [numbers, [(context.text("login_not_me"), f"login:{token}:0")]]


@router.callback_query_handler(data=f"login:{_PUBLIC}:[0-9]{{1,2}}")
def decide(call: CallbackQuery) -> None:
    """Confirm or refuse the login."""
    context = current_context()
    _, token, code = (call.data or "").split(":")
    decision: DecideLogin = db.call(
        "decide_login", p_public_hash=digest(token), p_user_id=context.user.id, p_code=int(code) or None
    )
    context.answer_callback("")
    context.show(context.rich(f"login_{decision['outcome']}"), [])


@router.callback_query_handler(data="login!all")
def end_all(_call: CallbackQuery) -> None:
    """End all sessions of the user, after a login that was not theirs."""
    context = current_context()
    db.call("end_user_sessions", p_user_id=context.user.id, p_session_id=None, p_except=None)
    context.answer_callback("")
    context.show(context.rich("login_all_ended"), [])
