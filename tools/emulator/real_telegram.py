"""The real Telegram in place of the fake server, for `--real telegram`: a bot answered from this machine.

Telegram cannot reach 127.0.0.1, so updates are fetched with getUpdates and delivered to the function by the
same rules as the fake server's; a method in the function's answer is executed by a call.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import urllib3
from urllib3.util import Timeout

from shared.ai.user_keys.patterns import is_key_alone
from shared.core.redaction import looks_like_secret
from tools.emulator.clock import Clock
from tools.emulator.environment import SettingMissing
from tools.emulator.journal import Entry
from tools.emulator.telegram.active_faults import ActiveFaults
from tools.emulator.telegram.delivery import Delivery, without_words
from tools.emulator.telegram.model import BotAccount, Json, Update, Webhook
from tools.emulator.telegram.queues import Queues
from tools.emulator.telegram.titles import title_of
from tools.emulator.trace import Trace

API = "https://api.telegram.org"
POLL_SECONDS = 25
CHAT_KINDS = ("message", "edited_message", "channel_post", "edited_channel_post")


class RealTelegram:
    """One real bot, the one of BOT_TOKEN."""

    def __init__(self, token: str) -> None:
        if ":" not in token:
            raise SettingMissing(
                "--real telegram needs BOT_TOKEN in .env: a bot made for trying, not the one in production."
            )
        self._bot = BotAccount("assistant", token, "", "assistant")
        self._stopping = threading.Event()
        self._pool = urllib3.PoolManager(retries=False)
        self._queues = Queues(self._deliver, lambda: self._bot.webhook.max_connections)
        self._clock = Clock()
        self._delivery = self._new_delivery(Trace())

    def environment(self) -> dict[str, str]:
        """Return the settings of the functions."""
        tokens = json.dumps({self._bot.name: self._bot.token})
        return {
            "TELEGRAM_API_URL": API,
            "TELEGRAM_LINK_URL": "https://t.me",
            "BOT_TOKENS": tokens,
            "TRAINING_CHANNEL": "",
            "CONSOLE_URL": "",
        }

    def follow(self, trace: Trace) -> None:
        """Show deliveries in this trace."""
        self._delivery = self._new_delivery(trace)

    def start(self, url: str, secret: str) -> None:
        """Fetch updates from now on; SettingMissing when the bot's webhook points elsewhere."""
        hook = self.call("getWebhookInfo", {}).get("result") or {}
        if hook.get("url"):
            # Removing it would silently take a bot out of production.
            raise SettingMissing(
                "The bot of BOT_TOKEN has a webhook: it works somewhere else. Use a bot made for trying."
            )
        self._bot.webhook = Webhook(url, secret)
        self._queues.hold(False)
        threading.Thread(target=self._poll, daemon=True).start()

    def stop(self) -> None:
        """Fetch and deliver nothing more."""
        self._stopping.set()
        self._queues.close()

    def call(self, method: str, parameters: Json) -> Json:
        """Call a Bot API method and return the answer's JSON; {} without an answer."""
        try:
            answer = self._pool.request(
                "POST",
                f"{API}/bot{self._bot.token}/{method}",
                body=json.dumps(parameters).encode(),
                headers={"Content-Type": "application/json"},
                timeout=Timeout(connect=10, read=POLL_SECONDS + 10),
            )
            value: Any = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _new_delivery(self, trace: Trace) -> Delivery:
        return Delivery(self._clock, trace, ActiveFaults(), self._execute, lambda update: None, _shown)

    def _deliver(self, update: Update) -> float | None:
        return self._delivery.deliver(self._bot, update)

    def _execute(self, bot: BotAccount, method: str, parameters: Json, files: Json) -> None:
        self.call(method, parameters)

    def _poll(self) -> None:
        offset = 0
        while not self._stopping.is_set():
            answer = self.call("getUpdates", {"offset": offset, "timeout": POLL_SECONDS})
            if not answer.get("ok"):
                self._stopping.wait(3)
                continue
            for body in answer["result"]:
                offset = int(body["update_id"]) + 1
                update = _update(self._bot, body, self._clock.now())
                self._delivery.trace.journal.open(
                    Entry(
                        update.trace_id,
                        "update",
                        title_of(_shown(update)),
                        bot=self._bot.name,
                        chat_id=update.chat_id,
                        update_id=update.update_id,
                    )
                )
                self._queues.put(update)


def _update(bot: BotAccount, body: Json, now: float) -> Update:
    kind = next((name for name in body if name != "update_id"), "message")
    payload = body.get(kind) or {}
    in_chat = kind in CHAT_KINDS or kind == "my_chat_member"
    owner = payload.get("chat") if in_chat else payload.get("from") or payload.get("user")
    number = int((owner or {}).get("id", 0))
    queue = ("chat" if kind in CHAT_KINDS else kind, number, bot.name)
    lifetime = 150 if kind.endswith("_query") else 86400
    return Update(
        bot.name, int(body["update_id"]), kind, body, queue, now + lifetime, number if in_chat else None
    )


def _shown(update: Update) -> Json:
    """Return the body for the trace. Deletions are unknown here, so texts that look like keys are removed."""
    message = update.body.get(update.kind)
    text = str(message.get("text", "")) if isinstance(message, dict) else ""
    return without_words(update.body) if looks_like_secret(text) or is_key_alone(text) else update.body
