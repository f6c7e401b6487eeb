"""The figures of the page and of the report equal a recount after any sequence of events."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.analytics.conftest import Business, Sql

Call = Callable[..., Any]
FIRST, LAST = dt.date(2041, 2, 1), dt.date(2041, 6, 30)
ZONES = ["Europe/Moscow", "America/Los_Angeles", "Pacific/Kiritimati", "Europe/Berlin"]
WORDS = [
    "start",
    "start",
    "visit",
    "visit",
    "answer",
    "buy",
    "buy",
    "order",
    "refund",
    "part",
    "wait",
    "wait",
]
WORDS += ["month", "expire", "erase", "night"]
STEPS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.integers(0, 99), st.integers(0, 23)), min_size=8, max_size=30
)
PRODUCTS = ("premium_month", "premium_year", "credits_100")
CURRENCIES = ("RUB", "USD", "XTR")
BOTS = ("assistant", "spin", "quiz")


@pytest.fixture
def admin(sql: Sql) -> int:
    """Create an admin; return users.id."""
    (row,) = sql(
        "insert into users (telegram_id, active_on, has_started) values (4242, 'epoch', false) returning id"
    )
    sql("insert into admins (email, telegram_id) values ('figures@example.com', 4242)")
    return int(row["id"])


class Story:
    """A business, and what is known of it without the database's counters."""

    def __init__(self, business: Business) -> None:
        self.business = business
        self.day = 0
        self.started: dict[int, dt.date] = {}
        self.bots: dict[int, str] = {}
        self.active: dict[int, set[dt.date]] = defaultdict(set)
        self.first: dict[str, dict[int, dt.date]] = defaultdict(dict)
        self.payments: list[str] = []
        self.erased: set[int] = set()

    def users(self) -> list[int]:
        return [user for user in self.started if user not in self.erased]

    def step(self, what: str, which: int, hour: int) -> None:
        today = self.business.at(self.day, f"{hour:02}:30")
        if what == "start":
            bot = BOTS[which % 3]
            user = self.business.start(bot)
            self.started[user], self.bots[user] = today, bot
            self.active[user].add(today)
        elif what in ("wait", "month"):
            self.day += 1 + which % 3 if what == "wait" else 31
        elif what == "expire":
            self.business.expire()
        elif what == "night":
            self.business.night()
        elif what in ("refund", "part"):
            if self.payments:
                self.business.refund(
                    self.payments.pop(which % len(self.payments)), 1 if what == "refund" else 3
                )
        elif users := self.users():
            getattr(self, what)(users[which % len(users)], which, today)

    def visit(self, user: int, _which: int, today: dt.date) -> None:
        self.business.visit(user)
        self.active[user].add(today)

    def answer(self, user: int, _which: int, today: dt.date) -> None:
        self.business.answer(user)
        self.first["answered"].setdefault(user, today)

    def order(self, user: int, which: int, today: dt.date) -> int:
        self.first["checkout"].setdefault(user, today)
        return self.business.order(user, PRODUCTS[which % 3], CURRENCIES[which // 3 % 3])

    def buy(self, user: int, which: int, today: dt.date) -> None:
        self.payments.append(self.business.pay(self.order(user, which, today)))
        self.first["paid"].setdefault(user, today)

    def erase(self, user: int, which: int, _today: dt.date) -> None:
        if which % 4 == 0:
            self.business.sql("insert into private.erasures (user_id) values (%s)", user)
            self.business.sql("delete from users where id = %s", user)
            self.erased.add(user)


def read(call: Call, figure: str, admin: int) -> Any:
    return call(f"analytics_{figure}", p_actor_id=admin, p_from=str(FIRST), p_until=str(LAST))


def check(story: Story, call: Call, admin: int, sql: Sql) -> None:
    """Compare the figures with what is known."""
    today = story.business.today()
    activity = read(call, "activity", admin)
    assert sum(point["new"] for point in activity["points"]) == len(story.started)

    cohorts = read(call, "retention", admin)["cohorts"]
    for n in (1, 7, 30):
        day = dt.timedelta(days=n)
        over = [user for user, start in story.started.items() if start + day < today]
        assert sum(one[f"of_{n}"] for one in cohorts) == len(over)
        came = sum(story.started[user] + day in story.active[user] for user in over)
        assert sum(one[f"day_{n}"] for one in cohorts) == came, n

    funnel = read(call, "funnel", admin)
    points = funnel["points"]
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for user, bot in story.bots.items():
        expected[bot]["started"] += 1
        for step in ("answered", "checkout", "paid"):
            day = story.first[step].get(user)
            expected[bot][step] += day is not None and (day - story.started[user]).days <= 30
    assert {
        one["bot"]: {step: one[step] for step in expected[one["bot"]]} for one in funnel["bots"]
    } == expected
    for step in ("answered", "checkout", "paid"):
        reached = sum((day - story.started[user]).days <= 30 for user, day in story.first[step].items())
        assert sum(point[step] for point in points) == reached, step

    ledger: dict[str, Counter[str]] = defaultdict(Counter)
    for row in sql(
        "select p.currency, o.kind, o.amount"
        " from payment_operations as o join payments as p on p.id = o.payment_id"
    ):
        ledger[row["currency"]]["gross" if row["kind"] == "paid" else "refunds"] += row["amount"]
    revenue = read(call, "revenue", admin)
    found = {
        one["currency"]: (Decimal(one["gross"]), Decimal(one["refunds"])) for one in revenue["currencies"]
    }
    assert found == {currency: (sums["gross"], sums["refunds"]) for currency, sums in ledger.items()}
    for dimension in ("product", "provider", "bot", "source"):
        for currency, sums in ledger.items():
            groups = [
                one
                for one in revenue["groups"]
                if one["dimension"] == dimension and one["currency"] == currency
            ]
            assert sum(Decimal(one["net"]) for one in groups) == sums["gross"] - sums["refunds"]
    by_step = sum((Decimal(point["net"]) for point in revenue["points"]), Decimal(0))
    assert by_step == sum((sums["gross"] - sums["refunds"] for sums in ledger.values()), Decimal(0))

    subscribed: dict[str, tuple[Decimal, int]] = {}
    for row in sql(
        "select distinct on (s.user_id) p.currency,"
        " round(p.amount / case o.period when 'year' then 12 else 1 end, 2) as price"
        " from subscriptions as s join payment_effects as e on e.subscription_id = s.id"
        " join payments as p on p.id = e.payment_id join orders as o on o.id = p.order_id"
        " where s.status = 'active' and s.source = 'purchase' order by s.user_id, p.id desc"
    ):
        amount, count = subscribed.get(row["currency"], (Decimal(0), 0))
        subscribed[row["currency"]] = (amount + row["price"], count + 1)
    assert story.business.mrr() == subscribed
    currencies = read(call, "subscriptions", admin)["currencies"]
    assert {
        one["currency"]: (Decimal(one["mrr"]), one["subscribers"]) for one in currencies if one["subscribers"]
    } == subscribed
    for one in currencies:
        moves = ("new", "reactivated", "expansion", "contraction", "churned")
        assert sum(Decimal(one[move]) for move in moves) == Decimal(one["mrr"])
        assert one["joined"] >= one["subscribers"] - sum(
            1 for event in story.business.events() if event[0] == "expansion" and event[1] == one["currency"]
        )


@pytest.mark.slow
@settings(
    max_examples=8, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(steps=STEPS, zone=st.sampled_from(ZONES))
def test_figures_equal_a_recount(
    business: Business,
    sql: Sql,
    call: Call,
    admin: int,
    setting: Callable[[str, Any], None],
    steps: list[tuple[str, int, int]],
    zone: str,
) -> None:
    for table in (
        "subscription_events", "daily_subscriptions", "daily_revenue", "analytics_days", "daily_funnel",
        "cohort_activity", "daily_totals", "analytics_drifts", "private.revenue_changes", "private.erasures",
        "payment_effects", "payment_operations", "payments", "telegram_updates",
        "daily_active_users", "users where id <> (select id from users where telegram_id = 4242)", "orders",
        "subscription_events",
    ):  # fmt: skip
        sql(f"delete from {table}")
    setting("quota_timezone", zone)
    story = Story(business)
    for step in steps:
        story.step(*step)
    business.at(story.day, "23:59")
    business.expire()
    check(story, call, admin, sql)
    story.day += 1
    business.at(story.day, "00:20")
    assert business.night() == [], "no figure drifts"
    check(story, call, admin, sql)


def test_an_empty_installation_has_empty_figures(call: Call, admin: int, business: Business) -> None:
    assert read(call, "revenue", admin) == {
        "step": "week", "currencies": [], "points": [], "groups": [], "cohorts": []
    }  # fmt: skip
    for figure in ("retention", "funnel", "subscriptions", "learning", "referrers"):
        found = read(call, figure, admin)
        assert not any(value for key, value in found.items() if key != "step"), figure
    assert business.night() == []


def test_a_month_ends_where_it_ends(
    business: Business, sql: Sql, call: Call, admin: int, setting: Callable[[str, Any], None]
) -> None:
    setting("quota_timezone", "Pacific/Kiritimati")
    business.at(30, "23:59")  # 31 March; in UTC it is still the 31st at 09:59
    business.buy(business.start())
    business.at(31, "00:01")
    business.buy(business.start(), "premium_year")

    def net(start: str, until: str) -> Any:
        found = call("analytics_revenue", p_actor_id=admin, p_from=start, p_until=until)
        return [Decimal(one["net"]) for one in found["currencies"]]

    assert net("2041-03-01", "2041-03-31") == [499]
    assert net("2041-04-01", "2041-04-30") == [4990]
    assert business.night() == []
    assert net("2041-03-01", "2041-03-31") == [499], "also from the sums"


@pytest.mark.parametrize(
    ("start", "until", "code"),
    [
        ("2041-01-02", "2041-01-01", "N0004"),
        ("2039-01-01", "2041-01-02", "N0004"),
        (None, "2041-01-01", "N0004"),
    ],
)
def test_a_period_has_limits(call: Call, admin: int, start: str | None, until: str, code: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        call("analytics_activity", p_actor_id=admin, p_from=start, p_until=until)
    assert caught.value.sqlstate == code


def test_revenue_belongs_to_the_advertisement_that_brought_the_buyer(
    business: Business, sql: Sql, call: Call, admin: int
) -> None:
    anna, ben, clara = business.start(), business.start(), business.start()
    (link,) = sql("insert into ad_links (key, name) values ('summer', 'Summer sale') returning id")
    sql(
        "insert into user_referrals (referrer_id, referred_id) values (%s, %s), (%s, %s)",
        clara, anna, clara, ben,
    )  # fmt: skip
    for user, is_source in ((anna, True), (clara, False)):
        sql(
            "insert into ad_link_visits (link_id, user_id, bot, is_source) values (%s, %s, 'spin', %s)",
            link["id"], user, is_source,
        )  # fmt: skip
    for user in (anna, ben, clara):
        business.buy(user)
    expected = {("ad_summer", "Summer sale"), ("referral", None), ("direct", None)}
    for day in (0, 1):
        business.at(day)
        assert business.night() == []
        groups = read(call, "revenue", admin)["groups"]
        assert {(one["key"], one["name"]) for one in groups if one["dimension"] == "source"} == expected


def test_test_payments_and_the_balance_are_no_revenue(
    business: Business, sql: Sql, call: Call, admin: int
) -> None:
    anna = business.start()
    business.pay(business.order(anna, "balance_500"))
    business.money.call(
        "pay_from_balance", p_user_id=anna, p_product_key="premium_month", p_bot="spin", p_reference="b:2"
    )
    business.buy(anna, "credits_100")
    sql("update payments set problem = 'test' where id = (select max(id) from payments)")
    found = read(call, "revenue", admin)
    assert [(one["currency"], Decimal(one["net"])) for one in found["currencies"]] == [("RUB", 500)]
    stats = call("admin_revenue", p_admin_email="figures@example.com")
    assert Decimal(stats["currencies"][0]["month"]["net"]) == 500, "the bot says the same"


def test_ai_cost_is_that_of_plans_and_models(business: Business, sql: Sql, call: Call, admin: int) -> None:
    free, paying = business.start(), business.start()
    business.buy(paying)
    for user, cost in ((free, "0.25"), (paying, "1.50"), (paying, "0.50")):
        sql(
            "select private.record_usage(u, jsonb_build_array(jsonb_build_object('provider', 'openai',"
            " 'model', 'm', 'kind', 'chat', 'status', 'ok', 'ms', 1, 'request_bytes', 1, 'response_bytes', 1,"
            " 'cost', %s::numeric, 'is_user_api_key', false)), true)"
            " from telegram_updates as u where u.user_id = %s limit 1",
            cost,
            user,
        )
    business.at(1)
    assert business.night() == []
    found = read(call, "costs", admin)
    assert [(one["plan"], Decimal(one["cost"]), one["calls"]) for one in found["plans"]] == [
        ("PREMIUM", 2, 2),
        ("FREE", Decimal("0.25"), 1),
    ]
    assert [one["revenue"] for one in found["plans"]] == [[{"currency": "RUB", "net": "499"}], []] or Decimal(
        found["plans"][0]["revenue"][0]["net"]
    ) == 499
    assert [(one["model"], Decimal(one["cost"])) for one in found["models"]] == [("m", Decimal("2.25"))]


def test_trainings_count_on_their_own_days(business: Business, sql: Sql, call: Call, admin: int) -> None:
    anna = business.start()
    insert = (
        "insert into trainings (user_id, bot, scenario, version, case_id, mode, difficulty, language, rules,"
        " reference, status, result, finished_at)"
        " values (%s, 'spin', 'spin', 1, 'x', %s, 'easy', 'en', '{}', %s, %s, %s, %s)"
    )
    sql(insert, anna, "practice", "1", "open", None, None)
    business.at(1)
    sql("update trainings set status = 'finished', result = '{}', finished_at = private.clock()")
    sql(insert, anna, "practice", "2", "open", None, None)
    sql(insert, anna, "review", "3", "finished", "{}", business.today())
    business.night()
    rows = read(call, "learning", admin)["rows"]
    assert [(one["key"], one["started"], one["completed"]) for one in rows] == [("spin", 2, 1)]


def test_movements_are_complete_before_the_first_night(business: Business, call: Call, admin: int) -> None:
    business.at(0)
    business.buy(business.start())
    business.at(31)
    business.expire()
    for _ in range(2):
        (found,) = read(call, "subscriptions", admin)["currencies"]
        assert (Decimal(found["new"]), Decimal(found["churned"]), Decimal(found["mrr"])) == (499, -499, 0)
        business.at(32)
        assert business.night() == []
