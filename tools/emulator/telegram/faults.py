"""Faults of the Bot API: which calls fail, how often, and with which of Telegram's answers."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

WORDS = ("text", "caption", "media", "title", "description", "error_message", "action", "emoji", "name")
DESCRIPTIONS = {
    400: "Bad Request: chat not found",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    429: "Too Many Requests: retry after {retry_after}",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Kind:
    """A fault with a name. `about` is one sentence for the page, the command line and the docs."""

    about: str
    status: int = 0
    description: str = ""
    timeout: bool = False
    reset: bool = False
    executed: bool = False
    seconds: float = 0.0


KINDS: dict[str, Kind] = {
    "rate_limit": Kind("429 with retry_after (1 second unless given).", 429),
    "server_error": Kind("500: Telegram's server failed; nothing was done.", 500),
    "bad_gateway": Kind("502 from the gateway; nothing was done.", 502),
    "unavailable": Kind("503 from the gateway; nothing was done.", 503),
    "gateway_timeout": Kind("504 from the gateway; nothing was done.", 504),
    "timeout": Kind("No answer until the caller gives up; nothing was done.", timeout=True),
    "reset": Kind("The connection is reset before an answer; nothing was done.", reset=True),
    "answer_lost": Kind("The call is carried out, then the connection is reset.", reset=True, executed=True),
    "slow": Kind("The answer is right, and comes after `seconds` (5 unless given).", seconds=5.0),
    "unauthorized": Kind("401: the token was revoked.", 401),
    "blocked": Kind("403: the user has blocked the bot.", 403, "Forbidden: bot was blocked by the user"),
    "deactivated": Kind("403: the user's account was deleted.", 403, "Forbidden: user is deactivated"),
    "not_started": Kind(
        "403: the user never started the bot.", 403, "Forbidden: bot can't initiate conversation with a user"
    ),
    "kicked": Kind("403: the bot was removed.", 403, "Forbidden: bot was kicked from the supergroup chat"),
    "not_member": Kind(
        "403: the bot is not in the group.", 403, "Forbidden: bot is not a member of the supergroup chat"
    ),
    "group_deleted": Kind("403: the group is gone.", 403, "Forbidden: the group chat was deleted"),
    "chat_not_found": Kind("400: there is no such chat.", 400, "Bad Request: chat not found"),
    "no_rights": Kind(
        "400: the bot may not write in the group.",
        400,
        "Bad Request: not enough rights to send text messages to the chat",
    ),
    "migrated": Kind(
        "400: the group became a supergroup; `migrate_to_chat_id` is its new id.",
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
    ),
    "topic_closed": Kind("400: the topic is closed.", 400, "Bad Request: TOPIC_CLOSED"),
    "topic_not_found": Kind("400: the topic was deleted.", 400, "Bad Request: message thread not found"),
}


@dataclass
class Fault:
    """How the next calls of a method fail.

    `method` "*" is any, in any case; `chat_id`, `bot` and `text` (part of the words sent, in any case) narrow
    it down. `count` calls fail, or every one when it is None. `executed` carries the call out first, as if
    only the answer were lost. `page` is what a gateway in front of the Bot API answers instead of JSON.
    """

    method: str = "*"
    status: int = 500
    description: str | None = None
    retry_after: int | None = None
    count: int | None = 1
    timeout: bool = False
    reset: bool = False
    executed: bool = False
    seconds: float = 0.0
    chat_id: int | None = None
    bot: str | None = None
    text: str | None = None
    migrate_to_chat_id: int | None = None
    page: bytes | None = None
    kind: str | None = None
    used: int = 0
    id: int = field(default_factory=lambda: next(_numbers))

    def __post_init__(self) -> None:
        if self.status == 429 and self.retry_after is None:
            self.retry_after = 1

    @property
    def is_refusal(self) -> bool:
        """Return whether Telegram answers with an error, rather than late or not at all."""
        return not (self.timeout or self.reset or self.seconds)

    def matches(self, bot: str, method: str, parameters: Json) -> bool:
        """Return whether this call is one to fail."""
        return (
            self.method.lower() in ("*", method.lower())
            and self.bot in (None, bot)
            and (self.chat_id is None or str(parameters.get("chat_id")) == str(self.chat_id))
            and (self.text is None or self.text.lower() in _words(parameters))
        )

    def words(self) -> str:
        """Return Telegram's description of this fault."""
        text = self.description or DESCRIPTIONS.get(self.status, "Internal Server Error")
        return text.format(retry_after=self.retry_after) if "{retry_after}" in text else text

    def json(self) -> Json:
        """Return the fault as the HTTP API shows it; `count` is how many calls are still to fail."""
        shown: Json = {
            "id": self.id,
            "kind": self.kind,
            "method": self.method,
            "count": self.count,
            "used": self.used,
        }
        if self.is_refusal:
            shown |= {"status": self.status, "description": self.words()}
        given = {
            name: getattr(self, name)
            for name in ("bot", "chat_id", "text", "retry_after", "migrate_to_chat_id", "seconds")
        }
        return shown | {name: value for name, value in given.items() if value}


def fault_of_kind(kind: str, **more: Any) -> Fault:
    """Return a fault of this name; KeyError when there is none."""
    known = KINDS[kind]
    given: Json = {
        "status": known.status,
        "description": known.description or None,
        "timeout": known.timeout,
        "reset": known.reset,
        "executed": known.executed,
        "seconds": known.seconds,
    }
    return Fault(kind=kind, **given | more)


def _words(parameters: Json) -> str:
    values = (parameters[name] for name in WORDS if parameters.get(name))
    return "\n".join(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values
    ).lower()
