"""Stories of the CRM's pages: the board, a lead that the team changes, links of ads, the sheet, roles."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from shared.core.texts import text
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
XSS = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _no_earlier_attempts(sql: Sql) -> None:
    """All tests come from one network address, of which ten logins an hour are allowed."""
    sql("delete from login_attempts")


def started(stack: Stack, name: str, language: str = "en") -> Chat:
    chat = stack.telegram.user(name, language_code=language).chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


def member(stack: Stack, sql: Sql, role: str, language: str = "en") -> tuple[Visitor, Chat]:
    """A member of the staff who is logged in, and their chat."""
    chat = started(stack, role.capitalize(), language)
    sql(
        "insert into staff (user_id, role, email) select id, %s, %s from users where telegram_id = %s",
        role,
        f"{role}@example.com" if role == "admin" else None,
        chat.id,
    )
    visitor = Visitor(stack)
    visitor.log_in(chat, "/account")
    chat.answer()  # the notice of a login
    return visitor, chat


def lead(sql: Sql, chat: Chat, score: int | None = 70, stage: str = "new", **fields: str) -> int:
    """Make the user's conversation a lead and return its id."""
    number: int = sql(
        "update conversations as c set ai_ready_score = %s, ai_real_name = %s, ai_query = %s"
        " from users as u where u.id = c.user_id and u.telegram_id = %s returning c.id",
        score,
        fields.get("name"),
        fields.get("query"),
        chat.id,
    )[0]["id"]
    sql(
        "insert into crm_cards (conversation_id, stage, evidence, signals) values (%s, %s, %s, %s)",
        number,
        stage,
        '{"real_name": {"quote": "call me Anna", "message_id": 1}}',
        '[{"kind": "budget", "quote": "what does it cost", "message_id": 1}]',
    )
    return number


def version_of(page: str) -> str:
    return re.findall(r'name="version" value="([0-9]+)"', page)[0]


def save(visitor: Visitor, number: int, **fields: str) -> Any:
    shown = visitor.get(f"/crm/{number}")
    form = {"version": version_of(shown.body), "stage": "new", "real_name": "Anna"} | fields
    return visitor.post(f"/crm/{number}/save", form)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_board_shows_leads_by_stage_and_by_band(stack: Stack, sql: Sql, language: str) -> None:
    visitor, _ = member(stack, sql, "operator", language)
    lead(sql, started(stack, "Anna"), 70, name="Anna", query="A bot for orders")
    lead(sql, started(stack, "Ben"), 10, "offer", name="Ben")
    page = unescape(visitor.get("/crm").body)
    for stage in ("new", "work", "offer", "won", "lost"):
        assert text(language, f"crm_stage_{stage}") in page
    assert "A bot for orders" in page
    assert page.index("Anna") < page.index("Ben"), "stages stand in their order"
    by_band = unescape(visitor.get("/crm?by=band").body)
    assert by_band.index("Anna") < by_band.index(">Ben<"), "the readiest band comes first"
    assert ">Ben<" not in visitor.get("/crm?band=serious").body
    assert ">Anna<" in visitor.get("/crm?search=ORDERS").body
    assert ">Anna<" not in visitor.get("/crm?stage=offer&by=stage").body
    assert ">Ben<" not in visitor.get("/crm?due=1").body
    assert visitor.get("/crm?link=99999999999999999999&band=x&search=%00").status == 200


def test_what_is_typed_is_locked_until_it_is_unlocked(stack: Stack, sql: Sql) -> None:
    visitor, _ = member(stack, sql, "operator")
    number = lead(sql, started(stack, "Anna"), name="Anna")
    page = unescape(visitor.get(f"/crm/{number}").body)
    assert "call me Anna" in page
    assert "what does it cost" in page
    assert save(visitor, number, real_name="Anna Petrova", stage="offer").status == 303
    row = sql("select locked, stage, version, evidence from crm_cards")[0]
    assert row == {"locked": ["real_name"], "stage": "offer", "version": 2, "evidence": {}}
    assert save(visitor, number, real_name="Anna Petrova", unlock_real_name="true").status == 303
    assert sql("select locked from crm_cards") == [{"locked": []}]
    assert save(visitor, number, real_name="Anna Petrova", ready_score="95").status == 303
    assert sql("select ai_ready_score as score from conversations where id = %s", number) == [{"score": 95}]
    actions = sql("select action from audit_log where action like '%%lead' order by id")
    assert [one["action"] for one in actions] == ["read_lead", *["change_lead"] * 3]


def test_of_two_operators_the_second_sees_what_changed(stack: Stack, sql: Sql) -> None:
    visitor, _ = member(stack, sql, "operator")
    number = lead(sql, started(stack, "Anna"), name="Anna")
    form = {"version": version_of(visitor.get(f"/crm/{number}").body), "stage": "work", "real_name": "Anna"}
    assert visitor.post(f"/crm/{number}/save", form).status == 303
    late = visitor.post(f"/crm/{number}/save", form | {"query": "typed by the second"})
    assert late.status == 409
    assert "typed by the second" in late.body
    assert sql("select ai_query from conversations where id = %s", number) == [{"ai_query": None}]
    again = form | {"query": "typed by the second", "version": version_of(late.body)}
    assert visitor.post(f"/crm/{number}/save", again).status == 303


def test_the_bot_reminds_of_the_next_action(stack: Stack, sql: Sql) -> None:
    visitor, chat = member(stack, sql, "operator")
    number = lead(sql, started(stack, "Anna"), name="Anna")
    assert (
        save(visitor, number, next_action="Send the offer", next_action_at="2020-01-01T10:00").status == 303
    )
    assert stack.run_job("crm").json()["reminded"] == 1
    message = chat.answer().text
    assert "Anna" in message
    assert "Send the offer" in message
    assert stack.run_job("crm").json()["reminded"] == 0
    assert save(visitor, number, next_action="x", next_action_at="tomorrow").status == 422
    save(visitor, number, next_action="Call", next_action_at="2020-01-02T10:00")
    sql("delete from staff")
    assert stack.run_job("crm").json()["reminded"] == 0, "the operator left"


def test_text_of_users_stays_text(stack: Stack, sql: Sql) -> None:
    visitor, _ = member(stack, sql, "admin")
    number = lead(sql, started(stack, XSS), name=XSS, query=XSS)
    sql(
        "update crm_cards set signals = jsonb_build_array(jsonb_build_object("
        "'kind', 'need', 'quote', %s::text, 'message_id', 1)), next_action = %s",
        XSS,
        XSS,
    )
    sql("insert into ad_links (key, name) values ('xss', %s)", XSS)
    for path in ("/crm", "/crm?by=band", f"/crm/{number}", "/crm/links", f"/crm?search={XSS}"):
        page = visitor.get(path)
        assert page.status == 200
        assert XSS not in page.body


def test_an_ad_counts_users_buyers_and_money(stack: Stack, sql: Sql) -> None:
    visitor, _ = member(stack, sql, "admin")
    reference = re.findall(r'name="reference" value="([^"]+)"', visitor.get("/crm/links").body)[0]
    form = {"name": "Channel", "key": "spring", "reference": reference}
    assert visitor.post("/crm/links/create", form).status == 303
    assert visitor.post("/crm/links/create", form).status == 303, "the same form"
    taken = visitor.post("/crm/links/create", form | {"reference": "A" * 22})
    assert taken.status == 422
    assert text("en", "crm_link_taken") in unescape(taken.body)
    assert 'name="name" type="text" value="Channel"' in taken.body, "what was typed stays"
    assert len(sql("select from ad_links")) == 1
    anna = stack.telegram.user("Anna", "en").chat("assistant")
    for _ in range(2):
        anna.send("/start ad_spring").wait()
        anna.answer()
    old = started(stack, "Old")
    sql("update users set created_at = now() - interval '2 days' where telegram_id = %s", old.id)
    old.send("/start ad_spring").wait()
    old.answer()
    old.send("/start ad_none").wait()
    old.answer()
    sql(
        "insert into payments (provider, provider_payment_id, user_id, status, currency, amount, refunded)"
        " select 'fake', telegram_id::text, id, 'completed', 'USD', 10, 3 from users"
        " where telegram_id = any(%s)",
        [anna.id, old.id],
    )
    assert sql("select visits, new_users from ad_links") == [{"visits": 2, "new_users": 1}]
    page = unescape(visitor.get("/crm/links").body)
    assert "?start=ad_spring" in page
    assert f">{text('en', 'bot_name_spin')}</a>" in page, "bots by name"
    assert '<td class="number">2</td><td class="number">1</td><td class="number">1</td>' in page
    assert "$7" in page
    number = sql("select id from ad_links")[0]["id"]
    assert visitor.post("/crm/links/archive", {"link": str(number), "is_archived": "true"}).status == 303
    assert text("en", "crm_link_archived") in visitor.get("/crm/links").body


def test_the_sheet_has_no_formulas_and_is_audited(stack: Stack, sql: Sql) -> None:
    visitor, _ = member(stack, sql, "admin")
    lead(sql, started(stack, "Anna"), name="=1+1", query="@SUM(A1)")
    rows = list(csv.DictReader(io.StringIO(visitor.get("/crm/leads.csv").body.removeprefix("\ufeff"))))
    assert [(row["name"], row["query"], row["band"]) for row in rows] == [("'=1+1", "'@SUM(A1)", "serious")]
    visitor.get("/crm/leads.csv")
    assert sql("select admin_email from audit_log where action = 'export_leads'") == [
        {"admin_email": "admin@example.com"}
    ]


def test_stages_are_the_admins_own(stack: Stack, sql: Sql) -> None:
    visitor, _ = member(stack, sql, "admin")
    number = lead(sql, started(stack, "Anna"), stage="new", name="Anna")
    assert visitor.post("/crm/stages", {"stages": "Demo\nwon\n"}).status == 303
    page = visitor.get("/crm").body
    assert "Demo" in page
    assert ">Anna<" in page, "a lead whose stage is gone stays on the board"
    assert save(visitor, number, stage="new").status == 303, "it may stay where it is"
    assert save(visitor, number, stage="lost").status == 422
    for wrong in ("", "a\na", "x" * 41):
        refused = visitor.post("/crm/stages", {"stages": wrong})
        assert refused.status == 422
        assert f"\n{wrong}</textarea>" in refused.body, "what was typed stays"
    assert visitor.post("/crm/stages", {"stages": "\n".join(["語" * 36] * 1 + ["話" * 36])}).status == 303


def test_an_operator_changes_leads_and_nothing_that_is_for_admins(stack: Stack, sql: Sql) -> None:
    visitor, chat = member(stack, sql, "operator")
    page = visitor.get("/crm").body
    assert "leads.csv" not in page
    assert visitor.get("/crm/999999").status == 404
    for path in ("/crm/leads.csv", "/crm/links"):
        assert visitor.get(path).status == 403
    for path in ("/crm/stages", "/crm/links/create", "/crm/links/archive"):
        assert visitor.post(path, {}).status == 403
    number = sql("select id from users where telegram_id = %s", chat.id)[0]["id"]
    for call in ("list_ad_links(%s)", "export_leads(%s)", "set_crm_stages(%s, '[1]')"):
        with pytest.raises(Exception, match="role does not allow"):
            sql(f"select {call}", number)
    sql("delete from staff")
    with pytest.raises(Exception, match="role does not allow"):
        sql("select crm_board(%s)", number)
