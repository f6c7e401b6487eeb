"""Which user, bot, group, chat or message a request of the HTTP API names."""

from __future__ import annotations

from typing import Any

from tools.emulator.control.bodies import Refused, number
from tools.emulator.telegram import Chat, Group, Telegram, TelegramUser
from tools.emulator.telegram.model import Account, Json, Room, Stored


class ChatFinder:
    """Finds by the fields `user`, `bot`, `group` and `message_id`."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._state = telegram.state

    def room(self, body: Json) -> Room:
        """Return the chat that {user, bot, group?} means."""
        return self.chat(body).room

    def chat(self, body: Json) -> Chat:
        """Return the chat that {user, bot, group?} means, as its user sees it; raises Refused."""
        user = self.user(body.get("user"))
        if body.get("group"):
            group = self.group(body["group"])
            if user.id not in group.members:
                raise Refused("There is no such group, or this user is not in it.")
            return Group(self._telegram.services, group).by(TelegramUser(self._telegram.services, user))
        return TelegramUser(self._telegram.services, user).chat(self.bot(body.get("bot")))

    def user(self, value: Any) -> Account:
        """Return the user with this id, @username or first name; raises Refused."""
        users = self._state.users
        if isinstance(value, str) and not value.lstrip("-").isdigit():
            word = value.removeprefix("@").lower()
            named = [one for one in users.values() if (one.username or "").lower() == word]
            found = named or [one for one in users.values() if one.first_name.lower() == word]
            found = [one for one in found if not one.archived] or found
            if len(found) > 1:
                raise Refused(f"{len(found)} users are named {value}: give an id or a @username.")
        else:
            found = [one for one in users.values() if one.id == number(value, "user")]
        if not found:
            raise Refused("There is no such user.")
        return found[0]

    def bot(self, value: Any) -> str:
        """Return the name of a bot, the first one without a value; raises Refused."""
        name = str(value) if value else next(iter(self._state.bots))
        if name not in self._state.bots:
            raise Refused(f"There is no bot named {name}.")
        return name

    def group(self, value: Any) -> Room:
        """Return the group with this id; raises Refused."""
        group = self._state.groups.get(number(value, "group"))
        if group is None:
            raise Refused("There is no such group, or this user is not in it.")
        return group

    def stored(self, chat: Chat, body: Json) -> Stored:
        """Return the message {message_id} of a chat; raises Refused."""
        stored = chat.room.messages.get(number(body.get("message_id"), "message_id"))
        if stored is None:
            raise Refused("There is no such message in this chat.")
        return stored
