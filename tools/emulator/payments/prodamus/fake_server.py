"""The payer's side of Prodamus, and the notifications that the shop gets."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tools.emulator.payments.actions import CHALLENGES
from tools.emulator.payments.callbacks import MINUTE, Callback
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice, NotPossible
from tools.emulator.payments.prodamus.account import Account, day
from tools.emulator.payments.prodamus.page import Page
from tools.emulator.telegram import RawResponse
from tools.emulator.web import Request, Response

Json = dict[str, Any]

HOUR = 60 * MINUTE
ATTEMPTS = 3  # to charge the next period
_THRICE = (MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR)


class FakeServer(Account):
    """Links for orders and subscriptions."""

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

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
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
        """Return whether the status is 200; the body does not matter."""
        return response.status == 200

    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the shop's."""
        return self._page.handle(request, path)

    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """Pay; a subscription's first callback contains the subscription."""
        invoice.state = "paid"
        if invoice.is_subscription:
            self._begin(invoice)
        fields = self._payment(invoice, amount, "success", "Успешная оплата")
        if invoice.is_subscription:
            fields["subscription"] = self._plan(invoice) | {"autopayment": "0"}
        return [self._callback("success", fields)]

    def decline(self, invoice: Invoice) -> list[Callback]:
        """Refuse an instalment plan; a declined card has no callback."""
        invoice.state = "declined"
        return [
            self._callback(
                "order_denied", self._payment(invoice, invoice.amount, "order_denied", "Отказ банка")
            )
        ]

    def fail_challenge(self, invoice: Invoice) -> list[Callback]:
        """Fail the bank's page; a declined card has no callback."""
        return []

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Let the link run out; there is no callback."""
        invoice.state = "canceled"
        return []

    def pay_later(self, invoice: Invoice) -> list[Callback]:
        """Cancel first and pay then; the callback of the payment comes first."""
        canceled = self._payment(invoice, invoice.amount, "order_canceled", "Заявка отменена покупателем")
        return [*self.pay(invoice, invoice.amount), self._callback("order_canceled", canceled)]

    def forge(self, invoice: Invoice) -> list[Callback]:
        """Send a callback that says paid, signed with another secret."""
        fields = self._payment(invoice, invoice.amount, "success", "Успешная оплата")
        return [self._callback("success", fields, is_forged=True)]

    def refund(self, invoice: Invoice) -> list[Callback]:
        """Refund in the dashboard; there is no callback."""
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
        about = {"type": "action", "action_code": "auto_payment", "payment_date": day(self._now())}
        fields["subscription"] = self._plan(invoice) | about | {"autopayment": "1"}
        return [self._callback("auto_payment", fields)]

    def fail_renewal(self, invoice: Invoice) -> list[Callback]:
        """Fail to charge the next period; the third time ends the subscription."""
        plan = self._running(invoice)
        plan["attempt"] += 1
        failure = {"error_code": "insufficient_funds", "error": "Недостаточно средств"}
        failure |= {"last_attempt": "no", "payment_date": day(self._now())}
        if plan["attempt"] < ATTEMPTS:
            about = {"type": "notification", "notification_code": "auto_payment"} | failure
            return [self._about_plan(invoice, about)]
        plan |= {"finished": True, "active_manager": "0"}
        about = {"action_code": "deactivation", **failure, "last_attempt": "yes"}
        finish = {"action_code": "finish", "action_reason": "deactivated"}
        return [self._about_plan(invoice, about), self._about_plan(invoice, finish)]

    def next_charge(self, invoice: Invoice) -> float | None:
        """Return the day of the next payment."""
        plan = invoice.object.get("plan")
        if plan is None or plan["finished"] or "0" in (plan["active_user"], plan["active_manager"]):
            return None
        following: datetime = plan["next"]
        return following.timestamp()

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
