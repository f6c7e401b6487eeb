"""Users, bots, groups, topics and memberships: a part of the emulator's HTTP API."""

from __future__ import annotations

import re
from collections.abc import Callable

from tools.emulator.control.bodies import Refused, number, required, text_of
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.telegram import Channel, Group, Telegram, TelegramUser
from tools.emulator.telegram.model import Json
from tools.emulator.telegram.state import channel_json, group_json, topic_json, user_json

USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{4,31}")
BOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
STANDINGS = {"add": "member", "remove": "kicked", "promote": "administrator", "demote": "member"}
GROUP_WANTED = "A group needs at least one of the users, and bots that exist."


class UserRoutes:
    """One method for each route; `post` lists them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder) -> None:
        self._telegram = telegram
        self._state = telegram.state
        self._chats = chats
        self.get: dict[str, Callable[[Json], Json]] = {}
        self.post: dict[str, Callable[[Json], Json]] = {
            "users": self._add_user,
            "users/archive": self._archive,
            "bots": self._add_bot,
            "groups": self._add_group,
            "groups/bot": self._change_bot,
            "groups/upgrade": self._upgrade,
            "channel": self._channel,
            "topics": self._add_topic,
        }

    def _add_user(self, body: Json) -> Json:
        """Add a user.

        first_name: 1 to 64 characters
        last_name, username, language_code: optional
        walkthrough: true marks the user of a walkthrough, which later walkthroughs leave out of the list
        """
        first_name = text_of(body, "first_name", 64, "A user needs a first name of at most 64 characters.")
        username = str(body.get("username") or "").removeprefix("@") or None
        if username and not USERNAME.fullmatch(username):
            raise Refused("A username has 5 to 32 letters, digits and underscores, and begins with a letter.")
        if username and any(
            (one.username or "").lower() == username.lower() for one in self._state.users.values()
        ):
            raise Refused(f"@{username} is taken.")
        last_name, language = (str(body.get(name) or "") or None for name in ("last_name", "language_code"))
        walks = bool(body.get("walkthrough"))
        user = self._telegram.user(first_name, language, username, last_name, walkthrough=walks)
        return user_json(user.account)

    def _archive(self, body: Json) -> Json:
        """Leave a user out of the page's list; their chats and what the bots know of them stay.

        user: the user
        """
        account = self._chats.user(body.get("user"))
        self._state.archive(account)
        return user_json(account)

    def _add_bot(self, body: Json) -> Json:
        """Add a bot of your own, or ask for the token of one; its updates wait until it sets a webhook.

        name: small letters, digits and _
        privacy: false lets the bot read everything in groups
        """
        name = str(body.get("name") or "")
        if not BOT_NAME.fullmatch(name):
            raise Refused("A bot's name has small letters, digits and _, and begins with a letter.")
        bot = self._telegram.add_bot(name, is_guest=True)
        bot.privacy = bool(body.get("privacy", bot.privacy))
        return {"name": name, "token": bot.token, "username": bot.username, "id": bot.id}

    def _add_group(self, body: Json) -> Json:
        """Add a group; its first member owns it.

        title: 1 to 128 characters
        members: ids, @usernames or first names
        bots: names of bots
        kind: "supergroup" (as if left out) or "group"
        forum: true for a supergroup with topics
        admins: those of the bots that administer the group
        """
        title = text_of(body, "title", 128, "A group needs a title of at most 128 characters.")
        members = [
            TelegramUser(self._telegram.services, self._chats.user(one))
            for one in required(body.get("members"), list, GROUP_WANTED)
        ]
        bots = required(body.get("bots") or [], list, "The bots must be a list of names.")
        admins = required(body.get("admins") or [], list, "The admins must be a list of names.")
        kind = str(body.get("kind") or "supergroup")
        if not members or not set(bots) <= set(self._state.bots) or not set(admins) <= set(bots):
            raise Refused(GROUP_WANTED)
        if kind not in ("group", "supergroup") or (kind == "group" and body.get("forum")):
            raise Refused("A group is a group or a supergroup; only a supergroup has topics.")
        forum = bool(body.get("forum"))
        made = self._telegram.group(title, members, bots, kind=kind, forum=forum, admins=admins)
        return group_json(made.room)

    def _change_bot(self, body: Json) -> Json:
        """Add a bot to a group, make it an administrator, or remove it; the bot gets my_chat_member.

        group: the group's id
        bot: the bot's name
        do: "add", "remove", "promote" or "demote"
        """
        room, name, wish = (
            self._chats.group(body.get("group")),
            self._chats.bot(body.get("bot")),
            str(body.get("do")),
        )
        if wish not in STANDINGS:
            raise Refused(f"do is one of {', '.join(STANDINGS)}.")
        if (name in room.bots) == (wish == "add"):
            raise Refused(f"{name} is {'already' if wish == 'add' else 'not'} in {room.title}.")
        Group(self._telegram.services, room).change_bot(name, STANDINGS[wish])
        return group_json(room)

    def _upgrade(self, body: Json) -> Json:
        """Make a supergroup of a basic group, which changes its id; returns the supergroup.

        group: the group's id
        """
        room = self._chats.group(body.get("group"))
        if room.kind != "group" or room.upgraded_to is not None:
            raise Refused("Only a basic group can be upgraded, and only once.")
        return group_json(Group(self._telegram.services, room).upgrade().room)

    def _channel(self, body: Json) -> Json:
        """Join a channel, or leave it.

        channel: the channel's id
        user: who joins or leaves
        join: true or false
        """
        room = self._state.channels.get(number(body.get("channel"), "channel"))
        if room is None:
            raise Refused("There is no such channel.")
        channel, user = Channel(self._telegram.services, room), self._chats.user(body.get("user"))
        if body.get("join"):
            channel.join(user)
        else:
            channel.leave(user)
        return channel_json(room)

    def _add_topic(self, body: Json) -> Json:
        """Make a topic in a forum or in a private chat, which switches the bot's private topics on.

        user, bot, group: the chat
        name: 1 to 128 characters
        """
        chat = self._chats.chat(body)
        if chat.room.kind != "private" and not chat.room.forum:
            raise Refused("Only a forum or a private chat has topics.")
        name = text_of(body, "name", 128, "A topic needs a name of at most 128 characters.")
        return topic_json(chat.room, chat.topic(name))
