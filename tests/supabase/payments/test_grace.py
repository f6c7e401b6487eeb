"""Grace period: the plan continues while its renewal is late; a late charge continues from the old end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.features.payments.stopping import late_until
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id

Clock = Callable[[str], None]
MOSCOW = ZoneInfo("Europe/Moscow")
ENDS = datetime(2027, 2, 10, 12, tzinfo=MOSCOW)
GRACE_ENDS = datetime(2027, 2, 13, 12, tzinfo=MOSCOW)


class Late:
    """A user whose provider renews the plan and is late."""

    def __init__(self, money: Money, clock: Clock) -> None:
        self.money, self.clock = money, clock
        clock("timestamptz '2027-01-10 12:00:00+03'")
        self.user_id, self.subscription = money.user(), f"sub_{unique_id()}"
        order = money.order(self.user_id, "premium_month", provider="stripe", p_renews=True)
        self.record(paid(unique_id(), order, "499.00", subscription_id=self.subscription))

    def record(self, *events: dict[str, Any]) -> list[str]:
        return message_keys(self.money.record(*events, provider="stripe")["outgoing"])

    def becomes(self, status: str) -> list[str]:
        return self.record({"kind": f"subscription_{status}", "subscription_id": self.subscription})

    def after(self, days: float) -> None:
        """Set the clock to `days` after the end of the paid period and run the sweep."""
        self.clock(f"timestamptz '2027-02-10 12:00:01+03' + interval '{days} days'")
        self.money.sql("select private.expire_subscriptions(10000)")

    @property
    def level(self) -> int:
        self.money.sql("select private.refresh_access(%s)", self.user_id)  # deriving it again changes nothing
        return int(self.money.user_row(self.user_id)["vip_level"])

    def plan(self) -> dict[str, Any]:
        (row,) = self.money.sql("select private.plan_of(%s) as plan", self.user_id)
        return dict(row["plan"])

    def reminded(self) -> list[str]:
        """Run the reminders; return their text keys."""
        return message_keys(self.money.call("enqueue_expiry_reminders"))


@pytest.fixture
def anna(money: Money, clock: Clock) -> Late:
    return Late(money, clock)


@pytest.fixture
def grace(money: Money) -> Callable[[int], None]:
    def days(count: int) -> None:
        money.sql("update private.settings set value = to_jsonb(%s::integer) where key = 'grace_days'", count)

    return days


@pytest.mark.parametrize("status", ["active", "past_due"])
def test_plan_continues_while_its_renewal_is_late(anna: Late, status: str) -> None:
    if status == "past_due":
        assert anna.becomes("past_due") == ["renewal_past_due"]
    anna.after(0)
    assert anna.level == 1
    assert anna.plan()["plan"] == "PREMIUM"
    assert datetime.fromisoformat(anna.plan()["ends_at"]) == GRACE_ENDS
    overview = anna.money.call("subscription_overview", p_user_id=anna.user_id)
    assert datetime.fromisoformat(overview["renewals"][0]["effective_end"]) == GRACE_ENDS
    anna.after(2.99)
    assert (anna.level, anna.reminded()) == (1, [])
    anna.after(3)
    assert anna.level == 0
    assert anna.plan() == {"plan": "FREE", "ends_at": None}
    assert anna.reminded() == ["ends_over"]
    assert anna.reminded() == []


def test_reversed_period_is_not_promised(anna: Late) -> None:
    second = unique_id()
    anna.record(paid(second, None, "499.00", subscription_id=anna.subscription))
    anna.record(refunded(second, "499.00", kind="disputed"))
    anna.becomes("past_due")
    overview = anna.money.call("subscription_overview", p_user_id=anna.user_id)
    (renewal,) = overview["renewals"]
    assert datetime.fromisoformat(renewal["effective_end"]) == GRACE_ENDS, (
        "of the first period, with the grace period"
    )
    assert renewal["plan"] == overview["plan"]
    assert late_until(overview) == renewal["effective_end"]
    anna.money.sql(
        "update subscriptions set status = 'canceled', ended_at = private.clock() where user_id = %s",
        anna.user_id,
    )
    overview = anna.money.call("subscription_overview", p_user_id=anna.user_id)
    assert overview["renewals"][0]["effective_end"] is None


def test_grace_period_is_not_shown_before_the_end(anna: Late) -> None:
    anna.clock("timestamptz '2027-02-10 11:00:00+03'")
    assert datetime.fromisoformat(anna.plan()["ends_at"]) == ENDS
    assert anna.reminded() == [], "a renewing plan has no reminder before its end"


def test_late_charge_continues_from_the_old_end(anna: Late) -> None:
    anna.becomes("past_due")
    anna.after(2)
    assert anna.record(paid(unique_id(), None, "499.00", subscription_id=anna.subscription)) == ["renewed"]
    assert anna.money.ends_at(anna.user_id) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)


def test_purchase_in_the_grace_period_continues_from_the_old_end(anna: Late) -> None:
    anna.after(2)
    anna.money.record(paid(unique_id(), anna.money.order(anna.user_id, "premium_month"), "499.00"))
    assert anna.money.ends_at(anna.user_id) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)


def test_charge_after_the_grace_period_starts_now(anna: Late) -> None:
    anna.after(4)
    anna.record(paid(unique_id(), None, "499.00", subscription_id=anna.subscription))
    assert anna.money.ends_at(anna.user_id).date() == datetime(2027, 3, 14, tzinfo=MOSCOW).date()


@pytest.mark.parametrize("status", ["canceled", "ended"])
def test_plan_without_a_renewal_has_no_grace_period(anna: Late, status: str) -> None:
    anna.becomes(status)
    anna.after(0)
    assert anna.level == 0
    assert anna.reminded() == ["ends_over"]


def test_end_of_the_renewal_ends_the_grace_period(anna: Late) -> None:
    anna.becomes("past_due")
    anna.after(1)
    assert anna.level == 1
    assert anna.becomes("ended") == ["renewal_given_up"]
    anna.after(1.01)
    assert anna.level == 0
    assert anna.reminded() == []


def test_failed_charge_message_names_the_end_of_the_grace_period(anna: Late) -> None:
    event = {"kind": "subscription_past_due", "subscription_id": anna.subscription}
    (result,) = anna.money.record(event, provider="stripe")["outgoing"]
    assert datetime.fromisoformat(result["parameters"]["values"]["until"]["date"]) == GRACE_ENDS


def test_another_users_renewal_gives_no_grace_period(anna: Late, clock: Clock) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    ben = anna.money.user("Ben")
    anna.money.record(paid(unique_id(), anna.money.order(ben, "premium_month"), "499.00"))
    anna.after(0)
    assert anna.level == 1
    assert anna.money.user_row(ben)["vip_level"] == 0


def test_plan_granted_by_an_admin_has_no_grace_period(anna: Late) -> None:
    anna.money.sql(
        "insert into subscriptions (user_id, plan, source, starts_at, ends_at) "
        "values (%s, 'PREMIUM', 'admin', '2027-01-01', '2027-02-10 13:00:00+03')",
        anna.user_id,
    )
    anna.after(1)
    rows = anna.money.sql(
        "select source from subscriptions where user_id = %s and status = 'active'", anna.user_id
    )
    assert rows == [{"source": "purchase"}]


@pytest.mark.parametrize(("days", "effective"), [(0, 0), (-5, 0), (1, 1), (100, 27)])
def test_grace_days_setting_is_limited(
    anna: Late, grace: Callable[[int], None], days: int, effective: int
) -> None:
    grace(days)
    if effective:
        anna.after(effective - 0.01)
        assert anna.level == 1
    anna.after(effective)
    assert anna.level == 0
