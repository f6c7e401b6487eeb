"""The assistant gives XP for the first request and for a completed referral, each once."""

from __future__ import annotations

from collections.abc import Callable

from tests.supabase.privacy.conftest import SqlUser, id_of, next_update
from tests.supabase.xp.users import Call, Sql, create_user, xp
from tests.support import in_parallel

MakeUser = Callable[..., SqlUser]


def test_only_the_first_request_gives_xp(sql: Sql, make_user: MakeUser) -> None:
    anna = make_user()
    anna.receive(next_update())
    assert xp(sql, anna.id) == (0, 1)
    for _ in range(2):
        anna.ask()
        assert xp(sql, anna.id) == (20, 1)


def test_an_erased_user_does_not_get_the_xp_of_the_first_request_again(sql: Sql, make_user: MakeUser) -> None:
    anna = make_user()
    anna.ask()
    anna.erase()
    anna.ask()
    assert xp(sql, anna.id) == (0, 1)


def test_a_bot_without_the_rule_serves_the_request(sql: Sql, make_user: MakeUser) -> None:
    anna = make_user(bot="second")
    anna.ask()
    assert xp(sql, anna.id) == (0, 1)
    assert not sql("select is_newcomer from users where telegram_id = %s", anna.id)[0]["is_newcomer"]


def test_a_completed_referral_gives_the_referrer_xp_once(sql: Sql, call: Call, make_user: MakeUser) -> None:
    referrer, invitee = create_user(sql), make_user()
    invitee.receive(next_update())
    code = sql("select referral_code from users where telegram_id = %s", referrer)[0]["referral_code"]
    given = {"p_user_id": id_of(sql, invitee), "p_referral_code": code}
    outcomes = in_parallel(10, lambda _n: call("complete_referral", **given)["outcome"])
    assert sorted(outcomes) == ["already_completed"] * 9 + ["completed"]
    assert (xp(sql, referrer), xp(sql, invitee.id)) == ((50, 1), (0, 1))


def test_without_the_rule_a_referral_is_completed_all_the_same(
    sql: Sql, call: Call, make_user: MakeUser
) -> None:
    sql("delete from xp_rules where rule = 'referral_completed'")
    referrer, invitee = create_user(sql), make_user()
    invitee.receive(next_update())
    code = sql("select referral_code from users where telegram_id = %s", referrer)[0]["referral_code"]
    given = {"p_user_id": id_of(sql, invitee), "p_referral_code": code}
    assert call("complete_referral", **given)["outcome"] == "completed"
    assert xp(sql, referrer) == (0, 1)
