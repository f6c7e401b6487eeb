"""Writes down voice messages: a handler uses the words as if the user had typed them."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.ai import transcription
from shared.core import db, log
from shared.core.errors import AIError, ConfigError, UserApiKeyError
from shared.core.redaction import looks_like_secret
from shared.core.texts import Text, utf16_length
from shared.features.common import files
from shared.features.common.user_key import OpenKey, say_failed
from shared.telegram import reply
from shared.telegram.chat_action import typing
from shared.telegram.context import UpdateContext
from shared.telegram.update import VOICE

if TYPE_CHECKING:
    from shared.ai.transcription.contract import TranscriptionService
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import MessageLimits

_SHARE = 0.6  # of the time left; the answer needs the rest
_OFFLINE_SECONDS = 60  # of a voice message while the plan is unknown
_SHORT = 300  # characters that are shown without folding


def key_for(own: OpenKey | None) -> OpenKey | None:
    """Return the user's own key if its provider transcribes, else None."""
    return own if own is not None and own.provider in transcription.names() else None


class _Unusable(Exception):
    """Why there are no words: the key of a text and its values."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def listen(context: UpdateContext, own: OpenKey | None = None) -> str | None:
    """Return the words of the update's voice message; None where a reply says why there are none.

    Args:
        own: the user's own key at a provider that transcribes (`key_for`).

    Raises:
        TelegramError: a temporary failure; the update will be delivered again.
    """
    try:
        return _words(context, own)
    except UserApiKeyError as error:
        say_failed(context, error)
    except _Unusable as error:
        reply(context.rich(error.key, **error.values))
    except AIError:
        reply(context.rich("voice_failed"))
    except ConfigError as error:
        log.alert(f"voice messages cannot be transcribed: {error}", action="config_error")
        reply(context.rich("voice_failed"))
    return None


def _words(context: UpdateContext, own: OpenKey | None) -> str:
    provider = own.provider if own is not None else transcription.configured_provider()
    if provider is None:
        raise _Unusable("voice_unavailable")
    recording = _recording(context)
    _check_limits(context, recording, transcription.load(provider))
    with typing(context):
        data = files.download(context, recording["file_id"])
        if data is None:
            raise _Unusable("file_gone")
        now = monotonic()
        words = transcription.transcribe(
            transcription.Sound(data, _mime_type(context, recording), _number(recording, "duration")),
            provider=provider,
            deadline=now + (context.deadline - now) * _SHARE,
            api_key=own.secret if own is not None else None,
            record=context.record_ai_call,
        )
    if not words:
        raise _Unusable("voice_silent")
    if looks_like_secret(words):
        raise _Unusable("voice_secret")
    return words


def _check_limits(context: UpdateContext, recording: JsonObject, service: TranscriptionService) -> None:
    limit = min(service.MAX_BYTES, files.MAX_BYTES)
    if _number(recording, "file_size") > limit:
        raise _Unusable("file_too_large", limit=limit // files.MEGABYTE)
    allowed = min(_allowed_seconds(context), service.MAX_SECONDS)
    if allowed == 0:
        raise _Unusable("voice_not_included")
    if _number(recording, "duration") > allowed:
        raise _Unusable("voice_too_long", limit=_length(context, allowed))


def _allowed_seconds(context: UpdateContext) -> int:
    if context.is_offline:
        return _OFFLINE_SECONDS
    limits: MessageLimits = db.call("message_limits", p_user_id=context.user.id)
    return limits["voice_seconds"]


def _length(context: UpdateContext, seconds: int) -> str:
    if seconds % 60 == 0:
        return context.text("minutes_long", number=seconds // 60)
    return context.text("seconds_long", number=seconds)


def _recording(context: UpdateContext) -> JsonObject:
    message = context.update.message
    return next((message[kind] for kind in VOICE if isinstance(message.get(kind), dict)), {})


def _mime_type(context: UpdateContext, recording: JsonObject) -> str:
    if "video_note" in context.update.message:
        return "video/mp4"
    return str(recording.get("mime_type") or "audio/ogg")


def _number(recording: JsonObject, name: str) -> int:
    value = recording.get(name)
    return value if type(value) is int and value > 0 else 0


def shown(words: str) -> Text:
    """Return a transcript as it stands above the answer; a long one is folded."""
    kind = "blockquote" if len(words) <= _SHORT else "expandable_blockquote"
    text = f"🎙 {words}"
    return Text(text, [{"type": kind, "offset": 0, "length": utf16_length(text)}])
