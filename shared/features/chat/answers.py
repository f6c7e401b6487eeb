"""Answers text messages with the AI, from the conversation so far."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from telebot.types import Message

from shared.ai.user_keys import patterns
from shared.core import clock, log
from shared.core.config import settings
from shared.core.errors import AIError, ConfigError, UserApiKeyError
from shared.core.redaction import looks_like_secret
from shared.core.texts import Text
from shared.features import user_keys
from shared.features.chat import paste
from shared.features.chat.mode import current_mode
from shared.features.common.menu import back, buy_button, main_menu
from shared.features.common.quota import month_reset_day, reset_time, upgrade_options
from shared.features.common.trial_offer import trial_offer, trial_row
from shared.features.common.user_key import OpenKey, open_key, say_failed
from shared.telegram import current_context, reply
from shared.telegram.chat_action import typing
from shared.telegram.context import UpdateContext
from shared.telegram.pipeline import MAX_TEXT
from shared.telegram.quoting import with_quote
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.ai.chat import ChatAnswer

router = Router()

_ENDINGS = {"cut": "ai_cut", "broken": "ai_broken", "length": "ai_length"}
_COST_LIMITS = {"user_cost": "limit_user_cost", "bot_cost": "limit_bot_cost"}


def _is_question(_message: Message) -> bool:
    return not current_context().update.is_forwarded


def _is_edited_command(_message: Message) -> bool:
    update = current_context().update
    return update.text.startswith("/") and not update.is_relayed


@router.edited_message_handler(func=_is_edited_command)
def edited_command(_message: Message) -> None:
    """Ask for the command as a new message: an edited message never runs a command."""
    reply(current_context().rich("edited_command"))


@router.edited_message_handler(func=_is_question)
@router.message_handler(func=_is_question)
def chat(_message: Message) -> None:
    """Answer a text message. An edited question is answered again, and the old answer leaves the history."""
    context = current_context()
    part = with_quote(context.update, context.bot.without_mention(context.update), context.bot.telegram_id)
    words = paste.with_earlier_parts(context, part)
    if _has_secret(context, words, is_joined=words != part):
        return reply(context.rich("secret_seen"), user_keys.offer(context))
    if context.can_hold and context.update.may_be_continued:
        return paste.hold(context, words)
    if len(words) > MAX_TEXT:
        return reply(context.rich("too_long", length=len(words), limit=MAX_TEXT))
    return _take(context, words)


def _take(context: UpdateContext, words: str) -> None:
    """Answer words that hold no secret, with a request of the plan or with the user's API key."""
    if words == context.edited_question:  # Telegram reports changes of more than the text
        return context.release()
    if not words:
        context.release()
        return reply(context.rich("menu"), main_menu(context))
    own = open_key(context)
    if context.reservation is None or (context.reservation == "user_api_key" and own is None):
        context.reserve(is_user_api_key=own is not None)
    if not context.may_ask:
        return refuse(context)
    return _answer(context, words, own)


def _has_secret(context: UpdateContext, words: str, *, is_joined: bool) -> bool:
    """Return whether the words hold a secret; joined parts are checked again as a whole."""
    if context.update.has_secret or (is_joined and looks_like_secret(words)):
        return True
    # Without a database we cannot know whether the user was asked for a key.
    return context.is_offline and patterns.is_key_alone(context.update.text)


def refuse(context: UpdateContext) -> None:
    """Explain why the question is not sent to the AI and what the user can do. It costs no request."""
    if context.is_offline:
        return reply(context.rich("offline_limit"))
    if context.reservation == "in_progress":
        return reply(context.rich("in_progress"))
    if context.reservation in _COST_LIMITS:
        return _refuse_cost(context)
    return _refuse_quota(context)


def _refuse_cost(context: UpdateContext) -> None:
    log.warning(
        "a daily cost limit stops a question",
        action="cost_limit",
        bot=context.bot.name,
        limit=context.reservation,
        user_id=context.user.id,
    )
    text = context.rich(
        _COST_LIMITS[context.reservation or ""], time=reset_time(context), hours=_hours_left(context)
    )
    reply(text, main_menu(context))


def _hours_left(context: UpdateContext) -> int:
    return max(1, round((context.usage.resets_at - clock.now()) / timedelta(hours=1)))


def _refuse_quota(context: UpdateContext) -> None:
    """Explain that the plan's requests are used up, when they reset, and how to get more."""
    offer = trial_offer(context)
    usage, time, ways = (
        context.usage,
        reset_time(context),
        upgrade_options(context, has_trial=offer is not None),
    )
    if usage.is_month_used_up:
        limit = usage.monthly_requests or 0
        day = month_reset_day(context)
        text = context.rich("limit_reached_month", limit=limit, date=day, time=time, ways=ways)
    else:
        limit = usage.daily_requests or 0
        text = context.rich("limit_reached", limit=limit, time=time, hours=_hours_left(context), ways=ways)
    return reply(text, [*filter(None, [*trial_row(context, offer), buy_button(context)]), *back(context)])


def _answer(context: UpdateContext, words: str, own: OpenKey | None) -> None:
    try:
        answer = _ask(context, words, own)
    except UserApiKeyError as error:
        log.info("an own key did not work", action="user_api_key_failed", reason=error.reason)
        say_failed(context, error)
        return
    except (AIError, ConfigError) as error:
        context.release()
        if isinstance(error, ConfigError):
            log.alert(f"the AI cannot be asked: {error}", action="config_error")
        else:
            log.warning("the AI failed", action="ai_failed", reason=type(error).__name__)
        reply(context.rich(getattr(error, "text_key", "ai_failed"), counted=_counted(context)))
        return
    context.settle()
    context.remember("user", words)
    context.remember("assistant", answer.text[:MAX_TEXT])
    ending, said = "", answer.text
    if answer.finish in _ENDINGS:
        from shared.ai.truncated_markdown import close_markup

        ending, said = context.text(_ENDINGS[answer.finish]), close_markup(said)
    from shared.telegram.markdown import render  # imported with the AI below: 20 ms that commands do not need
    from shared.telegram.split import split

    text, entities = render(said)
    for part in split(Text(text + ending, entities), max_parts=50):
        reply(part, needs_delivery_result=True)


def _counted(context: UpdateContext) -> str:
    """Return a sentence on whether the failed request counts; empty with the user's own key."""
    if not context.has_reserved:
        return ""
    if not context.is_charged:
        key = "request_not_counted"
    elif context.releases_left == 0 and not any(call["cost"] is not None for call in context.ai_calls):
        key = "request_counted_failures"
    else:
        key = "request_counted"
    return " " + context.text(key)


def _ask(context: UpdateContext, words: str, own: OpenKey | None) -> ChatAnswer:
    from shared.ai.chat import complete
    from shared.ai.messages import messages_for

    mode = current_mode(context)
    provider, model = mode.provider or settings().chat_provider, mode.model or settings().chat_model
    if own is not None:
        provider, model = own.provider, own.model
    now = clock.now().astimezone(ZoneInfo(context.usage.timezone))
    with typing(context):
        return complete(
            messages_for(mode, context.history, words, now, language=context.language),
            model=model,
            provider=provider,
            temperature=mode.temperature,
            effort=settings().chat_reasoning_effort or None,
            record=context.record_ai_call,
            deadline=context.deadline,
            user_reference=_reference(context),
            api_key=own.secret if own is not None else None,
        )


def _reference(context: UpdateContext) -> str:
    """Return a stable pseudonym of the user for the provider's abuse monitoring."""
    return hashlib.sha256(f"{context.bot.telegram_id}:{context.user.telegram_id}".encode()).hexdigest()[:32]
