"""Users, groups and channels as tests drive them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tools.emulator.telegram import mini_app
from tools.emulator.telegram.attachments import SPOKEN, SPOKEN_OTHERWISE, Attachment, content_of
from tools.emulator.telegram.files import picture, voice
from tools.emulator.telegram.inline import Query
from tools.emulator.telegram.methods.chats import invite_link
from tools.emulator.telegram.model import Account, Json, Room, Stored, Topic, Update
from tools.emulator.telegram.services import Services
from tools.emulator.telegram.stars import Subscription
from tools.emulator.telegram.state import channel_json, group_json
from tools.emulator.telegram.test_objects import TIMEOUT, Answer, InlineSent, Payment, Sent, Tap
from tools.emulator.telegram.text import split_text


class Chat:
    """One user in one chat: the private one with a bot, or a group."""

    def __init__(self, services: Services, user: Account, room: Room) -> None:
        self.services = services
        self.user = user
        self.room = room

    @property
    def id(self) -> int:
        """Return the chat's id, as the bot sees it."""
        return self.room.id

    def send(self, text: str, reply_to: Answer | Sent | int | None = None) -> Sent:
        """Send a text message."""
        return self.send_content({"text": text}, reply_to)

    def press(self, label: str) -> Sent:
        """Press a button of the reply keyboard, which sends its text."""
        return self.send(label)

    def sticker(self, emoji: str = "👍") -> Sent:
        """Send a sticker."""
        file = self.services.state.files.add("stickers", picture(size=64), "image/webp", "sticker.webp")
        more = {
            "width": 64,
            "height": 64,
            "emoji": emoji,
            "type": "regular",
            "is_animated": False,
            "is_video": False,
        }
        return self.send_content({"sticker": file.json(**more)})

    def voice(self, seconds: int = 1) -> Sent:
        """Send a voice message."""
        words = SPOKEN.get(self.user.language_code or "", SPOKEN_OTHERWISE)
        sound = voice(seconds * 1000, words=words)
        file = self.services.state.files.add("voice", sound, "audio/ogg", "voice.oga")
        return self.send_content({"voice": file.json(duration=seconds, mime_type="audio/ogg")})

    def photo(self, caption: str | None = None, content: bytes | None = None) -> Sent:
        """Send a photo."""
        return self.attach("photo", Attachment(content or picture(), "photo.png", "image/png"), caption)

    def attach(
        self,
        kind: str,
        file: Attachment | None = None,
        caption: str | None = None,
        reply_to: Answer | Sent | int | None = None,
        *,
        thread: int | None = None,
    ) -> Sent:
        """Send a file of a kind (photo, video …), or a small example; KeyError if the kind is unknown."""
        content = content_of(self.services.state.files, kind, file, self.user.language_code)
        captioned = {"caption": caption} if caption else {}
        return self.send_content(content | captioned, reply_to, thread=thread)

    def album(
        self,
        items: Sequence[tuple[str, Attachment | None]],
        caption: str | None = None,
        *,
        thread: int | None = None,
    ) -> list[Sent]:
        """Send several photos, videos or files as one album; the caption stands under the first."""
        group = str(self.services.state.new_id())
        files = self.services.state.files
        contents = [content_of(files, kind, file) | {"media_group_id": group} for kind, file in items]
        contents[0] |= {"caption": caption} if caption else {}
        return [self.send_content(content, thread=thread) for content in contents]

    def send_long(
        self, text: str, reply_to: Answer | Sent | int | None = None, *, thread: int | None = None
    ) -> list[Sent]:
        """Send a text of any length, split into messages as Telegram's own apps do."""
        parts = split_text(text)
        return [
            self.send_content({"text": part}, reply_to if number == 0 else None, thread=thread)
            for number, part in enumerate(parts)
        ]

    def document(
        self, name: str = "notes.txt", content: bytes = b"A few notes.\n", mime_type: str = "text/plain"
    ) -> Sent:
        """Send a file."""
        file = self.services.state.files.add("documents", content, mime_type, name)
        return self.send_content({"document": file.json(file_name=name, mime_type=mime_type)})

    def forward(self, text: str, from_name: str = "Someone") -> Sent:
        """Forward another user's message."""
        origin = {
            "type": "hidden_user",
            "sender_user_name": from_name,
            "date": int(self.services.state.clock.now()) - 60,
        }
        return self.send_content({"text": text, "forward_origin": origin})

    def location(self, latitude: float = 55.751244, longitude: float = 37.618423) -> Sent:
        """Send a place."""
        return self.send_content({"location": {"latitude": latitude, "longitude": longitude}})

    def contact(self, phone_number: str = "+10000000000") -> Sent:
        """Send the user's own phone number."""
        card = {"phone_number": phone_number, "first_name": self.user.first_name, "user_id": self.user.id}
        return self.send_content({"contact": card})

    def ask_inline(self, text: str, bot: str | None = None) -> Query:
        """Type after a bot's name in this chat, where the bot need not be; see `offered`."""
        name = bot or self.room.bots[0]
        state = self.services.state
        return self.services.inline.ask(state.bots[name], self.user, self.room, text)

    def offered(self, query: Query, timeout: float = TIMEOUT) -> Json:
        """Wait for the answer to a query and return it: {"results", "button", …}."""
        found = self.services.state.wait(lambda: query.answer, timeout)
        assert found is not None, f"the bot offered nothing within {timeout} s"
        return dict(found)

    def choose(self, query: Query, result_id: str = "ask") -> InlineSent:
        """Send a result that the bot offered. Raises LookupError when there is none."""
        return InlineSent(self.services.state, self.services.inline.choose(query, result_id))

    def delete(self, message: Answer | Sent) -> None:
        """Delete a message for both sides. The bot gets no update."""
        self.services.state.delete(self.room, message.stored, self.user.json())

    def react(self, message: Answer | Sent, *emoji: str) -> list[Update]:
        """React to a message; without an emoji, take the reaction back."""
        return self.services.sender.react(self.room, self.user, message.stored, list(emoji))

    def vote(self, poll: Answer, *chosen: int) -> list[Update]:
        """Choose options of a poll by position; without any, take the vote back. Raises VoteRefused."""
        found = self.services.polls.of(poll.stored)
        assert found is not None, "this is no poll"
        return self.services.polls.vote(found, self.user, chosen)

    def topic(self, name: str, icon_color: int = 0x6FB9F0) -> Topic:
        """Make a topic. In a private chat this switches the bot's topics on, as @BotFather would."""
        if self.room.kind == "private":
            self.services.state.bots[self.room.bots[0]].has_topics = True
        return self.services.sender.topic(self.room, self.user.json(), name, icon_color)

    def edit(self, sent: Sent, text: str) -> Sent:
        """Change a message sent earlier: the bot gets edited_message."""
        self.services.sender.edit(self.room, sent.stored, text)
        return sent

    def send_content(
        self,
        content: Json,
        reply_to: Answer | Sent | int | None = None,
        *,
        thread: int | None = None,
        quote: str | None = None,
    ) -> Sent:
        """Send a message with these fields of the Bot API's Message."""
        number = reply_to.message_id if isinstance(reply_to, Answer | Sent) else reply_to
        stored = self.services.sender.message(
            self.room, self.user, content, number, thread=thread, quote=quote
        )
        return Sent(self.services.state, self.room, stored)

    def tap(self, stored: Stored, data: str) -> Tap:
        """Tap a message's button with this callback data."""
        return Tap(self.services.state, *self.services.sender.tap(self.room, self.user, stored, data))

    def draft(self, timeout: float = TIMEOUT) -> Json:
        """Wait until a draft of an answer is shown in this private chat, and return it."""
        draft = self.services.state.wait(lambda: self.room.draft, timeout)
        assert draft is not None, f"the bot showed no draft within {timeout} s"
        return dict(draft)

    def stop(self, draft_id: int | None = None) -> Update | None:
        """Tap the stop button of the draft that is shown, or of an earlier one."""
        return self.services.sender.stop(self.room, draft_id)

    def pay(self, invoice: Answer | str) -> Payment:
        """Pay an invoice in Stars: a message, or the address of one. AssertionError when it is none."""
        stars = self.services.stars
        if isinstance(invoice, str):
            found = stars.links.get(invoice)
        else:
            found = stars.invoice_of(invoice.stored.bot or "", self.room.id, invoice.message_id)
        assert found is not None, "this is no invoice"
        return Payment(self.services.state, stars.pay(found, self.user))

    @property
    def subscriptions(self) -> list[Subscription]:
        """Return the user's subscriptions at this bot; see `telegram.stars.renew` and `change`."""
        mine = self.services.stars.subscriptions
        return [one for one in mine if one.user.id == self.user.id and one.invoice.bot in self.room.bots]

    def block(self) -> Update | None:
        """Block the bot: its calls get 403 from now on."""
        return self._standing(True)

    def unblock(self) -> Update | None:
        """Let the bot write again."""
        return self._standing(False)

    def answer(self, timeout: float = TIMEOUT) -> Answer:
        """Wait for the next bot message of this chat; AssertionError when none comes."""
        answer = self.services.state.wait(self._take, timeout)
        assert answer is not None, f"the bot said nothing new within {timeout} s"
        return self.message(answer)

    def answers(self) -> list[Answer]:
        """Return every bot message of this chat except deleted ones."""
        with self.services.state.lock:
            return [self.message(stored) for stored in self.room.answers if not stored.deleted]

    def expect_silence(self, seconds: float = 0.5) -> None:
        """Raise AssertionError when the bot sends anything in this time."""
        deadline = time.monotonic() + seconds
        unexpected = self.services.state.wait(self._take, max(0.0, deadline - time.monotonic()))
        assert unexpected is None, f"the bot said: {unexpected.data.get('text')!r}"

    def message(self, stored: Stored) -> Answer:
        """Return a message of this chat as a test sees it."""
        return Answer(self.services.state, stored, self.tap)

    def _take(self) -> Stored | None:
        room = self.room
        while room.taken < len(room.answers):
            stored = room.answers[room.taken]
            room.taken += 1
            if not stored.deleted:
                return stored
        return None

    def _standing(self, blocked: bool) -> Update | None:
        with self.services.state.lock:
            self.room.blocked = blocked
            chat = {"chat_id": self.room.id, "bot": self.room.private_bot}
            self.services.state.publish("block", chat | {"who": self.user.first_name, "blocked": blocked})
            old, new = ("member", "kicked") if blocked else ("kicked", "member")
            bot = self.services.state.bots[self.room.bots[0]]
            return self.services.sender.membership(self.room, self.user, bot, old, new)


class TelegramUser:
    """A user; `chat` opens the private chat with a bot."""

    def __init__(self, services: Services, account: Account) -> None:
        self.services = services
        self.account = account

    @property
    def id(self) -> int:
        """Return the user's Telegram id."""
        return self.account.id

    def chat(self, bot: str = "assistant") -> Chat:
        """Open the private chat with a bot; KeyError when there is no such bot."""
        state = self.services.state
        return Chat(self.services, self.account, state.private_room(self.account.id, state.bots[bot].name))

    def init_data(self, bot: str = "assistant", **more: str) -> str:
        """Return initData of a Mini App of a bot that is opened now."""
        state = self.services.state
        return mini_app.init_data(state.bots[bot], self.account, state.clock.now(), **more)

    def show_photo(self, content: bytes | None) -> None:
        """Set the profile photo, in two sizes of the same content; None removes it."""
        files = self.services.state.files
        sizes = {160: content, 640: content} if content is not None else {}
        kept = [
            (side, files.add("profile_photos", data, "image/jpeg", "photo.jpg"))
            for side, data in sizes.items()
        ]
        self.account.photo = [file.json(width=side, height=side) for side, file in kept]


class Channel:
    """A channel, driven by its owner and its subscribers."""

    def __init__(self, services: Services, room: Room) -> None:
        self.services = services
        self.room = room

    @property
    def id(self) -> int:
        """Return the channel's id."""
        return self.room.id

    @property
    def link(self) -> str:
        """Return the address that lets users in."""
        return invite_link(self.room)

    def join(self, user: TelegramUser | Account) -> None:
        """Subscribe a user; a banned one stays outside."""
        self._change(user, joins=True)

    def leave(self, user: TelegramUser | Account) -> None:
        """Unsubscribe a user."""
        self._change(user, joins=False)

    def ban(self, user: TelegramUser | Account) -> None:
        """Ban a user, as the owner."""
        self._change(user, joins=False)
        self.room.banned.append(user.id)

    def dismiss(self, bot: str) -> None:
        """Remove a bot from the administrators."""
        self.room.bots.remove(bot)

    def _change(self, user: TelegramUser | Account, *, joins: bool) -> None:
        with self.services.state.lock:
            if joins and user.id not in self.room.members + self.room.banned:
                self.room.members.append(user.id)
            elif not joins and user.id in self.room.members:
                self.room.members.remove(user.id)
            self.services.state.publish("channel", channel_json(self.room))


class Group:
    """A group; `by` is one member's view of it."""

    def __init__(self, services: Services, room: Room) -> None:
        self.services = services
        self.room = room

    @property
    def id(self) -> int:
        """Return the chat's id."""
        return self.room.id

    def by(self, user: TelegramUser) -> Chat:
        """Return the group as this member sees it; AssertionError for another user."""
        assert user.id in self.room.members, f"{user.account.first_name} is not in {self.room.title}"
        return Chat(self.services, user.account, self.room)

    def answer(self, timeout: float = TIMEOUT) -> Answer:
        """Wait for the next message of any bot in the group."""
        return Chat(self.services, self.services.state.users[self.room.members[0]], self.room).answer(timeout)

    def change_bot(self, name: str, status: str) -> Update | None:
        """Add a bot ("member"), make it an "administrator", or remove it ("kicked"), as the owner."""
        state, room = self.services.state, self.room
        with state.lock:
            old = self._status(name)
            room.bots = [one for one in room.bots if one != name]
            room.admins = [one for one in room.admins if one != name]
            room.left.pop(name, None)
            if status == "kicked":
                room.left[name] = "kicked"
            else:
                room.bots.append(name)
                room.admins += [name] if status == "administrator" else []
            state.publish("group", group_json(room))
            owner = state.users[room.members[0]]
            return self.services.sender.membership(room, owner, self.services.state.bots[name], old, status)

    def upgrade(self) -> Group:
        """Make a supergroup of a basic group. Calls with the old id are refused and name the new one."""
        state, old = self.services.state, self.room
        with state.lock:
            new = state.add_group(old.title or "", list(old.members), list(old.bots), admins=list(old.admins))
            owner = state.users[old.members[0]].json()
            self.services.sender.service(old, owner, {"migrate_to_chat_id": new.id})
            old.upgraded_to = new.id
            state.publish("group", group_json(old))
            self.services.sender.service(new, owner, {"migrate_from_chat_id": old.id})
            return Group(self.services, new)

    def _status(self, name: str) -> str:
        if name in self.room.admins:
            return "administrator"
        return "member" if name in self.room.bots else self.room.left.get(name, "left")
