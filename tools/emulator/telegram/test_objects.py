"""Objects that tests get when they send, tap, pay and receive answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.emulator.telegram.inline import InlineMessage
from tools.emulator.telegram.model import Json, Room, Stored, Update
from tools.emulator.telegram.stars import Purchase
from tools.emulator.telegram.state import TelegramState

TIMEOUT = 30.0  # seconds; far longer than anything here takes


@dataclass(frozen=True)
class Button:
    """One button under a message or of a reply keyboard."""

    text: str
    data: str | None = None
    url: str | None = None


class Sent:
    """A message a user sent."""

    def __init__(self, state: TelegramState, room: Room, stored: Stored) -> None:
        self._state = state
        self._room = room
        self.stored = stored

    @property
    def message_id(self) -> int:
        """Return its number in the chat."""
        return self.stored.message_id

    @property
    def updates(self) -> list[Update]:
        """Return one update for each bot that gets the message, and for each edit."""
        return self.stored.updates

    @property
    def update(self) -> Update:
        """Return the newest update about this message; IndexError when no bot gets it."""
        return self.stored.updates[-1]

    @property
    def update_id(self) -> int:
        """Return the number of the newest update about it."""
        return self.update.update_id

    @property
    def status(self) -> str:
        """Return queued, delivering, delivered, retrying or expired."""
        return self.update.status

    @property
    def attempts(self) -> int:
        """Return the number of attempts so far."""
        return self.update.attempts

    def wait(self, status: str = "delivered", timeout: float = TIMEOUT) -> Sent:
        """Wait for a state of the delivery; AssertionError when it does not come."""
        _wait_for(self._state, self.update, status, timeout)
        return self


class InlineSent:
    """A message that a user sent in inline mode. Its fields always show the newest edit."""

    def __init__(self, state: TelegramState, message: InlineMessage) -> None:
        self._state = state
        self.message = message

    @property
    def text(self) -> str:
        """Return the text."""
        return str(self.message.stored.data["text"])

    @property
    def edits(self) -> int:
        """Return how often the bot edited it."""
        return self.message.stored.edits

    @property
    def buttons(self) -> list[Json]:
        """Return the buttons under it."""
        markup = self.message.stored.data.get("reply_markup") or {}
        return [button for row in markup.get("inline_keyboard", []) for button in row]

    def wait(self, status: str = "delivered", timeout: float = TIMEOUT) -> InlineSent:
        """Wait for a state of the delivery of the choice; AssertionError when it does not come."""
        _wait_for(self._state, self.message.updates[-1], status, timeout)
        return self


class Tap:
    """A button a user tapped."""

    def __init__(self, state: TelegramState, update: Update | None, query_id: str) -> None:
        self._state = state
        self.update = update
        self.query_id = query_id

    @property
    def update_id(self) -> int:
        """Return the number of the callback query's update."""
        assert self.update is not None, "the bot's allowed_updates leave callback queries out"
        return self.update.update_id

    @property
    def answered(self) -> Json | None:
        """Return {"text", "alert"} once the bot answered the query."""
        query: Json = self._state.callbacks[self.query_id]
        answer: Json | None = query["answer"]
        return answer

    def answer(self, timeout: float = TIMEOUT) -> Json:
        """Wait for answerCallbackQuery and return {"text", "alert"}; AssertionError when it does not come."""
        found = self._state.wait(lambda: self.answered, timeout)
        assert found is not None, f"the bot did not answer the tap within {timeout} s"
        return dict(found)

    def wait(self, status: str = "delivered", timeout: float = TIMEOUT) -> Tap:
        """Wait for a state of the delivery; AssertionError when it does not come."""
        assert self.update is not None
        _wait_for(self._state, self.update, status, timeout)
        return self


class Payment:
    """An invoice in Stars that a user pays."""

    def __init__(self, state: TelegramState, purchase: Purchase) -> None:
        self._state = state
        self.purchase = purchase

    @property
    def state(self) -> str:
        """Return asked, refused, unanswered or paid."""
        return self.purchase.state

    @property
    def charge_id(self) -> str:
        """Return Telegram's id of the charge once it is paid."""
        return self.purchase.charge_id

    @property
    def error(self) -> str:
        """Return why the bot refused."""
        return self.purchase.error

    def wait(self, state: str = "paid", timeout: float = 2 * TIMEOUT) -> Payment:
        """Wait until it is over; AssertionError when it ends otherwise, or not at all."""
        self._state.wait(lambda: self.state != "asked", timeout)
        assert self.state == state, f"the payment is {self.state}, not {state}: {self.error}"
        return self


class Answer:
    """A bot's message. Its fields always show the newest edit."""

    def __init__(self, state: TelegramState, stored: Stored, tap: Callable[[Stored, str], Tap]) -> None:
        self._state = state
        self._tap = tap
        self.stored = stored
        self._seen_edits = stored.edits

    @property
    def data(self) -> Json:
        """Return the Bot API's Message object."""
        return self.stored.data

    @property
    def message_id(self) -> int:
        """Return its number in the chat."""
        return self.stored.message_id

    @property
    def text(self) -> str:
        """Return the text, or the caption of a photo or document."""
        return str(self.data.get("text", self.data.get("caption", "")))

    @property
    def entities(self) -> list[Json]:
        """Return the entities of the text or caption."""
        return list(self.data.get("entities") or self.data.get("caption_entities") or [])

    @property
    def buttons(self) -> list[list[Button]]:
        """Return rows of buttons, inline or of the reply keyboard."""
        markup = self.data.get("reply_markup", {})
        rows = markup.get("inline_keyboard") or markup.get("keyboard") or []
        return [[_button(button) for button in row] for row in rows]

    @property
    def reply_to(self) -> int | None:
        """Return the number of the message it replies to."""
        replied = self.data.get("reply_to_message")
        return replied["message_id"] if replied else None

    @property
    def deleted(self) -> bool:
        """Return whether the message was deleted."""
        return self.stored.deleted

    def button(self, label: str) -> Button:
        """Return the button with this text; AssertionError naming the others when there is none."""
        buttons = [button for row in self.buttons for button in row]
        found = next((button for button in buttons if button.text == label), None)
        assert found is not None, f"no button {label!r} among {[button.text for button in buttons]}"
        return found

    def tap(self, label: str) -> Tap:
        """Tap an inline button that has callback data."""
        return self.tap_button(self.button(label))

    def tap_button(self, button: Button) -> Tap:
        """Tap a button that an app may still show after the bot has changed the message."""
        assert button.data is not None, f"the button {button.text!r} sends no callback query"
        return self._tap(self.stored, button.data)

    def wait_for_edit(self, timeout: float = TIMEOUT) -> Answer:
        """Wait for an edit not waited for yet; AssertionError when it does not come."""
        edited = self._state.wait(lambda: self.stored.edits > self._seen_edits, timeout)
        assert edited, f"the bot did not edit its message within {timeout} s"
        self._seen_edits = self.stored.edits
        return self


def _button(button: Any) -> Button:
    if isinstance(button, str):
        return Button(button)
    return Button(button["text"], button.get("callback_data"), button.get("url"))


def _wait_for(state: TelegramState, update: Update, status: str, timeout: float) -> None:
    reached = state.wait(lambda: update.status == status, timeout)
    assert reached, f"update {update.update_id} is {update.status} after {timeout} s, not {status}"
