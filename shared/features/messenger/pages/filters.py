"""Which conversations the list shows, as the address says it; every link of the pages keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from shared.core.json_types import JsonObject

if TYPE_CHECKING:
    from shared.web.visit import Visit

VIEWS: Final[dict[str, JsonObject]] = {
    "open": {},
    "unread": {"unread": True},
    "mine": {"assignee": "mine"},
    "unassigned": {"assignee": "none"},
    "waiting": {"waiting": True, "sort": "waiting"},
    "snoozed": {"status": "snoozed"},
    "closed": {"status": "closed"},
    "all": {"status": "all"},
}
# Bands of the score that says how ready a user is to buy.
BANDS: Final = {"exploring": (0, 30), "interested": (31, 60), "serious": (61, 85), "ready": (86, 100)}
_LONGEST = 100
_FIRST = "open"


class Filters(NamedTuple):
    """What the list shows.

    Attributes:
        view: key of VIEWS.
        query: what is searched for.
        label: id of a label, empty for all.
        bot: its name, empty for all.
        ready: key of BANDS, empty for all.
    """

    view: str = _FIRST
    query: str = ""
    label: str = ""
    bot: str = ""
    ready: str = ""

    def as_query(self, **changed: str) -> dict[str, str]:
        """Return the part of an address that says this; `changed` replaces some of it."""
        values = {
            "view": "" if self.view == _FIRST else self.view,
            "q": self.query,
            "label": self.label,
            "bot": self.bot,
            "ready": self.ready,
            **changed,
        }
        return {name: value for name, value in values.items() if value}

    def as_json(self) -> JsonObject:
        """Return this as public.find_conversations takes it."""
        found = dict(VIEWS[self.view])
        if self.label:
            found["label"] = int(self.label)
        if self.bot:
            found["bot"] = self.bot
        if self.ready:
            found["ready"] = list(BANDS[self.ready])
        return found

    @property
    def is_narrow(self) -> bool:
        """Whether it shows less than the view."""
        return bool(self.label or self.bot or self.ready)


def read(visit: Visit) -> Filters:
    """Return what the address of a request asks for; what it does not know is left out."""
    asked = visit.request.args
    view, ready = asked.get("view", _FIRST), asked.get("ready", "")
    return Filters(
        view=view if view in VIEWS else _FIRST,
        query=" ".join(asked.get("q", "").replace("\0", "").split())[:_LONGEST],
        label=str(visit.number("label") or ""),
        bot=asked.get("bot", "").replace("\0", "")[:64],
        ready=ready if ready in BANDS else "",
    )
