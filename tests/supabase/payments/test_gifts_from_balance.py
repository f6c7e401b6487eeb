"""Gifts paid from the balance: one for a reference, refunds that go back to it, and races."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.payments.promocodes import new_code, redeem
from tests.supabase.payments.test_gifts import Connect, Sql, state_of, take, token_of
from tests.supabase.payments.test_pay_from_balance import buy, give, refund, refusal, untouched
from tests.supabase.privacy.conftest import SqlUser, id_of
from tests.support import in_parallel

PRICE = Decimal("499.00")


def give_plan(money: Money, buyer: int, **rest: Any) -> Any:
    """Buy a month of the plan from the balance, for another user."""
    return buy(money, buyer, "premium_month", p_is_gift=True, **rest)


def balance(money: Money, user: int) -> Decimal:
    return Decimal(money.user_row(user)["balance"])


def test_gift_is_paid_from_the_balance_and_accepted_by_another_user(money: Money) -> None:
    anna, ben = money.user(), money.user()
    give(money, anna, "500")
    done = give_plan(money, anna, p_amount=PRICE)
    assert (done["outcome"], done["is_gift"], done["until"]) == ("paid", True, None)
    assert (done["balance"], done["outgoing"]) == ("1.00", []), "the buyer sees the result on the screen"
    (gift,) = money.call("list_gifts", p_user_id=anna)
    assert (gift["id"], gift["state"]) == (done["payment_id"], "waiting")
    assert (money.ends_at(anna), take(money, anna, gift["token"])["outcome"]) == (None, "own")
    assert take(money, ben, gift["token"])["outcome"] == "taken"
    assert money.ends_at(ben) is not None
    assert [money.user_row(one)["is_paid"] for one in (anna, ben)] == [False, True]


def test_purchase_for_oneself_is_no_gift(money: Money) -> None:
    anna = money.user()
    give(money, anna, "499")
    assert buy(money, anna, "premium_month")["is_gift"] is False
    assert money.call("list_gifts", p_user_id=anna) == []


@pytest.mark.parametrize("product", ["credits_100", "balance_500", "no_such_product"])
def test_only_a_plan_is_given_from_the_balance(money: Money, product: str) -> None:
    anna = money.user()
    give(money, anna, "5000")
    assert buy(money, anna, product, p_is_gift=True) == {"outcome": "not_for_sale"}
    assert untouched(money, anna)


@pytest.mark.parametrize(("amount", "refused"), [("498.99", "L0002"), ("500", "L0005")])
def test_rejected_gift_leaves_no_trace(money: Money, amount: str, refused: str) -> None:
    anna = money.user()
    give(money, anna, amount)
    price = PRICE if refused == "L0002" else PRICE - 1
    with pytest.raises(psycopg.Error) as caught:
        give_plan(money, anna, p_amount=price)
    assert caught.value.sqlstate == refused
    assert untouched(money, anna)
    assert money.call("list_gifts", p_user_id=anna) == []
    assert balance(money, anna) == Decimal(amount)


def test_discount_applies_to_one_gift(money: Money) -> None:
    anna = money.user()
    redeem(money, anna, new_code(money.sql, "percent", 50))
    give(money, anna, "1000")
    assert give_plan(money, anna)["amount"] == "249.50"
    assert give_plan(money, anna)["amount"] == "499.00"


def test_refund_returns_the_money_and_takes_the_gift_back(money: Money, boss: int) -> None:
    anna, ben = money.user(), money.user()
    give(money, anna, "499")
    order = give_plan(money, anna)["id"]
    token = token_of(money, anna)
    take(money, ben, token)
    assert message_keys(refund(money, order)["outgoing"]) == ["refunded_to_balance"]
    assert (balance(money, anna), state_of(money, anna)) == (PRICE, "revoked")
    assert (money.ends_at(ben), take(money, ben, token)["outcome"]) == (None, "revoked")
    assert refund(money, order)["outcome"] == "nothing_left"


def test_partial_refund_keeps_the_gift_and_says_so(money: Money, boss: int) -> None:
    anna, ben = money.user(), money.user()
    give(money, anna, "499")
    order = give_plan(money, anna)["id"]
    assert message_keys(refund(money, order, "100")["outgoing"]) == ["refunded_part_kept_to_balance"]
    assert (balance(money, anna), state_of(money, anna)) == (100, "waiting")
    assert take(money, ben, token_of(money, anna))["outcome"] == "taken"
    assert message_keys(refund(money, order)["outgoing"]) == ["refunded_to_balance"]
    assert (balance(money, anna), money.ends_at(ben)) == (PRICE, None)


def test_partial_refund_of_a_gift_paid_by_card_says_that_it_stays(money: Money) -> None:
    anna, number = money.user(), unique_id()
    money.record(paid(number, money.order(anna, "premium_month", p_is_gift=True), "499.00"))
    assert message_keys(money.record(refunded(number, "100.00"))["outgoing"]) == ["refunded_part_kept"]
    own = unique_id()
    money.record(paid(own, money.order(anna, "premium_month"), "499.00"))
    assert message_keys(money.record(refunded(own, "100.00"))["outgoing"]) == ["refunded_part"]


@pytest.mark.parametrize("is_accepted", [True, False])
def test_failed_refund_restores_the_gift(money: Money, is_accepted: bool) -> None:
    anna, ben, number = money.user(), money.user(), unique_id()
    money.record(paid(number, money.order(anna, "premium_month", p_is_gift=True), "499.00"))
    token = token_of(money, anna)
    if is_accepted:
        take(money, ben, token)
    ends_at = money.ends_at(ben)
    money.record(refunded(number, "499.00"))
    assert (state_of(money, anna), money.ends_at(ben)) == ("revoked", None)
    failed = {"kind": "refund_failed", "payment_id": number, "operation_id": "r1"}
    assert message_keys(money.record(failed)["outgoing"]) == ["refund_undone"]
    assert state_of(money, anna) == ("taken" if is_accepted else "waiting")
    if not is_accepted:
        assert take(money, ben, token)["outcome"] == "taken"
    else:
        assert abs((money.ends_at(ben) - ends_at).total_seconds()) < 60
    until = money.ends_at(ben)
    assert money.record(failed)["outgoing"] == []
    assert money.ends_at(ben) == until, "restored once"


def test_double_tap_buys_one_gift(money: Money, connect: Connect) -> None:
    anna = money.user()
    give(money, anna, "1000")
    outcomes = in_parallel(6, lambda _n: give_plan(money, anna, reference=f"tap:{anna}")["outcome"])
    assert sorted(outcomes) == ["known"] * 5 + ["paid"]
    assert (balance(money, anna), len(money.call("list_gifts", p_user_id=anna))) == (501, 1)


def test_balance_for_one_gift_buys_one_of_several_at_once(money: Money) -> None:
    anna = money.user()
    give(money, anna, "700")

    def tap(_n: int) -> str:
        try:
            return str(give_plan(money, anna)["outcome"])
        except psycopg.Error as error:
            return error.sqlstate or ""

    assert sorted(in_parallel(4, tap)) == ["L0002"] * 3 + ["paid"]
    assert (balance(money, anna), len(money.call("list_gifts", p_user_id=anna))) == (201, 1)


def test_refund_and_recipient_at_once_leave_money_and_no_plan(money: Money, boss: int) -> None:
    for _ in range(6):
        anna, ben = money.user(), money.user()
        give(money, anna, "499")
        order = give_plan(money, anna)["id"]
        token = token_of(money, anna)

        def act(step: int, ben: int = ben, order: int = order, token: str = token) -> str:
            return str((take(money, ben, token) if step else refund(money, order))["outcome"])

        assert in_parallel(2, act)[0] == "opened"
        assert (balance(money, anna), money.ends_at(ben), state_of(money, anna)) == (PRICE, None, "revoked")


def test_refund_and_repeated_tap_at_once_buy_nothing_again(money: Money, boss: int) -> None:
    for _ in range(6):
        anna = money.user()
        give(money, anna, "499")
        name = f"tap:{anna}"
        order = give_plan(money, anna, reference=name)["id"]

        def act(step: int, anna: int = anna, order: int = order, name: str = name) -> str:
            return str((give_plan(money, anna, reference=name) if step else refund(money, order))["outcome"])

        assert in_parallel(2, act) == ["opened", "known"]
        assert (balance(money, anna), state_of(money, anna)) == (PRICE, "revoked")
        again = give_plan(money, anna, reference=name)
        assert (again["outcome"], again["state"]) == ("known", "refunded")


def test_erasure_and_purchase_at_once(money: Money, sql: Sql, buyer: Callable[[], SqlUser]) -> None:
    for _ in range(6):
        anna = buyer()
        number = id_of(sql, anna)
        assert number
        give(money, number, "499")

        def act(step: int, anna: SqlUser = anna, number: int = number) -> str:
            if step:
                anna.erase(balance="1000")
                return "erased"
            try:
                return str(give_plan(money, number)["outcome"])
            except psycopg.Error as error:
                return error.sqlstate or ""

        bought, erased = in_parallel(2, act)
        gifts = sql(
            "select g.user_id from gifts g join payments p on p.id = g.payment_id"
            " where p.provider = 'balance' and p.amount = 499 and p.created_at >= now() - interval '1 hour'"
            " order by g.payment_id desc limit 1"
        )
        assert erased == "erased"
        assert bought in ("paid", "M0003")
        if bought == "paid":
            assert gifts == [{"user_id": None}], "the link stays, without its buyer"
        assert sql("select id from users where telegram_id = %s", anna.id) == []
        assert sql("select check_balances() as wrong") == [{"wrong": []}]


def test_purchase_by_an_unknown_user_is_rejected(money: Money) -> None:
    assert refusal(money, 2**40, "premium_month", p_is_gift=True) == "M0003"
