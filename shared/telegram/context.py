"""The context of an update: what a handler reads of the user, and the changes it makes.

A handler changes nothing in the database. It calls `reply(…)` and the methods of `current_context()`; when it
returns, `finish_update` commits all changes together with the answer in one transaction, or none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Protocol, TypedDict

from shared.core import db, texts
from shared.core.errors import SwitchboardError
from shared.core.json_types import JsonObject
from shared.core.texts import figures
from shared.telegram.conversation import Conversation, title_of
from shared.telegram.feature import Command
from shared.telegram.messages import Keyboard, inline_edit, message_parameters
from shared.telegram.update import Update
from shared.telegram.user import Usage, User, UserApiKey

if TYPE_CHECKING:
    from telebot import types

    from shared.core.sql_types import ReserveRequest
    from shared.telegram.messenger.conversation import Messenger


class BotApiCall(TypedDict):
    """A Bot API call to make after the commit."""

    method: str
    parameters: JsonObject


class HistoryMessage(TypedDict):
    """An addition to the conversation history; `message_id` names the message of the user."""

    role: str
    content: str
    message_id: int | None


class StateUnavailable(SwitchboardError):
    """A handler needs to change stored state without a database. The user gets an "unavailable" message."""


class BotInterface(Protocol):
    """What handlers and the pipeline use of a bot. `Bot` implements it and depends on this module."""

    @property
    def name(self) -> str:
        """The bot's name: its URL path and the key of its token."""

    @property
    def telegram_id(self) -> int:
        """The bot's own Telegram id."""

    @property
    def user(self) -> types.User:
        """The bot as a user (getMe)."""

    @property
    def send_photo(self) -> Callable[..., object]:
        """TeleBot.send_photo."""

    @property
    def send_voice(self) -> Callable[..., object]:
        """TeleBot.send_voice."""

    @property
    def send_document(self) -> Callable[..., object]:
        """TeleBot.send_document."""

    @property
    def answers_text_with_ai(self) -> bool:
        """Whether plain text goes to the AI."""

    def asks_ai(self, update: Update) -> bool:
        """Return whether an update is the tap on a button that asks the AI."""

    @property
    def is_metered(self) -> bool:
        """Whether plans and bonus requests are of use here."""

    @property
    def answers_media_with_ai(self) -> bool:
        """Whether voice messages, pictures and documents go to the AI."""

    def question_cost(self, *, is_media: bool = False) -> Decimal:
        """Return the highest cost of an AI request, in US dollars."""

    def handle(self, update: Update) -> None:
        """Run the first handler that matches."""

    def without_mention(self, update: Update) -> str:
        """Return the text without the mention that addressed the bot."""

    def is_allowed_while_banned(self, context: UpdateContext) -> bool:
        """Return whether the handler of the update serves banned users."""

    def open_page(self, page: str, message: types.Message) -> bool:
        """Run the command of a page opened by a link."""

    def open_link(self, context: UpdateContext, payload: str) -> tuple[texts.Text, Keyboard] | None:
        """Handle the payload of a /start link."""

    def cancel(self, context: UpdateContext) -> texts.Text | None:
        """Stop what the features can stop; return what to say about it."""

    def has_command(self, name: str) -> bool:
        """Return whether everyone can use this command."""

    def commands(self, has_database: bool = True) -> tuple[str, ...]:
        """Return the names of the commands for everyone."""

    def declared_commands(self, *, admin: bool = False, has_database: bool = True) -> tuple[Command, ...]:
        """Return the declared commands."""

    def menu_commands(
        self, has_database: bool = True, *, for_admin: bool = False, hidden: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Return the commands of Telegram's menu."""


@dataclass
class UpdateContext:
    """The context of one update.

    Attributes:
        deadline: time.monotonic() at which the handler must have ended.
        can_hold: a held update will be resumed, by the next message or by the sweep.
        edited_question: what the AI was asked before this edit, if it is still stored.
        is_old_edit: the edited question is not the latest one, or belongs to another conversation.
        ended_wait: the input that was awaited until this command or button (waits.py).
        conversation: the one that the update belongs to; None: the main one, for which nothing is set.
        memory: facts about the user that they let the bot keep; none outside of the private chat.
        articles: {language, slug, title, body} of the bot's knowledge base that fit the question.
        has_articles: the bot has published articles, and the update asks the AI.
        required_channel: @username or id of the channel that the user must have joined before the AI answers;
            None where there is none, or the last check still holds.
        messenger: the conversation that people of the team see; None where the bot has no messenger.
        sent: messages that were sent before the commit, as that conversation shows them.
        calls: Bot API calls to make after the commit.
        messages: additions to the conversation history.
        changes: changes of session and user, as `finish_update` takes them.
        needs_delivery_result: the answer must be delivered by explicit calls, see `reply`.
        after_commit: functions to call once the answer is committed and delivered. They must not raise, and
            are not called again when the process dies.
    """

    bot: BotInterface
    update: Update
    user: User
    usage: Usage
    language: str
    mode: str
    data: JsonObject
    history: list[dict[str, str]]
    reservation: str | None
    attempt: int
    failures: int
    deadline: float
    is_offline: bool = False
    can_hold: bool = False
    user_api_key: UserApiKey | None = None
    releases_left: int = 1
    edited_question: str | None = None
    is_old_edit: bool = False
    ended_wait: str = ""
    conversation: Conversation | None = None
    memory: Sequence[str] = ()
    messenger: Messenger | None = None
    articles: Sequence[JsonObject] = ()
    has_articles: bool = False
    required_channel: str | None = None

    calls: list[BotApiCall] = field(default_factory=list)
    callback_answer: BotApiCall | None = None
    messages: list[HistoryMessage] = field(default_factory=list)
    changes: dict[str, object] = field(default_factory=dict)
    sent: list[JsonObject] = field(default_factory=list)
    changed_data: dict[str, object] = field(default_factory=dict)
    ai_calls: list[Mapping[str, object]] = field(default_factory=list)
    settlement: str | None = None
    needs_delivery_result: bool = False
    after_commit: list[Callable[[], object]] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """The idempotency key of this update.

        update_id may restart after a quiet week, so the message date or the query id is part of it.
        """
        stamp = self.update.content.get("date") or self.update.content.get("id", "")
        return f"telegram:{self.bot.name}:{self.update.update_id}:{stamp}"

    def reply(
        self, text: texts.Text | str, keyboard: Keyboard | None = None, *, needs_delivery_result: bool = False
    ) -> None:
        """Send a message to the chat after the commit.

        A single message travels in the webhook response, so its delivery result stays unknown. With
        `needs_delivery_result` (AI answers, messages that must arrive or whose id is needed) it is
        stored in the outbox and sent by an explicit call.
        """
        if self.update.inline_message_id:
            return self.edit_inline(texts.Text(text, []) if isinstance(text, str) else text)
        self.call("sendMessage", self._message(text, keyboard), needs_delivery_result=needs_delivery_result)
        return None

    def edit_inline(self, text: texts.Text, *, opens_chat: bool = False) -> None:
        """Edit the message that the user sent in inline mode, after the commit; the last edit counts.

        Its button is for everyone who sees it: it asks something new, or opens the private chat.
        """
        self.calls.clear()
        button = {"text": self.text("inline_ask"), "switch_inline_query_current_chat": ""}
        if opens_chat:
            link = f"https://t.me/{self.bot.user.username}"
            button = {"text": self.text("inline_open"), "url": link}
        self.call("editMessageText", inline_edit(self.update, text, [[button]]), needs_delivery_result=True)

    @property
    def edited_message_id(self) -> int | None:
        """The id of the message that `show` edits; None where it sends a new message."""
        message = self.update.message
        # Telegram reports a message older than 48 h as inaccessible, with date 0; it may not be editable.
        # A photo has a caption instead of a text, which editMessageText cannot change.
        if self.update.kind != "callback_query" or not message.get("date") or "text" not in message:
            return None
        number: int = message["message_id"]
        return number

    def show(
        self, text: texts.Text | str, keyboard: Keyboard | None = None, *, order_id: int | None = None
    ) -> None:
        """Answer a button by editing its message; answer any other update by a new message.

        Args:
            order_id: the order that the message invites to pay. The id of a new message is stored with it.
        """
        parameters = self._message(text, keyboard)
        if self.edited_message_id is not None:
            parameters.pop("message_thread_id", None)
            return self.call("editMessageText", {**parameters, "message_id": self.edited_message_id})
        if order_id is not None:
            return self.call("sendMessage", {**parameters, "order_id": order_id}, needs_delivery_result=True)
        return self.call("sendMessage", parameters)

    def reply_about_generation(
        self,
        text: texts.Text | str,
        generation_id: int,
        keyboard: Keyboard | None = None,
        *,
        edits: bool = False,
    ) -> None:
        """Send a message about a job in progress; it is deleted when the job ends.

        Args:
            edits: the button's message becomes it, where that can be edited.
        """
        parameters = {**self._message(text, keyboard), "generation_id": generation_id}
        method = "sendMessage"
        if edits and self.edited_message_id is not None:
            parameters.pop("message_thread_id", None)
            parameters["message_id"] = self.edited_message_id
            method = "editMessageText"
        self.call(method, parameters, needs_delivery_result=True)

    def set_menu(self, menu: Iterable[JsonObject]) -> None:
        """Set command menus (`menus.menus`) after the commit; the outbox retries them when rate-limited."""
        for parameters in menu:
            # chat_id is for the outbox, which keeps the calls of a chat in order.
            self.call(
                "setMyCommands", {**parameters, "chat_id": self.update.chat_id}, needs_delivery_result=True
            )

    def call(self, method: str, parameters: JsonObject, *, needs_delivery_result: bool = False) -> None:
        """Make any Bot API call after the commit."""
        self.calls.append({"method": method, "parameters": parameters})
        self.needs_delivery_result = self.needs_delivery_result or needs_delivery_result

    def send_picture(self, picture: BytesIO, caption: texts.Text, keyboard: Keyboard | None = None) -> None:
        """Send a photo before the commit, because its bytes cannot be stored in the outbox.

        Where the chat allows no photos, the caption is sent as a message instead.

        Raises:
            ExternalServiceError: a temporary failure of Telegram; the update will be delivered again.
        """
        from telebot import types
        from telebot.apihelper import ApiTelegramException

        parameters = self._message(caption, keyboard)
        parameters["caption"] = parameters.pop("text")
        entities = [types.MessageEntity(**entity) for entity in parameters.pop("entities", [])]
        if original := parameters.pop("reply_parameters", None):
            parameters["reply_parameters"] = types.ReplyParameters(**original)
        try:
            self.note_sent(self.bot.send_photo(photo=picture, caption_entities=entities, **parameters))
        except ApiTelegramException as error:
            if error.error_code != 400:
                raise
            self.reply(caption, keyboard)

    def send_voice(self, sound: bytes, caption: texts.Text | None) -> bool:
        """Send an MP3 as a voice message before the commit, because its bytes cannot be stored in the outbox.

        Returns whether it was sent: users may forbid voice messages, and chats too.

        Raises:
            ExternalServiceError: a temporary failure of Telegram; the update will be delivered again.
        """
        from telebot import types
        from telebot.apihelper import ApiTelegramException

        parameters = self._message(caption or "", None)
        parameters["caption"] = parameters.pop("text") or None
        entities = [types.MessageEntity(**entity) for entity in parameters.pop("entities", [])]
        if original := parameters.pop("reply_parameters", None):
            parameters["reply_parameters"] = types.ReplyParameters(**original)
        try:
            sent = self.bot.send_voice(voice=("answer.mp3", sound), caption_entities=entities, **parameters)
        except ApiTelegramException as error:
            if error.error_code != 400:
                raise
            return False
        self.note_sent(sent)
        return True

    def note_sent(self, message: object) -> None:
        """Show a message that was sent before the commit in the conversation of the messenger.

        Args:
            message: a telebot message, with Telegram's answer in `json`.
        """
        content = getattr(message, "json", None)
        if self.messenger is None or not isinstance(content, dict):
            return
        from shared.telegram.messenger.incoming import describe_sent

        self.sent.append(describe_sent(content))

    def answer_callback(self, text: str, *, alert: bool = False) -> None:
        """Answer the callback query with a text of 0 to 200 characters: a toast, or a dialog with `alert`."""
        self.callback_answer = {
            "method": "answerCallbackQuery",
            "parameters": {"text": text[:200], "show_alert": alert} if text else {},
        }

    def remember(self, role: str, content: str) -> None:
        """Add a message to the conversation history; role is `user` or `assistant`.

        It is stored with the update's message_id, so an edit of that message can replace it.
        """
        if self.conversation is not None:
            self._change("conversation_id", self.conversation.id)
            if role == "user" and self.conversation.name is None:
                self._change("conversation_name", title_of(content))
        message_id = self.update.message.get("message_id")
        self.messages.append({"role": role, "content": content, "message_id": message_id})

    def replace_answer(self, update_id: int, content: str) -> None:
        """Put another answer in the place of the one that the history has from an earlier update."""
        self._change("replace_turn", update_id)
        self.messages.append({"role": "assistant", "content": content, "message_id": None})

    def forget(self) -> None:
        """Delete the history of this conversation."""
        if self.conversation is not None:
            self._change("conversation_id", self.conversation.id)
        self._change("clear_history", True)

    def drop_model(self) -> None:
        """Use the standard model in this conversation from now on."""
        if self.conversation is not None:
            self._change("conversation_id", self.conversation.id)
            self._change("drop_model", True)

    def set_mode(self, mode: str) -> None:
        """Set the AI mode of this session, a key of shared/ai/modes.py."""
        self._change("mode", mode)
        self.mode = mode

    def set_language(self, code: str) -> None:
        """Set the user's language in all bots."""
        self._change("language", code)
        self.language = code

    def set_price_currency(self, code: str) -> None:
        """Set the currency of prices in all bots."""
        self._change("price_currency", code)
        self.user = replace(self.user, price_currency=code)

    def set_referrer(self, code: str) -> None:
        """Record the referral code the user came with; it counts only for a new user."""
        self._change("referrer_code", code)

    def set_active(self, active: bool) -> None:
        """Record that the user blocked (False) or unblocked the bot."""
        self._change("is_active", active)

    def erase(self) -> None:
        """Erase all stored data of the user in all bots, as the last step of the commit.

        The current balance is lost. If the balance has grown meanwhile, nothing is erased.
        """
        self._change("erase", {"hash": self.update.user_hash, "balance": str(self.user.balance)})

    def wish_handler(self, handler: str) -> None:
        """Let a human of the team answer from now on ("human"), or the bot again ("bot")."""
        self._change("handler_wish", handler)

    def set_ban_notified(self) -> None:
        """Record the ban notice as sent. If another update has sent it meanwhile, this answer is withheld."""
        self._change("ban_notified", True)

    def change_token(self, **change: object) -> None:
        """Change the user's own API keys: store, remove, use or reject one (private.change_token)."""
        self._change("token", change)

    def set_data(self, key: str, value: object) -> None:
        """Store a value in the session; None removes it."""
        self.changed_data[key] = value
        self._change("data", self.changed_data)
        self.data[key] = value

    def hold(self, seconds: int) -> None:
        """Hold the update open for `seconds`; the next message (`finish_held`) or the sweep finishes it."""
        self._change("hold", seconds)

    def finish_held(self, update_id: int) -> None:
        """Finish a held update in the same transaction as this one."""
        self._change("finish_held", update_id)

    def reserve(self, *, is_user_api_key: bool = False) -> None:
        """Reserve an AI request now, for a handler whose update was received without one (one round trip).

        Args:
            is_user_api_key: the user's own API key pays: the plan is not charged, but the request is in
                progress.

        Raises:
            DatabaseUnavailable: nothing was reserved.
        """
        if self.is_offline:
            return
        cost = self.bot.question_cost(is_media=self.update.has_media)
        if self.conversation is not None:
            cost = self.conversation.question_cost(cost)
        reserved: ReserveRequest = db.call(
            "reserve_request",
            p_bot=self.bot.name,
            p_update_id=self.update.update_id,
            p_attempt=self.attempt,
            p_cost=str(cost),
            p_is_user_api_key=is_user_api_key,
        )
        self.reservation = reserved["outcome"]
        self.releases_left = reserved.get("releases_left") or 0

    @property
    def has_reserved(self) -> bool:
        """Whether a request of the plan or a bonus credit is reserved for this update."""
        return self.reservation in ("reserved", "settled")

    @property
    def may_ask(self) -> bool:
        """Whether the AI may be called for this update."""
        return self.has_reserved or self.reservation == "user_api_key"

    @property
    def is_charged(self) -> bool:
        """Whether the request counts although its answer failed. `finish_update` decides by the same rule."""
        is_paid = any(
            call["cost"] is not None and not call["is_user_api_key"] and call["kind"] != "transcription"
            for call in self.ai_calls
        )
        if self.is_offline or self.reservation != "reserved":
            return self.reservation == "settled"
        return is_paid or (bool(self.ai_calls) and self.releases_left == 0)

    def settle(self) -> None:
        """Settle the reservation: the request counts. With an own API key nothing is counted."""
        self.settlement = "settled" if self.may_ask else None

    def charge_extra_requests(self, count: int) -> None:
        """Charge an answer more than the one request that is reserved, once it is settled."""
        if not self.is_offline:
            self._change("extra_requests", count)

    def release(self) -> None:
        """Release the reservation: the request does not count."""
        self.settlement = "released" if self.reservation == "reserved" else None

    def record_ai_call(self, call: Mapping[str, object]) -> None:
        """Record the usage of an AI provider call (a `shared.ai.call_records.AiCall`)."""
        self.ai_calls.append(call)

    def includes(self, feature: str) -> bool:
        """Whether the plan includes a feature, a word of `subscription_limits.features`."""
        return feature in self.usage.features

    def text(self, key: str, /, **values: object) -> str:
        """Return a text in the user's language, without styles."""
        return texts.text(self.language, key, **values)

    def provider_name(self, provider: str) -> str:
        """Return a payment provider's name in the user's language."""
        return texts.provider_name(self.language, provider)

    def rich(self, key: str, /, **values: object) -> texts.Text:
        """Return a text in the user's language, with its styles."""
        return texts.rich(self.language, key, **values)

    def date(self, when: datetime | str, *, with_time: bool = False) -> str:
        """Format a date in the user's language and the owner's time zone."""
        return figures.date(self.language, when, self.usage.timezone, with_time=with_time)

    def _change(self, key: str, value: object) -> None:
        if self.is_offline:
            raise StateUnavailable
        self.changes[key] = value

    def _message(self, text: texts.Text | str, keyboard: Keyboard | None) -> JsonObject:
        return message_parameters(self.update, text, keyboard, is_first=not self.calls)


_current: ContextVar[UpdateContext] = ContextVar("context")


def current_context() -> UpdateContext:
    """Return the context of the update that the current handler was called for.

    Raises:
        LookupError: called outside a handler.
    """
    return _current.get()


def reply(
    text: texts.Text | str, keyboard: Keyboard | None = None, *, needs_delivery_result: bool = False
) -> None:
    """Send a message to the chat after the commit; see `UpdateContext.reply`."""
    current_context().reply(text, keyboard, needs_delivery_result=needs_delivery_result)


@contextmanager
def use_context(context: UpdateContext) -> Iterator[UpdateContext]:
    """Make `context` the current context of this thread."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
