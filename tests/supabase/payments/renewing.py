"""A user whose plan we charge each period, at a provider of its own, where no other renewal is due."""

from __future__ import annotations

import itertools
from typing import Any

from tests.supabase.payments.conftest import Money, paid, unique_id

_providers = itertools.count(1)


class Renewing:
    """One renewal: claims its charges and records the events of its provider."""

    def __init__(self, money: Money, product: str = "premium_month", **rest: Any) -> None:
        self.money = money
        self.provider = f"saver-{next(_providers)}"
        self.method = f"card-{unique_id()}"
        self.price = {"premium_month": "499.00", "premium_year": "4990.00"}[product]
        self.user_id = money.user()
        self.first = money.order(
            self.user_id, product, provider=self.provider, p_renews=True, p_contact="anna@example.com", **rest
        )
        self.pay = unique_id()
        self.record(paid(self.pay, self.first, self.price, saved_method=self.method))

    def record(self, *events: dict[str, Any], **rest: Any) -> Any:
        return self.money.record(*events, provider=self.provider, **rest)

    def claim(self, limit: int = 1) -> dict[str, Any]:
        """Claim due charges as the job does."""
        got: dict[str, Any] = self.money.call(
            "claim_due_renewals", p_providers=[self.provider], p_limit=limit
        )
        return got

    def charge(self) -> dict[str, Any]:
        """Claim and return the single due charge."""
        (charge,) = self.claim()["charges"]
        return dict(charge)

    def paid(self, charge: dict[str, Any], payment: str = "") -> Any:
        """Record that the charge succeeded."""
        return self.record(
            paid(payment or unique_id(), charge["order_id"], self.price, saved_method=self.method)
        )

    def declined(self, charge: dict[str, Any], kind: str = "failed") -> Any:
        """Record a declined charge twice: from the response and from a webhook."""
        refusal = {"kind": kind, "payment_id": unique_id(), "order_id": charge["order_id"]}
        first = self.record(refusal)
        assert self.record(refusal)["outgoing"] == []
        return first

    def row(self) -> dict[str, Any]:
        (row,) = self.money.sql("select * from renewals where provider = %s", self.provider)
        return row

    def orders(self) -> list[dict[str, Any]]:
        """Return the orders of the later periods."""
        return self.money.sql("select * from orders where renewal_id = %s order by id", self.row()["id"])

    def user(self) -> dict[str, Any]:
        return self.money.user_row(self.user_id)

    def sweep(self) -> None:
        self.money.sql("select private.expire_subscriptions(10000)")
