"""Faults of payment providers' APIs, and the actions on checkouts: a part of the emulator's HTTP API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from tools.emulator.control.bodies import Fields, NoFields, OptionalNumber, Refused
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.payments import FakePaymentServer, Invoice, NotPossible, Payments
from tools.emulator.payments.actions import ACTIONS
from tools.emulator.payments.checkout import HINTS
from tools.emulator.payments.faults import KINDS, PaymentFault
from tools.emulator.switches import Switches
from tools.emulator.trace import Trace

MOST = 500
STATUSES = (429, *range(500, 600))


def _status(status: int) -> int:
    if status not in STATUSES:
        raise ValueError("The status is 429, or between 500 and 599")
    return status


def _count(count: int) -> int:
    if not 1 <= count <= 1000:
        raise ValueError("count is between 1 and 1000, or null for all calls")
    return count


class PaymentFaultBody(Fields):
    """A fault of payment APIs."""

    NULLABLE: ClassVar[frozenset[str]] = frozenset({"count"})

    provider: str = Field("", description='its key, or "*" for every provider')
    kind: str = Field("error", description="error (if left out), timeout, reset or wrong_answer")
    status: Annotated[int, AfterValidator(_status)] = Field(
        503, description="429 or 500 to 599, for error; 503 if left out"
    )
    path: str = Field("", description="only calls whose path contains this")
    count: Annotated[int, AfterValidator(_count)] | None = Field(
        1, description="how many calls fail, 1 if left out; null for all until it is cleared"
    )
    executed: bool = Field(
        False, description="true carries the call out all the same, as if only the answer were lost"
    )


class ClearBody(Fields):
    """Which faults to take back."""

    id: OptionalNumber = Field(None, description="this one")
    provider: str = Field("*", description="all of this provider; all of every provider if neither is given")


class CheckoutsQuery(Fields):
    """Which checkouts."""

    provider: str = Field("*", description="only of these")
    state: str = Field("", description="only of these")
    limit: int = Field(50, description="50 if left out")


class ActBody(Fields):
    """A button of a checkout page."""

    provider: str = Field("", description="its key")
    checkout: str = Field("", description="the checkout's id")
    action: str = Field("", description="one of its actions, as GET /api/checkouts lists them")


class PaymentFaultRoutes:
    """`get` and `post` list the routes."""

    def __init__(self, payments: Payments, switches: Switches, trace: Trace) -> None:
        self._payments = payments
        self._switches = switches
        self._trace = trace
        self.get: Routes = {
            "payment-faults": Route(NoFields, self._list),
            "checkouts": Route(CheckoutsQuery, self._checkouts),
        }
        self.post: Routes = {
            "payment-faults": Route(PaymentFaultBody, self._add),
            "payment-faults/clear": Route(ClearBody, self._clear),
            "checkouts/act": Route(ActBody, self._act),
        }

    def _list(self, query: NoFields) -> Json:
        """Return the faults of payment APIs that are not used up, the kinds there are, and the providers."""
        return self._faults()

    def _faults(self) -> Json:
        faults = [fault.json(key) for key in self._payments for fault in self._payments[key].faults.all()]
        return {
            "providers": [{"key": key, "name": self._payments[key].NAME} for key in self._payments],
            "kinds": [
                {"name": name, "label": label, "about": about} for name, (label, about) in KINDS.items()
            ],
            "faults": sorted(faults, key=lambda one: int(one["id"])),
        }

    def _add(self, body: PaymentFaultBody) -> Json:
        """Make the next calls of a provider's API fail."""
        kind = body.kind
        if kind not in KINDS:
            raise Refused(f"There is no fault named {kind}; there are {', '.join(KINDS)}.")
        for one in self._chosen(body.provider):
            fault = PaymentFault(body.path, body.status, body.executed, body.count, kind=kind)
            one.faults.add(fault)
            self._trace.add("fault", f"{one.NAME}: {KINDS[kind][0]}", detail={"fault": fault.json(one.key)})
        self._switches.publish()
        return self._faults()

    def _clear(self, body: ClearBody) -> Json:
        """Take faults back."""
        for one in self._chosen(body.provider):
            one.faults.remove(body.id)
        self._switches.publish()
        return self._faults()

    def _chosen(self, key: str) -> list[FakePaymentServer]:
        if key == "*":
            return [self._payments[one] for one in self._payments]
        if key not in list(self._payments):
            raise Refused(f"There is no payment provider {key}; there are {', '.join(self._payments)}.")
        return [self._payments[key]]

    def _checkouts(self, query: CheckoutsQuery) -> Json:
        """Return the checkouts that were opened since the emulator was started, the newest first."""
        limit = min(MOST, max(1, query.limit))
        found = [
            (one, invoice)
            for one in self._chosen(query.provider)
            for invoice in list(one.invoices.values())
            if query.state in ("", invoice.state)
        ]
        found.sort(key=lambda pair: pair[1].created_at, reverse=True)
        return {"checkouts": [checkout_json(one, invoice) for one, invoice in found[:limit]]}

    def _act(self, body: ActBody) -> Json:
        """Press a button of a checkout page."""
        one = self._chosen(body.provider)[0]
        invoice = one.invoices.get(body.checkout)
        if invoice is None:
            raise Refused("There is no such checkout any more.")
        try:
            one.act(invoice.id, body.action)
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
