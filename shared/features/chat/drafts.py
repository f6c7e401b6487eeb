"""Shows a long answer while it grows, with a button that stops it.

Telegram shows a draft (sendMessageDraft) for half a minute, in private chats only; the answer itself is sent
by the outbox. Elsewhere, and while no draft can be sent, the user sees "typing…".

A quick answer costs no draft. Drafts are sent by the threads of `shared.telegram.ticker`, so the thread that
reads the answer never waits for Telegram. Any instance of the function may receive the tap on the button: it
is noted with the update of the question, and read before each draft but the first: there was no button yet.
So is a human's takeover where the bot has a messenger.
"""

from __future__ import annotations

import threading
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from telebot.types import MessageGenerationStopped

from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import DatabaseUnavailable, TelegramError
from shared.core.json_types import JsonObject
from shared.core.texts import Text, concat
from shared.telegram import api, current_context
from shared.telegram.chat_action import EVERY, TypingTask, typing_parameters
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router
from shared.telegram.ticker import shared_ticker
from shared.telegram.update import STOPPED

if TYPE_CHECKING:
    from shared.ai.progress import Progress
    from shared.core.sql_types import AnswerState, StopAnswer

router = Router()

FIRST_AFTER = 1.0  # seconds; a quicker answer comes without a draft
PACE = 1.5  # seconds between two drafts: Telegram allows about one message a second in a chat
_LOOK = 0.5  # seconds between two looks for the first words
_REFRESH = 20.0  # seconds; an unchanged draft would disappear after 30
_PER_SECOND = 15  # drafts of this process: a bot may send about 30 messages a second in all
_TIMEOUT = 3.0  # seconds for one draft
_LAST_WAIT = 1.0  # seconds that an answer waits for a draft in flight

_shown: set[DraftTask] = set()  # answers of this process that are shown while they grow
_paused_until: dict[str, float] = {}  # by bot, after a 429: `time.monotonic()`


@router.update_handler(STOPPED)
def stop(stopped: MessageGenerationStopped) -> None:
    """Note that the user stopped an answer; its worker reads that before the next draft."""
    update = current_context().update
    noted: StopAnswer = db.call(
        "stop_answer", p_bot=update.bot, p_update_id=stopped.draft_id, p_chat_id=update.chat_id
    )
    log.info("an answer was stopped", action="answer_stopped", bot=update.bot, outcome=noted["outcome"])


class DraftTask(TypingTask):
    """Shows one answer while it grows: "typing…" first, then drafts."""

    def __init__(self, context: UpdateContext, progress: Progress, head: Text | None) -> None:
        super().__init__(context.bot.name, typing_parameters(context))
        update = context.update
        self._progress = progress
        self._head = head
        # Not zero, and the same for all drafts of a message: those of a second attempt, too.
        self._draft: JsonObject = {"chat_id": update.chat_id, "draft_id": update.update_id or 1}
        if update.thread_id:
            self._draft["message_thread_id"] = update.thread_id
        self._can_stop = not context.is_offline
        if self._can_stop:
            self._draft |= {"can_stop": True, "keep_on_stop": True}
        self._attempt = context.attempt
        self._messenger = context.messenger
        self._text: Text | None = None  # of the latest draft
        self._sent_at = 0.0
        self._typing_at = self.due
        self._draft_at = monotonic() + FIRST_AFTER
        self._sending = threading.Lock()  # held while a draft is sent
        self._is_over = False
        self._is_refused = False

    def run(self) -> float:
        """Send a draft, or show "typing…", whichever is due."""
        now = monotonic()
        if now >= self._draft_at:
            self._draft_at = now + self._take_draft(now)
        if self._progress.is_stopped:
            return inf
        if now >= self._typing_at:
            self._typing_at = super().run()
        return min(self._typing_at, self._draft_at)

    def end(self) -> None:
        """Send nothing more. Wait for a draft in flight: Telegram would show it below the answer."""
        self._is_over = True
        if self._sending.acquire(timeout=_LAST_WAIT):
            self._sending.release()
        _shown.discard(self)

    def _take_draft(self, now: float) -> float:
        """Show what is written so far, unless the answer was stopped; return the seconds until the next."""
        if self._text is not None and not self._is_wanted():
            self._progress.stop()
            return inf
        pace = max(PACE, len(_shown) / _PER_SECOND)
        if self._is_refused or now < _paused_until.get(self.bot, 0.0):
            return pace
        text = self._rendered()
        if text is None:
            return _LOOK
        if text != self._text or now - self._sent_at > _REFRESH:
            self._send(text)
        return pace

    def _is_wanted(self) -> bool:
        """Return whether the answer is still wanted: not stopped, and no other worker has taken over."""
        if not self._can_stop:
            return True
        try:
            state: AnswerState = db.call(
                "answer_state",
                p_bot=self.bot,
                p_update_id=self._draft["draft_id"],
                p_attempt=self._attempt,
                p_conversation=self._messenger.conversation_id if self._messenger else None,
                p_takeovers=self._messenger.takeovers if self._messenger else None,
            )
        except DatabaseUnavailable:
            return True
        return state["outcome"] == "wanted"

    def _rendered(self) -> Text | None:
        """Return the message that the answer ends with so far; None before the first visible word."""
        from shared.ai.text_cleanup import is_visible
        from shared.ai.truncated_markdown import close_markup
        from shared.telegram.markdown import render
        from shared.telegram.split import split

        text = render(close_markup(self._progress.text()))
        if not is_visible(text.text):
            return None
        return split(concat(self._head, text, separator="\n\n") if self._head else text, max_parts=50)[-1]

    def _send(self, text: Text) -> None:
        parameters = {**self._draft, "text": text.text}
        if text.entities:
            parameters["entities"] = text.entities
        try:
            with self._sending:
                if self._is_over:
                    return
                api.call(self.bot, "sendMessageDraft", parameters, timeout=_TIMEOUT)
        except TelegramError as error:
            self._failed(error)
            return
        self._text, self._sent_at = text, monotonic()
        self._typing_at = self._sent_at + EVERY
        _shown.add(self)

    def _failed(self, error: TelegramError) -> None:
        """Fall back to "typing…": until Telegram takes drafts again, or for the rest of the answer."""
        log.info("a draft was not shown", action="draft_failed", bot=self.bot, reason=str(error))
        if error.retry_after:
            # The limit may be the bot's: no draft may take the place of another user's answer.
            _paused_until[self.bot] = monotonic() + error.retry_after
        elif not error.is_temporary:
            self._is_refused = True


class growing:  # noqa: N801 - used as a function: `with growing(context, head) as progress:`
    """Shows "typing…" in the chat of the context, and drafts of the answer, until the block ends.

    The block gets the `Progress` to pass to `complete`; None where no drafts are shown.
    """

    def __init__(self, context: UpdateContext, head: Text | None = None) -> None:
        self._progress: Progress | None = None
        if settings().answer_drafts and context.update.is_private and not context.data.get("voice"):
            from shared.ai.progress import Progress

            self._progress = Progress()
            self._task: TypingTask = DraftTask(context, self._progress, head)
        else:
            self._task = TypingTask(context.bot.name, typing_parameters(context))

    def __enter__(self) -> Progress | None:
        shared_ticker().add(self._task)
        return self._progress

    def __exit__(self, *_: object) -> None:
        shared_ticker().remove(self._task)
        if isinstance(self._task, DraftTask):
            self._task.end()
