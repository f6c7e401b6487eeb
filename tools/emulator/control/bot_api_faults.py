"""Faults of the Bot API: a part of the emulator's HTTP API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.emulator.control.bodies import Refused, number, optional_number, seconds
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.telegram import Telegram
from tools.emulator.telegram.call import METHODS
from tools.emulator.telegram.faults import KINDS, Fault, fault_of_kind
from tools.emulator.telegram.model import Json
from tools.emulator.trace import Trace

FOREVER = ("always", "all")


class BotApiFaultRoutes:
    """One method for each route; `get` and `post` list them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder, trace: Trace) -> None:
        self._telegram = telegram
        self._trace = trace
        self._chats = chats
        self._faults = telegram.faults
        self.get: dict[str, Callable[[Json], Json]] = {"faults": self._list}
        self.post: dict[str, Callable[[Json], Json]] = {"faults": self._add, "faults/clear": self._clear}

    def _list(self, query: Json) -> Json:
        """Return the faults of the Bot API that are not used up, and the kinds there are."""
        kinds = [{"kind": name, "about": kind.about} for name, kind in KINDS.items()]
        return {"faults": [fault.json() for fault in self._faults.all()], "kinds": kinds}

    def _add(self, body: Json) -> Json:
        """Make the next calls of a Bot API method fail; the trace shows each fault that was used.

        kind: one of the kinds that GET /api/faults lists, or
        status, description: Telegram's error code and words
        method: a Bot API method; "*" (as if left out) is any
        bot, chat_id: only calls of this bot, only about this chat
        user: instead of chat_id: only calls about the private chat with this user
        text: only calls whose words contain this, in any case
        count: how many calls fail, 1 if left out; "always" for all until it is cleared
        retry_after: seconds, for 429
        migrate_to_chat_id: the supergroup's id, for migrated
        seconds: how late the answer comes, for slow
        executed: true carries the call out all the same, as if only the answer were lost
        """
        fault = self._fault(body)
        self._faults.fail(fault)
        self._trace.add("fault", f"Fault set: {_summary(fault)}", detail={"fault": fault.json()})
        return {"fault": fault.json()}

    def _fault(self, body: Json) -> Fault:
        more = self._filters(body) | _numbers(body)
        if isinstance(body.get("description"), str):
            more["description"] = body["description"]
        if body.get("executed"):
            more["executed"] = True
        kind = body.get("kind")
        if kind is None:
            if not 400 <= int(more.get("status", 0)) <= 599:
                raise Refused("A fault needs a kind, or a status between 400 and 599.")
            return Fault(**more)
        try:
            return fault_of_kind(str(kind), **more)
        except KeyError:
            raise Refused(f"There is no fault named {kind}; there are {', '.join(KINDS)}.") from None

    def _filters(self, body: Json) -> dict[str, Any]:
        method, bot = str(body.get("method") or "*"), body.get("bot") or None
        if method != "*" and method.lower() not in METHODS:
            raise Refused(f"The emulator has no method {method}.")
        if bot is not None and bot not in self._telegram.state.bots:
            raise Refused(f"There is no bot named {bot}.")
        if method != "*":
            method = METHODS[method.lower()].name
        filters = {"method": method, "bot": bot, "text": body.get("text") or None, "count": _count(body)}
        return filters | ({"chat_id": self._chats.user(body["user"]).id} if body.get("user") else {})

    def _clear(self, body: Json) -> Json:
        """Take faults back.

        id: the fault; all of them if left out
        """
        removed = self._faults.remove(optional_number(body, "id"))
        return {"removed": removed, "faults": [fault.json() for fault in self._faults.all()]}


def _count(body: Json) -> int | None:
    value = body.get("count", 1)
    if value in FOREVER:
        return None
    count = number(value, "count")
    if count < 1:
        raise Refused("count is at least 1.")
    return count


def _numbers(body: Json) -> dict[str, Any]:
    names = ("status", "chat_id", "retry_after", "migrate_to_chat_id")
    given: dict[str, Any] = {name: optional_number(body, name) for name in names}
    if body.get("seconds"):
        given["seconds"] = seconds(body["seconds"], "seconds")
    return {name: value for name, value in given.items() if value is not None}


def _summary(fault: Fault) -> str:
    what = fault.kind or f"{fault.status} {fault.words()}"
    times = "every call" if fault.count is None else f"{fault.count}x"
    return f"{what} for {'any method' if fault.method == '*' else fault.method}, {times}"
