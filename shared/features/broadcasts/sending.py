"""Sends the messages of broadcasts that a claim gave, and says what became of each."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

from shared.core import db, log
from shared.core.errors import ConfigError, TelegramError
from shared.features.broadcasts import links, rendering
from shared.telegram import api

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject, JsonValue
    from shared.core.sql_types import ClaimBroadcast, ClaimBroadcastMessages, ReadBroadcastMedia

THREADS = 8  # a call takes 50 to 200 ms, and 25 go out in a second
_PAUSE = 30.0  # seconds without broadcasts after an error of Telegram or a lost answer
_UPLOAD = 60.0  # seconds that an upload may take
# Accounts that no bot can write to.
_GONE = re.compile(
    r"chat not found|user is deactivated|PEER_ID_INVALID|bot can't initiate|USER_IS_BLOCKED", re.IGNORECASE
)


class Result(TypedDict):
    """What became of a message, as `record_broadcast` takes it."""

    broadcast_id: int
    user_id: int
    outcome: Literal["sent", "failed", "blocked", "unknown", "later"]
    message_id: NotRequired[int]
    error: NotRequired[str]


class Batch:
    """The messages of one claim through one bot.

    The first answer that says to wait stops the batch: messages that were not sent yet are queued again.

    Attributes:
        pause: seconds for which broadcasts of the bot have to wait; None: no reason to.
    """

    def __init__(self, bot: str, claim: ClaimBroadcast) -> None:
        self.bot = bot
        self.pause: float | None = None
        self._contents = claim["contents"]
        self._messages = claim["messages"]
        self._stop = Event()

    def send(self, pool: ThreadPoolExecutor, may_go_on: Callable[[], bool]) -> list[Result]:
        """Send all, several at a time; `may_go_on` says whether the time of the run lasts."""
        results = []
        rest = []
        for message in self._messages:  # a file is uploaded once, before the others need its id
            media = self._contents[str(message["broadcast_id"])]["media"]
            if media and not media["file_id"] and may_go_on():
                results.append(self._send(message, may_go_on))
            else:
                rest.append(message)
        return [*results, *pool.map(lambda one: self._send(one, may_go_on), rest)]

    def _send(self, message: ClaimBroadcastMessages, may_go_on: Callable[[], bool]) -> Result:
        result: Result = {
            "broadcast_id": message["broadcast_id"],
            "user_id": message["user_id"],
            "outcome": "later",
        }
        if self._stop.is_set() or not may_go_on():
            return result
        try:
            sent = self._call(message)
            return {**result, "outcome": "sent", "message_id": int(sent["message_id"])}
        except TelegramError as error:
            return {**result, "outcome": self._outcome(error), "error": error.description}
        except ConfigError as error:  # a bot without a token
            log.alert(f"a setting is wrong: {error}", action="config_error")
            self._wait(_PAUSE)
            return result

    def _call(self, message: ClaimBroadcastMessages) -> JsonObject:
        content = self._contents[str(message["broadcast_id"])]
        media = content["media"]
        kind = media["kind"] if media else ""
        parameters = rendering.parameters(
            content["content"],
            content["kind"],
            kind,
            dict(message),
            click=links.Click(message["broadcast_id"], message["user_id"], 0),
            file_id=media["file_id"] if media else None,
        )
        method = rendering.METHODS[kind]
        if media is None or media["file_id"]:
            sent: JsonObject = api.call(self.bot, method, parameters)
            return sent
        sent = upload(self.bot, message["broadcast_id"], method, parameters)
        media["file_id"] = file_id_of(kind, sent)
        return sent

    def _outcome(self, error: TelegramError) -> Literal["failed", "blocked", "unknown", "later"]:
        if error.status == 429:
            self._wait(error.retry_after or _PAUSE)
            return "later"
        # No answer, or a 5xx: a gateway answers 502 for a server that has the call, and one that restarts
        # answers 500 for calls that it has begun. Either may have sent it, so once more could be twice.
        if error.is_temporary:
            log.warning(
                "a message of a broadcast may have been sent",
                action="broadcast_unknown",
                bot=self.bot,
                reason=str(error),
            )
            self._wait(_PAUSE)
            return "unknown"
        if error.status in (401, 404):
            log.alert("Telegram does not know a bot", action="broadcast_bot_unknown", bot=self.bot)
            self._wait(_PAUSE)
            return "later"
        return "blocked" if error.status == 403 or _GONE.search(error.description) else "failed"

    def _wait(self, seconds: float) -> None:
        self.pause = max(self.pause or 0, seconds)
        self._stop.set()


def upload(bot: str, broadcast_id: int, method: str, parameters: JsonObject) -> JsonObject:
    """Send a message with the file of a broadcast, and keep the id that Telegram gives the file.

    Raises:
        TelegramError: refused, or no answer.
    """
    media: ReadBroadcastMedia | None = db.call("read_broadcast_media", p_broadcast_id=broadcast_id)
    if media is None or media["content"] is None:
        raise TelegramError(method, 400, "the file is missing in this bot")
    kind = media["kind"]
    file = (media["name"], base64.b64decode(media["content"]), media["mime_type"])
    sent: JsonObject = api.upload(bot, method, parameters, {kind: file}, timeout=_UPLOAD)
    if found := file_id_of(kind, sent):
        db.call("save_broadcast_file_id", p_broadcast_id=broadcast_id, p_bot=bot, p_file_id=found)
    return sent


def file_id_of(kind: str, sent: JsonObject) -> str | None:
    """Return the id of the file in a message that was sent; a video without sound becomes an animation."""
    found: JsonValue = sent.get(kind) or sent.get("animation") or sent.get("document")
    if isinstance(found, list):
        found = found[-1] if found else None
    return found.get("file_id") if isinstance(found, dict) else None
