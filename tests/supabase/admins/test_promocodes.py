"""Promo codes that admins create, read and switch off: audited, and for admins only."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.supabase.admins.users import Call, Sql
from tests.support import in_parallel

Refused = Callable[..., str | None]
_numbers = itertools.count(1)


def word() -> str:
    return f"ADMINS-{next(_numbers)}"


@pytest.fixture
def create(call: Call, boss: str) -> Callable[..., Any]:
    def create(code: str, kind: str = "credits", value: int = 50, **rest: Any) -> Any:
        return call(
            "admin_create_promocode",
            p_code=code,
            p_kind=kind,
            p_value=value,
            p_admin_email=boss,
            **rest,
        )

    return create


def audit_entries(sql: Sql, code: str) -> list[dict[str, Any]]:
    return sql(
        "select admin_email, action, user_id, before, after from audit_log where after ->> 'code' = %s "
        "order by id",
        code,
    )


def test_a_code_is_created_with_all_its_values(sql: Sql, create: Any, boss: str) -> None:
    code = word()
    made = create(code.lower(), "month", 2, p_max_uses=5, p_valid_until="2099-01-01", p_note=" for friends ")
    assert made["outcome"] == "created"
    card = made["promocode"]
    assert {name: card[name] for name in ("code", "kind", "value", "plan", "max_uses", "uses", "state")} == {
        "code": code,
        "kind": "month",
        "value": 2,
        "plan": "PREMIUM",
        "max_uses": 5,
        "uses": 0,
        "state": "active",
    }
    assert card["note"] == "for friends"
    (line,) = audit_entries(sql, code)
    assert (line["admin_email"], line["action"], line["user_id"]) == (boss, "create_promocode", None)
    assert line["after"]["value"] == 2


def test_an_existing_code_is_not_changed(sql: Sql, create: Any) -> None:
    code = word()
    create(code, "credits", 50)
    again = create(code.lower(), "percent", 90)
    assert (again["outcome"], again["promocode"]["kind"]) == ("taken", "credits")
    assert len(audit_entries(sql, code)) == 1


def test_a_reference_acts_once(sql: Sql, create: Any, call: Call, boss: str, refused: Refused) -> None:
    code, reference = word(), f"story:{word()}"
    for _ in range(3):
        assert create(code, p_reference=reference)["outcome"] == "created"
    assert len(audit_entries(sql, code)) == 1
    other = word()
    values = {"p_kind": "credits", "p_value": 50, "p_admin_email": boss, "p_reference": reference}
    assert refused("admin_create_promocode", p_code=other, **values) == "N0003"
    assert not sql("select from promocodes where code = %s", other)
    create(other)
    assert refused("admin_create_promocode", p_code=other, **values) == "N0003"
    switch = {"p_code": code, "p_is_active": False, "p_admin_email": boss}
    assert refused("admin_switch_promocode", **switch, p_reference=reference) == "N0003"


@pytest.mark.parametrize(
    "change",
    [
        {"p_code": "AB"},
        {"p_code": "A" * 33},
        {"p_code": "TWO WORDS"},
        {"p_code": "СКИДКА"},
        {"p_code": None},
        {"p_kind": "year"},
        {"p_value": 0},
        {"p_value": None},
        {"p_kind": "percent", "p_value": 100},
        {"p_kind": "month", "p_value": 37},
        {"p_kind": "month", "p_value": 1, "p_plan": "GOLD"},
        {"p_kind": "month", "p_value": 1, "p_plan": None},
        {"p_max_uses": 0},
        {"p_valid_until": "2020-01-01"},
        {"p_valid_from": "2099-01-01", "p_valid_until": "2098-01-01"},
        {"p_note": "x" * 501},
    ],
)
def test_an_invalid_code_is_refused(boss: str, refused: Refused, change: dict[str, Any]) -> None:
    values = {"p_code": word(), "p_kind": "credits", "p_value": 5, "p_admin_email": boss}
    assert refused("admin_create_promocode", **(values | change)) == "Z0007"


def test_only_admins_create_read_and_switch_codes(create: Any, boss: str, refused: Refused) -> None:
    code = word()
    create(code)
    eve = {"p_admin_email": "eve@example.com"}
    assert refused("admin_create_promocode", p_code=word(), p_kind="credits", p_value=5, **eve) == "N0001"
    assert refused("admin_promocodes", **eve) == "N0001"
    assert refused("admin_switch_promocode", p_code=code, p_is_active=False, **eve) == "N0001"


def test_a_code_is_switched_off_and_on_and_each_is_logged_once(
    sql: Sql, create: Any, call: Call, boss: str
) -> None:
    code = word()
    create(code)

    def switch(is_active: bool) -> Any:
        return call("admin_switch_promocode", p_code=code, p_is_active=is_active, p_admin_email=boss)

    for is_active in (False, False, True):
        assert switch(is_active)["state"] == ("active" if is_active else "off")
    lines = [line for line in audit_entries(sql, code) if line["action"] == "switch_promocode"]
    assert [(line["before"]["is_active"], line["after"]["is_active"]) for line in lines] == [
        (True, False),
        (False, True),
    ]
    assert call("admin_switch_promocode", p_code="NOSUCH", p_is_active=True, p_admin_email=boss) is None


def test_the_newest_are_shown_first_a_page_at_a_time(create: Any, call: Call, boss: str) -> None:
    codes = [word() for _ in range(5)]
    for code in codes:
        create(code)
    seen: list[str] = []
    before = None
    for _ in range(3):
        page = call("admin_promocodes", p_admin_email=boss, p_before=before, p_limit=2)
        seen += [one["code"] for one in page["promocodes"]]
        before = page["next"]
    assert seen[:5] == codes[::-1]
    (one,) = call("admin_promocodes", p_admin_email=boss, p_code=codes[2].lower())["promocodes"]
    assert one["code"] == codes[2]
    nothing = call("admin_promocodes", p_admin_email=boss, p_code="NOSUCH")
    assert nothing == {"promocodes": [], "next": None}


def test_ten_admins_at_once_create_one_code(sql: Sql, create: Any) -> None:
    code = word()
    outcomes = in_parallel(10, lambda _n: create(code)["outcome"])
    assert sorted(outcomes) == ["created"] + ["taken"] * 9
    assert len(audit_entries(sql, code)) == 1


def test_uses_never_exceed_their_maximum(sql: Sql, create: Any) -> None:
    code = word()
    create(code, p_max_uses=2)
    with pytest.raises(psycopg.errors.CheckViolation):
        sql("update promocodes set uses = 3 where code = %s", code)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize(
    "statement",
    [
        "admin_create_promocode('VISITOR', 'credits', 5, 'boss@example.com')",
        "admin_switch_promocode('VISITOR', false, 'boss@example.com')",
        "admin_promocodes('boss@example.com')",
    ],
)
def test_other_roles_may_not_call_promo_code_functions(database_url: str, role: str, statement: str) -> None:
    with psycopg.connect(database_url, prepare_threshold=None) as connection:
        connection.execute(f"set local role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"select public.{statement}".encode())
