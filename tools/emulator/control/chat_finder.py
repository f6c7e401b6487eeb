"""Which user, bot, group, chat or message a request of the HTTP API names."""

from __future__ import annotations

from tools.emulator.control.bodies import ChatFields, Refused
from tools.emulator.telegram import Chat, Group, Telegram, TelegramUser
from tools.emulator.telegram.model import Account, Room, Stored


class ChatFinder:
    """Finds by the fields `user`, `bot`, `group` and `message_id`."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._state = telegram.state

    def room(self, fields: ChatFields) -> Room:
        """Return the chat that the fields name."""
        return self.chat(fields).room

    def chat(self, fields: ChatFields) -> Chat:
        """Return the chat that the fields name, as its user sees it; raises Refused."""
        user = self.user(fields.user)
        if fields.group:
            group = self.group(fields.group)
            if user.id not in group.members:
                raise Refused("There is no such group, or this user is not in it.")
            return Group(self._telegram.services, group).by(TelegramUser(self._telegram.services, user))
        return TelegramUser(self._telegram.services, user).chat(self.bot(fields.bot))

    def user(self, name: str) -> Account:
        """Return the user with this id, @username or first name; raises Refused."""
        users = self._state.users
        try:
            number = int(name)
        except ValueError:
            word = name.removeprefix("@").lower()
            named = [one for one in users.values() if (one.username or "").lower() == word]
            found = named or [one for one in users.values() if one.first_name.lower() == word]
            found = [one for one in found if not one.archived] or found
            if len(found) > 1:
                raise Refused(f"{len(found)} users are named {name}: give an id or a @username.") from None
        else:
            found = [one for one in users.values() if one.id == number]
        if not found:
            raise Refused("There is no such user.")
        return found[0]

    def bot(self, name: str) -> str:
        """Return the name of a bot, the first one for an empty name; raises Refused."""
        name = name or next(iter(self._state.bots))
        if name not in self._state.bots:
            raise Refused(f"There is no bot named {name}.")
        return name

    def group(self, number: int | None) -> Room:
        """Return the group with this id; raises Refused."""
        group = self._state.groups.get(number or 0)
        if group is None:
            raise Refused("There is no such group, or this user is not in it.")
        return group

    def stored(self, chat: Chat, message_id: int) -> Stored:
        """Return a message of a chat by its number; raises Refused."""
        stored = chat.room.messages.get(message_id)
        if stored is None:
            raise Refused("There is no such message in this chat.")
        return stored
