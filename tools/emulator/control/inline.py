"""Questions in inline mode: a part of the emulator's HTTP API."""

from __future__ import annotations

from pydantic import Field

from tools.emulator.control.bodies import ChatFields, Refused
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.control.chats import MAX_WAIT
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.telegram import Telegram


class InlineBody(ChatFields):
    """What a user types after a bot's name, in a chat where that bot need not be."""

    by: str = Field("", description="the bot; that of the chat if left out")
    query: str = Field("", description="what is typed, at most 256 characters")
    timeout: float = Field(10, ge=0, le=MAX_WAIT, description="seconds to wait for the results")


class ChooseBody(ChatFields):
    """A result that a bot offered."""

    query_id: str = Field(description="the `query_id` that `inline` returned")
    result_id: str = Field("", description="the result; the first one if left out")


class InlineRoutes:
    """One method for each route; `post` lists them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder) -> None:
        self._telegram = telegram
        self._state = telegram.state
        self._chats = chats
        self.get: Routes = {}
        self.post: Routes = {
            "inline": Route(InlineBody, self._inline),
            "choose": Route(ChooseBody, self._choose),
        }

    def _inline(self, body: InlineBody) -> Json:
        """Type in inline mode and wait for what the bot offers; the bot gets inline_query."""
        chat = self._chats.chat(body)
        name = body.by or next(iter(chat.room.bots), "")
        if name not in self._state.bots:
            raise Refused(f"There is no bot {name}.")
        query = chat.ask_inline(body.query, name)
        if query.update is None:
            raise Refused("The bot’s allowed_updates leave inline_query out: INLINE_MODE is off.")
        answer = self._state.wait(lambda: query.answer, body.timeout)
        return {"query_id": query.id, "timed_out": answer is None} | (answer or {"results": []})

    def _choose(self, body: ChooseBody) -> Json:
        """Send a result that the bot offered; the bot gets chosen_inline_result."""
        chat = self._chats.chat(body)
        query = self._telegram.inline.queries.get(body.query_id)
        if query is None or query.user.id != chat.user.id:
            raise Refused("There is no such query of this user.")
        offered = (query.answer or {"results": []})["results"]
        cursor = self._telegram.transcripts.cursor
        try:
            sent = chat.choose(query, body.result_id or (offered[0]["id"] if offered else ""))
        except LookupError:
            raise Refused("The bot offers no such result.") from None
        number = {"inline_message_id": sent.message.id}
        with self._state.lock:
            shown = self._state.message_json(chat.room, sent.message.stored)
        return {"message": shown, "cursor": cursor} | number
