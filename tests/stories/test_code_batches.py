"""Batches of one-time promo codes: the command, the page, the sheet, and races of redemptions."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from shared.core import sheet
from shared.core.texts import text
from tests.stories.test_admin import Appoint, ask
from tests.supabase.admins.users import new_user
from tests.support import in_parallel, says
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
BOSS = "olga@example.com"


def codes_of(sql: Sql) -> list[str]:
    """Return the codes of the newest batch."""
    rows = sql(
        "select code from promocodes where batch_id = (select max(id) from promocode_batches) order by id"
    )
    return [row["code"] for row in rows]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_command_sends_a_file_with_the_codes(
    stack: Stack, sql: Sql, appoint: Appoint, language: str
) -> None:
    boss = appoint(language).chat("assistant")
    ask(boss, "/start")
    boss.send("/codes gift credits 50 20 30 for partners").wait()
    answers = [boss.answer(), boss.answer()]
    assert any(says(one.text, "admin_codes", language, prefix="GIFT", size=20) for one in answers)
    codes = codes_of(sql)
    assert len(set(codes)) == 20
    assert all(one.startswith("GIFT-") for one in codes)
    listed = ask(boss, "/promocode").text
    assert codes[0] not in listed, "batches do not fill the list of codes"
    log = ask(boss, "/audit").text
    assert text(language, "audit_create_promocode_batch", size=20) in log
    for wrong in ("/codes", "/codes x credits 5 5", "/codes gift nonsense 5 5", "/codes gift percent 100 5",
                  "/codes gift credits 5 5001", "/codes gift credits 5 5 0"):  # fmt: skip
        assert says(ask(boss, wrong).text, "admin_usage_codes", language), wrong
    assert len(sql("select from promocode_batches")) == 1


def test_a_code_works_once_and_a_user_redeems_one_of_a_batch(
    stack: Stack, sql: Sql, call: Call, appoint: Appoint
) -> None:
    appoint("en")
    batch = call("admin_create_promocode_batch", "GIFT", "credits", 7, 3, BOSS)
    first, second, third = codes_of(sql)
    users = [new_user(sql) for _ in range(5)]
    done = in_parallel(5, lambda number: call("redeem_promocode", users[number], first)["outcome"])
    assert sorted(done) == ["redeemed", *["used_up"] * 4]
    winner = users[done.index("redeemed")]
    assert call("redeem_promocode", winner, second)["outcome"] == "already_used"
    other = next(user for user in users if user != winner)
    done = in_parallel(2, lambda number: call("redeem_promocode", other, (second, third)[number])["outcome"])
    assert sorted(done) == ["already_used", "redeemed"]
    rows = sql("select bonus_credits from users where id = any(%s) order by id", [winner, other])
    assert [row["bonus_credits"] for row in rows] == [7, 7]
    assert call("admin_promocode_batches", BOSS)["batches"][0]["used"] == 2
    assert batch["size"] == 3


def test_a_batch_that_is_off_gives_nothing_more(sql: Sql, call: Call, appoint: Appoint) -> None:
    appoint("en")
    batch = call("admin_create_promocode_batch", "GIFT", "percent", 20, 2, BOSS)
    assert not call("admin_switch_promocode_batch", batch["id"], False, BOSS)["is_active"]
    assert call("redeem_promocode", new_user(sql), codes_of(sql)[0])["outcome"] == "expired"
    assert call("admin_switch_promocode_batch", batch["id"], True, BOSS)["is_active"]
    assert call("redeem_promocode", new_user(sql), codes_of(sql)[0])["outcome"] == "redeemed"
    assert call("admin_switch_promocode_batch", 0, True, BOSS) is None


def test_the_same_request_at_once_makes_one_batch(sql: Sql, call: Call, appoint: Appoint) -> None:
    appoint("en")
    made = in_parallel(
        4,
        lambda _: call("admin_create_promocode_batch", "GIFT", "credits", 5, 10, BOSS, p_reference="one:1"),
    )
    assert len({one["id"] for one in made}) == 1
    assert len(codes_of(sql)) == 10


def test_admins_make_and_export_batches_on_the_page(stack: Stack, sql: Sql, appoint: Appoint) -> None:
    sql("delete from login_attempts")
    boss = appoint("en").chat("assistant")
    ask(boss, "/start")
    browser = Visitor(stack)
    page = browser.log_in(boss, "/admin/codes")
    assert text("en", "promo_batch_title") in page.body
    new = {
        "prefix": "gift",
        "kind": "month",
        "value": "1",
        "size": "4",
        "days": "10",
        "reference": 22 * "x",
    }
    assert browser.post("/admin/codes/new", new).status == 303
    assert browser.post("/admin/codes/new", new).status == 303
    wrong = browser.post("/admin/codes/new", {**new, "value": "99", "reference": 22 * "y"})
    assert wrong.status == 422
    assert text("en", "promo_batch_wrong") in wrong.body
    assert 'type="number" value="99"' in wrong.body, "what was typed stays"
    (batch,) = sql("select id from promocode_batches")
    assert text("en", "promo_batch_used", used=0, size=4) in browser.get("/admin/codes").body
    answer = browser.get(f"/admin/codes/{batch['id']}/codes.csv")
    rows = list(csv.reader(io.StringIO(answer.body.lstrip("\ufeff"))))
    assert rows[0] == ["code", "uses", "is_active"]
    assert [row[0] for row in rows[1:]] == codes_of(sql)
    assert browser.post(f"/admin/codes/{batch['id']}/switch", {"is_active": "false"}).status == 303
    assert text("en", "promo_batch_is_off") in browser.get("/admin/codes").body
    assert len(sql("select from audit_log where action = 'export_promocodes'")) == 1


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", " =1", "a;=1", "\t=1", "\uff1d1"])
def test_no_cell_of_a_sheet_is_a_formula(cell: str) -> None:
    written = sheet.write(("a",), [(cell,)])
    (_, row) = csv.reader(io.StringIO(written))
    assert row[0] != cell
    assert "'" in row[0]
