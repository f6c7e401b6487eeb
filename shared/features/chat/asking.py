"""Asks the AI: reserves the request, refuses where none is left, sends the answer."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.core import clock, log
from shared.core.config import settings
from shared.core.errors import AIError, ConfigError, UserApiKeyError
from shared.core.texts import Text, concat
from shared.features import conversations, knowledge, messenger, reminders
from shared.features.chat import channel, web
from shared.features.chat.drafts import growing
from shared.features.chat.mode import current_mode
from shared.features.common.menu import back, buy_button, main_menu
from shared.features.common.quota import month_reset_day, next_month, reset_time, upgrade_options
from shared.features.common.trial_offer import trial_offer, trial_row
from shared.features.common.user_key import OpenKey, say_failed
from shared.telegram import reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.pipeline import MAX_TEXT

if TYPE_CHECKING:
    from shared.ai.chat import ChatAnswer
    from shared.features.chat.question import Question, Replaced

_ENDINGS = {"cut": "ai_cut", "broken": "ai_broken", "length": "ai_length", "stopped": "ai_stopped"}
_SENTENCE_ENDS = (".", "!", "?", "…")
_COST_LIMITS = {
    "user_cost": "limit_user_cost",
    "bot_cost": "limit_bot_cost",
    "user_month": "limit_user_month",
    "bot_month": "limit_bot_month",
}


def admit(context: UpdateContext, own: OpenKey | None) -> bool:
    """Return whether the AI may be asked, see `reserve`; else answer why not."""
    if not channel.admits(context):
        return False
    if not reserve(context, own):
        refuse(context)
    return context.may_ask


def reserve(context: UpdateContext, own: OpenKey | None) -> bool:
    """Return whether the AI may be asked, reserving a request if there is none.

    Args:
        own: the user's own API key, which pays for the question.
    """
    if context.reservation is None or (context.reservation == "user_api_key" and own is None):
        context.reserve(is_user_api_key=own is not None)
    return context.may_ask


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
        "a cost limit stops a question",
        action="cost_limit",
        bot=context.bot.name,
        limit=context.reservation,
        user_id=context.user.id,
    )
    text = context.rich(
        _COST_LIMITS[context.reservation or ""],
        time=reset_time(context),
        hours=_hours_left(context),
        date=next_month(context),
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


def answer(
    context: UpdateContext, question: Question, own: OpenKey | None, replaced: Replaced | None = None
) -> bool:
    """Answer a question for which a request is reserved, or which the user's own key pays for.

    Args:
        replaced: the answer in the history that this one replaces or continues.

    Returns whether the AI answered; else a reply says why it did not.
    """
    is_web = web.is_in_mode(context) and not question.pictures and not question.has_document
    if is_web and not web.admit(context, own):
        return False
    notice = None if own is not None or is_web else conversations.model_notice(context)
    head = [one for one in (question.head, notice) if one is not None]
    try:
        said = _search(context, question, own) if is_web else _ask(context, question, own)
    except UserApiKeyError as error:
        log.info("an own key did not work", action="user_api_key_failed", reason=error.reason)
        say_failed(context, error)
        return False
    except (AIError, ConfigError) as error:
        context.release()
        if isinstance(error, ConfigError):
            log.alert(f"the AI cannot be asked: {error}", action="config_error")
        else:
            log.warning("the AI failed", action="ai_failed", reason=type(error).__name__)
        why = context.rich(getattr(error, "text_key", "ai_failed"), counted=counted(context))
        reply(concat(*head, why, separator="\n\n"), messenger.human_after_failures(context))
        return False
    messenger.forget_failures(context)
    context.settle()
    if said.finish == "stopped" and not said.text.strip():
        reply(concat(*head, context.rich("ai_stopped_early", counted=counted(context)), separator="\n\n"))
        return True
    _remember(context, question, said, replaced)
    shown = said.text
    if said.finish in _ENDINGS:
        from shared.ai.truncated_markdown import close_markup

        shown = close_markup(shown)
    from shared.telegram.markdown import render  # imported with the AI below: 20 ms that commands do not need
    from shared.telegram.split import split

    text, entities = render(shown)
    whole = Text(text + _ending(context, said, text), entities)
    if head:
        whole = concat(*head, whole, separator="\n\n")
    sources = [web.sources(context, said.sources)] if said.sources else []
    if context.data.get("voice"):
        from shared.features.chat.speaking import say

        if say(context, whole):
            for one in sources:
                reply(one, needs_delivery_result=True)
            return True
    if (articles := knowledge.sources(context, said.text)) is not None:
        sources.append(articles)
    whole = concat(whole, *sources, separator="\n\n")
    _send(split(whole, max_parts=50), _buttons(context, question, said, replaced))
    return True


def _ending(context: UpdateContext, said: ChatAnswer, text: str) -> str:
    """Return what follows the text of an answer that ended early: why, and how to continue it."""
    if said.finish not in _ENDINGS:
        return ""
    ending = context.text(_ENDINGS[said.finish])
    if text.endswith(_SENTENCE_ENDS):
        ending = ending.removeprefix("…")
    if not context.update.is_private or context.is_offline or context.data.get("voice"):  # no button
        ending += context.text("ai_go_on")
    return ending


def _send(parts: list[Text], buttons: Keyboard | None) -> None:
    """Send the parts of an answer, with the buttons below the last."""
    *first, last = parts
    for part in first:
        reply(part, needs_delivery_result=True)
    reply(last, buttons, needs_delivery_result=True)


def _remember(
    context: UpdateContext, question: Question, said: ChatAnswer, replaced: Replaced | None
) -> None:
    if replaced is not None:
        # The end counts: a continued answer goes on from there.
        context.replace_answer(replaced.update_id, (replaced.begin + said.text)[-MAX_TEXT:])
        return
    context.remember("user", question.words if question.remembered is None else question.remembered)
    context.remember("assistant", said.text[:MAX_TEXT])


def _buttons(
    context: UpdateContext, question: Question, said: ChatAnswer, replaced: Replaced | None
) -> Keyboard | None:
    """Return the buttons below an answer in a private chat: to continue it where it ended early, to get
    another, and to be reminded of the question.

    A file is not kept, so what was asked about it cannot be asked again.
    """
    if not context.update.is_private or context.is_offline:
        return None
    row = []
    if said.finish in _ENDINGS:
        row.append((context.text("answer_more"), f"more:{context.update.update_id}"))
    if question.remembered is None and not (replaced and replaced.begin):
        row.append((context.text("answer_again"), f"again:{context.update.update_id}"))
    rows = [row] if row else []
    if row and question.remembered is None and (remind := reminders.answer_button(context, question.words)):
        rows.append([remind])
    return rows or None


def counted(context: UpdateContext) -> str:
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


def _ask(context: UpdateContext, question: Question, own: OpenKey | None) -> ChatAnswer:
    from shared.ai.chat import complete
    from shared.ai.messages import messages_for
    from shared.ai.providers import chat_model

    mode = current_mode(context)
    provider, model = conversations.chosen_model(context) or (
        mode.provider or settings().chat_provider,
        mode.model or chat_model(),
    )
    if own is not None:
        provider, model = own.provider, own.model
    now = clock.now().astimezone(ZoneInfo(context.usage.timezone))
    with growing(context, question.head) as progress:
        return complete(
            messages_for(
                mode,
                context.history,
                question.words,
                now,
                language=context.language,
                has_document=question.has_document,
                setup=conversations.setup_of(context),
                articles=knowledge.material(context),
            ),
            model=model,
            provider=provider,
            temperature=mode.temperature,
            effort=settings().chat_reasoning_effort or None,
            record=context.record_ai_call,
            deadline=context.deadline,
            user_reference=user_reference(context),
            api_key=own.secret if own is not None else None,
            pictures=question.pictures,
            progress=progress,
        )


def _search(context: UpdateContext, question: Question, own: OpenKey | None) -> ChatAnswer:
    from shared.ai.messages import messages_for
    from shared.ai.modes import WEB
    from shared.telegram.chat_action import typing

    now = clock.now().astimezone(ZoneInfo(context.usage.timezone))
    setup = conversations.setup_of(context)
    messages = messages_for(WEB, context.history, question.words, now, language=context.language, setup=setup)
    with typing(context):
        return web.search(context, messages, own, user_reference(context))


def user_reference(context: UpdateContext) -> str:
    """Return a stable pseudonym of the user for the provider's abuse monitoring."""
    return hashlib.sha256(f"{context.bot.telegram_id}:{context.user.telegram_id}".encode()).hexdigest()[:32]
