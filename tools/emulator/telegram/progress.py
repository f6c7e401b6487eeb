"""How deliveries are shown: on the page, in the trace and in the journal."""

from __future__ import annotations

from tools.emulator.journal import Entry
from tools.emulator.telegram.delivery import without_words
from tools.emulator.telegram.model import Json, Update
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.titles import title_of
from tools.emulator.trace import Trace


class DeliveryProgress:
    """Publishes the state of deliveries and knows which update a chat is being served for."""

    def __init__(self, state: TelegramState, trace: Trace) -> None:
        self._state = state
        self._trace = trace
        self._traces: dict[tuple[str, int], str] = {}
        state.subscribe(self._forget_deleted)

    def record(self, update: Update) -> None:
        """Open the journal's entry of an update that is to be delivered."""
        self._trace.journal.open(
            Entry(
                update.trace_id,
                "update",
                title_of(update.body),
                bot=update.bot,
                chat_id=update.chat_id,
                update_id=update.update_id,
                source=update,
            )
        )

    def show(self, update: Update) -> None:
        """Publish the state of a delivery to the page; calls about its chat now belong to its trace."""
        with self._state.lock:
            if update.chat_id is not None:
                self._traces[(update.bot, update.chat_id)] = update.trace_id
            payload = {"chat_id": update.chat_id, "message_id": update.message_id} | update.describe()
            self._state.publish("delivery", payload)

    def trace_of(self, bot: str, chat_id: int | None) -> str | None:
        """Return the trace id of the newest update of a chat; None when there is none."""
        return self._traces.get((bot, chat_id)) if chat_id is not None else None

    def shown_body(self, update: Update) -> Json:
        """Return an update's body for the trace, without its text when the message was deleted."""
        if update.chat_id is None or update.message_id is None:
            return update.body
        room = self._state.room(update.bot, update.chat_id)
        is_gone = room is not None and update.message_id not in room.messages
        return without_words(update.body) if is_gone else update.body

    def fetched(self, update: Update) -> None:
        """Record that getUpdates returned an update."""
        update.status, update.attempts = "delivering", update.attempts + 1
        self.show(update)
        self._trace.add(
            "webhook",
            f"{update.kind} fetched",
            trace_id=update.trace_id,
            status=200,
            bot=update.bot,
            chat_id=update.chat_id,
            update_id=update.update_id,
            detail={"attempt": update.attempts, "error": None, "update": self.shown_body(update)},
        )

    def _forget_deleted(self, event: str, payload: Json) -> None:
        """Remove the text of a deleted message from the trace."""
        if event != "delete":
            return

        def forget(traced: Json) -> None:
            detail = traced["detail"]
            if traced["kind"] != "webhook" or traced["chat_id"] != payload["chat_id"] or not detail:
                return
            parts = [part for part in detail["update"].values() if isinstance(part, dict)]
            if any(part.get("message_id") == payload["message_id"] for part in parts):
                detail["update"] = without_words(detail["update"])

        self._trace.revise(forget)
