"""/voice: answers as voice messages, and how an answer becomes one."""

from __future__ import annotations

from time import monotonic

from shared.core import log
from shared.core.config import settings
from shared.core.errors import AIError, ConfigError
from shared.core.texts import Text, utf16_length
from shared.telegram import reply
from shared.telegram.context import UpdateContext
from shared.telegram.messenger.state import is_taken_over

VOICE = "voice"  # the key of the session's data
_CAPTION = 1_024  # UTF-16 units
_MIN_SECONDS = 3.0  # that must be left to make the sound and to send it


def switch(context: UpdateContext) -> None:
    """Turn voice answers on or off in this chat."""
    if not settings().speech_provider:
        return reply(context.rich("speech_unavailable"))
    is_on = not context.data.get(VOICE)
    context.set_data(VOICE, is_on or None)
    return reply(context.rich("speech_on" if is_on else "speech_off"))


def say(context: UpdateContext, answer: Text) -> bool:
    """Send an answer as a voice message; return whether its text went along, as the caption.

    An answer with code, or a long one, is not read aloud. Where the user accepts no voice messages, or there
    is no sound in time, the text has to do.
    """
    from shared.ai.speech import MOST_CHARACTERS, speak

    has_code = any(entity["type"] == "pre" for entity in answer.entities)
    if not settings().speech_provider or has_code or len(answer.text) > MOST_CHARACTERS:
        return False
    if context.deadline - monotonic() < _MIN_SECONDS:
        return False
    try:
        sound = speak(
            answer.text,
            provider=settings().speech_provider,
            deadline=context.deadline,
            record=context.record_ai_call,
        )
    except (AIError, ConfigError) as error:
        if isinstance(error, ConfigError):
            log.alert(f"answers cannot be read aloud: {error}", action="config_error")
        return False
    if is_taken_over(context):
        return True  # a human answers now: finish_update drops what is left of the answer
    is_short = utf16_length(answer.text) <= _CAPTION
    was_sent = context.send_voice(sound, answer if is_short else None)
    return was_sent and is_short
