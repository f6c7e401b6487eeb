"""Updates on their way to the bots: numbered, queued, delivered to the webhook or fetched with getUpdates."""

from __future__ import annotations

import threading

from tools.emulator.telegram.delivery import Delivery
from tools.emulator.telegram.model import BotAccount, Json, Update
from tools.emulator.telegram.progress import DeliveryProgress
from tools.emulator.telegram.queues import Queues
from tools.emulator.telegram.state import TelegramState


class Updates:
    """The queues of all bots. Updates wait until the bot has a webhook."""

    def __init__(self, state: TelegramState, delivery: Delivery, progress: DeliveryProgress) -> None:
        self.progress = progress
        self._state = state
        self._delivery = delivery
        self._queues: dict[str, Queues] = {}
        self._queues_lock = threading.Lock()
        self._held = False

    def enqueue(
        self,
        bot: BotAccount,
        kind: str,
        payload: Json,
        queue: tuple[str, int],
        expires_at: float,
        *,
        chat_id: int | None,
        message_id: int | None = None,
    ) -> Update | None:
        """Number an update and queue it; None when the bot's allowed_updates leave its kind out."""
        with self._state.lock:
            if not bot.webhook.allows(kind):
                return None
            key = (queue[0], queue[1], bot.name)
            update = Update(
                bot.name, bot.next_update_id, kind, {kind: payload}, key, expires_at, chat_id, message_id
            )
            bot.next_update_id += 1
            self.progress.record(update)
            self.queues_of(bot).put(update)
            self._state.changed.notify_all()
            return update

    def queues_of(self, bot: BotAccount) -> Queues:
        """Return the queues of a bot, creating them on first use."""
        with self._queues_lock:
            if bot.name not in self._queues:
                self._queues[bot.name] = Queues(
                    lambda update: self._delivery.deliver(bot, update), lambda: bot.webhook.max_connections
                )
            return self._queues[bot.name]

    def hold(self, held: bool) -> None:
        """Hold all deliveries back, or release them."""
        self._held = held
        for name in list(self._queues):
            self.release(self._state.bots[name])

    @property
    def held(self) -> bool:
        """Return whether deliveries are held back."""
        return self._held

    def release(self, bot: BotAccount) -> None:
        """Deliver to a bot from now on if it has a webhook and nothing is held back; otherwise stop."""
        self.queues_of(bot).hold(self._held or not bot.webhook.url)

    def retry_now(self) -> None:
        """Make every waiting retry happen at once."""
        for queues in self._queues.values():
            queues.retry_now()

    def fetch(self, bot: BotAccount, offset: int, limit: int, timeout: float) -> list[Update] | None:
        """Return updates for getUpdates, waiting up to `timeout` seconds; None when a newer call took over.

        A positive offset confirms all updates before it, a negative one all but the last -offset.
        """
        queues = self.queues_of(bot)
        if offset:
            numbers = [update.update_id for update in queues.waiting()]
            self._confirm(bot, offset if offset > 0 else ([0, *numbers][offset:] or [0])[0])
        bot.polls += 1
        mine = bot.polls
        self._state.publish("poll", {"bot": bot.name})
        self._state.wait(lambda: bot.polls != mine or queues.waiting(), timeout)
        if bot.polls != mine:
            return None
        return queues.waiting()[:limit]

    def _confirm(self, bot: BotAccount, before: int) -> None:
        for update in self.queues_of(bot).waiting():
            if update.update_id < before:
                update.status = "delivered"
                self.progress.show(update)
        self.queues_of(bot).confirm(before)

    def idle(self, timeout: float) -> bool:
        """Wait until every queue is empty; False after `timeout` seconds."""
        return all(queues.idle(timeout) for queues in self._queues.values())

    def stop(self) -> None:
        """Start no further delivery."""
        for queues in self._queues.values():
            queues.close()
