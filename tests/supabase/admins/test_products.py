"""Products changed by admins: valid prices and titles, and the effect of a change on buyers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from shared.features.admin import prices
from tests.first_server import create_synced
from tests.supabase.admins.users import BOSS, Call, Sql, new_user
from tests.support import in_parallel
from tools.database.embedded import Server

_numbers = itertools.count(1)
ALL = ["stripe", "yookassa", "telegram_stars"]
Change = Callable[..., Any]


@pytest.fixture
def product(sql: Sql) -> str:
    """Create a monthly plan on sale for 350 Stars and 499 rubles."""
    key = "plan"
    texts = (
        '{"en": {"title": "Old", "description": "Words"}, "ru": {"title": "Старый", "description": "Слова"}}'
    )
    sql(
        "insert into products (key, kind, plan, period, texts, is_active) "
        "values (%s, 'subscription', 'PREMIUM', 'month', %s, true)",
        key,
        texts,
    )
    sql("insert into product_prices values (%s, 'XTR', 350), (%s, 'RUB', 499)", key, key)
    return key


@pytest.fixture
def set_prices(call: Call, boss: str, product: str) -> Change:
    def change(prices: dict[str, str | None], *, confirmed: bool = True, **rest: Any) -> Any:
        return call(
            "admin_set_prices",
            **{
                "p_key": product,
                "p_prices": Jsonb(prices),
                "p_admin_email": boss,
                "p_providers": Jsonb(ALL),
                "p_is_confirmed": confirmed,
                **rest,
            },
        )

    return change


def prices_of(sql: Sql, key: str) -> dict[str, str]:
    rows = sql("select currency, amount::text as amount from product_prices where product_key = %s", key)
    return {row["currency"]: row["amount"] for row in rows}


def audit_entries(sql: Sql, key: str) -> list[dict[str, Any]]:
    return sql(
        "select action, admin_email, before, after from audit_log where after ->> 'product' = %s order by id",
        key,
    )


# A new database --------------------------------------------------------------------------------------------


def test_a_new_database_sells_nothing_and_has_no_price(server: Server) -> None:
    url = create_synced(server, "unsold")
    try:
        with psycopg.connect(url) as connection:
            count = connection.execute(
                "select count(*), count(*) filter (where is_active) from products"
            ).fetchone()
            assert count is not None
            assert (count[0] > 0, count[1]) == (True, 0)
            assert connection.execute("select count(*) from product_prices").fetchone() == (0,)
            assert connection.execute("select products_for_sale(null)::jsonb").fetchone() == ([],)
    finally:
        server.drop_database("unsold")


def test_the_demonstration_set_is_on_sale(sql: Sql) -> None:
    rows = sql("select is_active from products where key in ('premium_month', 'credits_100', 'balance_500')")
    assert [row["is_active"] for row in rows] == [True] * 3


# Prices ----------------------------------------------------------------------------------------------------


def test_prices_change_once_confirmed_and_are_logged(sql: Sql, product: str, set_prices: Change) -> None:
    wanted = {"XTR": "400", "USD": "5.99", "RUB": None}
    asked = set_prices(wanted, confirmed=False)
    assert (asked["outcome"], asked["jumps"]) == ("preview", {})
    assert asked["before"] == {"XTR": "350.00", "RUB": "499.00"}
    assert asked["after"] == {"XTR": "400.00", "USD": "5.99"}
    assert prices_of(sql, product) == asked["before"]
    assert audit_entries(sql, product) == []
    done = set_prices(wanted, p_expected=Jsonb(asked["before"]))
    assert (done["outcome"], done["product"]["prices"]) == ("applied", asked["after"])
    assert prices_of(sql, product) == asked["after"]
    (entry,) = audit_entries(sql, product)
    assert (entry["action"], entry["admin_email"]) == ("set_prices", BOSS)
    assert (entry["before"]["prices"], entry["after"]["prices"]) == (asked["before"], asked["after"])


@pytest.mark.parametrize(
    ("currency", "amount", "reason", "limit"),
    [
        ("RUB", "0", "zero", None),
        ("RUB", "0.00", "zero", None),
        ("RUB", "-5", "zero", None),
        ("RUB", "4.999", "decimals", "2"),
        ("RUB", "0.001", "decimals", "2"),
        ("RUB", "1.000", "decimals", "2"),
        ("RUB", "0.99", "minimum", "1"),
        ("XTR", "1.5", "decimals", "0"),
        ("XTR", "10001", "maximum", "10000"),
        ("JPY", "500.5", "decimals", "0"),
        ("JPY", "49", "minimum", "50"),
        ("USD", "0.49", "minimum", "0.50"),
        ("GBP", "0.29", "minimum", "0.30"),
        ("RUB", "100000000", "maximum", "99999999"),
        ("RUB", "99999999999999999999", "maximum", "99999999"),
        ("RUB", "1e3", "number", None),
        ("RUB", "NaN", "number", None),
        ("RUB", "", "number", None),
        ("RUB", "9" * 21, "number", None),
        ("rub", "5", "currency", None),
        ("R", "5", "currency", None),
    ],
)
def test_a_bad_price_is_refused_with_its_reason(
    sql: Sql, product: str, set_prices: Change, currency: str, amount: str, reason: str, limit: str | None
) -> None:
    before = prices_of(sql, product)
    refused = set_prices({currency: amount, "EUR": "7"})
    assert refused["outcome"] == "refused"
    (problem,) = refused["problems"]
    assert (problem["currency"], problem["reason"], problem["limit"]) == (currency, reason, limit)
    assert prices_of(sql, product) == before


@pytest.mark.parametrize(
    ("currency", "amount"),
    [
        ("XTR", "1"),
        ("XTR", "10000"),
        ("RUB", "1"),
        ("RUB", "1.50"),
        ("USD", "0.50"),
        ("JPY", "50"),
        ("KZT", "0.01"),
    ],
)
def test_a_price_at_the_limit_is_accepted(
    sql: Sql, product: str, set_prices: Change, currency: str, amount: str
) -> None:
    assert set_prices({currency: amount})["outcome"] == "applied"
    assert float(prices_of(sql, product)[currency]) == float(amount)


def test_minimums_are_those_of_connected_providers(product: str, set_prices: Change) -> None:
    none = Jsonb([])
    assert set_prices({"USD": "0.10"}, p_providers=none)["outcome"] == "applied"
    assert set_prices({"USD": "0.20"})["outcome"] == "refused"


def test_a_price_jump_is_reported(product: str, set_prices: Change) -> None:
    asked = set_prices({"RUB": "4990", "XTR": "116", "USD": "900"}, confirmed=False)
    assert asked["jumps"] == {"RUB": "10", "XTR": "0.33"}
    assert set_prices({"RUB": "1496", "XTR": "117"}, confirmed=False)["jumps"] == {}
    assert set_prices({"RUB": "1497"}, confirmed=False)["jumps"] == {"RUB": "3"}


def test_an_unchanged_price_or_removal_of_the_last_one_is_refused(
    sql: Sql, product: str, call: Call, set_prices: Change, boss: str
) -> None:
    assert set_prices({"RUB": "499.00", "EUR": None})["outcome"] == "unchanged"
    assert set_prices({"RUB": None, "XTR": None})["outcome"] == "last"
    call("admin_switch_product", p_key=product, p_is_active=False, p_admin_email=boss)
    assert set_prices({"RUB": None, "XTR": None})["outcome"] == "applied"
    shown = call("admin_switch_product", p_key=product, p_is_active=True, p_admin_email=boss)
    assert (shown["outcome"], shown["product"]["is_active"]) == ("no_price", False)


def test_only_admins_change_products(product: str, refused: Callable[..., Any], boss: str) -> None:
    eve, empty = "eve@example.com", Jsonb({"RUB": "1"})
    assert refused("admin_products", p_admin_email=eve) == "N0001"
    assert refused("admin_set_prices", p_key=product, p_prices=empty, p_admin_email=eve) == "N0001"
    assert refused("admin_switch_product", p_key=product, p_is_active=False, p_admin_email=eve) == "N0001"
    names = {"p_title": "x", "p_description": "y", "p_language": "en"}
    assert refused("admin_set_product_texts", p_key=product, p_admin_email=eve, **names) == "N0001"
    nothing = Jsonb({})
    assert refused("admin_set_prices", p_key=product, p_prices=nothing, p_admin_email=boss) == "N0004"
    names["p_language"] = "english"
    assert refused("admin_set_product_texts", p_key=product, p_admin_email=boss, **names) == "N0004"


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_other_roles_may_not_call(sql: Sql, role: str) -> None:
    for function in ("admin_products", "admin_set_prices", "admin_set_product_texts", "admin_switch_product"):
        row = sql(
            "select has_function_privilege(%s, oid, 'execute') as may from pg_proc where proname = %s",
            role,
            function,
        )
        assert row == [{"may": False}], function


def test_a_repeated_call_changes_once_and_a_reference_is_for_one_change(
    sql: Sql, product: str, set_prices: Change, refused: Callable[..., Any], call: Call, boss: str
) -> None:
    reference = f"telegram:{product}"
    assert set_prices({"RUB": "600"}, p_reference=reference)["outcome"] == "applied"
    set_prices({"RUB": "700"})
    again = set_prices({"RUB": "600"}, p_reference=reference)
    assert (again["outcome"], again["product"]["prices"]["RUB"]) == ("applied", "700.00")
    other = Jsonb({"RUB": "601"})
    values = {"p_key": product, "p_admin_email": boss, "p_reference": reference}
    assert refused("admin_set_prices", p_prices=other, **values) == "N0003"
    assert refused("admin_switch_product", p_is_active=False, **values) == "N0003"
    assert len(audit_entries(sql, product)) == 2


def test_of_two_admins_at_once_the_second_sees_what_the_first_did(
    sql: Sql, product: str, set_prices: Change
) -> None:
    before = Jsonb(prices_of(sql, product))
    outcomes = in_parallel(4, lambda n: set_prices({"RUB": str(600 + n)}, p_expected=before)["outcome"])
    assert sorted(outcomes) == ["applied", "changed", "changed", "changed"]
    assert len(audit_entries(sql, product)) == 1


def test_a_product_is_not_shown_at_prices_that_the_admin_did_not_see(
    product: str, call: Call, set_prices: Change, boss: str
) -> None:
    call("admin_switch_product", p_key=product, p_is_active=False, p_admin_email=boss)
    seen = Jsonb({"XTR": "350.00", "RUB": "499.00"})
    set_prices({"RUB": "4.99"})
    values = {"p_key": product, "p_is_active": True, "p_admin_email": boss}
    assert call("admin_switch_product", p_expected=seen, **values)["outcome"] == "changed"
    now = Jsonb({"XTR": "350.00", "RUB": "4.99"})
    assert call("admin_switch_product", p_expected=now, **values)["product"]["is_active"]


# Effects on buyers -----------------------------------------------------------------------------------------


def test_open_orders_and_renewals_keep_their_price(
    sql: Sql, product: str, call: Call, set_prices: Change, boss: str
) -> None:
    user = new_user(sql)
    ours = {"p_user_id": user, "p_product_key": product, "p_provider": "yookassa", "p_currency": "RUB"}
    order = call("create_order", p_bot="assistant", p_renews=True, **ours)
    subscriber = new_user(sql)
    first = call("create_order", p_bot="assistant", p_renews=True, **{**ours, "p_user_id": subscriber})
    renewal = sql(
        "insert into renewals (user_id, product_key, provider, provider_subscription_id, currency, amount, "
        "plan, period, bot, saved_method, charged_until, charge_at) select %s, %s, 'yookassa', %s, 'RUB', "
        "499, 'PREMIUM', 'month', 'assistant', 'card', private.clock(), private.clock() returning id",
        subscriber,
        product,
        f"order:{first['id']}",
    )[0]["id"]
    set_prices({"RUB": "599"})
    call("admin_switch_product", p_key=product, p_is_active=False, p_admin_email=boss)
    telegram_id = sql("select telegram_id from users where id = %s", user)[0]["telegram_id"]
    check = {"p_provider": "yookassa", "p_order_id": order["id"], "p_telegram_id": telegram_id}
    assert call("check_order", p_amount=499, p_currency="RUB", **check) == "ok"
    assert call("check_order", p_amount=599, p_currency="RUB", **check) == "amount"
    due = call("claim_due_renewals", p_providers=Jsonb(["yookassa"]), p_limit=50)
    (charged,) = [one for one in due["charges"] if one["id"] == renewal]
    assert float(charged["amount"]) == 499
    assert (
        call("create_order", p_bot="assistant", p_reference=f"late:{product}", **ours)["outcome"]
        == "not_for_sale"
    )


def test_a_product_hidden_during_an_order_gives_one_order_or_none(
    sql: Sql, product: str, call: Call, boss: str
) -> None:
    users = [new_user(sql) for _ in range(3)]

    def act(n: int) -> Any:
        if n == 0:
            return call("admin_switch_product", p_key=product, p_is_active=False, p_admin_email=boss)[
                "outcome"
            ]
        values = {
            "p_user_id": users[n - 1],
            "p_product_key": product,
            "p_currency": "RUB",
            "p_bot": "assistant",
        }
        return call("create_order", p_provider="yookassa", **values)["outcome"]

    outcomes = in_parallel(4, act)
    made = sql("select count(*) as n from orders where product_key = %s", product)[0]["n"]
    assert outcomes.count("created") == made
    assert set(outcomes[1:]) <= {"created", "not_for_sale"}


# Titles ----------------------------------------------------------------------------------------------------


@pytest.fixture
def rename(call: Call, boss: str, product: str) -> Change:
    def change(title: str, about: str | None = "About", **rest: Any) -> Any:
        values = {"p_key": product, "p_language": "en", "p_admin_email": boss, "p_is_confirmed": True, **rest}
        return call("admin_set_product_texts", p_title=title, p_description=about, **values)

    return change


def test_a_title_changes_in_one_language(sql: Sql, product: str, rename: Change) -> None:
    assert rename("New", p_is_confirmed=False)["outcome"] == "preview"
    done = rename("  New  ", "Two\nlines")
    assert done["outcome"] == "applied"
    assert done["product"]["texts"] == {
        "en": {"title": "New", "description": "Two\nlines"},
        "ru": {"title": "Старый", "description": "Слова"},
    }
    assert rename("New", "Two\nlines")["outcome"] == "unchanged"
    stale = Jsonb({"title": "Old", "description": "Words"})
    assert rename("Newer", p_expected=stale)["outcome"] == "changed"
    (entry,) = audit_entries(sql, product)
    assert (entry["before"]["title"], entry["after"]["title"]) == ("Old", "New")


@pytest.mark.parametrize(
    ("title", "about", "field", "reason"),
    [
        ("", "x", "title", "empty"),
        ("   ", "x", "title", "empty"),
        ("\u200b\u2060", "x", "title", "empty"),
        ("\u3164", "x", "title", "empty"),
        ("\U000e0041", "x", "title", "empty"),
        ("\u202e99.5", "x", "title", "characters"),
        ("x", "to \u2067 turn", "description", "characters"),
        ("x" * 33, "x", "title", "long"),
        ("two\nlines", "x", "title", "characters"),
        ("x", "ы" * 256, "description", "long"),
        ("x", "a\x07", "description", "characters"),
    ],
)
def test_an_invalid_text_is_refused(
    rename: Change, title: str, about: str | None, field: str, reason: str
) -> None:
    refused = rename(title, about)
    assert refused["outcome"] == "refused"
    assert [(one["field"], one["reason"]) for one in refused["problems"]] == [(field, reason)]


def test_emoji_and_joining_scripts_are_accepted(rename: Change) -> None:
    for title in ("👨‍👩‍👧 Family", "⭐️", "می‌خواهم", "שנה"):
        assert rename(title, None)["product"]["texts"]["en"] == {"title": title}


def test_a_product_needs_no_description(rename: Change) -> None:
    assert rename("Bare", "  ")["product"]["texts"]["en"] == {"title": "Bare"}


def test_the_longest_texts_are_accepted(rename: Change) -> None:
    assert rename("ы" * 32, "ы" * 255)["outcome"] == "applied"


# Parsing prices --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("350 XTR", {"XTR": "350"}),
        ("350 ⭐, 499 RUB, 5.99 USD", {"XTR": "350", "RUB": "499", "USD": "5.99"}),
        ("350⭐️ 499₽ $5.99", {"XTR": "350", "RUB": "499", "USD": "5.99"}),
        ("xtr 350\nrub 499", {"XTR": "350", "RUB": "499"}),
        ("5,99 usd; 1 000 руб.", {"USD": "5.99", "RUB": "1000"}),
        ("4\u00a0990 ₽", {"RUB": "4990"}),
        ("-USD", {"USD": None}),
        ("USD -, 10 EUR", {"USD": None, "EUR": "10"}),
        ("− usd", {"USD": None}),
        ("-5 RUB", {"RUB": "-5"}),
        ("1,000 RUB", {"RUB": "1.000"}),
        ("350 stars", {"XTR": "350"}),
        ("350", None),
        ("XTR", None),
        ("", None),
        ("350 XTR 400 XTR", None),
        ("350 XTR 499", None),
        ("1.000,50 RUB", None),
        ("free for friends", None),
        ("350 XTR!", None),
        ("٣ RUB", None),
        ("5 " * 500, None),
    ],
)
def test_prices_are_read_as_admins_write_them(text: str, read: dict[str, str | None] | None) -> None:
    assert prices.read(text) == read
