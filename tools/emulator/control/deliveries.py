"""Updates, callbacks and jobs with every attempt; sends them again, unchanged or edited."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from tools.emulator.control.bodies import Fields, OptionalNumber, Refused, load_json
from tools.emulator.control.explained import explain
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.journal import Attempt, Entry
from tools.emulator.payments import Callback, Payments
from tools.emulator.telegram import Telegram
from tools.emulator.telegram.delivery import SECRET_HEADER
from tools.emulator.telegram.model import Update
from tools.emulator.telegram.titles import title_of
from tools.emulator.trace import Trace

MOST = 500
SIGNED_ANEW = "(made anew for each attempt)"


class DeliveriesQuery(Fields):
    """Which deliveries."""

    kind: str = Field("", description="update, callback or job")
    bot: str = Field("", description="only of these")
    provider: str = Field("", description="only of these")
    chat_id: OptionalNumber = Field(None, description="only of these")
    errors: bool = Field(False, description="1 for those where something went wrong that should not")
    limit: OptionalNumber = Field(None, description="100 if left out")


class WaterfallsQuery(DeliveriesQuery):
    """Which waterfalls."""

    limit: OptionalNumber = Field(None, description="50 if left out")


class DeliveryFields(Fields):
    """A delivery, by the last part of the path."""

    id: str


class ResendBody(Fields):
    """What to send again, and how."""

    id: str = Field("", description="its trace id")
    body: Any = Field(None, description="a text or an object to send instead; as it was if left out")
    signature: Literal["genuine", "wrong", "none"] = Field(
        "genuine", description="genuine (if left out), wrong or none"
    )
    number: Literal["same", "next"] = Field(
        "same",
        description="next gives an edited update a new update_id, so that it is another update; "
        "same if left out",
    )


class Deliveries:
    """`get` and `post` list the routes."""

    def __init__(self, telegram: Telegram, payments: Payments, trace: Trace) -> None:
        self._telegram = telegram
        self._payments = payments
        self._trace = trace
        self._journal = trace.journal
        self.get: Routes = {
            "deliveries": Route(DeliveriesQuery, self._list),
            "deliveries/<id>": Route(DeliveryFields, self._one),
        }
        self.post: Routes = {"deliveries/resend": Route(ResendBody, self._resend)}

    def entries(self, query: DeliveriesQuery, newest: int) -> list[Entry]:
        """Return the entries that a query asks for, the newest first, `newest` where it has no limit."""
        filters = query.model_dump(include={"kind", "bot", "provider", "chat_id"})
        wanted = {name: value for name, value in filters.items() if value}
        limit = min(MOST, max(1, query.limit or newest))
        events = self._trace.grouped() if query.errors else {}
        found = (
            entry
            for entry in self._journal.entries()
            if all(getattr(entry, name) == value for name, value in wanted.items())
            and (not query.errors or self.shown(entry, events.get(entry.id, []))["is_error"])
        )
        return list(itertools.islice(found, limit))

    def entry(self, trace_id: str) -> Entry:
        """Return the entry of a trace id; raises Refused."""
        found = self._journal.get(trace_id)
        if found is None:
            raise Refused("There is no such delivery any more.")
        return found

    def shown(self, entry: Entry, events: list[Json]) -> Json:
        """Return an entry as the API shows it; `events` are those of its trace."""
        attempts = [
            one.json() | explain(entry, one, _lines(one, events), _refused_reply(one, events))
            for one in list(entry.attempts)
        ]
        is_error = any(one["outcome"] == "bad" for one in attempts) or entry.state in ("expired", "gave_up")
        return {
            "id": entry.id,
            "kind": entry.kind,
            "title": self._title(entry),
            "bot": entry.bot,
            "provider": entry.provider,
            "chat_id": entry.chat_id,
            "update_id": entry.update_id,
            "at": entry.began,
            "state": entry.state,
            "is_error": is_error,
            "recovered": is_error and _is_recovered(attempts),
            "next_at": entry.next_at if entry.state == "retrying" else None,
            "attempts": attempts,
        }

    def _list(self, query: DeliveriesQuery) -> Json:
        """Return updates, callbacks and jobs with every attempt and what each got, the newest first."""
        events = self._trace.grouped()
        return {"deliveries": [self.shown(one, events.get(one.id, [])) for one in self.entries(query, 100)]}

    def _one(self, query: DeliveryFields) -> Json:
        """Return one with the body to edit, and its headers."""
        entry = self.entry(query.id)
        body, headers = self._content(entry)
        shown = self.shown(entry, self._trace.of(entry.id))
        return shown | {"body": body, "headers": headers, "can_sign": bool(body)}

    def _content(self, entry: Entry) -> tuple[str, dict[str, str]]:
        if isinstance(entry.source, Update):
            shown = {"update_id": entry.update_id} | self._telegram.progress.shown_body(entry.source)
            headers = {"Content-Type": "application/json", SECRET_HEADER: SIGNED_ANEW}
            return json.dumps(shown, indent=2, ensure_ascii=False), headers
        if isinstance(entry.source, Callback):
            fake = self._payments[str(entry.provider)]
            headers = dict(entry.source.write(1)[0])
            headers |= {name: SIGNED_ANEW for name in fake.SIGNATURES if name in headers}
            return fake.editable(entry.source), headers
        return "", {}

    def _resend(self, body: ResendBody) -> Json:
        """Send an update or a callback again, at once and once; the answer is what this attempt got."""
        entry, given, signature = self.entry(body.id), body.body, body.signature
        text = None if given is None else given if isinstance(given, str) else json.dumps(given)
        if isinstance(entry.source, Update):
            entry, attempt = self._resend_update(entry, text, signature, body.number == "next")
        elif isinstance(entry.source, Callback):
            attempt = self._resend_callback(entry, text, signature)
        else:
            raise Refused("A job is run again with its own button.")
        attempts = self.shown(entry, self._trace.of(entry.id))["attempts"]
        return {"id": entry.id, "attempt": next(one for one in attempts if one["key"] == attempt.key)}

    def _resend_update(
        self, entry: Entry, text: str | None, signature: str, is_new: bool
    ) -> tuple[Entry, Attempt]:
        telegram, update = self._telegram, entry.source
        bot = telegram.bot(update.bot)
        if text is None:
            text = json.dumps(update.body | {"update_id": update.update_id}, ensure_ascii=False)
            note = "resent"
        else:
            note = "edited"
        if is_new:
            text, update = self._numbered(text, update)
            telegram.progress.record(update)
        secret = {"genuine": None, "wrong": "A" * max(16, len(bot.webhook.secret)), "none": ""}[signature]
        _, attempt = telegram.delivery.resend(bot, update, text.encode("utf-8", "replace"), secret, note)
        found = self._journal.get(update.trace_id)
        if is_new and found is not None:
            is_good = attempt.status is not None and 200 <= attempt.status < 300
            self._journal.change(update.trace_id, state="delivered" if is_good else "refused")
        return found or entry, attempt

    def _numbered(self, text: str, update: Update) -> tuple[str, Update]:
        """Return the body with the bot's next update_id, and the update that it is."""
        try:
            body = load_json(text)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused("Only a JSON object can be given a new update_id.")
        bot = self._telegram.bot(update.bot)
        with self._telegram.state.lock:
            fresh, bot.next_update_id = bot.next_update_id, bot.next_update_id + 1
        content = {name: value for name, value in body.items() if name != "update_id"}
        made = Update(
            update.bot,
            fresh,
            next(iter(content), "update"),
            content,
            update.queue,
            update.expires_at,
            chat_id=update.chat_id,
        )
        return json.dumps(content | {"update_id": fresh}, ensure_ascii=False), made

    def _resend_callback(self, entry: Entry, text: str | None, signature: str) -> Attempt:
        fake = self._payments[str(entry.provider)]
        callback: Callback = entry.source
        note = "resent" if text is None else "edited"
        if text is not None or signature != "genuine":
            try:
                callback = fake.rewrite(
                    callback,
                    fake.editable(callback) if text is None else text,
                    is_genuine=signature == "genuine",
                )
            except ValueError:
                raise Refused(f"{fake.NAME} sends fields: the body must be a JSON object.") from None
        without = fake.SIGNATURES if signature == "none" else ()
        return fake.callbacks.resend(replace(callback, id=entry.id), note, without)

    def _title(self, entry: Entry) -> str:
        # Computed each time, because the text of a message deleted meanwhile must not be shown.
        if isinstance(entry.source, Update):
            return title_of(self._telegram.progress.shown_body(entry.source))
        return entry.title


def _refused_reply(attempt: Attempt, events: list[Json]) -> str:
    """Return Telegram's refusal of the method in an attempt's response, empty without one."""
    mine = (one["detail"] for one in events if one["kind"] == "reply" and one["attempt"] == attempt.key)
    return next((str(detail["error"]) for detail in mine if detail.get("error")), "")


def _is_recovered(attempts: list[Json]) -> bool:
    """Return whether the sender's own last finished attempt succeeded."""
    own = [one for one in attempts if not one["note"] and one["status"] is not None]
    return bool(own) and own[-1]["outcome"] == "good"


def _lines(attempt: Attempt, events: list[Json]) -> list[Json]:
    """Return what the functions logged of an attempt, beyond its calls."""
    return [
        one["detail"]
        for one in events
        if one["attempt"] == attempt.key and one["kind"] == "log" and isinstance(one["detail"], dict)
    ]
