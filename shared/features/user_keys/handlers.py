"""/keys: a user's own API keys of AI providers. Requests with such a key do not use the plan.

A key is never written anywhere in clear. While one is awaited, `receive_update` stores nothing of what is
written; the message that brings it is deleted before anything else is done with it; the database gets the
ciphertext and the last four characters. A worker that takes over without the words asks for the key again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.ai import providers
from shared.ai.user_keys import encryption, patterns
from shared.core import db, log, user_input
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.core.redaction import REDACTED
from shared.core.texts import Text
from shared.features.common.menu import back
from shared.features.user_keys import own_keys
from shared.telegram import api, current_context, reply, waits
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import ListUserTokens

router = Router()

AWAITS = "key:"  # begins the wait; receive_update checks it
_ADD, _REMOVE, _FORGET, _USE = "keys:add:", "keys:remove:", "keys:forget:", "keys:use:"
_DELETING = 5.0  # seconds for Telegram to delete a message


@router.message_handler(commands=["keys"], private_only=True)
def keys(_message: Message) -> None:
    """Show the user's keys."""
    context = current_context()
    if not encryption.is_available():
        return reply(_unavailable(context))
    return reply(*_list(context, _tokens(context)))


@router.callback_query_handler(data="keys(:cancel)?", private_only=True, page="keys")
def show_keys(_call: CallbackQuery) -> None:
    """Show the keys under a button."""
    context = current_context()
    if not encryption.is_available():
        return context.show(_unavailable(context))
    return context.show(*_list(context, _tokens(context)))


@router.callback_query_handler(data="keys:add", private_only=True, page="keys")
def choose_provider(_call: CallbackQuery) -> None:
    """Ask for the provider of the key."""
    context = current_context()
    rows = [[(providers.load(key).NAME, _ADD + key)] for key in own_keys.offered()]
    context.show(context.rich("keys_choose"), [*rows, [(context.text("keys_back"), "keys")]])


@router.callback_query_handler(data=_ADD + ".+", private_only=True, page="keys")
def ask_for_key(call: CallbackQuery) -> None:
    """Ask for the key in the next message."""
    context = current_context()
    key = (call.data or "").removeprefix(_ADD)
    if key not in own_keys.offered() or not encryption.is_available():
        return context.answer_callback(context.text("button_old"), alert=True)
    waits.begin(context, AWAITS + key)
    service = providers.load(key)
    return context.show(
        context.rich("keys_send", name=service.NAME),
        [[(context.text("keys_page", name=service.NAME), service.KEYS_PAGE)], *_cancel(context)],
    )


@router.callback_query_handler(data=_REMOVE + ".+", private_only=True, page="keys")
def confirm_removal(call: CallbackQuery) -> None:
    """Ask for confirmation before a key is deleted."""
    context = current_context()
    token = _chosen(context, call, _REMOVE, _tokens(context))
    if token is not None:
        context.show(
            context.rich("keys_confirm", name=own_keys.name(token), last_four=token["last_four"]),
            [
                [(context.text("keys_forget"), _FORGET + token["provider"])],
                [(context.text("keys_back"), "keys")],
            ],
        )


@router.callback_query_handler(data=_FORGET + ".+", private_only=True, page="keys")
def forget(call: CallbackQuery) -> None:
    """Delete a key."""
    context = current_context()
    tokens = _tokens(context)
    token = _chosen(context, call, _FORGET, tokens)
    if token is not None:
        context.change_token(remove=token["provider"])
        context.answer_callback(context.text("keys_forgotten", name=own_keys.name(token)))
        context.show(*_list(context, [other for other in tokens if other is not token]))


@router.callback_query_handler(data=_USE + ".+", private_only=True, page="keys")
def use(call: CallbackQuery) -> None:
    """Use this key from now on."""
    context = current_context()
    tokens = _tokens(context)
    token = _chosen(context, call, _USE, tokens)
    if token is not None:
        context.change_token(use=token["provider"])
        changed: list[ListUserTokens] = [{**other, "is_active": other is token} for other in tokens]
        changed[tokens.index(token)]["status"] = "ok"
        context.answer_callback(context.text("keys_used", name=own_keys.name(token)))
        context.show(*_list(context, changed))


@router.callback_query_handler(data="keys:plan", private_only=True, page="keys")
def use_plan(_call: CallbackQuery) -> None:
    """Use the plan again; the keys stay stored."""
    context = current_context()
    context.change_token(use=None)
    context.answer_callback(context.text("keys_planned"))
    context.show(*_list(context, [{**token, "is_active": False} for token in _tokens(context)]))


def _brings_key(message: Message) -> bool:
    return bool(awaited(current_context()))


@router.edited_message_handler(state="key", func=_brings_key)
@router.message_handler(state="key", func=_brings_key)
def take_key(_message: Message) -> None:
    """Take the awaited key from a new or edited message; a forwarded one is content."""
    context = current_context()
    key, text = awaited(context), user_input.normalize(context.update.text)
    found = providers.recognize(text)
    words = [found[1]] if found else patterns.candidates(text)
    if not words and REDACTED not in text:
        return reply(context.rich("keys_no_key", name=providers.load(key).NAME), _cancel(context))
    is_deleted = _delete(context)
    answer, keyboard = _taken(context, key, words, found[0] if found else key)
    if not is_deleted:
        answer = Text(answer.text + "\n\n" + context.text("keys_delete_yourself"), answer.entities)
    return reply(answer, keyboard)


def _taken(context: UpdateContext, key: str, words: list[str], shaped_like: str) -> tuple[Text, Keyboard]:
    """Check the key and store it; return the answer."""
    name = providers.load(key).NAME
    if not encryption.is_available():
        waits.end(context)
        return _unavailable(context), back(context)
    if len(words) != 1:
        return context.rich("keys_again" if not words else "keys_alone", name=name), _cancel(context)
    if shaped_like != key:  # it is sent to no other provider
        other = providers.load(shaped_like).NAME
        keyboard = [*_offer_of(context, shaped_like), *_cancel(context)]
        return context.rich("keys_other", name=name, other=other), keyboard
    stored = own_keys.checked(key, words[0], context.user.telegram_id)
    if stored is None:
        return context.rich("keys_wrong", name=name), _cancel(context)
    context.change_token(store=stored)
    waits.end(context)
    text = "keys_added" if stored["is_checked"] else "keys_added_unchecked"
    values = {"name": name, "last_four": words[0][-4:], "model": providers.load(key).user_api_key_model()}
    return context.rich(text, **values), [[(context.text("keys_open"), "keys")]]


def awaited(context: UpdateContext) -> str:
    """Return the provider whose key is awaited, or an empty string."""
    awaiting = waits.current(context)
    key = awaiting.removeprefix(AWAITS) if awaiting.startswith(AWAITS) else ""
    return key if key in providers.names() else ""


def offer(context: UpdateContext) -> Keyboard | None:
    """Return a button to store the key that a message plainly holds; the key must be sent again."""
    found = providers.recognize(user_input.normalize(context.update.text))
    if found is None or not context.update.is_private or context.is_offline or not encryption.is_available():
        return None
    return _offer_of(context, found[0])


def _offer_of(context: UpdateContext, key: str) -> Keyboard:
    name = providers.load(key).NAME
    return [[(context.text("keys_add_of", name=name), _ADD + key)]] if key in own_keys.offered() else []


def _delete(context: UpdateContext) -> bool:
    """Delete the message before anything else is done; return whether it is gone."""
    parameters = {"chat_id": context.update.chat_id, "message_id": context.update.message["message_id"]}
    try:
        api.call(context.bot.name, "deleteMessage", parameters, timeout=_DELETING)
    except TelegramError as error:
        if "message to delete not found" in error.description:  # an earlier delivery deleted it
            return True
        log.warning("a message with a key is still there", action="key_not_deleted", reason=str(error))
        return False
    return True


def _tokens(context: UpdateContext) -> list[ListUserTokens]:
    if context.is_offline:
        raise StateUnavailable
    tokens: list[ListUserTokens] = db.call("list_user_tokens", p_user_id=context.user.id)
    return tokens


def _chosen(
    context: UpdateContext, call: CallbackQuery, prefix: str, tokens: list[ListUserTokens]
) -> ListUserTokens | None:
    """Return the key that a button names; for a deleted one show the list and return None."""
    key = (call.data or "").removeprefix(prefix)
    token = next((token for token in tokens if token["provider"] == key), None)
    if token is None:
        context.answer_callback(context.text("keys_gone"))
        context.show(*_list(context, tokens))
    return token


def _list(context: UpdateContext, tokens: list[ListUserTokens]) -> tuple[Text, Keyboard]:
    if not tokens:
        names = ", ".join(providers.load(key).NAME for key in own_keys.offered())
        return context.rich("keys_none", names=names), [
            [(context.text("keys_add"), "keys:add")],
            *back(context),
        ]
    lines = "\n".join(own_keys.line(context, token) for token in tokens)
    active = next((token for token in tokens if token["is_active"]), None)
    now = context.text("keys_on_own", name=own_keys.name(active)) if active else context.text("keys_on_plan")
    return context.rich("keys", keys=lines, now=now), [
        *(_row(context, token) for token in tokens),
        *([[(context.text("keys_plan"), "keys:plan")]] if active else []),
        [(context.text("keys_add"), "keys:add")],
        *back(context),
    ]


def _row(context: UpdateContext, token: ListUserTokens) -> list[tuple[str, str]]:
    name, key = own_keys.name(token), token["provider"]
    remove = (context.text("keys_remove", name=name), _REMOVE + key)
    return [remove] if token["is_active"] else [(context.text("keys_use", name=name), _USE + key), remove]


def _unavailable(context: UpdateContext) -> Text:
    """Explain that keys cannot be stored here, and to the owner how to enable them."""
    is_owner = context.user.telegram_id in settings().admin_telegram_ids
    return context.rich("keys_unavailable_owner" if is_owner else "keys_unavailable")


def _cancel(context: UpdateContext) -> Keyboard:
    return [[(context.text("keys_cancel"), "keys:cancel")]]
