"""Inline mode: queries that users type after a bot's name, results that bots offer, messages sent by them.

Rules of Bot API 10.3: InlineQuery, answerInlineQuery, ChosenInlineResult. The Bot API's server keeps a query
for 30 s and a chosen result for 600 s (Client.cpp). @BotFather switches the mode on and sends every chosen
result (/setinline, /setinlinefeedback at 100 %), as far as the bot's allowed_updates let them through.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tools.emulator.telegram.model import Account, BotAccount, Json, Room, Stored, Update
from tools.emulator.telegram.sending import Sender
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.updates import Updates

QUERY_CLASS, CHOICE_CLASS = "1", "2"
QUERY_SECONDS, CHOICE_SECONDS = 30.0, 600.0
MAX_QUERY = 256


@dataclass
class Query:
    """A query, and what the bot answered: None until it did."""

    id: str
    bot: str
    user: Account
    room: Room
    text: str
    at: float
    update: Update | None = None
    answer: Json | None = None


@dataclass
class InlineMessage:
    """A message that a user sent by choosing a result. Without a button it has no id."""

    id: str
    bot: str
    room: Room
    stored: Stored
    updates: list[Update] = field(default_factory=list)


class InlineMode:
    """All queries and messages of inline mode, by their ids."""

    def __init__(self, state: TelegramState, updates: Updates, sender: Sender) -> None:
        self._state = state
        self._updates = updates
        self._sender = sender
        self.queries: dict[str, Query] = {}
        self.messages: dict[str, InlineMessage] = {}

    def ask(self, bot: BotAccount, user: Account, room: Room, text: str) -> Query:
        """Type a query in a chat; the bot need not be there."""
        with self._state.lock:
            now = self._state.clock.now()
            query = Query(str(secrets.randbits(62)), bot.name, user, room, text[:MAX_QUERY], now)
            self.queries[query.id] = query
            kind = "sender" if room.private_bot == bot.name else room.kind
            body = {
                "id": query.id,
                "from": user.json(),
                "query": query.text,
                "offset": "",
                "chat_type": kind,
            }
            query.update = self._updates.enqueue(
                bot, "inline_query", body, (QUERY_CLASS, user.id), now + QUERY_SECONDS, chat_id=None
            )
            return query

    def choose(self, query: Query, result_id: str) -> InlineMessage:
        """Send a result that the bot offered.

        Raises:
            LookupError: it offered no such result.
        """
        with self._state.lock:
            offered = (query.answer or {"results": []})["results"]
            result = next((one for one in offered if one["id"] == result_id), None)
            if result is None:
                raise LookupError(f"the bot offers no result {result_id!r}")
            bot, said = self._state.bots[query.bot], result["input_message_content"]
            content: Json = {"text": said["message_text"], "via_bot": bot.json()}
            content |= {"entities": said["entities"]} if said.get("entities") else {}
            content |= {"reply_markup": result["reply_markup"]} if result.get("reply_markup") else {}
            stored = self._sender.message(query.room, query.user, content)
            number = secrets.token_urlsafe(18) if "reply_markup" in content else ""
            message = InlineMessage(number, bot.name, query.room, stored)
            if number:
                self.messages[number] = message
            body = {"result_id": result_id, "from": query.user.json(), "query": query.text}
            update = self._updates.enqueue(
                bot,
                "chosen_inline_result",
                body | ({"inline_message_id": number} if number else {}),
                (CHOICE_CLASS, query.user.id),
                self._state.clock.now() + CHOICE_SECONDS,
                chat_id=None,
            )
            message.updates += [update] if update is not None else []
            return message
