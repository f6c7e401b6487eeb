"""Users, bots, groups, topics and memberships: a part of the emulator's HTTP API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tools.emulator.control.bodies import ChatFields, Fields, Refused, text_within
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.telegram import Channel, Group, Telegram, TelegramUser
from tools.emulator.telegram.state import channel_json, group_json, topic_json, user_json
from tools.validation import Sentence

STANDINGS = {"add": "member", "remove": "kicked", "promote": "administrator", "demote": "member"}
GROUP_WANTED = "A group needs at least one of the users, and bots that exist."


class UserBody(Fields):
    """A new user."""

    first_name: Annotated[
        str, AfterValidator(text_within(64)), Sentence("A user needs a first name of at most 64 characters.")
    ] = Field(description="1 to 64 characters")
    last_name: str = Field("", description="optional")
    username: Annotated[
        str,
        Field(pattern=r"^(@?[A-Za-z][A-Za-z0-9_]{4,31})?$"),
        Sentence("A username has 5 to 32 letters, digits and underscores, and begins with a letter."),
    ] = Field("", description="optional")
    language_code: str = Field("", description="optional")
    walkthrough: bool = Field(
        False,
        description="true marks the user of a walkthrough, which later walkthroughs leave out of the list",
    )


class ArchiveBody(Fields):
    """A user to archive."""

    user: str = Field(description="the user")


class BotBody(Fields):
    """A bot of one's own."""

    name: Annotated[
        str,
        Field(pattern=r"^[a-z][a-z0-9_]{0,31}$"),
        Sentence("A bot's name has small letters, digits and _, and begins with a letter."),
    ] = Field(description="small letters, digits and _")
    privacy: bool | None = Field(None, description="false lets the bot read everything in groups")


class GroupBody(Fields):
    """A new group."""

    title: Annotated[
        str, AfterValidator(text_within(128)), Sentence("A group needs a title of at most 128 characters.")
    ] = Field(description="1 to 128 characters")
    members: Annotated[list[str], Field(min_length=1), Sentence(GROUP_WANTED)] = Field(
        description="ids, @usernames or first names"
    )
    bots: tuple[str, ...] = Field((), description="names of bots")
    kind: Literal["supergroup", "group"] = Field(
        "supergroup", description='"supergroup" (as if left out) or "group"'
    )
    forum: bool = Field(False, description="true for a supergroup with topics")
    admins: tuple[str, ...] = Field((), description="those of the bots that administer the group")


class GroupBotBody(Fields):
    """A change of a bot's membership in a group."""

    group: int = Field(description="the group's id")
    bot: str = Field("", description="the bot's name")
    do: Literal["add", "remove", "promote", "demote"] = Field(
        description='"add", "remove", "promote" or "demote"'
    )


class UpgradeBody(Fields):
    """A group to upgrade."""

    group: int = Field(description="the group's id")


class ChannelBody(Fields):
    """A subscription to a channel, or its end."""

    channel: int = Field(description="the channel's id")
    user: str = Field(description="who joins or leaves")
    join: bool = Field(False, description="true or false")


class TopicBody(ChatFields):
    """A new topic."""

    name: Annotated[
        str, AfterValidator(text_within(128)), Sentence("A topic needs a name of at most 128 characters.")
    ] = Field(description="1 to 128 characters")


class UserRoutes:
    """One method for each route; `post` lists them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder) -> None:
        self._telegram = telegram
        self._state = telegram.state
        self._chats = chats
        self.get: Routes = {}
        self.post: Routes = {
            "users": Route(UserBody, self._add_user),
            "users/archive": Route(ArchiveBody, self._archive),
            "bots": Route(BotBody, self._add_bot),
            "groups": Route(GroupBody, self._add_group),
            "groups/bot": Route(GroupBotBody, self._change_bot),
            "groups/upgrade": Route(UpgradeBody, self._upgrade),
            "channel": Route(ChannelBody, self._channel),
            "topics": Route(TopicBody, self._add_topic),
        }

    def _add_user(self, body: UserBody) -> Json:
        """Add a user."""
        username = body.username.removeprefix("@") or None
        if username and any(
            (one.username or "").lower() == username.lower() for one in self._state.users.values()
        ):
            raise Refused(f"@{username} is taken.")
        last_name, language = body.last_name or None, body.language_code or None
        user = self._telegram.user(
            body.first_name, language, username, last_name, walkthrough=body.walkthrough
        )
        return user_json(user.account)

    def _archive(self, body: ArchiveBody) -> Json:
        """Leave a user out of the page's list; their chats and what the bots know of them stay."""
        account = self._chats.user(body.user)
        self._state.archive(account)
        return user_json(account)

    def _add_bot(self, body: BotBody) -> Json:
        """Add a bot of your own, or ask for the token of one; its updates wait until it sets a webhook."""
        bot = self._telegram.add_bot(body.name, is_guest=True)
        bot.privacy = bot.privacy if body.privacy is None else body.privacy
        return {"name": body.name, "token": bot.token, "username": bot.username, "id": bot.id}

    def _add_group(self, body: GroupBody) -> Json:
        """Add a group; its first member owns it."""
        accounts = {account.id: account for account in map(self._chats.user, body.members)}
        members = [TelegramUser(self._telegram.services, account) for account in accounts.values()]
        bots = tuple(dict.fromkeys(body.bots))
        if not set(body.bots) <= set(self._state.bots) or not set(body.admins) <= set(body.bots):
            raise Refused(GROUP_WANTED)
        if body.kind == "group" and body.forum:
            raise Refused("A group is a group or a supergroup; only a supergroup has topics.")
        made = self._telegram.group(
            body.title, members, bots, kind=body.kind, forum=body.forum, admins=body.admins
        )
        return group_json(made.room)

    def _change_bot(self, body: GroupBotBody) -> Json:
        """Add a bot to a group, make it an administrator, or remove it; the bot gets my_chat_member."""
        room, name, wish = self._chats.group(body.group), self._chats.bot(body.bot), body.do
        if (name in room.bots) == (wish == "add"):
            raise Refused(f"{name} is {'already' if wish == 'add' else 'not'} in {room.title}.")
        Group(self._telegram.services, room).change_bot(name, STANDINGS[wish])
        return group_json(room)

    def _upgrade(self, body: UpgradeBody) -> Json:
        """Make a supergroup of a basic group, which changes its id; returns the supergroup."""
        room = self._chats.group(body.group)
        if room.kind != "group" or room.upgraded_to is not None:
            raise Refused("Only a basic group can be upgraded, and only once.")
        return group_json(Group(self._telegram.services, room).upgrade().room)

    def _channel(self, body: ChannelBody) -> Json:
        """Join a channel, or leave it."""
        room = self._state.channels.get(body.channel)
        if room is None:
            raise Refused("There is no such channel.")
        channel, user = Channel(self._telegram.services, room), self._chats.user(body.user)
        if body.join:
            channel.join(user)
        else:
            channel.leave(user)
        return channel_json(room)

    def _add_topic(self, body: TopicBody) -> Json:
        """Make a topic in a forum or in a private chat, which switches the bot's private topics on."""
        chat = self._chats.chat(body)
        if chat.room.kind != "private" and not chat.room.forum:
            raise Refused("Only a forum or a private chat has topics.")
        return topic_json(chat.room, chat.topic(body.name))
