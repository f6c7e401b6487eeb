"""Provider statements in SQL: which entries are ours, which must be recorded, and sums to the cent."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.support import examples, in_parallel

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
Json = dict[str, Any]
_names = itertools.count(1)
DAY = date(2027, 3, 10)
NOON = "2027-03-10T12:00:00+00:00"
NEXT_DAY = "timestamptz '2027-03-11 03:00:00+00'"


@pytest.fixture(autouse=True)
def then(clock: Clock) -> None:
    """Set the clock to the day after; orders are created on the day itself."""
    clock("timestamptz '2027-03-10 11:00:00+00'")


class Shop:
    """A provider of one test, and its statement."""

    def __init__(self, money: Money, clock: Clock) -> None:
        self.money = money
        self.clock = clock
        self.key = f"shop_{next(_names)}"
        self.result: list[Json] = []

    def order(self, **rest: Any) -> int:
        return self.money.order(self.money.user(), provider=self.key, **rest)

    def record(self, event: Json) -> Json:
        """Record an event as a webhook does."""
        result: Json = self.money.record(event, provider=self.key)
        assert result["outcome"] == "applied"
        return result

    def check(self, *events: Json) -> list[str]:
        """Return the state of each event (check_statement)."""
        states = self.money.call("check_statement", p_provider=self.key, p_events=webhook_events(events))
        return [states[str(place)] for place in range(len(events))]

    def read(self, *events: Json, day: date = DAY, at: str = NEXT_DAY) -> Json:
        """Read a day whose statement lists these events, as the job does; return the result."""
        self.clock(at)
        self.money.sql(  # only this day is due
            "insert into statement_days (provider, day, read_at) select %s, %s::date - n, private.clock() "
            "from generate_series(-40, 40) n where n <> 0 on conflict do nothing",
            self.key,
            day,
        )
        self.money.sql(
            "update statement_days set next_read_at = case when day = %s then private.clock() end "
            "where provider = %s",
            day,
            self.key,
        )
        walk = self.claim()
        assert walk is not None
        assert walk["day"] == day.isoformat()
        return self.keep(walk, *events)

    def claim(self) -> Json | None:
        claimed: Json | None = self.money.call("claim_statement", p_providers=[self.key])
        return claimed

    def keep(self, walk: Json, *events: Json, following: str | None = None) -> Json:
        result: Json = self.money.call(
            "save_statement_page",
            p_provider=self.key,
            p_day=walk["day"],
            p_cursor=walk["cursor"],
            p_next=following,
            p_events=webhook_events(events),
        )
        return result

    def report(self, day: date = DAY) -> list[tuple[str, Decimal, Decimal, Decimal, int]]:
        rows = self.money.sql(
            "select * from payment_statement(%s, %s) where provider = %s and currency is not null",
            day,
            day,
            self.key,
        )
        return [
            (row["currency"], row["theirs"], row["ours"], row["difference"], row["unmatched"]) for row in rows
        ]


def disputed(payment: str, kind: str) -> Json:
    result = {"kind": kind, "payment_id": payment, "operation_id": "d1", "amount": "149.00"}
    return result | {"currency": "RUB", "happened_at": NOON}


def webhook_events(events: Any) -> list[Json]:
    return [{"key": str(place), "events": [event]} for place, event in enumerate(events)]


@pytest.fixture
def shop(money: Money, clock: Clock) -> Shop:
    return Shop(money, clock)


def test_a_statement_balances_to_the_cent_by_currency(shop: Shop, boss: int) -> None:
    one, two, three = unique_id(), unique_id(), unique_id()
    listed = [
        paid(one, shop.order(), "149.00", happened_at=NOON),
        refunded(one, "0.01", happened_at=NOON, currency="RUB"),
        refunded(one, "48.98", "r2", happened_at=NOON, currency="RUB"),
        paid(two, shop.order(currency="USD", product="credits_100"), "1.99", "USD", happened_at=NOON),
        paid(three, shop.order(), "149", happened_at=NOON),
        disputed(three, "disputed"),
        disputed(three, "dispute_won"),
    ]
    for event in listed:
        shop.record(event)
    read = shop.read(*listed[:5], listed[6])
    assert shop.report() == [
        ("RUB", Decimal("249.01"), Decimal("249.01"), 0, 0),
        ("USD", Decimal("1.99"), Decimal("1.99"), 0, 0),
    ]
    assert (read["differences"], read["foreign"], read["outgoing"]) == ([], 0, [])
    assert {one["currency"]: one["theirs"] for one in read["sums"]} == {"RUB": "249.01", "USD": "1.99"}


def test_every_difference_is_alarmed_once(shop: Shop, boss: int) -> None:
    theirs, ours, both = unique_id(), unique_id(), unique_id()
    shop.record(paid(ours, shop.order(), happened_at=NOON))
    shop.record(paid(both, shop.order(), happened_at=NOON))
    listed = [paid(theirs, shop.order(), happened_at=NOON), paid(both, None, "148.99", happened_at=NOON)]
    read = shop.read(*listed)
    assert {difference["number"]: difference["what"] for difference in read["differences"]} == {
        theirs: "only_theirs",
        ours: "only_ours",
        both: "differs",
    }
    assert message_keys(read["outgoing"]) == ["statement_alarm"]
    values = read["outgoing"][0]["parameters"]["values"]
    assert (values["only_theirs"], values["only_ours"], values["differs"]) == (1, 1, 1)
    assert shop.report() == [("RUB", Decimal("297.99"), Decimal("298.00"), Decimal("0.01"), 3)]
    repeated = shop.read(*listed, at="timestamptz '2027-03-12 03:00:00+00'")
    assert (repeated["differences"], repeated["outgoing"]) == ([], [])
    shop.record(paid(theirs, None, happened_at=NOON))  # recorded later
    assert shop.report()[0][1:4] == (Decimal("297.99"), Decimal("447.00"), Decimal("149.01"))


def test_entries_of_other_shops_are_counted_and_not_recorded(shop: Shop) -> None:
    order, late = shop.order(), unique_id()
    other = shop.money.order(shop.money.user(), provider="stripe")
    events = [
        paid(unique_id(), None, happened_at=NOON),
        paid(unique_id(), 999_999_999, happened_at=NOON),
        paid(unique_id(), other, happened_at=NOON),
        paid(late, order, happened_at="2027-03-10T10:00:00+00:00"),  # before the order was made
        refunded(unique_id(), "5", currency="RUB", happened_at=NOON),
        {"kind": "subscription_ended", "subscription_id": "sub_of_others"},
    ]
    assert shop.check(*events) == ["foreign"] * 6
    read = shop.read(*events)
    assert (read["foreign"], read["differences"]) == (5, [])
    assert shop.report() == []


def test_a_recorded_entry_is_known_and_a_reversed_one_changed(shop: Shop) -> None:
    one, order = unique_id(), shop.order()
    payment, back = (
        paid(one, order, happened_at=NOON),
        refunded(one, "10.00", currency="RUB", happened_at=NOON),
    )
    assert shop.check(payment, back) == ["missing", "foreign"]
    shop.record(payment)
    assert shop.check(payment, back) == ["known", "missing"]
    shop.record(back)
    failed = back | {"kind": "refund_failed"}
    assert shop.check(payment, back, failed, {"kind": "pending", "payment_id": one}) == [
        "known",
        "known",
        "changed",
        "known",
    ]
    shop.record(failed)
    assert shop.check(back, failed) == ["known", "known"], "a final state does not change"
    assert shop.read(payment, failed)["differences"] == []
    assert shop.report() == [("RUB", 149, 149, 0, 0)]


def test_an_ended_subscription_is_missing_once(shop: Shop) -> None:
    order = shop.order(product="premium_month", p_renews=True)
    shop.record(paid(unique_id(), order, "499", subscription_id="sub_1"))
    ended = {"kind": "subscription_ended", "subscription_id": "sub_1", "happened_at": NOON}
    assert shop.check(ended) == ["missing"]
    shop.record(ended)
    assert shop.check(ended) == ["known"]


def test_a_later_reported_commission_makes_the_report_net(shop: Shop) -> None:
    one, order = unique_id(), shop.order(currency="XTR")
    (row,) = shop.money.sql("select amount from orders where id = %s", order)
    gross = row["amount"]
    shop.record(paid(one, order, str(gross), "XTR", happened_at=NOON))
    net = paid(one, order, str(gross), "XTR", happened_at=NOON, fee="12.5")
    assert shop.check(net) == ["changed"]
    shop.record(net)
    assert shop.check(net) == ["known"]
    shop.read(net)
    assert shop.report() == [("XTR", gross - Decimal("12.5"), gross - Decimal("12.5"), 0, 0)]
    assert shop.money.payment(one, shop.key)["amount"] == gross, "the buyer paid the price"


@pytest.mark.parametrize(
    ("moment", "day"),
    [("2027-03-10T23:49:59+00:00", DAY), ("2027-03-10T23:50:00+00:00", DAY + timedelta(days=1))],
)
def test_our_own_movement_around_midnight_belongs_to_the_next_day(shop: Shop, moment: str, day: date) -> None:
    shop.record(paid(unique_id(), shop.order(), happened_at=moment))
    first = shop.read()
    second = shop.read(day=DAY + timedelta(days=1), at="timestamptz '2027-03-12 03:00:00+00'")
    assert [len(one["differences"]) for one in (first, second)] == ([1, 0] if day == DAY else [0, 1])


def test_a_matched_movement_is_on_the_providers_day(shop: Shop) -> None:
    one, order = unique_id(), shop.order()
    shop.record(paid(one, order, happened_at="2027-03-11T00:00:01+00:00"))  # by our clock
    assert shop.read(paid(one, order, happened_at="2027-03-10T23:59:59+00:00"))["differences"] == []
    assert shop.report() == [("RUB", 149, 149, 0, 0)]
    later = shop.read(day=DAY + timedelta(days=1), at="timestamptz '2027-03-12 03:00:00+00'")
    assert later["differences"] == []
    assert shop.report(DAY + timedelta(days=1)) == []


def test_an_entry_that_disappeared_from_the_statement_is_missing_there(shop: Shop, boss: int) -> None:
    payment = paid(unique_id(), shop.order(), happened_at=NOON)
    shop.record(payment)
    assert shop.read(payment)["differences"] == []
    repeated = shop.read(at="timestamptz '2027-03-12 03:00:00+00'")
    assert [difference["what"] for difference in repeated["differences"]] == ["only_ours"]


def test_zero_amounts_balance(shop: Shop) -> None:
    """A period paid with credit moves no money and is no difference."""
    order = shop.order(product="premium_month", p_renews=True)
    nothing = paid(unique_id(), order, "0", subscription_id="sub_2", is_invoice=True, happened_at=NOON)
    shop.record(nothing)
    assert shop.check(nothing) == ["known"]
    assert shop.read(nothing)["differences"] == []
    assert shop.report() == [("RUB", 0, 0, 0, 0)]


def test_a_day_is_leased_to_one_worker(shop: Shop, clock: Clock) -> None:
    clock(NEXT_DAY)
    claimed = in_parallel(8, lambda _n: shop.claim())
    days = [one["day"] for one in claimed if one]
    assert len(days) == len(set(days)) == 8
    assert min(days) == "2027-02-10", "the oldest day first"


def test_an_interrupted_reading_continues_at_the_next_page(shop: Shop, clock: Clock) -> None:
    clock(NEXT_DAY)
    one, two = (paid(unique_id(), shop.order(), happened_at="2027-02-10T12:00:00+00:00") for _ in range(2))
    walk = shop.claim()
    assert walk is not None
    assert walk["cursor"] == ""
    assert shop.keep(walk, one, following="page-2")["is_current"]
    clock("timestamptz '2027-03-11 03:01:59+00'")
    assert (shop.claim() or {})["day"] != walk["day"], "leased"
    clock("timestamptz '2027-03-11 03:02:01+00'")
    repeated = shop.claim()
    assert repeated is not None
    assert (repeated["day"], repeated["cursor"]) == (walk["day"], "page-2")
    late = shop.keep(walk, one, following="page-2")  # the slow worker
    assert not late["is_current"]
    assert shop.keep(repeated, two)["is_current"]
    rows = shop.money.sql("select number from statement_entries where provider = %s", shop.key)
    assert len(rows) == 2, "entries of the first page are kept"


def test_a_page_stored_twice_concurrently_counts_once(shop: Shop, clock: Clock) -> None:
    clock(NEXT_DAY)
    walk = shop.claim()
    assert walk is not None
    event = paid(unique_id(), shop.order(), happened_at=NOON)
    result = in_parallel(6, lambda _n: shop.keep(walk, event, following="next"))
    assert [one["is_current"] for one in result].count(True) == 1
    assert len(shop.money.sql("select from statement_entries where provider = %s", shop.key)) == 1


def test_when_a_day_is_read(shop: Shop, clock: Clock) -> None:
    """Two hours after the end of the day, then 1, 3, 7, 14 and 28 days later, and never repeated."""
    end, reads = datetime(2027, 3, 11, tzinfo=UTC), []
    for hours in (0, 1, 2, 3, 25, 26, 27, 73, 74, 169, 170, 337, 338, 339, 673, 674, 675, 700):
        clock(f"timestamptz '{(end + timedelta(hours=hours)).isoformat()}'")
        while (walk := shop.claim()) is not None:
            if walk["day"] == DAY.isoformat():
                reads.append(hours)
            shop.keep(walk)
    assert reads == [2, 26, 74, 170, 338, 674]


def test_a_failing_provider_is_retried_with_backoff(shop: Shop, clock: Clock) -> None:
    clock(NEXT_DAY)
    walk = shop.claim()
    assert walk is not None
    shop.money.call("release_statement", p_provider=shop.key, p_day=walk["day"])
    clock("timestamptz '2027-03-11 03:29:00+00'")
    assert (shop.claim() or {})["day"] != walk["day"]
    clock("timestamptz '2027-03-11 03:31:00+00'")
    repeated = shop.claim()
    assert repeated is not None
    assert repeated["day"] == walk["day"]
    assert repeated["is_late"]


STORY = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 99_999), st.integers(0, 100), st.booleans(), st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=examples(15),
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STORY)
def test_any_mixture_of_movements_balances(money: Money, clock: Clock, boss: int, story: list[Any]) -> None:
    """The difference equals the sum of the unmatched movements, and nothing is alarmed twice."""
    clock("timestamptz '2027-03-10 11:00:00+00'")
    shop = Shop(money, clock)
    listed, theirs, ours = [], Decimal(0), Decimal(0)
    for kind, cents, share, is_here, is_there in story:
        one, amount = unique_id(), Decimal(cents) / 100
        payment = paid(one, shop.order(), str(amount), happened_at=NOON)
        moved = [(payment, amount)]
        if kind:
            back = (amount * share / 100).quantize(Decimal("0.01"))
            moved.append((refunded(one, str(back), f"{one}:back", currency="RUB", happened_at=NOON), -back))
        for event, signed in moved:
            if is_here:
                shop.record(event)
                ours += signed
            # A refund without a recorded payment is not ours.
            if is_there and (is_here or event is payment):
                listed.append(event)
                theirs += signed
    shop.read(*listed)
    sums = [(row[1], row[2], row[3]) for row in shop.report()]
    assert sums in ([(theirs, ours, ours - theirs)], [])
    assert (ours, theirs) == (0, 0) or sums
    repeated = shop.read(*listed, at="timestamptz '2027-03-12 03:00:00+00'")
    assert repeated["differences"] == []
