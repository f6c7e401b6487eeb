"""Faults of the Bot API: a part of the emulator's HTTP API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tools.emulator.control.bodies import Fields, NoFields, OptionalNumber, Refused
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.telegram import Telegram
from tools.emulator.telegram.call import METHODS
from tools.emulator.telegram.faults import KINDS, Fault, fault_of_kind
from tools.emulator.trace import Trace

FOREVER = ("always", "all")
# Fields that shape the answer of a call that fails.
SHAPE = {"status", "description", "retry_after", "migrate_to_chat_id", "seconds", "executed"}


def _none_if_forever(value: object) -> object:
    return None if value in FOREVER else value


class FaultBody(Fields):
    """A fault of the Bot API."""

    kind: str | None = Field(None, description="one of the kinds that GET /api/faults lists, or")
    status: OptionalNumber = Field(None, description="Telegram's error code and words")
    description: str = Field("", description="Telegram's error code and words")
    method: str = Field("*", description='a Bot API method; "*" (as if left out) is any')
    bot: str = Field("", description="only calls of this bot, only about this chat")
    chat_id: OptionalNumber = Field(None, description="only calls of this bot, only about this chat")
    user: str = Field("", description="instead of chat_id: only calls about the private chat with this user")
    text: str = Field("", description="only calls whose words contain this, in any case")
    count: Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_none_if_forever)] = Field(
        1, description='how many calls fail, 1 if left out; "always" for all until it is cleared'
    )
    retry_after: OptionalNumber = Field(None, description="seconds, for 429")
    migrate_to_chat_id: OptionalNumber = Field(None, description="the supergroup's id, for migrated")
    seconds: float = Field(0, ge=0, le=3600, description="how late the answer comes, for slow")
    executed: bool = Field(
        False, description="true carries the call out all the same, as if only the answer were lost"
    )


class ClearBody(Fields):
    """Which faults to take back."""

    id: OptionalNumber = Field(None, description="the fault; all of them if left out")


class BotApiFaultRoutes:
    """One method for each route; `get` and `post` list them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder, trace: Trace) -> None:
        self._telegram = telegram
        self._trace = trace
        self._chats = chats
        self._faults = telegram.faults
        self.get: Routes = {"faults": Route(NoFields, self._list)}
        self.post: Routes = {
            "faults": Route(FaultBody, self._add),
            "faults/clear": Route(ClearBody, self._clear),
        }

    def _list(self, query: NoFields) -> Json:
        """Return the faults of the Bot API that are not used up, and the kinds there are."""
        kinds = [{"kind": name, "about": kind.about} for name, kind in KINDS.items()]
        return {"faults": [fault.json() for fault in self._faults.all()], "kinds": kinds}

    def _add(self, body: FaultBody) -> Json:
        """Make the next calls of a Bot API method fail; the trace shows each fault that was used."""
        fault = self._fault(body)
        self._faults.fail(fault)
        self._trace.add("fault", f"Fault set: {_summary(fault)}", detail={"fault": fault.json()})
        return {"fault": fault.json()}

    def _fault(self, body: FaultBody) -> Fault:
        given = self._filters(body) | body.model_dump(include=SHAPE, exclude_defaults=True)
        if not (400 <= (body.status or 0) <= 599 or (body.kind and body.status is None)):
            raise Refused("A fault needs a kind, or a status between 400 and 599.")
        if body.kind is None:
            return Fault(**given)
        try:
            return fault_of_kind(body.kind, **given)
        except KeyError:
            raise Refused(f"There is no fault named {body.kind}; there are {', '.join(KINDS)}.") from None

    def _filters(self, body: FaultBody) -> dict[str, Any]:
        method = body.method or "*"
        if method != "*" and method.lower() not in METHODS:
            raise Refused(f"The emulator has no method {method}.")
        if body.bot and body.bot not in self._telegram.state.bots:
            raise Refused(f"There is no bot named {body.bot}.")
        if method != "*":
            method = METHODS[method.lower()].name
        filters = {
            "method": method, "bot": body.bot or None, "text": body.text or None, "count": body.count,
        }  # fmt: skip
        chat_id = self._chats.user(body.user).id if body.user else body.chat_id
        return filters | ({} if chat_id is None else {"chat_id": chat_id})

    def _clear(self, body: ClearBody) -> Json:
        """Take faults back."""
        removed = self._faults.remove(body.id)
        return {"removed": removed, "faults": [fault.json() for fault in self._faults.all()]}


def _summary(fault: Fault) -> str:
    what = fault.kind or f"{fault.status} {fault.words()}"
    times = "every call" if fault.count is None else f"{fault.count}x"
    return f"{what} for {'any method' if fault.method == '*' else fault.method}, {times}"
