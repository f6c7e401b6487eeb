"""Plan, purchases with receipts, balance, promo codes and invitations on the web."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.support import eventually, in_parallel
from tests.web.buying import customer, fields, location, number, order_page, pay_link, plain
from tests.web.pages import check_page
from tests.web.test_shop import agree, credits, wait_until_paid
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

__all__ = ["agree"]
Sql = Callable[..., list[dict[str, Any]]]
LANGUAGES = pytest.mark.parametrize("language", ["en", "ru"])


def subscribed(stack: Stack, sql: Sql, visitor: Visitor, provider: str = "fake") -> int:
    """Buy a month of Premium that renews; return the number of the renewal."""
    page = order_page(visitor, "premium_month", provider, repeats=True, contact="anna@example.com")
    stack.payments.press(pay_link(page), "pay")
    wait_until_paid(visitor, number(page))
    found: list[dict[str, Any]] = eventually(
        lambda: sql("select id from renewals where status = 'active' order by id desc limit 1"), 20
    )
    return int(found[0]["id"])


def bought(stack: Stack, visitor: Visitor, provider: str = "fake") -> str:
    """Buy 100 requests; return the path of the receipt."""
    page = order_page(visitor, "credits_100", provider, contact="anna@example.com")
    stack.payments.press(pay_link(page), "pay")
    wait_until_paid(visitor, number(page))
    done = visitor.get(f"/account/orders/{number(page)}")
    found = re.search(r"/account/purchases/\d+", done.body)
    assert found, done.body
    return found[0]


@LANGUAGES
def test_auto_renewal_is_turned_off_after_a_question(stack: Stack, sql: Sql, language: str) -> None:
    _, visitor = customer(stack, language)
    renewal = subscribed(stack, sql, visitor)
    page = visitor.get("/account/plan")
    check_page(page.body)
    assert text(language, "plan_PREMIUM") in plain(page)
    assert text(language, "plan_renewal_on") in plain(page)
    question = visitor.get(f"/account/plan/renewals/{renewal}")
    assert text(language, "plan_cancel_title") in plain(question)
    for _ in range(2):  # the second form of a double tap
        done = visitor.get(location(visitor.post(f"/account/plan/renewals/{renewal}/cancel")))
    assert text(language, "plan_renewal_off") in plain(done)
    assert text(language, "plan_resume") in plain(done)
    assert sql("select status from renewals where id = %s", renewal) == [{"status": "canceled"}]


def test_a_provider_that_does_not_stop_a_renewal(stack: Stack, sql: Sql) -> None:
    _, visitor = customer(stack)
    renewal = subscribed(stack, sql, visitor, "stripe")
    stack.payments["stripe"].faults.fail("subscriptions", 503)
    done = visitor.get(location(visitor.post(f"/account/plan/renewals/{renewal}/cancel")))
    assert text("en", "subscription_cancel_failed_notice") in plain(done)
    assert sql("select status from renewals where id = %s", renewal) == [{"status": "active"}]


def test_auto_renewals_of_others_do_not_exist(stack: Stack, sql: Sql) -> None:
    _, visitor = customer(stack)
    renewal = subscribed(stack, sql, visitor)
    _, stranger = customer(stack, name="Eve")
    assert stranger.get(f"/account/plan/renewals/{renewal}").status == 404
    assert stranger.post(f"/account/plan/renewals/{renewal}/cancel").status == 404
    assert sql("select status from renewals where id = %s", renewal) == [{"status": "active"}]


def test_the_trial_starts_once(stack: Stack, sql: Sql) -> None:
    _, visitor = customer(stack)
    page = visitor.get("/account/plan")
    assert text("en", "plan_trial_start") in plain(page)
    in_parallel(3, lambda _: visitor.post("/account/trial/start"))
    done = visitor.get(location(visitor.post("/account/trial/start")))
    assert text("en", "trial_started_notice") in plain(done)
    assert text("en", "plan_trial_start") not in plain(done)
    assert len(sql("select from subscriptions where source = 'trial'")) == 1


@LANGUAGES
def test_a_payment_has_a_receipt_that_shows_its_refund(stack: Stack, sql: Sql, language: str) -> None:
    _, visitor = customer(stack, language)
    visitor.post("/account/currency", {"currency": "RUB"})
    path = bought(stack, visitor, "yookassa")
    listed = visitor.get("/account/purchases")
    check_page(listed.body)
    assert path in listed.body
    assert text(language, "payment_status_completed") in plain(listed)
    receipt = visitor.get(path)
    check_page(receipt.body)
    assert text(language, "receipt_sent", contact="anna@example.com") in plain(receipt)
    (order,) = sql("select checkout_url from orders where status = 'completed'")
    stack.payments.press(order["checkout_url"], "refund")
    refunded = text(language, "payment_status_refunded")
    eventually(lambda: refunded in plain(visitor.get(path)), 20)
    assert text(language, "receipt_refunded") in plain(visitor.get(path))
    assert refunded in plain(visitor.get("/account/purchases"))


def test_receipts_of_others_do_not_exist(stack: Stack) -> None:
    _, visitor = customer(stack)
    path = bought(stack, visitor)
    _, stranger = customer(stack, name="Eve")
    assert stranger.get(path).status == 404
    assert path not in stranger.get("/account/purchases").body


def test_open_orders_are_in_the_list_and_lead_to_their_page(stack: Stack, sql: Sql) -> None:
    _, visitor = customer(stack)
    order = number(order_page(visitor, "credits_100", "stripe"))
    assert f"/account/orders/{order}" in visitor.get("/account/purchases").body
    visitor.post(f"/account/orders/{order}/cancel")
    listed = visitor.get("/account/purchases")
    assert f"/account/orders/{order}" not in listed.body
    assert text("en", "payment_status_canceled") in plain(listed)


def test_purchases_come_page_by_page(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    sql(
        "insert into orders (user_id, product_key, provider, currency, amount, kind, bot, expires_at, status)"
        " select u.id, 'credits_100', 'stripe', 'USD', n, 'credits', 'assistant', now(), 'canceled'"
        " from users u, generate_series(1, 45) n where u.telegram_id = %s",
        anna.id,
    )
    seen: list[str] = []
    for page in (1, 2, 3):
        listed = visitor.get(f"/account/purchases?page={page}")
        seen += re.findall(r'<span class="price">\$([\d.]+)<', listed.body)
        assert (text("en", "purchases_older") in plain(listed)) == (page < 3)
    assert sorted(map(float, seen)) == [float(n) for n in range(1, 46)]
    for odd in ("0", "-1", "x", "9" * 30, "%00"):
        assert visitor.get(f"/account/purchases?page={odd}").status == 200


def test_the_balance_comes_page_by_page(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    for n in range(1, 46):
        sql("select adjust_balance(%s, %s, 'gift <b>', %s)", anna.id, n, f"gift:{anna.id}:{n}")
    page = visitor.get("/account/balance")
    check_page(page.body)
    assert "1,035 ₽" in plain(page)
    assert "gift" not in plain(page), "the words of other services are not for users"
    seen = re.findall(r"\+(\d+)\u00a0₽", page.body)
    while found := re.search(r"/account/balance\?before=\d+", page.body):
        page = visitor.get(found[0])
        seen += re.findall(r"\+(\d+)\u00a0₽", page.body)
    assert seen == [str(n) for n in range(45, 0, -1)]
    for odd in ("0", "-1", "x", "9" * 30, "1;2"):
        assert visitor.get(f"/account/balance?before={odd}").status == 200
    _, stranger = customer(stack, name="Eve")
    assert "₽" in plain(stranger.get("/account/balance"))
    assert text("en", "balance_nothing") in plain(stranger.get("/account/balance?before=999999"))


def redeem(visitor: Visitor, code: str) -> Any:
    page = visitor.get("/account/promo")
    return visitor.post("/account/promo/redeem", {**fields(page, "/promo/redeem"), "code": code})


@LANGUAGES
def test_a_code_gives_once(stack: Stack, sql: Sql, language: str) -> None:
    anna, visitor = customer(stack, language)
    sql("insert into promocodes (code, kind, value) values ('GIFT7', 'credits', 7)")
    sent = {**fields(visitor.get("/account/promo"), "/promo/redeem"), "code": " gift7! "}
    answers = in_parallel(3, lambda _: visitor.post("/account/promo/redeem", sent))
    check_page(answers[0].body)
    assert all("GIFT7" in plain(one) for one in answers)
    assert all('role="status"' in one.body for one in answers), "a reloaded form shows the same"
    assert credits(sql, anna) == 7
    assert 'role="alert"' in redeem(visitor, "GIFT7").body
    assert credits(sql, anna) == 7


def test_another_code_in_the_form_to_which_a_visitor_went_back(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    sql("insert into promocodes (code, kind, value) values ('GIFT7', 'credits', 7), ('GIFT8', 'credits', 8)")
    form = fields(visitor.get("/account/promo"), "/promo/redeem")
    for code in ("GIFT7", "GIFT8", "GIFT7"):
        answer = visitor.post("/account/promo/redeem", {**form, "code": code})
        assert answer.status == 200
        assert 'role="alert"' not in answer.body
    assert credits(sql, anna) == 15


def test_a_code_that_is_none(stack: Stack) -> None:
    _, visitor = customer(stack)
    assert text("en", "promo_malformed") in plain(redeem(visitor, "?"))
    answer = redeem(visitor, "<script>")
    assert "<script>alert" not in answer.body
    assert "NOSUCH" in plain(redeem(visitor, "nosuch"))
    sent = {
        **fields(visitor.get("/account/promo"), "/promo/redeem"),
        "code": "X" * 20,
        "to": "//evil.example",
    }
    assert "evil.example" not in visitor.post("/account/promo/redeem", sent).body


@LANGUAGES
def test_invitations_show_the_link_and_what_came_of_it(stack: Stack, sql: Sql, language: str) -> None:
    anna, visitor = customer(stack, language)
    page = visitor.get("/account/referrals")
    check_page(page.body)
    code = sql("select referral_code from users where telegram_id = %s", anna.id)[0]["referral_code"]
    link = re.search(r'id="link" value="([^"]+)"', page.body)
    assert link
    assert link[1].endswith(f"?start=ref_{code}")
    friend = stack.telegram.user("Ben", language_code="en").chat("assistant")
    friend.send(f"/start ref_{code}")
    friend.answer()
    assert '<dd class="sum">1</dd>' in visitor.get("/account/referrals").body
    picture = visitor.get("/account/referrals/qr.svg")
    assert picture.headers["Content-Type"].startswith("image/svg+xml")
    assert "<svg" in picture.body
    assert Visitor(stack).get("/account/referrals/qr.svg").status == 303
