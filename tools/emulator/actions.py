"""What the page's buttons do."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tools.emulator.functions import FunctionFailed
from tools.emulator.telegram import Channel, Chat, Group, Person, Sent
from tools.emulator.telegram.model import Account, Json, Room
from tools.emulator.telegram.text import units
from tools.emulator.telegram.world import channel_json, group_json, person_json

if TYPE_CHECKING:
    from tools.emulator.functions import Function
    from tools.emulator.stack import Stack

T = TypeVar("T")
USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{4,31}")
MAX_TEXT = 4096
WANTED = "A group needs at least one of the people, and bots that exist."


class Refused(Exception):
    """The request makes no sense; the message is one sentence for the page."""


class Actions:
    """One method for each POST; `named` finds it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._telegram = stack.telegram
        self._world = stack.telegram.world
        self._named: dict[str, Callable[[Json], Json]] = {
            "people": self._add_person,
            "groups": self._add_group,
            "channel": self._channel,
            "send": self._send,
            "press": self._send,
            "edit": self._edit,
            "tap": self._tap,
            "pay": self._pay,
            "subscription": self._subscription,
            "trouble": self._trouble,
            "restart": self._restart,
            "kill": self._kill,
            "reset-chat": self._reset_chat,
        }

    def named(self, name: str) -> Callable[[Json], Json] | None:
        """The action behind /api/<name>."""
        if name.startswith("jobs/"):
            return lambda body: self._run_job(name.removeprefix("jobs/"))
        return self._named.get(name)

    def room(self, body: Json) -> Room:
        """The chat that {person, bot, group?} means."""
        return self._chat(body).room

    def _chat(self, body: Json) -> Chat:
        person = self._person(body.get("person"))
        if body.get("group"):
            group = self._world.groups.get(_number(body["group"], "group"))
            if group is None or person.id not in group.members:
                raise Refused("There is no such group, or this person is not in it.")
            return Group(self._telegram, group).by(Person(self._telegram, person))
        name = str(body.get("bot"))
        if name not in self._world.bots:
            raise Refused(f"There is no bot named {name}.")
        return Person(self._telegram, person).chat(name)

    def _person(self, person_id: Any) -> Account:
        person = self._world.people.get(_number(person_id, "person"))
        if person is None:
            raise Refused("There is no such person.")
        return person

    def _add_person(self, body: Json) -> Json:
        first_name = _text(body, "first_name", 64, "A person needs a first name of at most 64 characters.")
        username = str(body.get("username") or "").removeprefix("@") or None
        if username and not USERNAME.fullmatch(username):
            raise Refused("A username has 5 to 32 letters, digits and underscores, and begins with a letter.")
        if username and any(
            (one.username or "").lower() == username.lower() for one in self._world.people.values()
        ):
            raise Refused(f"@{username} is taken.")
        last_name, language = (str(body.get(name) or "") or None for name in ("last_name", "language_code"))
        person = self._telegram.person(first_name, language, username, last_name)
        return person_json(person.account)

    def _add_group(self, body: Json) -> Json:
        title = _text(body, "title", 128, "A group needs a title of at most 128 characters.")
        members = [
            Person(self._telegram, self._person(one)) for one in required(body.get("members"), list, WANTED)
        ]
        bots = required(body.get("bots") or [], list, "The bots must be a list of names.")
        if not members or not set(bots) <= set(self._world.bots):
            raise Refused(WANTED)
        return group_json(self._telegram.group(title, members, bots).room)

    def _channel(self, body: Json) -> Json:
        """Join a channel, or leave it."""
        room = self._world.channels.get(_number(body.get("channel"), "channel"))
        if room is None:
            raise Refused("There is no such channel.")
        channel, person = Channel(self._telegram, room), self._person(body.get("person"))
        if body.get("join"):
            channel.join(person)
        else:
            channel.leave(person)
        return channel_json(room)

    def _send(self, body: Json) -> Json:
        chat = self._chat(body)
        kind = str(body.get("kind") or "text")
        text = str(body.get("text") or "")
        if kind in ("text", "forward") and not text.strip():
            raise Refused("There is nothing to send: the text is empty.")
        if units(text) > MAX_TEXT:
            raise Refused(f"Telegram's messages have at most {MAX_TEXT} characters.")
        return self._sent(chat, self._send_kind(chat, kind, text, body.get("reply_to")))

    def _send_kind(self, chat: Chat, kind: str, text: str, reply_to: Any) -> Sent:
        reply = _number(reply_to, "reply_to") if reply_to else None
        kinds: dict[str, Callable[[], Sent]] = {
            "text": lambda: chat.send(text.strip(), reply),
            "forward": lambda: chat.forward(text.strip()),
            "photo": lambda: chat.photo(text or None),
            "sticker": chat.sticker,
            "voice": chat.voice,
            "document": chat.document,
            "location": chat.location,
            "contact": chat.contact,
        }
        if kind not in kinds:
            raise Refused(f"The emulator cannot send a {kind}.")
        return kinds[kind]()

    def _edit(self, body: Json) -> Json:
        chat = self._chat(body)
        stored = chat.room.messages.get(_number(body.get("message_id"), "message_id"))
        if stored is None or stored.data["from"]["id"] != chat.person.id or "text" not in stored.data:
            raise Refused("Only an own text message can be edited.")
        text = _text(body, "text", MAX_TEXT, "The new text is empty or too long.")
        return self._sent(chat, chat.edit(Sent(self._telegram, chat.room, stored), text))

    def _tap(self, body: Json) -> Json:
        chat = self._chat(body)
        stored = chat.room.messages.get(_number(body.get("message_id"), "message_id"))
        data = str(body.get("data"))
        rows = (stored.data.get("reply_markup") or {}).get("inline_keyboard", []) if stored else []
        if stored is None or not any(button.get("callback_data") == data for row in rows for button in row):
            raise Refused("This button is not there any more.")
        tap = chat.tap(stored, data)
        return {"update_id": tap.update.update_id if tap.update else None, "callback_query_id": tap.query_id}

    def _pay(self, body: Json) -> Json:
        chat = self._chat(body)
        stars = self._telegram.stars
        if body.get("link"):
            invoice = stars.links.get(str(body["link"]))
        else:
            number = _number(body.get("message_id"), "message_id")
            invoice = stars.invoice_of(str(body.get("bot")), chat.room.id, number)
        if invoice is None:
            raise Refused("There is no such invoice any more.")
        purchase = stars.pay(invoice, chat.person)
        return {"pre_checkout_query_id": purchase.query_id, "amount": invoice.amount}

    def _subscription(self, body: Json) -> Json:
        stars, charge, wish = self._telegram.stars, str(body.get("charge_id")), str(body.get("do"))
        mine = next((one for one in self._chat(body).subscriptions if charge in one.charges), None)
        if mine is None:
            raise Refused("There is no such subscription any more.")
        if wish == "renew":
            if mine.state == "canceled":
                raise Refused("It was canceled: nothing is charged any more.")
            stars.renew(mine)
        elif wish in ("canceled", "active", "failed"):
            stars.change(mine, wish)
        else:
            raise Refused(f"A subscription cannot be {wish}.")
        return {"state": mine.state}

    def _sent(self, chat: Chat, sent: Sent) -> Json:
        with self._world.lock:
            return {"message": self._world.message_json(chat.room, sent.stored)}

    def _trouble(self, body: Json) -> Json:
        name, value = str(body.get("name")), body.get("value")
        if name == "ai":
            try:
                self._stack.ai.trouble(str(value))
            except KeyError:
                raise Refused(f"The AI cannot behave {value}.") from None
        elif name == "database_down":
            self._stack.database.down() if value else self._stack.database.up()
        elif name == "hold":
            self._telegram.hold(bool(value))
        elif name in ("lose_response", "deliver_twice", "forge"):
            self._telegram.troubles.arm(name, _number(value, "value"))  # type: ignore[arg-type]
        else:
            raise Refused(f"There is no trouble named {name}.")
        self._stack.trace.add("trouble", f"{name}: {value}", detail={"name": name, "value": value})
        self._stack.tell_troubles()
        return {"troubles": self._stack.troubles}

    def _run_job(self, job: str) -> Json:
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", job):
            raise Refused("A job's name has small letters, digits, - and _.")
        response = self._stack.run_job(job)
        if response.status == 0:
            raise Refused("The function scheduled does not answer.")
        try:
            body: Any = json.loads(response.body) if response.body else None
        except ValueError:
            body = response.body.decode("utf-8", "replace")
        return {"status": response.status, "body": body}

    def _function(self, body: Json) -> Function:
        try:
            return self._stack.function(str(body.get("function")))
        except KeyError:
            raise Refused(f"There is no function named {body.get('function')}.") from None

    def _restart(self, body: Json) -> Json:
        function = self._function(body)

        def run() -> None:
            try:
                function.restart()
            except FunctionFailed as failure:
                self._stack.trace.add("log", str(failure)[:2000], status="ERROR")

        threading.Thread(target=run, daemon=True).start()
        return {"name": function.name, "state": function.state}

    def _kill(self, body: Json) -> Json:
        function = self._function(body)
        function.kill()
        return {"name": function.name, "state": function.state}

    def _reset_chat(self, body: Json) -> Json:
        room = self.room(body)
        self._world.clear(room)
        return {"chat_id": room.id, "messages": []}


def required(value: Any, kind: type[T], otherwise: str) -> T:
    """The value when it is of this kind; raises Refused with the sentence."""
    if not isinstance(value, kind):
        raise Refused(otherwise)
    return value


def _text(body: Json, name: str, limit: int, otherwise: str) -> str:
    text = required(body.get(name), str, otherwise).strip()
    if not text or units(text) > limit:
        raise Refused(otherwise)
    return text


def _number(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Refused(f"{name} must be a number.") from None
