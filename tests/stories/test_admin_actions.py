"""What admins do to a user: grants, plans, resets, bans, in both languages."""

from __future__ import annotations

import re

import pytest

from tests.stories.test_admin import (
    Appoint,
    Sql,
    ask,
    column,
    labels,
    started_user,
    tap,
)
from tools.emulator.stack import Stack


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "ru",
            (
                "Тариф: Бесплатный",
                "Сегодня: 1 из 25",
                "В этом месяце: 1",
                "Бонусные запросы: 0",
                "Баланс: 0\u00a0₽",
                "Приглашено друзей: 0",
                "Свои ключи к ИИ: 0",
                "Язык: ru",
            ),
        ),
        (
            "en",
            (
                "Plan: Free",
                "Today: 1 of 25",
                "This month: 1",
                "Bonus requests: 0",
                "Balance: 0\u00a0₽",
                "Friends invited: 0",
                "Own AI keys: 0",
                "Language: ru",
            ),
        ),
    ],
)
def test_the_user_card_shows_the_account(
    stack: Stack, appoint: Appoint, language: str, words: tuple[str, ...]
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    ask(anna.chat("assistant"), "a question")
    for who in (str(anna.id), f"@{anna.account.username}", str(anna.account.username).upper()):
        card = ask(boss, f"/user {who}")
        assert f"Анна (@{anna.account.username})" in card.text
        assert f"ID: {anna.id}" in card.text
        for word in words:
            assert word in card.text
    assert sum(map(len, labels(card))) <= 5


def test_buttons_of_the_user_card_act_and_refresh_it(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("ru").chat("assistant"), started_user(stack)
    ask(anna.chat("assistant"), "a question")
    card = ask(boss, f"/user {anna.id}")
    name = f"Анна (@{anna.account.username})"
    tap(card, "🎁 Начислить")
    assert tap(card, "🎁 +10 запросов") == f"{name}: бонусные запросы 0 → 10"
    assert "Бонусные запросы: 10" in card.text
    tap(card, "🎁 Начислить")
    assert tap(card, "🔄 Сбросить лимит") == f"{name}: запросы за месяц 1 → 0"
    assert "Сегодня: 0 из 25" in card.text
    tap(card, "🎁 Начислить")
    assert re.fullmatch(
        rf"{re.escape(name)}: тариф Бесплатный → Премиум до \d\d\.\d\d\.\d{{4}}",
        tap(card, "⭐ Премиум на 30 дней"),
    )
    assert re.search(r"Тариф: Премиум до \d\d\.\d\d\.\d{4}\nСегодня: 0 из 1\s000", card.text)
    tap(card, "🎁 Начислить")
    assert "Бесплатный" in tap(card, "Отключить тариф")
    tap(card, "🎁 Начислить")
    assert "Отключить тариф" not in str(labels(card))
    tap(card, "‹ Карточка")
    tap(card, "🚫 Забанить")
    assert f"Забанить пользователя {name}?" in card.text
    assert "Чтобы указать причину" in card.text
    tap(card, "Отмена")
    assert "Бонусные запросы: 10" in card.text
    tap(card, "🚫 Забанить")
    assert tap(card, "🚫 Да, забанить") == f"{name}: забанен"
    assert "🚫 Бан с " in card.text
    anna.chat("assistant").send("hello").wait(timeout=20)
    assert "Доступ к боту закрыт" in anna.chat("assistant").answers()[-1].text
    assert tap(card, "✅ Разбанить") == f"{name}: разбанен"
    assert "Бан с" not in card.text
    tap(card, "📜 Журнал")
    actions = [line.partition(": ")[2] for line in card.text.splitlines() if line.startswith(name)]
    assert len(actions) == 6
    assert actions[0] == "бан снят"
    assert actions[-1] == "бонусные запросы 0 → 10"
    tap(card, "👤 Карточка")
    assert f"ID: {anna.id}" in card.text


def test_a_button_that_changes_nothing_leaves_the_card_alone(stack: Stack, appoint: Appoint) -> None:
    boss, anna = appoint("en").chat("assistant"), started_user(stack)
    card = ask(boss, f"/user {anna.id}")
    tap(card, "🎁 Give")
    assert "requests this month 0 → 0" in card.tap("🔄 Reset the limit").answer(20)["text"]
    assert not [
        call
        for call in stack.telegram.calls
        if call["method"] == "editMessageText"
        and not call["ok"]
        and call["parameters"].get("chat_id") == boss.id
    ]


@pytest.mark.parametrize(
    ("language", "granted", "taken", "button"),
    [
        ("ru", "бонусные запросы 0 → 50", "бонусные запросы 50 → 0", "👤 Карточка"),
        ("en", "bonus requests 0 → 50", "bonus requests 50 → 0", "👤 User"),
    ],
)
def test_granted_credits_are_shown_before_and_after(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, granted: str, taken: str, button: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    answer = ask(boss, f"/grant @{anna.account.username} 50 за найденную ошибку")
    assert granted in answer.text
    assert column(sql, anna, "bonus_credits") == 50
    tap(answer, button)
    assert f"ID: {anna.id}" in answer.text
    assert taken in ask(boss, f"/grant {anna.id} -70").text
    assert "миллион" in ask(boss, f"/grant {anna.id} 1000001").text or language == "en"
    log = ask(boss, f"/audit {anna.id}").text
    assert ("«за найденную ошибку»" if language == "ru" else "“за найденную ошибку”") in log
    assert granted in log


@pytest.mark.parametrize(
    ("language", "done"), [("ru", "запросы за месяц 3 → 0"), ("en", "requests this month 3 → 0")]
)
def test_a_used_up_month_is_reset(stack: Stack, appoint: Appoint, language: str, done: str) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    for number in range(3):
        ask(anna.chat("assistant"), f"question {number}")
    assert done in ask(boss, f"/reset {anna.id}").text


@pytest.mark.parametrize(
    ("language", "gift", "for_good", "unknown", "bad"),
    [
        (
            "ru",
            r"тариф Бесплатный → Премиум до \d\d\.\d\d\.\d{4}",
            "→ Премиум",
            "Тарифа GOLD нет. Есть: FREE, PREMIUM",
            "Такое число не подойдёт",
        ),
        (
            "en",
            r"plan Free → Premium until \d\d \w{3} \d{4}",
            "→ Premium",
            "There’s no GOLD plan. Available: FREE, PREMIUM",
            "That number won’t work",
        ),
    ],
)
def test_a_plan_is_granted_and_removed(
    stack: Stack, appoint: Appoint, language: str, gift: str, for_good: str, unknown: str, bad: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    assert re.search(gift, ask(boss, f"/plan {anna.id} premium 30").text)
    ask(anna.chat("assistant"), "/profile")
    assert "из 1\u00a0000" in anna.chat("assistant").answers()[-1].text
    assert ask(boss, f"/plan {anna.id} PREMIUM").text.endswith(for_good)
    assert unknown in ask(boss, f"/plan {anna.id} GOLD").text
    assert bad in ask(boss, f"/plan {anna.id} FREE 5").text
    assert bad in ask(boss, f"/plan {anna.id} PREMIUM 9999").text
    ask(boss, f"/plan {anna.id} FREE")
    ask(anna.chat("assistant"), "/profile")
    assert "из 25" in anna.chat("assistant").answers()[-1].text


@pytest.mark.parametrize(
    ("language", "question", "yes", "lifted", "none"),
    [
        ("ru", "увидит причину: продаёт ключи", "🚫 Да, забанить", "разбанен", "бана не было"),
        ("en", "Reason they’ll see: продаёт ключи", "🚫 Yes, ban", "unbanned", "wasn’t banned"),
    ],
)
def test_a_ban_is_confirmed_notified_and_lifted(
    stack: Stack, appoint: Appoint, language: str, question: str, yes: str, lifted: str, none: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    asked = ask(boss, f"/ban {anna.id} продаёт ключи")
    assert question in asked.text
    ask(anna.chat("assistant"), "/help")
    tap(asked, yes)
    anna.chat("assistant").send("hello").wait(timeout=20)
    assert "Причина: продаёт ключи" in anna.chat("assistant").answer().text
    assert lifted in ask(boss, f"/unban {anna.id}").text
    assert "Доступ снова открыт" in anna.chat("assistant").answer().text, "in Anna's own language"
    assert none in ask(boss, f"/unban {anna.id}").text
    assert "Что я умею" in ask(anna.chat("assistant"), "/help").text


def test_an_outdated_ban_question_bans_no_user(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna, ben = appoint("en").chat("assistant"), started_user(stack), started_user(stack, "Ben")
    first, second = ask(boss, f"/ban {anna.id} spam"), ask(boss, f"/ban {ben.id} scam")
    assert "out of date" in first.tap("🚫 Yes, ban").answer(20)["text"]
    tap(second, "🚫 Yes, ban")
    assert column(sql, anna, "banned_at") is None
    assert column(sql, ben, "ban_reason") == "scam"
    # A tap that comes late finds the question answered.
    again = boss.tap(second.stored, f"admin:ban_yes:{ben.id}")
    assert "out of date" in again.answer(20)["text"]


@pytest.mark.parametrize(("language", "word"), [("ru", "забанить нельзя"), ("en", "can’t be banned")])
def test_an_admin_cannot_be_banned(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, word: str
) -> None:
    boss = appoint(language)
    ask(boss.chat("assistant"), "/start")
    answer = ask(boss.chat("assistant"), f"/ban {boss.id}")
    assert word in answer.text
    assert len(labels(answer)) == 1
    card = ask(boss.chat("assistant"), f"/user {boss.id}")
    assert "🛡" in card.text
    assert not [label for row in labels(card) for label in row if "🚫" in label]
    forged = boss.chat("assistant").tap(card.stored, f"admin:ban:{boss.id}")
    forged.wait(timeout=20)
    assert column(sql, boss, "banned_at") is None


@pytest.mark.parametrize(
    ("language", "title", "older", "newest"),
    [("ru", "Журнал", "Раньше ›", "‹ Новые"), ("en", "Admin log", "Older ›", "‹ Newest")],
)
def test_the_audit_log_has_pages(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, title: str, older: str, newest: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    sql(
        "insert into audit_log (admin_email, action, user_id, before, after) "
        "select 'olga@example.com', 'add_bonus_credits', id, jsonb_build_object('bonus_credits', n - 1), "
        "jsonb_build_object('bonus_credits', n, 'credits', 1) from users, generate_series(1, 11) as n "
        "where telegram_id = %s order by n",
        anna.id,
    )
    page = ask(boss, f"/audit @{anna.account.username}")
    assert page.text.startswith(f"📜 {title}:")
    assert "10 → 11" in page.text and "3 → 4" in page.text and "2 → 3" not in page.text
    tap(page, older)
    assert "2 → 3" in page.text and "0 → 1" in page.text and "3 → 4" not in page.text
    assert older not in str(labels(page))
    tap(page, newest)
    assert "10 → 11" in page.text
    all_entries = ask(boss, "/audit")
    assert all_entries.text.startswith(f"📜 {title}\n")
    assert f"@{anna.account.username}" in all_entries.text
    assert len(all_entries.text) < 4096


def test_the_longest_reasons_fit_into_one_page(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("ru").chat("assistant"), started_user(stack, "А" * 64)
    sql(
        "insert into audit_log (admin_email, action, user_id, before, after) "
        "select 'olga@example.com', 'ban_user', id, '{}', jsonb_build_object('reason', repeat('я', 500)) "
        "from users, generate_series(1, 9) where telegram_id = %s",
        anna.id,
    )
    assert "«яяя" in ask(boss, f"/audit {anna.id}").text


def test_an_action_of_a_later_version_is_shown_by_its_name(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), started_user(stack)
    assert "Nothing yet." in ask(boss, f"/audit {anna.id}").text
    sql(
        "insert into audit_log (admin_email, action, user_id, before, after) "
        "select 'olga@example.com', 'sent_flowers', id, '{}', '{}' from users where telegram_id = %s",
        anna.id,
    )
    assert "sent_flowers" in ask(boss, f"/audit {anna.id}").text


def test_a_key_in_a_reason_is_redacted(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), started_user(stack)
    key = "sk-proj-" + "aB3" * 15
    asked = ask(boss, f"/ban {anna.id} he leaked {key}")
    assert key not in asked.text
    tap(asked, "🚫 Yes, ban")
    ask(boss, f"/grant {anna.id} 5 for finding {key}")
    for table in ("audit_log", "users", "bot_sessions", "telegram_updates"):
        assert not sql(f"select 1 as x from {table} as t where t::text like '%%aB3aB3%%'"), table
