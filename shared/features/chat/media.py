"""The handlers of messages that are no text. What they need is imported when one comes."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.telegram import current_context
from shared.telegram.router import Router
from shared.telegram.update import VOICE

router = Router()


def _is_own(_message: Message) -> bool:
    return not current_context().update.is_relayed


def _is_taken(_message: Message) -> bool:
    """Return whether a file is a question: the user's own, or a document forwarded in the private chat."""
    update = current_context().update
    return not update.is_relayed or update.is_relayed_document


def _is_album(message: Message) -> bool:
    """Return whether a message is a part of an album; in a group only the part that addresses us arrives."""
    context = current_context()
    return bool(message.media_group_id) and context.update.is_private and not context.is_offline


def _has_picture(message: Message) -> bool:
    from shared.features.chat.pictures import picture_of

    return _is_taken(message) and picture_of(current_context().update.message) is not None


def _is_picture(message: Message) -> bool:
    return not _is_album(message) and _has_picture(message)


def _is_taken_album(message: Message) -> bool:
    return _is_album(message) and _is_taken(message)


@router.message_handler(func=_is_own, content_types=VOICE)
def voice(_message: Message) -> None:
    """Answer the words of a voice message, a video message or an audio file."""
    from shared.features.chat import voice

    voice.ask(current_context())


@router.message_handler(func=_is_taken_album, content_types=["photo", "document"])
def album(_message: Message) -> None:
    """Note a picture or document of an album, or answer the album."""
    from shared.features.chat import albums

    albums.take(current_context())


@router.callback_query_handler(data="album:now")
def ask_now(_call: CallbackQuery) -> None:
    """Answer an album at once."""
    from shared.features.chat import albums

    albums.ask_now(current_context())


@router.callback_query_handler(data="album:late")
def ask_late(_call: CallbackQuery) -> None:
    """Answer the pictures that came after their album was answered."""
    from shared.features.chat import albums

    albums.ask_late(current_context())


@router.message_handler(func=_is_picture, content_types=["photo", "document"])
def picture(_message: Message) -> None:
    """Answer a picture. Without a caption, the question is what it shows."""
    from shared.features.chat import pictures

    pictures.ask_about_message(current_context())


@router.message_handler(func=_is_taken, content_types=["document"])
def document(_message: Message) -> None:
    """Answer a document."""
    from shared.features.chat import documents

    documents.ask(current_context())
