"""Telegram as a whole: the state, its Bot API, and the delivery of updates."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import Any

from tools.emulator.clock import Clock
from tools.emulator.journal import Entry
from tools.emulator.telegram.active_faults import ActiveFaults
from tools.emulator.telegram.bot_api import BotApi
from tools.emulator.telegram.coverage import ignored_fields
from tools.emulator.telegram.delivery import Delivery, RawResponse, without_words
from tools.emulator.telegram.faults import Fault
from tools.emulator.telegram.model import Account, BotAccount, Json, Room, Update
from tools.emulator.telegram.queues import Queues
from tools.emulator.telegram.sending import Sender
from tools.emulator.telegram.stars import Stars
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.titles import title_of
from tools.emulator.telegram.transcript import Transcripts
from tools.emulator.telegram.users import Channel, Group, TelegramUser
from tools.emulator.trace import Trace
from tools.emulator.web import Request, Response

GENUINE = object()


class Telegram:
    """The fake server. `handle` answers HTTP requests; `user` and `group` are the ways in for a test."""

    def __init__(
        self,
        bots: Iterable[str] = ("assistant",),
        retry_scale: float = 1.0,
        idle_timeout: float = 60.0,
        clock: Clock | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.trace = trace or Trace()
        self.state = TelegramState(self.clock)
        self.transcripts = Transcripts(self.state)
        self.faults = ActiveFaults()
        self.api = BotApi(self)
        self.sender = Sender(self)
        self.stars = Stars(self)
        self.delivery = Delivery(
            self.clock,
            self.trace,
            self.faults,
            self.api.execute,
            self.show_delivery,
            self.shown_body,
            retry_scale=retry_scale,
            idle_timeout=idle_timeout,
        )
        self.state.subscribe(self._forget_deleted)
        self._queues: dict[str, Queues] = {}
        self._queues_lock = threading.Lock()
        self._traces: dict[tuple[str, int], str] = {}
        self._held = False
        for name in bots:
            self.add_bot(name)

    def add_bot(self, name: str, **more: Any) -> BotAccount:
        """A bot; its updates wait until a webhook is set."""
        bot = self.state.add_bot(name, **more)
        self._queues_of(name)
        return bot

    def _queues_of(self, name: str) -> Queues:
        """The queues of a bot, which a bot of an earlier run has from its first update on."""
        bot = self.bot(name)
        with self._queues_lock:
            if name not in self._queues:
                self._queues[name] = Queues(
                    lambda update: self.delivery.deliver(bot, update), lambda: bot.webhook.max_connections
                )
            return self._queues[name]

    def bot(self, name: str) -> BotAccount:
        """The bot with this name; KeyError when there is none."""
        return self.state.bots[name]

    def user(
        self,
        first_name: str,
        language_code: str | None = "en",
        username: str | None = None,
        last_name: str | None = None,
        *,
        walkthrough: bool = False,
    ) -> TelegramUser:
        """Add a user with a new id; `walkthrough` marks one that a walkthrough of the page added."""
        account = Account(self.state.new_id(), first_name, last_name, username, language_code, walkthrough)
        return TelegramUser(self, self.state.add_user(account))

    def group(
        self,
        title: str,
        members: Iterable[TelegramUser],
        bots: Iterable[str],
        *,
        kind: str = "supergroup",
        forum: bool = False,
        admins: Iterable[str] = (),
    ) -> Group:
        """A new supergroup, or with `kind` "group" a basic one; the first member made it and added the bots.

        A `forum` has topics; `admins` are those of the bots that administer the group.
        """
        users = list(members)
        room = self.state.add_group(
            title, [user.id for user in users], list(bots), kind=kind, forum=forum, admins=list(admins)
        )
        for name in room.bots:
            status = "administrator" if name in room.admins else "member"
            self.sender.membership(room, users[0].account, self.bot(name), "left", status)
        return Group(self, room)

    def channel(self, title: str, username: str | None = None, bots: Iterable[str] = ()) -> Channel:
        """A new channel; without a @username a private one. The bots are its administrators."""
        return Channel(self, self.state.add_channel(title, username, list(bots)))

    def channel_named(self, username: str) -> Channel:
        """The public channel with this @username; KeyError when there is none."""
        room = self.state.channel_named(username)
        if room is None:
            raise KeyError(username)
        return Channel(self, room)

    def handle(self, request: Request) -> Response:
        """One Bot API request."""
        return self.api.handle(request)

    def request(self, bot: str, method: str, parameters: Json) -> Any:
        """Call a Bot API method as the bot's owner, without HTTP; raises ApiError."""
        return self.api.call(self.bot(bot), method, parameters)

    @property
    def calls(self) -> list[Json]:
        """Every call: {bot, method, parameters, via: "call"|"response", at, ok, result|description}."""
        return self.api.calls()

    @property
    def deliveries(self) -> list[Json]:
        """Every delivery attempt: {bot, update_id, kind, attempt, status, error, ms, note, at}."""
        return list(self.delivery.attempts)

    @property
    def retry_scale(self) -> float:
        """What every wait before a retry is multiplied with."""
        return self.delivery.retry_scale

    @retry_scale.setter
    def retry_scale(self, value: float) -> None:
        self.delivery.retry_scale = value

    def deliver(
        self,
        update: Json | bytes,
        bot: str = "assistant",
        secret: Any = GENUINE,
        headers: dict[str, str] | None = None,
        trace_id: str | None = None,
    ) -> RawResponse:
        """POST a body to the bot's webhook outside the queues, and return the answer without acting on it.

        `secret=None` leaves the header out; any other value replaces the genuine one.
        """
        account = self.bot(bot)
        own = account.webhook.secret if secret is GENUINE else secret or ""
        probe = Update(bot, 0, "update", {}, ("probe", 0, ""), 0)
        body = update if isinstance(update, bytes) else json.dumps(update, ensure_ascii=False).encode()
        sent = self.delivery.headers(account, trace_id or probe.trace_id, own) | (headers or {})
        return self.delivery.send(account.webhook.url, body, sent)

    def fail(
        self,
        method: str,
        status: int = 500,
        *,
        retry_after: int | None = None,
        times: int = 1,
        timeout: bool = False,
        description: str | None = None,
        executed: bool = False,
        chat_id: int | None = None,
        page: bytes | None = None,
    ) -> None:
        """Make the next `times` calls of a method ("*": of any) fail.

        `timeout` hangs until the caller gives up; `executed` does the work first, as if the answer were lost.
        `page` answers with these bytes and the status, as a gateway in front of the Bot API does.
        """
        self.faults.fail(
            Fault(
                method,
                status,
                description,
                retry_after,
                times,
                timeout=timeout,
                executed=executed,
                chat_id=chat_id,
                page=page,
            )
        )

    def lose_responses(self, times: int = 1) -> None:
        """The function answers the next deliveries, but Telegram never hears it and sends them again."""
        self.faults.arm("lose_response", times)

    def deliver_twice(self, times: int = 1) -> None:
        """The next deliveries arrive twice at the same moment; only one of the answers is read."""
        self.faults.arm("deliver_twice", times)

    def forge(self, times: int = 1) -> None:
        """Before each of the next deliveries somebody else posts a made-up one with a wrong secret."""
        self.faults.arm("forge", times)

    def hold(self, held: bool = True) -> None:
        """Let updates pile up in their queues, or let them go."""
        self._held = held
        for name in list(self._queues):
            self._release(self.bot(name))

    @property
    def held(self) -> bool:
        """Whether deliveries are held back."""
        return self._held

    def retry_now(self) -> None:
        """Make every waiting retry happen at once."""
        for queues in self._queues.values():
            queues.retry_now()

    def pending(self, bot: str) -> int:
        """Updates of a bot that are not delivered yet."""
        return self._queues_of(bot).pending()

    def fetch_updates(self, bot: BotAccount, offset: int, limit: int, timeout: float) -> list[Update] | None:
        """Return updates for getUpdates, waiting up to `timeout` seconds; None when a newer call took over.

        An offset confirms all updates before it; a negative one confirms all but the last so many.
        """
        queues = self._queues_of(bot.name)
        if offset:
            numbers = [update.update_id for update in queues.waiting()]
            self._confirm(bot, offset if offset > 0 else ([0, *numbers][offset:] or [0])[0])
        bot.polls += 1
        mine = bot.polls
        self.state.publish("poll", {"bot": bot.name})
        self.state.wait(lambda: bot.polls != mine or queues.waiting(), timeout)
        if bot.polls != mine:
            return None
        return queues.waiting()[:limit]

    def _confirm(self, bot: BotAccount, before: int) -> None:
        for update in self._queues_of(bot.name).waiting():
            if update.update_id < before:
                update.status = "delivered"
                self.show_delivery(update)
        self._queues_of(bot.name).confirm(before)

    def drop_pending(self, bot: str) -> None:
        """Forget a bot's waiting updates."""
        self._queues_of(bot).clear()

    def idle(self, timeout: float = 10.0) -> bool:
        """Wait until every queue is empty; False when time runs out."""
        return all(queues.idle(timeout) for queues in self._queues.values())

    def stop(self) -> None:
        """End deliveries and hanging calls."""
        self.api.stop()
        for queues in self._queues.values():
            queues.close()

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
        """Number an update and queue it; None when the bot does not want this kind."""
        with self.state.lock:
            if not bot.webhook.allows(kind):
                return None
            key = (queue[0], queue[1], bot.name)
            update = Update(
                bot.name, bot.next_update_id, kind, {kind: payload}, key, expires_at, chat_id, message_id
            )
            bot.next_update_id += 1
            self.record(update)
            self._queues_of(bot.name).put(update)
            self.state.changed.notify_all()
            return update

    def record(self, update: Update) -> None:
        """Open the journal's entry of an update that is to be delivered."""
        self.trace.journal.open(
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

    def webhook_changed(self, bot: BotAccount) -> None:
        """Deliver, now that there is somewhere to deliver to; or stop."""
        self._release(bot)

    def show_delivery(self, update: Update) -> None:
        """Tell the page how a delivery goes, and remember on whose behalf its chat is being served."""
        with self.state.lock:
            if update.chat_id is not None:
                self._traces[(update.bot, update.chat_id)] = update.trace_id
            payload = {"chat_id": update.chat_id, "message_id": update.message_id} | update.describe()
            self.state.publish("delivery", payload)

    def shown_body(self, update: Update) -> Json:
        """What the trace shows of an update: not the words of a message that is deleted by then."""
        if update.chat_id is None or update.message_id is None:
            return update.body
        room = self.state.room(update.bot, update.chat_id)
        is_gone = room is not None and update.message_id not in room.messages
        return without_words(update.body) if is_gone else update.body

    def called(
        self,
        bot: BotAccount,
        method: str,
        parameters: Json,
        response: Response | None,
        ms: float,
        fault: Fault | None = None,
        trace_id: str = "",
    ) -> None:
        """Put a Bot API call into the trace, under the update that it names or its chat is being served for.

        `response` is None when the caller gets no answer.
        """
        chat_id = parameters.get("chat_id")
        number = int(str(chat_id)) if str(chat_id or "").lstrip("-").isdigit() else None
        served = self._traces.get((bot.name, number)) if number is not None else None
        body = response.body if response is not None else b""
        answer = body[:4000].decode("utf-8", "replace") if isinstance(body, bytes) else ""
        detail: Json = {"parameters": parameters, "answer": answer}
        if ignored := ignored_fields(method, parameters):
            detail["ignored"] = ignored
        if fault is not None:
            detail["fault"] = fault.json()
            detail |= {} if response is not None else {"error": "The fault left the call without an answer."}
        self.trace.add(
            "telegram_call",
            method,
            trace_id=trace_id or served,
            **({} if trace_id else {"attempt": None}),  # of the update, and nobody knows of which attempt
            detail=detail,
            ms=round(ms, 2),
            status=response.status if response is not None else None,
            bot=bot.name,
            chat_id=number,
        )

    def action_over(self, bot: BotAccount, room: Room) -> None:
        """A message ends "typing…"."""
        payload: Json = {"chat_id": room.id, "bot": bot.name, "action": None, "until": 0}
        self.state.publish("action", payload)

    def _forget_deleted(self, event: str, payload: Json) -> None:
        if event != "delete":
            return

        def forget(traced: Json) -> None:
            detail = traced["detail"]
            if traced["kind"] != "webhook" or traced["chat_id"] != payload["chat_id"] or not detail:
                return
            parts = [part for part in detail["update"].values() if isinstance(part, dict)]
            if any(part.get("message_id") == payload["message_id"] for part in parts):
                detail["update"] = without_words(detail["update"])

        self.trace.revise(forget)

    def _release(self, bot: BotAccount) -> None:
        self._queues_of(bot.name).hold(self._held or not bot.webhook.url)
