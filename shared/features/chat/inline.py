"""Short answers in inline mode: outside of any conversation, in a message that others see too."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from shared.core import clock, log
from shared.core.config import settings
from shared.core.errors import AIError, ConfigError, UserApiKeyError
from shared.core.texts import Text
from shared.features.chat import asking
from shared.features.common.user_key import OpenKey, open_key, say_failed
from shared.telegram.context import UpdateContext

MAX_LENGTH = 1000  # UTF-16 code units of an answer; the prompt asks for less


def answer(context: UpdateContext, words: str) -> None:
    """Answer a question with the standard model, or with the user's own key; it costs a request.

    The limits, the cost and what a failure costs are those of a question in the private chat. What others
    may read says nothing of the user's plan or key.
    """
    own = open_key(context)
    if not asking.reserve(context, own):
        if context.reservation == "in_progress":
            return context.edit_inline(context.rich("inline_busy"))
        return context.edit_inline(context.rich("inline_limit"), opens_chat=True)
    try:
        text = _ask(context, words, own)
    except UserApiKeyError as error:
        log.info("an own key did not work", action="user_api_key_failed", reason=error.reason)
        say_failed(context, error)  # a refused key is deactivated; the words about it are replaced
        return context.edit_inline(context.rich("inline_key_failed"), opens_chat=True)
    except (AIError, ConfigError) as error:
        context.release()
        if isinstance(error, ConfigError):
            log.alert(f"the AI cannot be asked: {error}", action="config_error")
        else:
            log.warning("the AI failed", action="ai_failed", reason=type(error).__name__)
        key = getattr(error, "text_key", "ai_failed")
        return context.edit_inline(context.rich(key, counted=asking.counted(context)))
    context.settle()
    return context.edit_inline(text)


def _ask(context: UpdateContext, words: str, own: OpenKey | None) -> Text:
    from shared.ai.chat import complete
    from shared.ai.messages import messages_for
    from shared.ai.modes import INLINE
    from shared.ai.providers import chat_model
    from shared.ai.truncated_markdown import close_markup
    from shared.telegram.markdown import render
    from shared.telegram.split import split

    now = clock.now().astimezone(ZoneInfo(context.usage.timezone))
    said = complete(
        messages_for(INLINE, (), words, now, language=context.language),
        model=own.model if own is not None else chat_model(),
        provider=own.provider if own is not None else settings().chat_provider,
        effort=settings().chat_reasoning_effort or None,
        record=context.record_ai_call,
        deadline=context.deadline,
        user_reference=asking.user_reference(context),
        api_key=own.secret if own is not None else None,
    )
    (text,) = split(render(close_markup(said.text)), MAX_LENGTH, max_parts=1)
    return text
