"""Gifts: one recipient, refunds and disputes, expiry, erasure, and races on two connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.supabase.payments.buyers import order_of
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.privacy.conftest import SqlUser, id_of
from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
Connect = Callable[[], psycopg.Connection]
PRICE = "499.00"


def bought(money: Money, buyer: int, number: str, **rest: Any) -> str:
    """Buy a gift; return what its link holds."""
    order = money.order(buyer, "premium_month", p_is_gift=True, **rest)
    assert message_keys(money.record(paid(number, order, PRICE))["outgoing"]) == ["paid_gift"]
    return token_of(money, buyer)


def token_of(money: Money, buyer: int) -> str:
    return str(money.call("list_gifts", p_user_id=buyer)[0]["token"])


def state_of(money: Money, buyer: int) -> str:
    return str(money.call("list_gifts", p_user_id=buyer)[0]["state"])


def take(money: Money, user: int, token: str) -> Any:
    return money.call("take_gift", p_user_id=user, p_token=token)


def test_gift_extends_the_plan_of_the_recipient_once(money: Money) -> None:
    anna, ben, eve = money.user("Anna"), money.user("Ben"), money.user("Eve")
    token = bought(money, anna, unique_id())
    assert (money.ends_at(anna), state_of(money, anna)) == (None, "waiting")

    assert take(money, anna, token)["outcome"] == "own"
    first = take(money, ben, token)
    assert (first["outcome"], message_keys(first["outgoing"])) == ("taken", ["gift_taken_notice"])
    ends_at = money.ends_at(ben)
    assert ends_at is not None
    assert [take(money, one, token)["outcome"] for one in (ben, eve, anna)] == ["known", "used", "used"]
    assert (money.ends_at(ben), money.ends_at(eve), state_of(money, anna)) == (ends_at, None, "taken")
    assert take(money, ben, "nothing")["outcome"] == "unknown"


def test_gift_follows_the_plan_that_the_recipient_has(money: Money) -> None:
    anna, ben = money.user(), money.user()
    money.record(paid(unique_id(), money.order(ben, "premium_month"), PRICE))
    before = money.ends_at(ben)
    take(money, ben, bought(money, anna, unique_id()))
    assert (money.ends_at(ben) - before).days in range(28, 32)


def test_refund_withdraws_an_unused_gift(money: Money) -> None:
    anna, ben, number = money.user(), money.user(), unique_id()
    token = bought(money, anna, number)
    money.record(refunded(number, "100.00", "part"))
    assert state_of(money, anna) == "waiting", "a part of the price takes nothing back"
    money.record(refunded(number, "399.00", "rest"))
    assert (state_of(money, anna), take(money, ben, token)["outcome"]) == ("revoked", "revoked")
    assert money.ends_at(ben) is None


def test_refund_takes_an_accepted_gift_from_the_recipient_only(money: Money, sql: Sql) -> None:
    anna, ben, number = money.user(), money.user(), unique_id()
    money.record(paid(unique_id(), money.order(ben, "premium_month"), PRICE))
    own = money.ends_at(ben)
    money.record(paid(unique_id(), money.order(anna, "premium_month"), PRICE))
    kept = money.ends_at(anna)
    token = bought(money, anna, number)
    take(money, ben, token)
    money.record(refunded(number, PRICE))
    assert (money.ends_at(ben), money.ends_at(anna)) == (own, kept)
    assert (state_of(money, anna), take(money, ben, token)["outcome"]) == ("revoked", "revoked")
    money.record(refunded(number, PRICE))
    assert money.ends_at(ben) == own


def test_refund_of_a_used_gift_leaves_what_the_recipient_bought_later(money: Money, clock: Clock) -> None:
    anna, ben, number = money.user(), money.user(), unique_id()
    take(money, ben, bought(money, anna, number))
    clock("clock_timestamp() + interval '32 days'")
    money.record(paid(unique_id(), money.order(ben, "premium_month"), PRICE))
    own = money.ends_at(ben)
    assert own is not None
    dispute = {"payment_id": number, "operation_id": "d1", "amount": PRICE}
    money.record({"kind": "disputed", **dispute})
    assert (money.ends_at(ben), state_of(money, anna)) == (own, "revoked")
    money.record({"kind": "dispute_won", **dispute})
    assert (money.ends_at(ben), state_of(money, anna)) == (own, "taken"), "nothing was taken"


def test_refund_of_a_gift_in_use_takes_the_rest_of_it_alone(money: Money, clock: Clock) -> None:
    anna, ben, number = money.user(), money.user(), unique_id()
    take(money, ben, bought(money, anna, number))
    gift_ends_at = money.ends_at(ben)
    money.record(paid(unique_id(), money.order(ben, "premium_month"), PRICE))
    own = money.ends_at(ben) - gift_ends_at
    clock("clock_timestamp() + interval '20 days'")
    now = money.sql("select private.clock() as now")[0]["now"]
    money.record(refunded(number, PRICE))
    assert abs((money.ends_at(ben) - now - own).total_seconds()) < 60


def test_won_dispute_gives_an_accepted_gift_back(money: Money) -> None:
    anna, ben, number = money.user(), money.user(), unique_id()
    take(money, ben, bought(money, anna, number))
    ends_at = money.ends_at(ben)
    dispute = {"payment_id": number, "operation_id": "d1", "amount": PRICE}
    money.record({"kind": "disputed", **dispute})
    assert (money.ends_at(ben), state_of(money, anna)) == (None, "revoked")
    money.record({"kind": "dispute_won", **dispute})
    assert state_of(money, anna) == "taken"
    assert abs((money.ends_at(ben) - ends_at).total_seconds()) < 60


def test_gift_expires(money: Money, sql: Sql, clock: Clock) -> None:
    sql("update private.settings set value = '2' where key = 'gift_days'")
    anna, ben = money.user(), money.user()
    token = bought(money, anna, unique_id())
    clock("clock_timestamp() + interval '3 days'")
    assert (state_of(money, anna), take(money, ben, token)["outcome"]) == ("expired", "expired")


@pytest.mark.parametrize(
    ("product", "rest"),
    [
        ("credits_100", {}),
        ("premium_month", {"p_renews": True}),
    ],
)
def test_only_a_plan_for_one_payment_is_given(money: Money, product: str, rest: dict[str, Any]) -> None:
    asked = {"p_provider": "yookassa", **rest}
    made = money.call(
        "create_order",
        p_user_id=money.user(),
        p_product_key=product,
        p_currency="RUB",
        p_bot="assistant",
        p_is_gift=True,
        **asked,
    )
    assert made["outcome"] == "not_for_sale"


def test_order_of_a_gift_is_not_reused_for_the_buyer(money: Money) -> None:
    anna = money.user()
    gift = money.order(anna, "premium_month", p_is_gift=True, p_reuse=True)
    assert money.order(anna, "premium_month", p_reuse=True) != gift


def test_two_recipients_at_once_make_one(money: Money, connect: Connect) -> None:
    anna = money.user()
    for _ in range(5):
        token = bought(money, anna, unique_id())
        users = [money.user() for _ in range(4)]

        def accept(number: int, token: str = token, users: list[int] = users) -> str:
            with connect() as connection:
                row = connection.execute("select public.take_gift(%s, %s)", (users[number], token)).fetchone()
            assert row is not None
            return str(row[0]["outcome"])

        assert sorted(in_parallel(4, accept)) == ["taken", "used", "used", "used"]
        assert sum(money.ends_at(user) is not None for user in users) == 1


def test_refund_and_recipient_at_once_leave_no_plan(money: Money, connect: Connect) -> None:
    anna = money.user()
    for _ in range(8):
        ben, number = money.user(), unique_id()
        token = bought(money, anna, number)

        def act(step: int, ben: int = ben, number: str = number, token: str = token) -> None:
            with connect() as connection:
                if step:
                    connection.execute("select public.take_gift(%s, %s)", (ben, token))
                else:
                    connection.execute(
                        "select public.record_payment_event('yookassa', %s, 'test', '{}', %s)",
                        (f"event-{number}", Jsonb([refunded(number, PRICE)])),
                    )

        in_parallel(2, act)
        assert (money.ends_at(ben), state_of(money, anna)) == (None, "revoked")


def test_erased_buyer_and_recipient(money: Money, sql: Sql, buyer: Callable[[], SqlUser]) -> None:
    anna, ben = buyer(), buyer()
    number, carl = unique_id(), money.user()
    money.record(paid(number, order_of(money, anna, "premium_month", p_is_gift=True), PRICE))
    anna_id, ben_id = id_of(sql, anna), id_of(sql, ben)
    assert anna_id and ben_id
    token = token_of(money, anna_id)
    anna.erase()
    assert take(money, ben_id, token)["outcome"] == "taken", "the link works without its buyer"
    ben.erase()
    (gift,) = sql(
        "select user_id, taken_by, taken_at is not null as is_taken from gifts where token = %s", token
    )
    assert gift == {"user_id": None, "taken_by": None, "is_taken": True}
    assert take(money, carl, token)["outcome"] == "used"
    money.record(refunded(number, PRICE))
    assert take(money, carl, token)["outcome"] == "revoked"
