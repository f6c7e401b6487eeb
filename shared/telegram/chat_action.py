"""Shows "typing…" while a user waits for the AI. The first action is delayed: a quick answer costs none."""

from __future__ import annotations

from time import monotonic

from shared.core import log
from shared.core.errors import TelegramError
from shared.core.json_types import JsonObject
from shared.telegram import api
from shared.telegram.context import UpdateContext
from shared.telegram.ticker import Task, shared_ticker

FIRST_AFTER = 0.4  # seconds
EVERY = 4.8  # seconds; Telegram shows an action for 5


class TypingTask(Task):
    """Shows "typing…" in a chat, again and again."""

    __slots__ = ("bot", "parameters")

    def __init__(self, bot: str, parameters: JsonObject) -> None:
        super().__init__(monotonic() + FIRST_AFTER)
        self.bot = bot
        self.parameters = parameters

    def run(self) -> float:
        """Show it for five seconds."""
        started = monotonic()
        try:
            api.call(self.bot, "sendChatAction", self.parameters, timeout=EVERY)
        except TelegramError as error:
            log.debug("no chat action", action="chat_action_failed", bot=self.bot, reason=str(error))
        return started + EVERY


def typing_parameters(context: UpdateContext) -> JsonObject:
    """Return the parameters of sendChatAction in the chat and topic of the context."""
    parameters: JsonObject = {"chat_id": context.update.chat_id, "action": "typing"}
    if context.update.thread_id:
        parameters["message_thread_id"] = context.update.thread_id
    return parameters


class typing:  # noqa: N801 - used as a function: `with typing(context):`
    """Shows "typing…" in the chat of the context until the block ends."""

    def __init__(self, context: UpdateContext) -> None:
        self._task = TypingTask(context.bot.name, typing_parameters(context))

    def __enter__(self) -> None:
        shared_ticker().add(self._task)

    def __exit__(self, *_: object) -> None:
        shared_ticker().remove(self._task)
