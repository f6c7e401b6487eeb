"""One attempt to deliver an update, by the rules of Telegram's own sender.

Source: the open-source Bot API server, WebhookActor.cpp and Client.cpp (v10.0).
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.util import Timeout

from tools.emulator.clock import Clock
from tools.emulator.journal import SHOWN_ANSWER, Attempt
from tools.emulator.telegram.active_faults import ActiveFaults
from tools.emulator.telegram.model import BotAccount, Json, Update
from tools.emulator.telegram.parameters import parse_parameters
from tools.emulator.trace import Trace

IDLE_SECONDS = 60.0
CONNECT_SECONDS = 10.0
MAX_REPLY = 1024 * 1024
_ENVELOPE = frozenset({"message_id", "from", "chat", "date"})
NOT_EXECUTED = {"deletewebhook", "setwebhook", "close", "logout"}
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  the name, not the secret


@dataclass(frozen=True)
class RawResponse:
    """A function's response. Without one `status` is 0 and `error` says why."""

    status: int
    headers: dict[str, str]
    body: bytes
    error: str | None = None
    ms: float = 0.0

    @property
    def ok(self) -> bool:
        """Return whether Telegram counts it as delivered."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the body as JSON; raises ValueError when it is not."""
        return json.loads(self.body)


class Delivery:
    """Makes attempts; the queues decide when."""

    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        faults: ActiveFaults,
        execute: Callable[[BotAccount, str, Json, Json], Any],
        changed: Callable[[Update], None],
        shown: Callable[[Update], Json],
        *,
        retry_scale: float = 1.0,
        idle_timeout: float = IDLE_SECONDS,
    ) -> None:
        self.clock = clock
        self.trace = trace
        self.faults = faults
        self.retry_scale = retry_scale
        self.idle_timeout = idle_timeout
        self.attempts: list[Json] = []
        self._execute = execute
        self._changed = changed
        self._shown = shown
        self._lock = threading.Lock()
        self._pool = urllib3.PoolManager(num_pools=10, maxsize=100, block=False, retries=False)

    def deliver(self, bot: BotAccount, update: Update) -> float | None:
        """Make one attempt; returns the seconds until the next one, None when done with the update."""
        if self.clock.now() > update.expires_at:
            self._expire(update)
            return None
        self._set(update, "delivering", attempts=update.attempts + 1)
        if self.faults.consume("forge"):
            self._forge(bot, update)
        if self.faults.consume("deliver_twice"):
            self._abandoned_copy(bot, update)
        response, attempt = self.post(bot, update)
        if self.faults.consume("lose_response"):
            attempt.is_lost = True
            self.trace.add(
                "fault",
                "Response lost",
                trace_id=update.trace_id,
                attempt=attempt.key,
                bot=bot.name,
                update_id=update.update_id,
            )
            response = RawResponse(0, {}, b"", "Webhook connection closed")
            return self._again(bot, update, response)
        error = (
            self._reply(bot, update, response, attempt) if response.ok else "Wrong response from the webhook"
        )
        if error is None:
            self._set(update, "delivered")
            return None
        return self._again(bot, update, response)

    def post(
        self,
        bot: BotAccount,
        update: Update,
        secret: str | None = None,
        note: str = "",
        body: bytes | None = None,
    ) -> tuple[RawResponse, Attempt]:
        """Send the update, or another body in its place, once and record it; never raises."""
        attempt = self.trace.journal.begin(update.trace_id, update.attempts, note)
        if body is None:
            body = json.dumps(update.body | {"update_id": update.update_id}, ensure_ascii=False).encode()
        headers = self.headers(bot, attempt.trace_id, secret if secret is not None else bot.webhook.secret)
        response = self.send(bot.webhook.url, body, headers)
        self._record(bot, update, response, attempt)
        return response, attempt

    def resend(
        self, bot: BotAccount, update: Update, body: bytes, secret: str | None, note: str
    ) -> tuple[RawResponse, Attempt]:
        """Deliver once more, outside the queue, as Telegram does after a lost answer; acts on the answer.

        `secret` None is the genuine one. With another the sender is not Telegram, so nothing is acted on.
        """
        response, attempt = self.post(bot, update, secret, note, body)
        if response.ok and secret is None:
            self._reply(bot, update, response, attempt)
        return response, attempt

    def headers(self, bot: BotAccount, trace_id: str, secret: str) -> dict[str, str]:
        """Return the headers of a delivery; without a secret its header is absent."""
        span = random.getrandbits(63)
        headers = {"Content-Type": "application/json", "X-Cloud-Trace-Context": f"{trace_id}/{span};o=1"}
        return headers | ({SECRET_HEADER: secret} if secret else {})

    def send(self, url: str, body: bytes, headers: dict[str, str]) -> RawResponse:
        """POST once; never raises, never follows a redirect, waits at most the idle timeout."""
        begin = time.perf_counter()
        try:
            answer = self._pool.request(
                "POST",
                url,
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                timeout=Timeout(connect=CONNECT_SECONDS, read=self.idle_timeout),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            timed_out = isinstance(error, urllib3.exceptions.ReadTimeoutError)
            text = "Read timeout expired" if timed_out else "Connection closed or refused"
            return RawResponse(0, {}, b"", text, _ms(begin))
        return RawResponse(
            answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.data, None, _ms(begin)
        )

    def _reply(self, bot: BotAccount, update: Update, response: RawResponse, attempt: Attempt) -> str | None:
        """Execute the method in the answer, if there is one; the text of an error makes Telegram resend."""
        if len(response.body) > MAX_REPLY:
            return "Response is too big"
        parsed = parse_parameters(response.headers.get("content-type", ""), response.body)
        if parsed is None:
            return None
        parameters, files = parsed
        method = str(parameters.pop("method", "") or "")
        if method and method.lower() not in NOT_EXECUTED and not method.lower().startswith("get"):
            outcome = self._execute(bot, method, parameters, files) or {}
            refusal = {} if outcome.get("ok", True) else {"error": outcome.get("description")}
            self.trace.add(
                "reply",
                f"{method} in the response",
                trace_id=update.trace_id,
                attempt=attempt.key,
                detail={"parameters": parameters, "answer": outcome} | refusal,
                bot=bot.name,
                chat_id=update.chat_id,
                update_id=update.update_id,
            )
        return None

    def _again(self, bot: BotAccount, update: Update, response: RawResponse) -> float | None:
        bot.webhook.last_error_date = int(self.clock.now())
        bot.webhook.last_error_message = (
            response.error or f"Wrong response from the webhook: {response.status}"
        )
        delay = _retry_after(response)
        if delay is None:
            delay, update.backoff = update.backoff, min(max(1.0, update.backoff * 2), random.uniform(60, 120))
        # Compared unscaled, so that shorter waits in tests do not extend the real deadline.
        if self.clock.now() + delay > update.expires_at:
            self._expire(update)
            return None
        delay *= self.retry_scale
        self.trace.journal.change(update.trace_id, next_at=time.time() + delay)
        self._set(update, "retrying")
        return delay

    def _expire(self, update: Update) -> None:
        self._set(update, "expired")
        self.trace.add(
            "fault",
            "Update expired undelivered",
            trace_id=update.trace_id,
            bot=update.bot,
            chat_id=update.chat_id,
            update_id=update.update_id,
        )

    def _forge(self, bot: BotAccount, update: Update) -> None:
        """Send a forged request first: the same update_id, another text, a wrong secret."""
        forged = Update(
            bot.name,
            update.update_id,
            update.kind,
            _reworded(update.body),
            update.queue,
            update.expires_at,
            chat_id=update.chat_id,
            trace_id=update.trace_id,
        )
        self.post(bot, forged, secret="A" * max(16, len(bot.webhook.secret)), note="forged")

    def _abandoned_copy(self, bot: BotAccount, update: Update) -> None:
        """Send the same update at the same moment and ignore the answer, as after an idle timeout."""
        thread = threading.Thread(target=self.post, args=(bot, update), kwargs={"note": "copy"}, daemon=True)
        thread.start()

    def _record(self, bot: BotAccount, update: Update, response: RawResponse, attempt: Attempt) -> None:
        self.trace.journal.end(
            update.trace_id,
            attempt,
            ms=response.ms,
            status=response.status,
            error=response.error,
            answer=response.body[:SHOWN_ANSWER].decode("utf-8", "replace"),
            retry_after=response.headers.get("retry-after", ""),
        )
        note = "abandoned" if attempt.note == "copy" else attempt.note
        self._remember(bot, update, response, note)
        title = f"{update.kind} delivered" if response.ok else f"{update.kind} refused"
        self.trace.add(
            "webhook",
            f"{title} ({note})" if note else title,
            trace_id=update.trace_id,
            attempt=attempt.key,
            ms=response.ms,
            status=response.status,
            bot=bot.name,
            chat_id=update.chat_id,
            update_id=update.update_id,
            detail={
                "attempt": attempt.number,
                "label": attempt.label,
                "note": attempt.note,
                "error": response.error,
                "update": self._shown(update),
            },
        )

    def _remember(self, bot: BotAccount, update: Update, response: RawResponse, note: str) -> None:
        """Keep an attempt for tests, at most the last 5,000."""
        recorded = {
            "bot": bot.name,
            "update_id": update.update_id,
            "kind": update.kind,
            "attempt": update.attempts,
            "status": response.status,
            "error": response.error,
            "ms": response.ms,
            "note": note,
            "at": time.time(),
        }
        with self._lock:
            self.attempts.append(recorded)
            del self.attempts[:-5000]

    def _set(self, update: Update, status: str, attempts: int | None = None) -> None:
        update.status = status
        update.attempts = update.attempts if attempts is None else attempts
        self.trace.journal.change(update.trace_id, state=status)
        self._changed(update)


def _retry_after(response: RawResponse) -> float | None:
    try:
        return min(3600.0, max(0.0, float(int(response.headers["retry-after"]))))
    except (KeyError, ValueError):
        return None


def without_words(body: Json) -> Json:
    """Return an update's body without the text of its deleted message, which the trace must not show."""
    return {
        kind: {name: value for name, value in part.items() if name in _ENVELOPE} | {"text": "[deleted]"}
        if isinstance(part, dict)
        else part
        for kind, part in body.items()
    }


def _reworded(body: Json) -> Json:
    copy: Json = json.loads(json.dumps(body))
    for part in copy.values():
        if isinstance(part, dict) and "text" in part:
            part["text"] = "This message was forged."
            part.pop("entities", None)
    return copy


def _ms(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 2)
