"""One shop's page at Prodamus: its subscribers and its notifications."""

from __future__ import annotations

import hmac
import itertools
import json
import secrets
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar

from shared.payments.providers.prodamus import php_forms
from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice

Json = dict[str, Any]

MOSCOW = timezone(timedelta(hours=3))


class Account(FakePaymentServer):
    """What the page and the payer's side have in common.

    `is_live` False signs as Prodamus does once it has switched the page off. `sends_profiles` False writes
    notifications as older pages do, which identify a subscriber by phone instead of a profile id.
    """

    # Subscriptions as made in the dashboard: name, price, days.
    PLANS: ClassVar[dict[str, tuple[str, Decimal, int]]] = {
        "590001": ("Подписка на месяц", Decimal("499.00"), 30),
        "590002": ("Подписка на год", Decimal("4990.00"), 365),
    }

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.secret = "emulator-prodamus"  # noqa: S105  good for nothing else
        self.is_live = True
        self.sends_profiles = True
        self._numbers = itertools.count(int(time.time() * 10) % 10**9 + 10**7)

    def subscriber(self, subscription: str, payer: str) -> Invoice | None:
        """Return the invoice of a subscription by the profile id or phone of its payer."""
        for invoice in self.invoices.values():
            plan = invoice.object.get("plan")
            if plan and plan["id"] == subscription and payer in (plan["profile_id"], plan["phone"]):
                return invoice
        return None

    def set_activity(self, invoice: Invoice, status: Json) -> None:
        """Stop or resume a subscription, for the payer or the shop, and send the notification."""
        with self.lock:
            invoice.object["plan"] |= status
        is_active = "0" not in status.values()
        about = {"action_code": "reactivation", "action_reason": "reactivated"}
        if not is_active:
            about = {"action_code": "deactivation", "action_reason": "deactivated"}
        self.send(invoice, [self._about_plan(invoice, about)])

    def _plan(self, invoice: Invoice) -> Json:
        plan = invoice.object["plan"]
        is_active = plan["active_user"] == plan["active_manager"] == "1" and not plan["finished"]
        return {
            "id": plan["id"],
            **({"profile_id": plan["profile_id"]} if self.sends_profiles else {}),
            "active": str(int(is_active)),
            "active_manager": plan["active_manager"],
            "active_user": plan["active_user"],
            "cost": format(invoice.amount, ".2f"),
            "name": invoice.title,
            "limit_autopayments": "",
            "autopayments_num": str(plan["payments"] - 1),
            "first_payment_discount": "0.00",
            "date_first_payment": _second(plan["begin"]),
            "date_next_payment": "" if plan["finished"] else _second(plan["next"]),
            "current_attempt": str(plan["attempt"] or 1),
            "payment_num": str(plan["payments"]),
        }

    def _about_plan(self, invoice: Invoice, about: Json) -> Callback:
        fields = self._payment(invoice, invoice.amount) | {"order_id": "0"}
        fields["subscription"] = self._plan(invoice) | {"type": "action", "date": day(self._now())} | about
        title = about.get("action_code") or about["notification_code"]
        return self._callback(str(title), fields)

    def _payment(self, invoice: Invoice, amount: Decimal, status: str = "", words: str = "") -> Json:
        theirs = invoice.object.setdefault("number", str(next(self._numbers)))
        fields: Json = {
            "date": self._now().isoformat(timespec="seconds"),
            "order_id": theirs,
            "order_num": str(invoice.object.get("order_id", "")),
            "domain": "emulator.payform.ru",
            "sum": format(amount, ".2f"),
            "currency": invoice.currency.lower(),
            "customer_phone": str(invoice.object.get("customer_phone") or "+79990000000"),
            "customer_email": str(invoice.object.get("customer_email", "")),
            "customer_extra": str(invoice.object.get("customer_extra", "")),
            "payment_type": "Оплата картой, выпущенной в РФ / МИР",
            "commission": "3.5",
            "commission_sum": format(amount * Decimal("0.035"), ".2f"),
            "sys": str(invoice.object.get("sys", "")),
        }
        if status:
            price = format(amount, ".2f")
            product = {"name": invoice.title, "price": price, "quantity": "1", "sum": price}
            fields |= {"products": {0: product}, "payment_status": status, "payment_init": "manual"}
            fields["payment_status_description"] = words
        return fields

    def _callback(self, title: str, fields: Json, *, is_forged: bool = False) -> Callback:
        """Make a notification. Each attempt contains its number, so each has its own signature."""

        def write(attempt: int) -> tuple[dict[str, str], bytes]:
            about = fields | {"attempt": str(attempt)}
            key = "guessed" if is_forged else self.secret if self.is_live else f"{self.secret}demo"
            boundary = f"------------------------{secrets.token_hex(8)}"
            headers = {
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Sign": self.sign(about, key),
            }
            return headers, _multipart(about, boundary)

        return Callback(title, write, is_forged=is_forged)

    def _now(self) -> datetime:
        return self.clock.moment().astimezone(MOSCOW)

    def editable(self, callback: Callback) -> str:
        """Return the fields of a notification; each attempt adds its own number."""
        headers, body = callback.write(1)
        fields = php_forms.nested(php_forms.fields(headers["Content-Type"], body))
        return json.dumps(fields, indent=2, ensure_ascii=False)

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Sign edited fields."""
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError("the fields are an object")
        made = self._callback(callback.title, _numbered(fields), is_forged=not is_genuine)
        return replace(made, id=callback.id)

    def sign(self, fields: Json, key: str) -> str:
        """Sign what PHP has of a form."""
        return hmac.new(key.encode(), php_forms.canonical(fields), "sha256").hexdigest()


def _multipart(fields: Json, boundary: str) -> bytes:
    parts = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in php_forms.pairs(fields)
    )
    return f"{parts}--{boundary}--\r\n".encode()


def _numbered(fields: Any) -> Any:
    """Give a PHP list its numbers back: JSON has names alone."""
    if not isinstance(fields, dict):
        return str(fields)
    return {int(name) if name.isdecimal() else name: _numbered(value) for name, value in fields.items()}


def day(moment: datetime) -> str:
    """Write a moment as Prodamus does in its notifications, to the minute."""
    return moment.strftime("%Y-%m-%d %H:%M")


def _second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
