"""Faults of payment providers' APIs, and the actions on checkouts: a part of the emulator's HTTP API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tools.emulator.control.bodies import Refused, number, optional_number
from tools.emulator.payments import FakePaymentServer, Invoice, NotPossible, Payments
from tools.emulator.payments.actions import ACTIONS
from tools.emulator.payments.checkout import HINTS
from tools.emulator.payments.faults import KINDS, PaymentFault
from tools.emulator.switches import Switches
from tools.emulator.trace import Trace

Json = dict[str, Any]

MOST = 500
STATUSES = (429, *range(500, 600))


class PaymentFaultRoutes:
    """`get` and `post` list the routes."""

    def __init__(self, payments: Payments, switches: Switches, trace: Trace) -> None:
        self._payments = payments
        self._switches = switches
        self._trace = trace
        self.get: dict[str, Callable[[Json], Json]] = {
            "payment-faults": self._list,
            "checkouts": self._checkouts,
        }
        self.post: dict[str, Callable[[Json], Json]] = {
            "payment-faults": self._add,
            "payment-faults/clear": self._clear,
            "checkouts/act": self._act,
        }

    def _list(self, query: Json) -> Json:
        """Return the faults of payment APIs that are not used up, the kinds there are, and the providers."""
        faults = [fault.json(key) for key in self._payments for fault in self._payments[key].faults.all()]
        return {
            "providers": [{"key": key, "name": self._payments[key].NAME} for key in self._payments],
            "kinds": [
                {"name": name, "label": label, "about": about} for name, (label, about) in KINDS.items()
            ],
            "faults": sorted(faults, key=lambda one: int(one["id"])),
        }

    def _add(self, body: Json) -> Json:
        """Make the next calls of a provider's API fail.

        provider: its key, or "*" for every provider
        kind: error (if left out), timeout, reset or wrong_answer
        status: 429 or 500 to 599, for error; 503 if left out
        path: only calls whose path contains this
        count: how many calls fail, 1 if left out; null for all until it is cleared
        executed: true carries the call out all the same, as if only the answer were lost
        """
        kind = str(body.get("kind") or "error")
        if kind not in KINDS:
            raise Refused(f"There is no fault named {kind}; there are {', '.join(KINDS)}.")
        status = number(body.get("status", 503), "status")
        if status not in STATUSES:
            raise Refused("The status is 429, or between 500 and 599.")
        count = None if "count" in body and body["count"] is None else number(body.get("count", 1), "count")
        if count is not None and not 1 <= count <= 1000:
            raise Refused("count is between 1 and 1000, or null for all calls.")
        for one in self._chosen(str(body.get("provider") or "")):
            fault = PaymentFault(
                str(body.get("path") or ""), status, bool(body.get("executed")), count, kind=kind
            )
            one.faults.add(fault)
            self._trace.add("fault", f"{one.NAME}: {KINDS[kind][0]}", detail={"fault": fault.json(one.key)})
        self._switches.publish()
        return self._list({})

    def _clear(self, body: Json) -> Json:
        """Take faults back.

        id: this one
        provider: all of this provider; all of every provider if neither is given
        """
        wanted = optional_number(body, "id")
        for one in self._chosen(str(body.get("provider") or "*")):
            one.faults.remove(wanted)
        self._switches.publish()
        return self._list({})

    def _chosen(self, key: str) -> list[FakePaymentServer]:
        if key == "*":
            return [self._payments[one] for one in self._payments]
        if key not in list(self._payments):
            raise Refused(f"There is no payment provider {key}; there are {', '.join(self._payments)}.")
        return [self._payments[key]]

    def _checkouts(self, query: Json) -> Json:
        """Return the checkouts that were opened since the emulator was started, the newest first.

        provider, state: only of these
        limit: 50 if left out
        """
        limit = min(MOST, max(1, number(query.get("limit") or 50, "limit")))
        found = [
            (one, invoice)
            for one in self._chosen(str(query.get("provider") or "*"))
            for invoice in list(one.invoices.values())
            if query.get("state") in (None, "", invoice.state)
        ]
        found.sort(key=lambda pair: pair[1].created_at, reverse=True)
        return {"checkouts": [checkout_json(one, invoice) for one, invoice in found[:limit]]}

    def _act(self, body: Json) -> Json:
        """Press a button of a checkout page.

        provider: its key
        checkout: the checkout's id
        action: one of its actions, as GET /api/checkouts lists them
        """
        (one,) = self._chosen(str(body.get("provider") or ""))[:1]
        invoice = one.invoices.get(str(body.get("checkout")))
        if invoice is None:
            raise Refused("There is no such checkout any more.")
        try:
            one.act(invoice.id, str(body.get("action")))
        except NotPossible as reason:
            raise Refused(str(reason)) from None
        return {"checkout": checkout_json(one, invoice)}


def checkout_json(one: FakePaymentServer, invoice: Invoice) -> Json:
    """Return a checkout as the API shows it."""
    is_open = invoice.state in one.PAYABLE
    renews_at = None if is_open else one.due_at(invoice)
    return {
        "provider": one.key,
        "name": one.NAME,
        "id": invoice.id,
        "title": invoice.title,
        "amount": f"{invoice.amount:f}",
        "currency": invoice.currency,
        "state": invoice.state,
        "is_subscription": invoice.is_subscription,
        "url": one.checkout_url(invoice),
        "created_at": _iso(invoice.created_at),
        "expires_at": _iso(invoice.expires_at) if is_open else None,
        "renews_at": _iso(renews_at),
        "actions": [_action_json(one, invoice, action) for action in one.actions(invoice)],
        "deliveries": [callback.id for callback in (*invoice.prechecks, *invoice.callbacks)],
    }


def _action_json(one: FakePaymentServer, invoice: Invoice, action: str) -> Json:
    refusal = one.refusal(invoice, action)
    return {
        "name": action,
        "label": ACTIONS[action],
        "hint": HINTS.get(action, ""),
        "enabled": not refusal,
        "refusal": refusal,
    }


def _iso(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
