"""Answers text messages with the AI, from the conversation so far."""

from __future__ import annotations

from telebot.types import Message

from shared.ai.user_keys import patterns
from shared.core.json_types import JsonObject
from shared.core.redaction import looks_like_secret
from shared.features import conversations, user_keys
from shared.features.chat import asking, paste
from shared.features.chat.question import Question
from shared.features.common.media.kinds import kind_of_mode
from shared.features.common.media.modes import take_text
from shared.features.common.menu import main_menu
from shared.features.common.user_key import open_key
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.pipeline import MAX_TEXT
from shared.telegram.quoting import with_quote
from shared.telegram.router import Router

router = Router()


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
    note = context.data.get(paste.NOTE)
    words = paste.with_earlier_parts(context, part)
    if _has_secret(context, words, is_joined=words != part):
        return reply(context.rich("secret_seen"), user_keys.offer(context))
    if context.can_hold and context.update.may_be_continued:
        return paste.hold(context, words, _items(note))
    if len(words) > MAX_TEXT:
        return reply(context.rich("too_long", length=len(words), limit=MAX_TEXT))
    if items := _items(note):
        from shared.features.chat import albums

        return albums.ask_held(context, items, words)
    return _take(context, words)


def _items(note: object) -> JsonObject:
    """Return the album that waited for this text; empty where none did."""
    if not isinstance(note, dict) or "album" not in note:
        return {}
    return {key: value for key, value in note.items() if key not in ("update_id", "text", "is_whole")}


def _take(context: UpdateContext, words: str) -> None:
    """Answer words that hold no secret, with a request of the plan or with the user's API key."""
    if kind := kind_of_mode(context.mode):
        return take_text(context, kind, words)
    if words == context.edited_question:  # Telegram reports changes of more than the text
        return context.release()
    if context.is_old_edit:
        context.release()
        return None if context.edited_question is None else reply(context.rich("edit_too_old"))
    if not words:
        context.release()
        return reply(context.rich("menu"), main_menu(context))
    if conversations.remembers(context, words):
        return context.release()
    own = open_key(context)
    if asking.admit(context, own):
        asking.answer(context, with_pictures(context, words), own)
    return None


def with_pictures(context: UpdateContext, words: str) -> Question:
    """Return the question, with the pictures of the conversation that it may be about."""
    if "pictures" not in context.data and "reply_to_message" not in context.update.message:
        return Question(words)
    from shared.features.chat.pictures import recall

    return Question(words, pictures=recall(context))


def _has_secret(context: UpdateContext, words: str, *, is_joined: bool) -> bool:
    """Return whether the words hold a secret; joined parts are checked again as a whole."""
    if context.update.has_secret or (is_joined and looks_like_secret(words)):
        return True
    # Without a database we cannot know whether the user was asked for a key.
    return context.is_offline and patterns.is_key_alone(context.update.text)
