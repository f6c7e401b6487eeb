"""Words go to the AI, with the conversation so far."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from telebot.types import Message

from shared.bots.assistant import bot, keys, paste
from shared.bots.assistant.menu import back, buy_button, main_menu
from shared.bots.assistant.mode import current_mode
from shared.bots.assistant.own_key import OpenKey, open_key, say_failed
from shared.bots.assistant.profile import month_reset_day, reset_time, ways_out
from shared.bots.assistant.trial_offer import trial_offer, trial_row
from shared.core import clock, log
from shared.core.config import settings
from shared.core.errors import AIError, ConfigError, OwnKeyError
from shared.core.redaction import looks_like_secret
from shared.core.texts import Text
from shared.keys import shape
from shared.telegram import current, reply
from shared.telegram.chat_action import typing
from shared.telegram.pipeline import MAX_TEXT
from shared.telegram.quoting import with_quote
from shared.telegram.unit import Unit

if TYPE_CHECKING:
    from shared.ai.chat import ChatAnswer

_ENDINGS = {"cut": "ai_cut", "broken": "ai_broken", "length": "ai_length"}
_COST_LIMITS = {"user_cost": "limit_user_cost", "bot_cost": "limit_bot_cost"}


def _is_question(_message: Message) -> bool:
    return not current().incoming.is_forward


def _is_edited_command(_message: Message) -> bool:
    incoming = current().incoming
    return incoming.text.startswith("/") and not incoming.is_passed_on


@bot.edited_message_handler(func=_is_edited_command, content_types=["text"])
def edited_command(_message: Message) -> None:
    """Ask for the command as a new message: an edit never runs one."""
    reply(current().rich("edited_command"))


@bot.edited_message_handler(func=_is_question, content_types=["text"])
@bot.message_handler(func=_is_question, content_types=["text"])
def chat(_message: Message) -> None:
    """Answer a user's words. An edited question is answered anew, and the old answer leaves the history."""
    unit = current()
    part = with_quote(unit.incoming, bot.without_mention(unit.incoming), bot.telegram_id)
    words = paste.with_earlier_parts(unit, part)
    if _has_secret(unit, words, is_joined=words != part):
        return reply(unit.rich("secret_seen"), keys.offer(unit))
    if unit.can_hold and unit.incoming.may_go_on:
        return paste.hold(unit, words)
    if len(words) > MAX_TEXT:
        return reply(unit.rich("too_long", length=len(words), limit=MAX_TEXT))
    return _take(unit, words)


def _take(unit: Unit, words: str) -> None:
    """Answer words that may be passed on, within the plan's requests or on an own key."""
    if words == unit.edited_question:  # Telegram reports changes of more than the text
        return unit.release()
    if not words:
        unit.release()
        return reply(unit.rich("menu"), main_menu(unit))
    own = open_key(unit)
    if unit.reservation is None or (unit.reservation == "own_key" and own is None):
        unit.reserve(is_own_key=own is not None)
    if not unit.may_ask:
        return refuse(unit)
    return _answer(unit, words, own)


def _has_secret(unit: Unit, words: str, *, is_joined: bool) -> bool:
    """Whether the words must not be passed on: one of several parts alone may not look like a secret."""
    if unit.incoming.has_secret or (is_joined and looks_like_secret(words)):
        return True
    # Without a database nobody knows whether a key was asked for.
    return unit.is_offline and shape.is_key_alone(unit.incoming.text)


def refuse(unit: Unit) -> None:
    """Say why the question does not go to the AI now, and what the user can do about it. It costs nothing."""
    if unit.is_offline:
        return reply(unit.rich("offline_limit"))
    if unit.reservation == "in_progress":
        return reply(unit.rich("in_progress"))
    if unit.reservation in _COST_LIMITS:
        return _refuse_cost(unit)
    return _refuse_quota(unit)


def _refuse_cost(unit: Unit) -> None:
    log.warning(
        "a daily cost limit stops a question",
        action="cost_limit",
        bot=unit.bot.name,
        limit=unit.reservation,
        user_id=unit.person.id,
    )
    text = unit.rich(_COST_LIMITS[unit.reservation or ""], time=reset_time(unit), hours=_hours_left(unit))
    reply(text, main_menu(unit))


def _hours_left(unit: Unit) -> int:
    return max(1, round((unit.usage.resets_at - clock.now()) / timedelta(hours=1)))


def _refuse_quota(unit: Unit) -> None:
    """Say that the plan's requests are used up, when there are new ones, and the ways to more."""
    offer = trial_offer(unit)
    usage, time, ways = unit.usage, reset_time(unit), ways_out(unit, has_trial=offer is not None)
    if usage.is_month_used_up:
        limit = usage.monthly_requests or 0
        day = month_reset_day(unit)
        text = unit.rich("limit_reached_month", limit=limit, date=day, time=time, ways=ways)
    else:
        limit = usage.daily_requests or 0
        text = unit.rich("limit_reached", limit=limit, time=time, hours=_hours_left(unit), ways=ways)
    return reply(text, [*filter(None, [*trial_row(unit, offer), buy_button(unit)]), *back(unit)])


def _answer(unit: Unit, words: str, own: OpenKey | None) -> None:
    try:
        answer = _ask(unit, words, own)
    except OwnKeyError as error:
        log.info("an own key did not work", action="own_key_failed", reason=error.reason)
        say_failed(unit, error)
        return
    except (AIError, ConfigError) as error:
        unit.release()
        if isinstance(error, ConfigError):
            log.alert(f"the AI cannot be asked: {error}", action="config_error")
        else:
            log.warning("the AI failed", action="ai_failed", reason=type(error).__name__)
        reply(unit.rich(getattr(error, "text_key", "ai_failed"), counted=_counted(unit)))
        return
    unit.settle()
    unit.remember("user", words)
    unit.remember("assistant", answer.text[:MAX_TEXT])
    ending, said = "", answer.text
    if answer.finish in _ENDINGS:
        from shared.ai.closing import close_markup

        ending, said = unit.text(_ENDINGS[answer.finish]), close_markup(said)
    from shared.telegram.markdown import render  # with the AI below 20 ms, which a command need not wait for
    from shared.telegram.split import split

    text, entities = render(said)
    for part in split(Text(text + ending, entities), max_parts=50):
        reply(part, certain=True)


def _counted(unit: Unit) -> str:
    """Return a sentence on whether the failed request counts; nothing on the user's own key."""
    if not unit.has_reserved:
        return ""
    if not unit.is_charged:
        key = "request_not_counted"
    elif unit.releases_left == 0 and not any(call["cost"] is not None for call in unit.ai_calls):
        key = "request_counted_failures"
    else:
        key = "request_counted"
    return " " + unit.text(key)


def _ask(unit: Unit, words: str, own: OpenKey | None) -> ChatAnswer:
    from shared.ai.chat import complete
    from shared.ai.messages import messages_for

    mode = current_mode(unit)
    provider, model = mode.provider or settings().chat_provider, mode.model or settings().chat_model
    if own is not None:
        provider, model = own.provider, own.model
    now = clock.now().astimezone(ZoneInfo(unit.usage.timezone))
    with typing(unit):
        return complete(
            messages_for(mode, unit.history, words, now, language=unit.language),
            model=model,
            provider=provider,
            temperature=mode.temperature,
            effort=settings().chat_reasoning_effort or None,
            record=unit.record_ai_call,
            deadline=unit.deadline,
            user_reference=_reference(unit),
            api_key=own.secret if own is not None else None,
        )


def _reference(unit: Unit) -> str:
    """Name the person to the provider without telling who it is."""
    return hashlib.sha256(f"{unit.bot.telegram_id}:{unit.person.telegram_id}".encode()).hexdigest()[:32]
