"""YooKassa: payments confirmed on its page, refunds, receipts, saved methods. Notifications are unsigned."""

from __future__ import annotations

import base64
import copy
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tools.emulator.payments.actions import CHALLENGES
from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice, NotPossible
from tools.emulator.payments.yookassa_rules import Invalid, check_payment, check_refund, money
from tools.emulator.telegram import RawResponse
from tools.emulator.web import Request, Response, json_response

Json = dict[str, Any]
KEY_SECONDS = 86400.0  # how long an idempotence key is remembered


class Unsure(Exception):
    """The payment is made, but the response is lost."""


class FakeServer(FakePaymentServer):
    """One test shop."""

    NAME = "ЮKassa"
    LANGUAGE = "ru"
    COLOUR = "#0a5fd6"
    ADDRESS = "185.71.76.5"
    PAUSES = (10, 42, 84, 168, 672, 5376, 86016)
    ACTIONS = (
        "pay",
        "decline",
        "pay_later",
        "wrong_amount",
        "deliver_twice",
        "forge",
        "expire",
        *CHALLENGES,
        "refund",
    )
    SHOP_ID = "100500"
    SECRET_KEY = "test_emulator-yookassa"  # noqa: S105  of no real shop

    def forget(self) -> None:
        """Begin again without invoices, refunds and saved methods."""
        super().forget()
        self.refunds: dict[str, Json] = {}
        self.empty_methods: set[str] = set()  # saved methods without money
        self.removed_methods: set[str] = set()  # saved methods that the payer revoked
        self.unsure = 0  # charges of a saved method that are executed and answered with 500
        self._answers: dict[str, tuple[float, tuple[str, bytes], Json]] = {}

    def environment(self, url: str) -> dict[str, str]:
        """Return the shop's number, key and address."""
        return {
            "YOOKASSA_SHOP_ID": self.SHOP_ID,
            "YOOKASSA_SECRET_KEY": self.SECRET_KEY,
            "YOOKASSA_API_URL": url,
        }

    def is_accepted(self, response: RawResponse) -> bool:
        """Take 200 alone for an answer."""
        return response.status == 200

    def actions(self, invoice: Invoice) -> tuple[str, ...]:
        """Return the buttons; a saved method is charged by the shop, but can run empty or be removed."""
        is_saved = invoice.object.get("payment_method", {}).get("saved")
        return self.ACTIONS + (("fail_renewal", "mend_renewal", "remove_method") if is_saved else ())

    def refusal(self, invoice: Invoice, action: str) -> str:
        """Return why a saved card can't be emptied, filled or removed; else as everywhere."""
        method = invoice.object["payment_method"]["id"]
        is_removed, is_empty = method in self.removed_methods, method in self.empty_methods
        if action in ("fail_renewal", "mend_renewal", "remove_method") and is_removed:
            return "The permission to charge the saved card is revoked."
        if action == "fail_renewal" and is_empty:
            return "The saved card has no money already."
        if action == "mend_renewal" and not is_empty:
            return "The saved card has money."
        return "" if action in ("fail_renewal", "mend_renewal") else super().refusal(invoice, action)

    # The payer and the dashboard.

    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """Confirm the payment."""
        self._succeed(invoice, amount)
        return [self._notification("payment.succeeded", invoice.object)]

    def pay_later(self, invoice: Invoice) -> list[Callback]:
        """Pay; the notification of the earlier state comes after that of the last one."""
        before = copy.deepcopy(invoice.object) | {"status": "waiting_for_capture", "paid": True}
        return [*self.pay(invoice, invoice.amount), self._notification("payment.waiting_for_capture", before)]

    def decline(self, invoice: Invoice) -> list[Callback]:
        """Try a card without money on it."""
        invoice.state = "declined"
        return self._cancel(invoice, "payment_network", "insufficient_funds")

    def fail_challenge(self, invoice: Invoice) -> list[Callback]:
        """Do not pass the bank's page."""
        invoice.state = "declined"
        return self._cancel(invoice, "payment_network", "3d_secure_failed")

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Let the time to confirm run out."""
        invoice.state = "canceled"
        return self._cancel(invoice, "yoo_money", "expired_on_confirmation")

    def refund(self, invoice: Invoice) -> list[Callback]:
        """Give back what is left."""
        left = Decimal(invoice.object["amount"]["value"]) - Decimal(
            invoice.object["refunded_amount"]["value"]
        )
        return self._give_back(invoice, left)[1]

    def fail_renewal(self, invoice: Invoice) -> list[Callback]:
        """Let the saved card have no money when it is charged next."""
        self.empty_methods.add(invoice.object["payment_method"]["id"])
        return []

    def mend_renewal(self, invoice: Invoice) -> list[Callback]:
        """Put money on the saved card again."""
        self.empty_methods.discard(invoice.object["payment_method"]["id"])
        return []

    def remove_method(self, invoice: Invoice) -> list[Callback]:
        """Let the payer take the permission back; the shop hears of it when it charges next."""
        self.removed_methods.add(invoice.object["payment_method"]["id"])
        return []

    def forge(self, invoice: Invoice) -> list[Callback]:
        """Say it is paid: from a stranger's address, and as if from YooKassa's."""
        claim = copy.deepcopy(invoice.object) | {"status": "succeeded", "paid": True}
        return [
            self._notification("payment.succeeded", claim, address="203.0.113.66", is_forged=True),
            self._notification("payment.succeeded", claim, is_forged=True),
        ]

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Send an edited notification from its own address, or from a stranger's: nothing is signed."""
        body, address = text.encode(), self.ADDRESS if is_genuine else "203.0.113.66"
        headers = {"Content-Type": "application/json"}
        return replace(callback, write=lambda _attempt: (headers, body), address=address)

    # The API.

    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the API."""
        given = base64.b64encode(f"{self.SHOP_ID}:{self.SECRET_KEY}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {given}":
            return _error(401, "invalid_credentials", "Basic authentication failed.")
        with self.lock:
            try:
                return json_response(
                    self._post(request, path) if request.method == "POST" else self._get(request, path)
                )
            except Invalid as error:
                return _error(400, "invalid_request", str(error), error.parameter)
            except NotPossible as error:
                return _error(400, "invalid_request", str(error))
            except Unsure:
                return _error(500, "internal_server_error", "Internal server error.")
            except KeyError:
                return _error(404, "not_found", "Object not found.")

    def _get(self, request: Request, path: str) -> Json:
        number = path.rpartition("/")[2]
        if path == "/v3/refunds":
            return self._list(list(self.refunds.values()), request.arguments())
        if path == "/v3/payments":
            return self._list([invoice.object for invoice in self.invoices.values()], request.arguments())
        if path == f"/v3/payments/{number}":
            return self.invoices[number].object
        if path == f"/v3/refunds/{number}":
            return self.refunds[number]
        raise KeyError(path)

    def _list(self, known: list[Json], asked: dict[str, str]) -> Json:
        """Return a page of payments or refunds, the newest first."""
        newest = sorted(known, key=lambda one: str(one["created_at"]), reverse=True)
        found = [one for one in newest if _is_asked_for(one, asked)]
        limit, begin = min(int(asked.get("limit", "10")), self.page_size), int(asked.get("cursor", "0"))
        page: Json = {"type": "list", "items": copy.deepcopy(found[begin : begin + limit])}
        return page | ({"next_cursor": str(begin + limit)} if len(found) > begin + limit else {})

    def _post(self, request: Request, path: str) -> Json:
        key = request.headers.get("idempotence-key", "")
        if not 1 <= len(key) <= 64:
            raise Invalid("Idempotence key is missing or too long", "Idempotence-Key")
        same = (path, request.body)
        if key in self._answers and self._answers[key][0] > self.clock.now() - KEY_SECONDS:
            _, first, answer = self._answers[key]
            if first != same:
                raise Invalid("Idempotence key duplicated", "Idempotence-Key")
            return answer
        try:
            body = request.json()
        except ValueError:
            raise Invalid("The body is no JSON", "") from None
        made = {"/v3/payments": self._make_payment, "/v3/refunds": self._make_refund}[path](body)
        self._answers[key] = (self.clock.now(), same, made)
        if self.unsure and "payment_method_id" in body:
            self.unsure -= 1
            raise Unsure
        return made

    def _make_payment(self, body: Json) -> Json:
        check_payment(body)
        number = _new_id()
        invoice = Invoice(
            number, Decimal(body["amount"]["value"]), body["amount"]["currency"], body.get("description", "")
        )
        payment = invoice.object = {
            "id": number,
            "status": "pending",
            "paid": False,
            "amount": body["amount"],
            "created_at": self._now(),
            "description": body.get("description"),
            "metadata": body.get("metadata", {}),
            "recipient": {"account_id": self.SHOP_ID, "gateway_id": "100700"},
            "refundable": False,
            "test": True,
            "payment_method": {"type": "bank_card", "id": number, "saved": False},
        }
        self.keep(invoice)
        if "payment_method_id" in body:
            self._charge_saved(invoice, body["payment_method_id"])
        else:
            invoice.return_url = body["confirmation"]["return_url"]
            payment["confirmation"] = {"type": "redirect", "confirmation_url": self.checkout_url(invoice)}
            invoice.object["save_payment_method"] = bool(body.get("save_payment_method"))
        return copy.deepcopy(payment)

    def _charge_saved(self, invoice: Invoice, method: str) -> None:
        saved = any(
            one.object["payment_method"] | {"saved": True} == one.object["payment_method"]
            for one in self.invoices.values()
            if one.object["payment_method"]["id"] == method
        )
        if not saved:
            raise Invalid("Payment method is not saved", "payment_method_id")
        invoice.object["payment_method"] = {"type": "bank_card", "id": method, "saved": True}
        if method in self.removed_methods:
            invoice.state = "canceled"
            self.send(invoice, self._cancel(invoice, "yoo_money", "permission_revoked"))
            return
        if method in self.empty_methods:
            self.send(invoice, self.decline(invoice))
            return
        self.send(invoice, self.pay(invoice, invoice.amount))

    def _make_refund(self, body: Json) -> Json:
        check_refund(body)
        invoice = self.invoices[body["payment_id"]]
        payment, amount = invoice.object, Decimal(body["amount"]["value"])
        if payment["status"] != "succeeded" or body["amount"]["currency"] != payment["amount"]["currency"]:
            raise Invalid("Payment is not refundable", "payment_id")
        if amount > Decimal(payment["amount"]["value"]) - Decimal(payment["refunded_amount"]["value"]):
            raise Invalid("Refund amount is more than is left of the payment", "amount.value")
        refund, callbacks = self._give_back(invoice, amount)
        self.send(invoice, callbacks)
        return copy.deepcopy(refund)

    def _succeed(self, invoice: Invoice, amount: Decimal) -> None:
        invoice.state = "paid"
        asked = invoice.object.pop("save_payment_method", False)
        invoice.object.pop("confirmation", None)
        method = invoice.object["payment_method"]
        invoice.object |= {
            "status": "succeeded",
            "paid": True,
            "refundable": True,
            "captured_at": self._now(),
            "amount": money(amount, invoice.currency),
            "income_amount": money(amount * Decimal("0.965"), invoice.currency),
            "refunded_amount": money(Decimal(0), invoice.currency),
            "payment_method": method | {"saved": asked or method["saved"], "title": "Bank card *4242"},
        }

    def _cancel(self, invoice: Invoice, party: str, reason: str) -> list[Callback]:
        invoice.object.pop("confirmation", None)
        invoice.object |= {"status": "canceled", "cancellation_details": {"party": party, "reason": reason}}
        return [self._notification("payment.canceled", invoice.object)]

    def _give_back(self, invoice: Invoice, amount: Decimal) -> tuple[Json, list[Callback]]:
        refund: Json = {
            "id": _new_id(),
            "payment_id": invoice.id,
            "status": "succeeded",
            "created_at": self._now(),
            "amount": money(amount, invoice.currency),
        }
        self.refunds[refund["id"]] = refund
        done = Decimal(invoice.object["refunded_amount"]["value"]) + amount
        invoice.object["refunded_amount"] = money(done, invoice.currency)
        if done == Decimal(invoice.object["amount"]["value"]):
            invoice.state = "refunded"
        return refund, [self._notification("refund.succeeded", refund)]

    def _now(self) -> str:
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _notification(
        self, kind: str, found: Json, *, address: str = ADDRESS, is_forged: bool = False
    ) -> Callback:
        shown = {name: value for name, value in found.items() if name != "save_payment_method"}
        body = json.dumps(
            {"type": "notification", "event": kind, "object": shown}, ensure_ascii=False
        ).encode()
        headers = {"Content-Type": "application/json"}
        return Callback(kind, lambda attempt: (headers, body), address=address, is_forged=is_forged)


def _is_asked_for(found: Json, asked: dict[str, str]) -> bool:
    for name in ("status", "payment_id"):
        if name in asked and found.get(name) != asked[name]:
            return False
    for name in ("created_at", "captured_at"):
        moment = str(found.get(name, ""))  # one format, so text order is time order
        first, end = asked.get(f"{name}.gte"), asked.get(f"{name}.lt")
        if (first and moment < first) or (end and not moment < end):
            return False
    return True


def _new_id() -> str:
    return f"{secrets.token_hex(4)}-000f-5000-{secrets.token_hex(2)}-{secrets.token_hex(6)}"


def _error(status: int, code: str, description: str, parameter: str = "") -> Response:
    error = {"type": "error", "id": _new_id(), "code": code, "description": description}
    return json_response(error | ({"parameter": parameter} if parameter else {}), status)
