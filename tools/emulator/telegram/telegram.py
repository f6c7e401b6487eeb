"""Builds a fake Telegram from its parts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tools.emulator.clock import Clock
from tools.emulator.telegram.active_faults import ActiveFaults
from tools.emulator.telegram.bot_api import BotApi
from tools.emulator.telegram.delivery import Delivery, RawResponse
from tools.emulator.telegram.faults import Fault
from tools.emulator.telegram.inline import InlineMode
from tools.emulator.telegram.model import Account, BotAccount, Json, Update
from tools.emulator.telegram.polls import Polls
from tools.emulator.telegram.progress import DeliveryProgress
from tools.emulator.telegram.sending import Sender
from tools.emulator.telegram.services import Services
from tools.emulator.telegram.stars import Stars
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.transcript import Transcripts
from tools.emulator.telegram.updates import Updates
from tools.emulator.telegram.users import Channel, Group, TelegramUser
from tools.emulator.trace import Trace
from tools.emulator.web import Request, Response

GENUINE = object()


class Telegram:
    """One fake Telegram. `handle` answers HTTP requests; tests begin with `user` and `group`."""

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
        self.progress = DeliveryProgress(self.state, self.trace)
        self.delivery = Delivery(
            self.clock,
            self.trace,
            self.faults,
            self._execute,
            self.progress.show,
            self.progress.shown_body,
            retry_scale=retry_scale,
            idle_timeout=idle_timeout,
        )
        self.updates = Updates(self.state, self.delivery, self.progress)
        self.sender = Sender(self.state, self.updates, self.transcripts)
        self.stars = Stars(self.state, self.updates, self.sender)
        self.polls = Polls(self.state, self.updates, self.transcripts)
        self.inline = InlineMode(self.state, self.updates, self.sender)
        self.services = Services(self.state, self.updates, self.sender, self.stars, self.polls, self.inline)
        self.api = BotApi(self.services, self.faults, self.trace)
        for name in bots:
            self.add_bot(name)

    def add_bot(self, name: str, **more: Any) -> BotAccount:
        """Add a bot; its updates wait until a webhook is set."""
        bot = self.state.add_bot(name, **more)
        self.updates.queues_of(bot)
        return bot

    def bot(self, name: str) -> BotAccount:
        """Return the bot with this name; KeyError when there is none."""
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
        return TelegramUser(self.services, self.state.add_user(account))

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
        """Add a supergroup, or a basic group with `kind` "group"; the first member owns it.

        A `forum` has topics; `admins` are those of the bots that administer the group.
        """
        users = list(members)
        room = self.state.add_group(
            title, [user.id for user in users], list(bots), kind=kind, forum=forum, admins=list(admins)
        )
        for name in room.bots:
            status = "administrator" if name in room.admins else "member"
            self.sender.membership(room, users[0].account, self.bot(name), "left", status)
        return Group(self.services, room)

    def channel(self, title: str, username: str | None = None, bots: Iterable[str] = ()) -> Channel:
        """Add a channel, private without a @username. The bots are its administrators."""
        return Channel(self.services, self.state.add_channel(title, username, list(bots)))

    def channel_named(self, username: str) -> Channel:
        """Return the public channel with this @username; KeyError when there is none."""
        room = self.state.channel_named(username)
        if room is None:
            raise KeyError(username)
        return Channel(self.services, room)

    def handle(self, request: Request) -> Response:
        """Answer one Bot API request."""
        return self.api.handle(request)

    def request(self, bot: str, method: str, parameters: Json) -> Any:
        """Call a Bot API method as the bot's owner, without HTTP; raises ApiError."""
        return self.api.call(self.bot(bot), method, parameters)

    @property
    def calls(self) -> list[Json]:
        """Return every call: {bot, method, parameters, via, at, ok, result | description}."""
        return self.api.calls()

    @property
    def deliveries(self) -> list[Json]:
        """Return every delivery attempt: {bot, update_id, kind, attempt, status, error, ms, note, at}."""
        return list(self.delivery.attempts)

    @property
    def retry_scale(self) -> float:
        """Return the factor of every wait before a retry."""
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
        """POST a body to the bot's webhook outside the queues, and return the response without executing it.

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
        """Lose the responses to the next deliveries, so that Telegram sends them again."""
        self.faults.arm("lose_response", times)

    def deliver_twice(self, times: int = 1) -> None:
        """Send each of the next deliveries twice at the same moment; one of the responses is ignored."""
        self.faults.arm("deliver_twice", times)

    def forge(self, times: int = 1) -> None:
        """Send a forged update with a wrong secret before each of the next deliveries."""
        self.faults.arm("forge", times)

    def hold(self, held: bool = True) -> None:
        """Let updates pile up in their queues, or release them."""
        self.updates.hold(held)

    @property
    def held(self) -> bool:
        """Return whether deliveries are held back."""
        return self.updates.held

    def retry_now(self) -> None:
        """Make every waiting retry happen at once."""
        self.updates.retry_now()

    def pending(self, bot: str) -> int:
        """Return the number of updates of a bot that are not delivered yet."""
        return self.updates.queues_of(self.bot(bot)).pending()

    def drop_pending(self, bot: str) -> None:
        """Drop a bot's waiting updates."""
        self.updates.queues_of(self.bot(bot)).clear()

    def idle(self, timeout: float = 10.0) -> bool:
        """Wait until every queue is empty; False after `timeout` seconds."""
        return self.updates.idle(timeout)

    def forget(self) -> None:
        """Remove the recorded calls, invoices and subscriptions; users, chats and messages stay."""
        self.api.forget()
        self.stars.forget()

    def stop(self) -> None:
        """End deliveries and hanging calls."""
        self.api.stop()
        self.updates.stop()

    def _execute(self, bot: BotAccount, method: str, parameters: Json, files: Json) -> Json:
        """Run the method that a webhook's response names."""
        return self.api.execute(bot, method, parameters, files)
