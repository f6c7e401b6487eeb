"""Stories of the user's card: what admins change on confirmation, notes, and the way to the lead."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

import pytest

from shared.core.texts import figures, text
from tests.features.messenger.operators import Sql, enter, number_of, started
from tests.web.conftest import Answer
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat


@pytest.fixture(autouse=True)
def _no_earlier_attempts(sql: Sql) -> None:
    sql("delete from login_attempts")


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return started(stack, "Anna")


@pytest.fixture
def boss(stack: Stack, sql: Sql) -> Visitor:
    return enter(stack, sql, "Boris", role="admin")


def money(amount: str) -> str:
    return figures.money("en", Decimal(amount), "RUB")


def fields_of(page: str) -> dict[str, str]:
    """Return the hidden fields of the page that asks for confirmation."""
    form = page[page.index('<section class="card">') :]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found if name != "csrf"}


def reference(browser: Visitor, number: int) -> str:
    page = browser.get(f"/messenger/{number}/card").body
    return re.findall(r'name="reference" value="([^"]+)"', page)[-1]


def ask(browser: Visitor, number: int, action: str, **fields: str) -> Answer:
    """Send a form of the card."""
    values = {"reference": reference(browser, number), **fields}
    return browser.post(f"/messenger/{number}/{action}", values)


def confirm(browser: Visitor, number: int, action: str, **fields: str) -> Answer:
    """Send a form of the card and press the button of the page that asks."""
    asked = ask(browser, number, action, **fields)
    assert asked.status == 200, asked.body
    check_page(asked.body)
    return browser.post(f"/messenger/{number}/{action}", fields_of(asked.body))


def user(sql: Sql, chat: Chat, columns: str) -> dict[str, object]:
    return sql(f"select {columns} from users where telegram_id = %s", chat.id)[0]


def test_nothing_changes_before_it_is_confirmed(sql: Sql, anna: Chat, boss: Visitor) -> None:
    number = number_of(sql, anna)
    asked = ask(boss, number, "balance", way="add", amount="12,50", reason="an apology")
    assert text("en", "messenger_balance_add_sure", name="Anna", amount=money("12.50")) in unescape(
        asked.body
    )
    assert f"{money('0')} → {money('12.50')}" in unescape(asked.body)
    assert "an apology" in asked.body
    ask(boss, number, "ban", reason="spam")
    ask(boss, number, "plan", plan="PREMIUM", days="30")
    assert user(sql, anna, "balance::text, banned_at, vip_level") == {
        "balance": "0.00", "banned_at": None, "vip_level": 0,
    }  # fmt: skip
    assert sql("select 1 from audit_log where action in ('adjust_balance', 'ban_user', 'set_plan')") == []


def test_an_admin_changes_the_balance_once(sql: Sql, anna: Chat, boss: Visitor) -> None:
    number = number_of(sql, anna)
    asked = ask(boss, number, "balance", way="add", amount="12.50", reason="an apology")
    for _ in range(2):
        done = boss.post(f"/messenger/{number}/balance", fields_of(asked.body))
        assert done.status == 303
    assert user(sql, anna, "balance::text") == {"balance": "12.50"}
    assert "12.50" in anna.answer().text
    (entry,) = sql("select admin_email, after from audit_log where action = 'adjust_balance'")
    assert entry["admin_email"].endswith("@example.com")
    assert entry["after"]["reason"] == "an apology"
    confirm(boss, number, "balance", way="take", amount="2")
    assert user(sql, anna, "balance::text") == {"balance": "10.50"}
    refused = ask(boss, number, "balance", way="take", amount="11")
    refused = boss.post(f"/messenger/{number}/balance", fields_of(refused.body))
    assert (refused.status, text("en", "messenger_balance_low") in unescape(refused.body)) == (422, True)
    assert user(sql, anna, "balance::text") == {"balance": "10.50"}


def test_an_admin_gives_a_plan_and_takes_it_back(sql: Sql, anna: Chat, boss: Visitor) -> None:
    number = number_of(sql, anna)
    done = confirm(boss, number, "plan", plan="PREMIUM", days="30")
    assert (done.status, "messenger_plan_done_notice" in done.headers["Location"]) == (303, True)
    card = boss.get(f"/messenger/{number}/card").body
    assert text("en", "plan_PREMIUM") in card.partition('class="person"')[2].partition("</dl>")[0]
    assert text("en", "messenger_plan_back_sure", name="Anna") in unescape(
        ask(boss, number, "plan", plan="FREE", days="30").body
    )
    confirm(boss, number, "plan", plan="FREE", days="30")
    assert user(sql, anna, "vip_level") == {"vip_level": 0}
    assert len(sql("select 1 from audit_log where action = 'set_plan'")) == 2


def test_an_admin_bans_and_unbans(stack: Stack, sql: Sql, anna: Chat, boss: Visitor) -> None:
    number = number_of(sql, anna)
    confirm(boss, number, "ban", reason="spam <b>")
    assert user(sql, anna, "ban_reason") == {"ban_reason": "spam <b>"}
    card = boss.get(f"/messenger/{number}/card").body
    assert "spam &lt;b&gt;" in card
    assert f"/messenger/{number}/unban" in card
    assert f'/messenger/{number}/ban"' not in card
    confirm(boss, number, "unban")
    assert user(sql, anna, "banned_at, ban_reason") == {"banned_at": None, "ban_reason": None}
    (row,) = sql(
        "select c.id from conversations as c join users as u on u.id = c.user_id where u.first_name = 'Boris'"
    )
    boss_number = int(row["id"])
    refused = ask(boss, boss_number, "ban")
    refused = boss.post(f"/messenger/{boss_number}/ban", fields_of(refused.body))
    assert text("en", "messenger_ban_admin") in unescape(refused.body)


def test_requests_are_given_and_limits_reset(sql: Sql, anna: Chat, boss: Visitor) -> None:
    number = number_of(sql, anna)
    confirm(boss, number, "give", credits="25", reason="a gift")
    assert user(sql, anna, "bonus_credits") == {"bonus_credits": 25}
    assert confirm(boss, number, "reset").status == 303
    actions = sql("select action from audit_log where action in ('reset_user_usage', 'add_bonus_credits')")
    assert len(actions) == 2


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("balance", {"way": "add", "amount": "-5"}),
        ("balance", {"way": "add", "amount": "1.234"}),
        ("balance", {"way": "add", "amount": "NaN"}),
        ("balance", {"way": "steal", "amount": "5"}),
        ("plan", {"plan": "PREMIUM", "days": "0"}),
        ("give", {"credits": "0"}),
        ("ban", {"reason": "x" * 501}),
        ("ban", {"reason": "x", "reference": "short"}),
    ],
)
def test_a_wrong_form_says_so(
    sql: Sql, anna: Chat, boss: Visitor, action: str, fields: dict[str, str]
) -> None:
    refused = ask(boss, number_of(sql, anna), action, **{**fields, "confirmed": "1"})
    assert refused.status == 422
    check_page(refused.body)
    assert text("en", "web_error_fields") in unescape(refused.body)


def test_a_plan_that_is_gone_says_so(sql: Sql, anna: Chat, boss: Visitor) -> None:
    refused = ask(boss, number_of(sql, anna), "plan", plan="gone", days="3", confirmed="1")
    assert text("en", "messenger_no_plan") in unescape(refused.body)


def test_operators_have_no_such_forms(stack: Stack, sql: Sql, anna: Chat) -> None:
    number = number_of(sql, anna)
    olga = enter(stack, sql, "Olga")
    page = olga.get(f"/messenger/{number}/card").body
    for action in ("plan", "balance", "give", "reset", "ban", "unban"):
        assert f'/messenger/{number}/{action}"' not in page
        refused = olga.post(f"/messenger/{number}/{action}", {"reference": "A" * 22, "confirmed": "1"})
        assert refused.status == 403, action


def test_notes_from_card_and_lead_are_the_same(stack: Stack, sql: Sql, anna: Chat) -> None:
    number = number_of(sql, anna)
    olga = enter(stack, sql, "Olga")
    card = olga.get(f"/messenger/{number}/card").body
    assert f'href="/console/crm/{number}"' in card
    once = {"body": "Prefers e-mail", "reference": re.findall(r'name="reference" value="([^"]+)"', card)[0]}
    assert [olga.post(f"/messenger/{number}/note", once).status for _ in range(2)] == [303, 303]
    lead = olga.get(f"/crm/{number}").body
    assert "Prefers e-mail" in lead
    assert f'href="/console/messenger/{number}"' in lead
    (new,) = re.findall(r'name="reference" value="([^"]+)"', lead)
    assert olga.post(f"/crm/{number}/note", {"body": "Called twice", "reference": new}).status == 303
    page = olga.get(f"/messenger/{number}/card").body
    assert page.count("Prefers e-mail") == 2, "in the thread and on the card"
    assert "Called twice" in page
    assert sql("select body from conversation_messages where kind = 'note' order by seq") == [
        {"body": "Prefers e-mail"},
        {"body": "Called twice"},
    ]
    for path in (f"/messenger/{number}/note", f"/crm/{number}/note"):
        assert olga.post(path, {"body": "  ", "reference": new}).status == 422
        secret = olga.post(path, {"body": "sk-ant-api03-" + "a1B2" * 20, "reference": "B" * 22})
        assert "messenger_secret_notice" in secret.headers["Location"]


def test_a_question_about_a_lesson_leads_to_it(stack: Stack, sql: Sql, anna: Chat) -> None:
    number = number_of(sql, anna)
    sql(
        "select private.record_incoming_message(c.user_id, c.bot, jsonb_build_object('kind', 'text', 'body',"
        " 'Why two steps?', 'media', jsonb_build_object('lesson_question', jsonb_build_object('id', 1,"
        " 'course', 'sales', 'lesson', 'first', 'titles', jsonb_build_object('en', 'First <steps>')))))"
        " from conversations as c where c.id = %s",
        number,
    )
    page = enter(stack, sql, "Olga").get(f"/messenger/{number}").body
    assert 'href="/console/courses/sales/first"' in page
    assert text("en", "messenger_lesson", title="First <steps>") in unescape(page)
    assert "<steps>" not in page
    assert 'class="file">Text' not in page
    assert 'href="/console/admin/questions"' not in page, "it is for authors and admins"
    boss = enter(stack, sql, "Boris", role="admin")
    assert 'href="/console/admin/questions"' in boss.get(f"/messenger/{number}").body
