"""What a payer does at Prodamus, and what the shop hears of it."""

from __future__ import annotations

import hmac
import itertools
import json
import secrets
import time
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from shared.payments.providers.prodamus import php_forms
from tools.emulator.payments.callbacks import MINUTE, Callback
from tools.emulator.payments.fake_server import CHALLENGES, FakePaymentServer, Invoice, NotPossible
from tools.emulator.payments.prodamus.page import MOSCOW, Page
from tools.emulator.telegram import RawResponse
from tools.emulator.web import Request, Response

Json = dict[str, Any]

HOUR = 60 * MINUTE
ATTEMPTS = 3  # to charge the next period
_THRICE = (MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR)


class FakeServer(FakePaymentServer):
    """A shop's page. `is_live` off signs as Prodamus does when it has switched the page off, `tells_profiles`
    off writes notices as the older ones are: of a subscriber they have a phone and no number.
    """

    NAME = "Prodamus"
    LANGUAGE = "ru"
    COLOUR = "#c2500a"
    ACTIONS = (*FakePaymentServer.ACTIONS, "expire", *CHALLENGES)
    SIGNATURES = ("Sign",)
    PAUSES = (
        *(pause for pause in _THRICE for _ in range(3)),
        12 * HOUR,
        24 * HOUR,
    )
    # Subscriptions as they are made in the cabinet: name, price, days.
    PLANS: ClassVar[dict[str, tuple[str, Decimal, int]]] = {
        "590001": ("Подписка на месяц", Decimal("499.00"), 30),
        "590002": ("Подписка на год", Decimal("4990.00"), 365),
    }

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.secret = "emulator-prodamus"  # noqa: S105  good for nothing else
        self.is_live = True
        self.tells_profiles = True
        self._numbers = itertools.count(int(time.time() * 10) % 10**9 + 10**7)
        self._page = Page(self)

    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point a function here."""
        month, year = self.PLANS
        return {
            "PRODAMUS_URL": url,
            "PRODAMUS_SECRET_KEY": self.secret,
            "PRODAMUS_SYS": "switchboard",
            "PRODAMUS_SUBSCRIPTION_MONTH": month,
            "PRODAMUS_SUBSCRIPTION_YEAR": year,
        }

    def is_accepted(self, response: RawResponse) -> bool:
        """Exactly 200 is success, whatever is in it."""
        return response.status == 200

    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the shop's."""
        return self._page.handle(request, path)

    def subscriber(self, subscription: str, payer: str) -> Invoice | None:
        """Return the invoice with which somebody, by profile or phone, has subscribed."""
        for invoice in self.invoices.values():
            plan = invoice.object.get("plan")
            if plan and plan["id"] == subscription and payer in (plan["profile_id"], plan["phone"]):
                return invoice
        return None

    def set_activity(self, invoice: Invoice, status: Json) -> None:
        """Let the payer or the shop stop or resume a subscription, and tell of it."""
        with self.lock:
            invoice.object["plan"] |= status
        is_active = "0" not in status.values()
        told = {"action_code": "reactivation", "action_reason": "reactivated"}
        if not is_active:
            told = {"action_code": "deactivation", "action_reason": "deactivated"}
        self.send(invoice, [self._about_plan(invoice, told)])

    # What the payer does.

    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """Pay; the first payment of a subscription tells of it too."""
        invoice.state = "paid"
        if invoice.is_subscription:
            self._begin(invoice)
        fields = self._payment(invoice, amount, "success", "Успешная оплата")
        if invoice.is_subscription:
            fields["subscription"] = self._plan(invoice) | {"autopayment": "0"}
        return [self._callback("success", fields)]

    def decline(self, invoice: Invoice) -> list[Callback]:
        """Ask for an instalment and be refused; a card that is refused is not told."""
        invoice.state = "declined"
        return [
            self._callback(
                "order_denied", self._payment(invoice, invoice.amount, "order_denied", "Отказ банка")
            )
        ]

    def fail_challenge(self, invoice: Invoice) -> list[Callback]:
        """Do not pass the bank's page; a card that is refused is not told."""
        return []

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Let the link run out, of which nothing is told."""
        invoice.state = "canceled"
        return []

    def pay_later(self, invoice: Invoice) -> list[Callback]:
        """Give it up first and pay then; the second is told before the first."""
        canceled = self._payment(invoice, invoice.amount, "order_canceled", "Заявка отменена покупателем")
        return [*self.pay(invoice, invoice.amount), self._callback("order_canceled", canceled)]

    def forge(self, invoice: Invoice) -> list[Callback]:
        """Say that it is paid, with a signature of one's own."""
        fields = self._payment(invoice, invoice.amount, "success", "Успешная оплата")
        return [self._callback("success", fields, is_forged=True)]

    def refund(self, invoice: Invoice) -> list[Callback]:
        """Give it back in the cabinet: nobody hears of it."""
        invoice.state = "refunded"
        return []

    def renew(self, invoice: Invoice) -> list[Callback]:
        """Charge the next period: another order of theirs, without a number of the shop's."""
        plan = self._running(invoice)
        plan["payments"] += 1
        plan["attempt"] = 0
        plan["next"] += timedelta(days=self.PLANS[plan["id"]][2])
        fields = self._payment(invoice, invoice.amount) | {
            "order_id": str(next(self._numbers)),
            "order_num": "",
        }
        told = {"type": "action", "action_code": "auto_payment", "payment_date": _day(self._now())}
        fields["subscription"] = self._plan(invoice) | told | {"autopayment": "1"}
        return [self._callback("auto_payment", fields)]

    def fail_renewal(self, invoice: Invoice) -> list[Callback]:
        """Fail to charge the next period; the third time ends the subscription."""
        plan = self._running(invoice)
        plan["attempt"] += 1
        failure = {"error_code": "insufficient_funds", "error": "Недостаточно средств"}
        failure |= {"last_attempt": "no", "payment_date": _day(self._now())}
        if plan["attempt"] < ATTEMPTS:
            told = {"type": "notification", "notification_code": "auto_payment"} | failure
            return [self._about_plan(invoice, told)]
        plan |= {"finished": True, "active_manager": "0"}
        told = {"action_code": "deactivation", **failure, "last_attempt": "yes"}
        finish = {"action_code": "finish", "action_reason": "deactivated"}
        return [self._about_plan(invoice, told), self._about_plan(invoice, finish)]

    def next_charge(self, invoice: Invoice) -> float | None:
        """On the day of the next payment."""
        plan = invoice.object.get("plan")
        if plan is None or plan["finished"] or "0" in (plan["active_user"], plan["active_manager"]):
            return None
        following: datetime = plan["next"]
        return following.timestamp()

    # What is told.

    def _begin(self, invoice: Invoice) -> None:
        number = str(invoice.object["subscription"])
        phone = str(invoice.object.get("customer_phone") or "+79990000000")
        now = self._now()
        invoice.object["plan"] = {
            "id": number,
            "profile_id": str(next(self._numbers)),
            "phone": phone,
            "begin": now,
            "next": now + timedelta(days=self.PLANS[number][2]),
            "payments": 1,
            "attempt": 0,
            "active_user": "1",
            "active_manager": "1",
            "finished": False,
        }

    def _running(self, invoice: Invoice) -> Json:
        plan: Json | None = invoice.object.get("plan")
        if plan is None or plan["finished"] or "0" in (plan["active_user"], plan["active_manager"]):
            raise NotPossible("There is no subscription, or it has ended.")
        return plan

    def _plan(self, invoice: Invoice) -> Json:
        plan = invoice.object["plan"]
        is_active = plan["active_user"] == plan["active_manager"] == "1" and not plan["finished"]
        return {
            "id": plan["id"],
            **({"profile_id": plan["profile_id"]} if self.tells_profiles else {}),
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

    def _about_plan(self, invoice: Invoice, told: Json) -> Callback:
        fields = self._payment(invoice, invoice.amount) | {"order_id": "0"}
        fields["subscription"] = self._plan(invoice) | {"type": "action", "date": _day(self._now())} | told
        title = told.get("action_code") or told["notification_code"]
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
        """Write a notice: each attempt says its number, so each is another text with another signature."""

        def write(attempt: int) -> tuple[dict[str, str], bytes]:
            told = fields | {"attempt": str(attempt)}
            key = "guessed" if is_forged else self.secret if self.is_live else f"{self.secret}demo"
            boundary = f"------------------------{secrets.token_hex(8)}"
            headers = {
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Sign": self.sign(told, key),
            }
            return headers, _multipart(told, boundary)

        return Callback(title, write, is_forged=is_forged)

    def _now(self) -> datetime:
        return self.clock.moment().astimezone(MOSCOW)

    def editable(self, callback: Callback) -> str:
        """Return the fields of a notice; each attempt adds its own number."""
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


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
