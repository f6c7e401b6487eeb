"""The unit of work: what a handler finds of the person, and what it changes, until it is committed at once.

A handler changes nothing in the database. It calls `reply(…)` and the methods of `current_context()`; when it
returns, `finish_update` commits all of it together with the answer, or nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any

from shared.core import db, texts
from shared.core.errors import SwitchboardError
from shared.core.texts import figures
from shared.telegram.update import Update

if TYPE_CHECKING:
    from shared.telegram.bot import Bot

BotApiCall = dict[str, Any]  # {"method": "sendMessage", "parameters": {...}}
Keyboard = Sequence[Sequence[tuple[str, str]]]  # rows of (label, callback data or https address)


class StateUnavailable(SwitchboardError):
    """The handler wants to change what is remembered, and there is no database. The person is told so."""


@dataclass(frozen=True)
class Usage:
    """What the person may ask today and this month, over all bots. A limit of None is no limit.

    `bonus_credits` are requests that are used once the plan's are. `features`: see `UpdateContext.includes`.
    """

    plan: str
    requests: int
    daily_requests: int | None
    resets_at: datetime
    timezone: str
    month_requests: int = 0
    monthly_requests: int | None = None
    month_resets_at: datetime | None = None
    bonus_credits: int = 0
    features: frozenset[str] = frozenset()

    @property
    def is_month_used_up(self) -> bool:
        """Whether the plan's requests of the month are gone, so that the next day brings none."""
        return self.monthly_requests is not None and self.month_requests >= self.monthly_requests


@dataclass(frozen=True)
class Ban:
    """That no bot serves a person; `told` once they had the one notice of it."""

    reason: str | None
    notified: bool


@dataclass(frozen=True)
class User:
    """The person, as the database knows them. `balance` is in `currency`, the setting balance_currency.

    `price_currency` is the one they chose to see prices in; None: by their language.
    """

    id: int
    telegram_id: int
    name: str  # as it is shown, see shared/core/display_names.py
    is_new: bool
    balance: Decimal
    currency: str
    created_at: datetime | None
    is_admin: bool = False
    admin_email: str = ""
    ban: Ban | None = None
    price_currency: str | None = None


@dataclass(frozen=True)
class UserApiKey:
    """The person's own key of an AI provider, encrypted (base64): requests use it and not the plan."""

    provider: str
    key_id: str
    ciphertext: str


@dataclass
class UpdateContext:
    """One update being worked on."""

    bot: Bot
    update: Update
    user: User
    usage: Usage
    language: str
    mode: str
    data: dict[str, Any]
    history: list[dict[str, str]]
    reservation: str | None
    attempt: int
    failures: int
    deadline: float  # time.monotonic() at which the handler must have ended
    is_offline: bool = False
    can_hold: bool = False  # whether the sweep comes back to this update if it is held
    user_api_key: UserApiKey | None = None
    releases_left: int = 1
    edited_question: str | None = None  # what the AI was asked before this edit, where it is still known

    calls: list[BotApiCall] = field(default_factory=list)
    callback_answer: BotApiCall | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    ai_calls: list[Mapping[str, Any]] = field(default_factory=list)
    settlement: str | None = None
    needs_delivery_result: bool = False

    @property
    def reference(self) -> str:
        """A name of this update that no other ever has: what is done under it is done once.

        Telegram may number anew after a quiet week, so the date of a message, or the query's id, goes along.
        """
        stamp = self.update.content.get("date") or self.update.content.get("id", "")
        return f"telegram:{self.bot.name}:{self.update.update_id}:{stamp}"

    def reply(
        self, text: texts.Text | str, keyboard: Keyboard | None = None, *, needs_delivery_result: bool = False
    ) -> None:
        """Answer in the chat once everything is committed.

        A single answer travels in the webhook's response; with `certain` (AI answers, whatever must not be
        lost or needs Telegram's own word) it goes out by an explicit call.
        """
        self.call("sendMessage", self._message(text, keyboard), needs_delivery_result=needs_delivery_result)

    @property
    def edited_message_id(self) -> int | None:
        """The number of the message that `show` changes, None where it sends a new one."""
        message = self.update.message
        # A message older than 48 h comes as inaccessible, with date 0, and may not be changeable any more.
        # Under a picture there is no text to change.
        if self.update.kind != "callback_query" or not message.get("date") or "text" not in message:
            return None
        number: int = message["message_id"]
        return number

    def show(
        self, text: texts.Text | str, keyboard: Keyboard | None = None, *, order_id: int | None = None
    ) -> None:
        """Answer a button by changing the message it stands under; anything else by a new message.

        Args:
            order_id: the message invites to pay this order. The number of a new message is kept with it.
        """
        parameters = self._message(text, keyboard)
        if self.edited_message_id is not None:
            parameters.pop("message_thread_id", None)
            return self.call("editMessageText", {**parameters, "message_id": self.edited_message_id})
        if order_id is not None:
            return self.call("sendMessage", {**parameters, "order_id": order_id}, needs_delivery_result=True)
        return self.call("sendMessage", parameters)

    def set_menu(self, menu: Iterable[dict[str, Any]]) -> None:
        """Set command menus (`menus.menus`) once everything is committed; a limit of Telegram delays them."""
        for parameters in menu:
            # The chat is for the outbox: calls of one chat stay in order.
            self.call(
                "setMyCommands", {**parameters, "chat_id": self.update.chat_id}, needs_delivery_result=True
            )

    def call(self, method: str, parameters: dict[str, Any], *, needs_delivery_result: bool = False) -> None:
        """Make any call of the Bot API once everything is committed."""
        self.calls.append({"method": method, "parameters": parameters})
        self.needs_delivery_result = self.needs_delivery_result or needs_delivery_result

    def send_picture(self, picture: BytesIO, caption: texts.Text, keyboard: Keyboard | None = None) -> None:
        """Send a picture at once (its bytes cannot wait for the commit), or its words where none is allowed.

        Raises:
            ExternalServiceError: Telegram cannot take it now; the update will be delivered again.
        """
        from telebot import types
        from telebot.apihelper import ApiTelegramException

        parameters = self._message(caption, keyboard)
        parameters["caption"] = parameters.pop("text")
        entities = [types.MessageEntity(**entity) for entity in parameters.pop("entities", [])]
        if original := parameters.pop("reply_parameters", None):
            parameters["reply_parameters"] = types.ReplyParameters(**original)
        try:
            self.bot.send_photo(photo=picture, caption_entities=entities, **parameters)
        except ApiTelegramException as error:
            if error.error_code != 400:
                raise
            self.reply(caption, keyboard)

    def answer_callback(self, text: str, *, alert: bool = False) -> None:
        """Show a short text (0-200 characters) over the chat in answer to a button."""
        self.callback_answer = {
            "method": "answerCallbackQuery",
            "parameters": {"text": text[:200], "show_alert": alert} if text else {},
        }

    def remember(self, role: str, content: str) -> None:
        """Add a message to the conversation that the AI is shown; role is `user` or `assistant`.

        The update's message_id goes along: an edit of that message replaces what is remembered under it.
        """
        message_id = self.update.message.get("message_id")
        self.messages.append({"role": role, "content": content, "message_id": message_id})

    def forget(self) -> None:
        """Erase the conversation of this session."""
        self._change("clear_history", True)

    def set_mode(self, mode: str) -> None:
        """Choose how plain text is answered, a key of shared/ai/modes.py."""
        self._change("mode", mode)
        self.mode = mode

    def set_language(self, code: str) -> None:
        """Choose the person's language, in all bots."""
        self._change("language", code)
        self.language = code

    def set_price_currency(self, code: str) -> None:
        """Choose the currency of the user's prices, in all bots."""
        self._change("price_currency", code)
        self.user = replace(self.user, price_currency=code)

    def set_referrer(self, code: str) -> None:
        """Note whose referral code brought the person; counts only for somebody new."""
        self._change("referrer_code", code)

    def set_active(self, active: bool) -> None:
        """Note that the person blocked (False) or unblocked the bot."""
        self._change("is_active", active)

    def erase(self) -> None:
        """Erase the person: everything that is stored of them, in all bots, once all else is committed.

        What they have on their balance now is lost with them; if it grew since, nothing happens.
        """
        self._change("erase", {"hash": self.update.user_hash, "balance": str(self.user.balance)})

    def set_ban_notified(self) -> None:
        """Note that the person is told of their ban; was it done meanwhile, this answer is not given."""
        self._change("ban_notified", True)

    def change_token(self, **change: Any) -> None:
        """Change the person's own keys: store, remove, use or refuse one (private.change_token)."""
        self._change("token", change)

    def set_data(self, key: str, value: Any) -> None:
        """Remember a small fact of this session; None removes it."""
        self._change("data", {**self.changes.get("data", {}), key: value})
        self.data[key] = value

    def hold(self, seconds: int) -> None:
        """Leave the update open: the next message finishes it (`finish_held`), or later the sweep."""
        self._change("hold", seconds)

    def finish_held(self, update_id: int) -> None:
        """Finish a held update together with this one."""
        self._change("finish_held", update_id)

    def reserve(self, *, is_user_api_key: bool = False) -> None:
        """Reserve a request now: for a handler that finds out late that it wants the AI (one round trip).

        Args:
            is_user_api_key: the user's own key pays; nothing is taken, but the question is one in progress.

        Raises:
            DatabaseUnavailable: nothing could be reserved.
        """
        if self.is_offline:
            return
        reserved = db.call(
            "reserve_request",
            p_bot=self.bot.name,
            p_update_id=self.update.update_id,
            p_attempt=self.attempt,
            p_cost=str(self.bot.question_cost()),
            p_is_user_api_key=is_user_api_key,
        )
        self.reservation = reserved["outcome"]
        self.releases_left = reserved.get("releases_left") or 0

    @property
    def has_reserved(self) -> bool:
        """Whether a request of the plan or a bonus credit was taken for this update."""
        return self.reservation in ("reserved", "settled")

    @property
    def may_ask(self) -> bool:
        """Whether the question may go to the AI."""
        return self.has_reserved or self.reservation == "user_api_key"

    @property
    def is_charged(self) -> bool:
        """Whether a request counts although its answer failed: as finish_update decides it."""
        is_paid = any(call["cost"] is not None and not call["is_user_api_key"] for call in self.ai_calls)
        if self.is_offline or self.reservation != "reserved":
            return self.reservation == "settled"
        return is_paid or (bool(self.ai_calls) and self.releases_left == 0)

    def settle(self) -> None:
        """The request was served: the reserved one stays counted; on an own key there is none to count."""
        self.settlement = "settled" if self.may_ask else None

    def release(self) -> None:
        """The reserved request was not served: the person gets it back."""
        self.settlement = "released" if self.reservation == "reserved" else None

    def record_ai_call(self, call: Mapping[str, Any]) -> None:
        """Record a call to an AI provider (`shared.ai.call_records.AiCall`), committed with the rest."""
        self.ai_calls.append(call)

    def includes(self, feature: str) -> bool:
        """Whether the person's plan has a feature, a word of `subscription_limits.features`."""
        return feature in self.usage.features

    def text(self, key: str, /, **values: Any) -> str:
        """Return a text in the person's language, without styles."""
        return texts.text(self.language, key, **values)

    def provider_name(self, provider: str) -> str:
        """Return a payment provider's name in the person's language."""
        return texts.provider_name(self.language, provider)

    def rich(self, key: str, /, **values: Any) -> texts.Text:
        """Return a text in the person's language, with its styles."""
        return texts.rich(self.language, key, **values)

    def date(self, moment: datetime | str, *, with_time: bool = False) -> str:
        """Write a moment as a date in the person's language, where the owner's days begin."""
        return figures.date(self.language, moment, self.usage.timezone, with_time=with_time)

    def _change(self, what: str, value: Any) -> None:
        if self.is_offline:
            raise StateUnavailable
        self.changes[what] = value

    def _message(self, text: texts.Text | str, keyboard: Keyboard | None) -> dict[str, Any]:
        content, entities = (text, []) if isinstance(text, str) else text
        message = self.update.message
        parameters: dict[str, Any] = {"chat_id": self.update.chat_id, "text": content}
        if entities:
            parameters["entities"] = entities
        if keyboard:
            parameters["reply_markup"] = _inline(keyboard)
        if self.update.thread_id:
            parameters["message_thread_id"] = self.update.thread_id
        if self._needs_reference and not self.calls:
            parameters["reply_parameters"] = {
                "message_id": message["message_id"],
                "allow_sending_without_reply": True,
            }
        return parameters

    @property
    def _needs_reference(self) -> bool:
        """Whether the answer must show which message it answers: in a group, and after an edit."""
        kind = self.update.kind
        return kind == "edited_message" or (kind == "message" and self.update.is_group)


def _inline(keyboard: Keyboard) -> dict[str, Any]:
    return {
        "inline_keyboard": [
            [{"text": label, _target(target): target} for label, target in row] for row in keyboard
        ]
    }


def _target(target: str) -> str:
    return "url" if target.startswith(("https://", "http://")) else "callback_data"


_current: ContextVar[UpdateContext] = ContextVar("context")


def current_context() -> UpdateContext:
    """Return the unit of work of the update this handler was called for.

    Raises:
        LookupError: called outside a handler.
    """
    return _current.get()


def reply(
    text: texts.Text | str, keyboard: Keyboard | None = None, *, needs_delivery_result: bool = False
) -> None:
    """Answer in the chat once everything is committed; see `UpdateContext.reply`."""
    current_context().reply(text, keyboard, needs_delivery_result=needs_delivery_result)


@contextmanager
def use_context(context: UpdateContext) -> Iterator[UpdateContext]:
    """Make `unit` the current one of this thread."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
