"""Privacy: the data summary, the export and the erasure, every screen in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.core import texts
from shared.features.privacy.export_file import SECTIONS
from tests.supabase.privacy.personal_data import TABLES
from tests.support import eventually, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]


def file_of(stack: Stack, answer: Answer) -> dict[str, Any]:
    """Return the content of the JSON file that a message carries."""
    document = answer.data["document"]
    file = stack.telegram.state.files.by_id(document["file_id"])
    assert file is not None
    assert file.content is not None
    content = file.content.decode("utf-8")
    assert "\\u" not in content
    assert "\n  " in content
    return dict(json.loads(content))


def titles_of(language: str) -> list[str]:
    """Return the titles of the file: a section for all that is declared as exported, in order."""
    declared = {table.section.partition(".")[0] for table in TABLES.values() if table.export}
    assert declared == {*SECTIONS, "messages"}
    names = ["mydata_title", *(f"section_{name}" for name in (*SECTIONS, "messages"))]
    return [texts.text(language, name) for name in names]


def give(sql: Sql, chat: Chat, amount: str) -> None:
    sql("select adjust_balance(%s, %s, 'top-up', %s)", chat.id, amount, f"story:{chat.id}:{amount}")


def row_of(sql: Sql, chat: Chat) -> list[dict[str, Any]]:
    return sql("select * from users where telegram_id = %s", chat.id)


def test_the_export_holds_all_data_with_explanations(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Анна", language_code="ru").chat("assistant")
    stack.ai.next(AiBehaviour(text="Столица Франции — Париж."))
    anna.send("Какая столица у Франции?")
    anna.answer()
    give(sql, anna, "12.50")
    anna.send("/mydata")
    answer = anna.answer()
    assert answer.text == texts.text("ru", "mydata_caption")
    assert answer.data["document"]["file_name"].startswith("mydata-2")
    assert answer.data["document"]["file_name"].endswith(".json")
    file = file_of(stack, answer)
    titles = list(file)
    assert titles == titles_of("ru")
    assert (titles[0], titles[1], titles[-1]) == ("Об этом файле", "Профиль", "Разговоры")
    assert all(set(section) == {"Пояснение", "Данные"} for section in list(file.values())[1:])
    user = file["Профиль"]["Данные"]
    assert (user["telegram_id"], user["first_name"], user["balance"]) == (anna.id, "Анна", 12.5)
    assert [(m["role"], m["content"]) for m in file["Разговоры"]["Данные"]] == [
        ("user", "Какая столица у Франции?"),
        ("assistant", "Столица Франции — Париж."),
    ]
    assert [row["requests"] for row in file["Запросы по дням"]["Данные"]] == [1]
    assert [row["amount"] for row in file["История баланса"]["Данные"]] == [12.5]
    assert any(row["payload"] for row in file["Журнал сообщений"]["Данные"])
    anna.send("/mydata")
    assert says(anna.answer().text, "mydata_wait", "ru")


def test_the_export_is_in_english_for_english_users(stack: Stack) -> None:
    ben = stack.telegram.user("Ben", language_code="en").chat("assistant")
    ben.send("/mydata")
    answer = ben.answer()
    assert answer.text == texts.text("en", "mydata_caption")
    file = file_of(stack, answer)
    assert list(file)[:3] == ["About this file", "Profile", "Chats with the bots"]
    assert list(file)[-1] == "Conversations"
    assert file["Profile"]["Explanation"] == texts.text("en", "section_user_about")
    ben.send("/mydata")
    assert says(ben.answer().text, "mydata_wait")


# Keys of the file that its explanations name, by section.
NAMED_KEYS = {
    "ai_months": {"is_user_api_key"},
    "payments": {
        "orders",
        "payments",
        "operations",
        "refunds",
        "effects",
        "gifts",
        "gifts_received",
        "renewals",
        "events",
    },
    "promocodes": {"redeemed", "attempts"},
    "trainings": {"given", "used"},
    "referrals": {"invited_by", "invited"},
}


@pytest.mark.parametrize("language", sorted(texts.codes()))
def test_the_explanations_name_the_keys_of_the_export(stack: Stack, language: str) -> None:
    chat = stack.telegram.user("Eva", language_code=language).chat("assistant")
    stack.ai.next(AiBehaviour(text="Paris."))
    chat.send("a question")
    chat.answer()
    chat.send("/mydata")
    sections = list(file_of(stack, chat.answer()).values())[1:]
    data = dict(zip(SECTIONS, (list(section.values()) for section in sections), strict=False))
    for section, named in NAMED_KEYS.items():
        explanation, content = data[section]
        keys = set(content[0] if isinstance(content, list) else content)
        assert named <= set(re.findall(r"[a-z_]+", explanation)), section
        assert named <= keys, section


def test_a_long_conversation_is_exported_in_parts(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna", language_code="en").chat("assistant")
    anna.send("/start")
    anna.answer()
    sql(
        "insert into messages (user_id, bot, chat_id, role, content) "
        "select id, 'assistant', telegram_id, 'user', n || repeat(' Слово', 1300) "
        "from users, generate_series(1, 500) as n where telegram_id = %s",
        anna.id,
    )
    anna.send("/mydata").wait(timeout=40)
    first = anna.answer()
    assert "This is part 1" in first.text
    one = file_of(stack, first)["Conversations"]["Data"]
    tap = first.tap("Part 2 ›")
    tap.wait(timeout=40)
    second = anna.answer()
    assert "part" not in second.text
    assert second.data["document"]["file_name"].endswith("-2.json")
    two = file_of(stack, second)
    assert list(two) == ["About this file", "Conversations"]
    numbers = [int(m["content"].split()[0]) for m in one + two["Conversations"]["Data"]]
    assert numbers == list(range(1, 501))
    late = first.tap("Part 2 ›")
    assert says(late.answer()["text"], "button_old")


@pytest.mark.parametrize(
    ("code", "question", "buttons", "done", "new"),
    [
        (
            "ru",
            "Удалить все ваши данные?",
            ["🗑 Удалить всё", "Ничего не удалять"],
            "✅ Готово, ваши данные удалены.",
            "Здравствуйте, Анна!",
        ),
        (
            "en",
            "Delete all your data?",
            ["🗑 Delete everything", "Keep everything"],
            "✅ Done. Your data has been deleted.",
            "Hi, Анна!",
        ),
    ],
)
def test_a_user_is_erased_after_confirmation(
    stack: Stack, sql: Sql, code: str, question: str, buttons: list[str], done: str, new: str
) -> None:
    anna = stack.telegram.user("Анна", language_code=code).chat("assistant")
    anna.send("/deleteme")
    asked = anna.answer()
    assert question in asked.text
    assert ("to lose" if code == "en" else "у вас нет") in asked.text
    assert [row[0].text for row in asked.buttons] == buttons
    asked.tap(buttons[1])
    kept = asked.wait_for_edit()
    assert kept.text in ("Хорошо, ничего не удаляем.", "OK, nothing was deleted.")
    assert row_of(sql, anna)
    anna.send("/deleteme")
    asked = anna.answer()
    asked.tap(buttons[0]).wait()
    gone = asked.wait_for_edit()
    assert done in gone.text
    assert gone.buttons == []
    assert not row_of(sql, anna)
    anna.send("/start")
    assert new in anna.answer().text


@pytest.mark.parametrize(
    ("code", "first", "warning", "last", "sum_"),
    [
        ("ru", "🗑 Удалить всё", "• {} на балансе", "🗑 Да, удалить всё", "12,50\u00a0₽"),
        ("en", "🗑 Delete everything", "• {} on your balance", "🗑 Yes, delete everything", "12.50\u00a0₽"),
    ],
)
def test_erasure_with_a_balance_needs_a_second_confirmation(
    stack: Stack, sql: Sql, code: str, first: str, warning: str, last: str, sum_: str
) -> None:
    anna = stack.telegram.user("Анна", language_code=code).chat("assistant")
    anna.send("/deleteme")
    asked = anna.answer()
    give(sql, anna, "12.50")
    asked.tap(first)
    asked = asked.wait_for_edit()
    assert warning.format(sum_) in asked.text
    give(sql, anna, "7.50")
    asked.tap(last)
    asked = asked.wait_for_edit()
    assert "20\u00a0₽" in asked.text, "what they have has changed since"
    asked.tap(last)
    assert "✅" in asked.wait_for_edit().text
    assert not row_of(sql, anna)
    assert sql("select check_balances() as wrong") == [{"wrong": []}]


@pytest.mark.parametrize(
    ("code", "ask", "first", "way", "stop", "sure", "off"),
    [
        (
            "ru",
            "🗑 Удалить всё",
            "Сначала отключите автопродление",
            "🔁 К автопродлению",
            "Отключить автопродление",
            "Да, отключить",
            "Автопродление отключено",
        ),
        (
            "en",
            "🗑 Delete everything",
            "Turn off auto-renewal first",
            "🔁 Go to auto-renewal",
            "Turn off auto-renewal",
            "Yes, turn it off",
            "Auto-renewal is off",
        ),
    ],
)
def test_erasure_with_a_renewal_shows_how_to_stop_it(
    stack: Stack, sql: Sql, code: str, ask: str, first: str, way: str, stop: str, sure: str, off: str
) -> None:
    anna = stack.telegram.user("Анна", language_code=code).chat("assistant")
    anna.send("/deleteme")
    early = anna.answer()
    user_id = row_of(sql, anna)[0]["id"]
    sql(
        "insert into renewals (user_id, product_key, provider, provider_subscription_id, currency, amount, "
        "plan, period, bot, charged_until) "
        "values (%s, 'premium_month', 'yookassa', %s, 'RUB', 499, 'PREMIUM', 'month', 'assistant', "
        "private.clock() + interval '9 days')",
        user_id,
        f"order:my-data-{user_id}",
    )
    early.tap(ask)
    assert first in early.wait_for_edit().text
    anna.send("/deleteme")
    asked = anna.answer()
    assert first in asked.text
    assert "/subscription" in asked.text
    asked.tap(way)
    shown = asked.wait_for_edit()
    shown.tap(stop)
    shown = shown.wait_for_edit()
    shown.tap(sure)
    assert off in shown.wait_for_edit().text
    anna.send("/deleteme")
    asked = anna.answer()
    asked.tap(ask)
    assert "✅" in asked.wait_for_edit().text
    assert not row_of(sql, anna)


def test_the_export_holds_orders_and_payments(stack: Stack, sql: Sql) -> None:
    ben = stack.telegram.user("Ben", language_code="en").chat("assistant")
    ben.send("/start")
    ben.answer()
    user_id = row_of(sql, ben)[0]["id"]
    (order,) = sql(
        "select create_order(%s, 'credits_100', 'yookassa', 'RUB', 'assistant', "
        "p_contact => 'ben@example.com') ->> 'id' as id",
        user_id,
    )
    sql(
        "select record_payment_event('yookassa', %s, 'payment.succeeded', 'card ending in 4242', %s)",
        f"my-data-{user_id}",
        json.dumps(
            [
                {
                    "kind": "paid",
                    "payment_id": f"my-data-{user_id}",
                    "order_id": int(order["id"]),
                    "amount": "149.00",
                    "currency": "RUB",
                }
            ]
        ),
    )
    ben.send("/mydata")
    section = file_of(stack, eventually(lambda: [a for a in ben.answers() if "document" in a.data])[-1])
    payments = section["Orders and payments"]
    assert payments["Explanation"] == texts.text("en", "section_payments_about")
    assert set(payments["Data"]) == {
        "orders",
        "payments",
        "operations",
        "refunds",
        "effects",
        "gifts",
        "gifts_received",
        "renewals",
        "events",
    }
    assert [(row["contact"], row["status"]) for row in payments["Data"]["orders"]] == [
        ("ben@example.com", "completed")
    ]
    assert [(row["amount"], row["status"]) for row in payments["Data"]["payments"]] == [(149, "completed")]
    assert [(row["effect"], row["given"]) for row in payments["Data"]["effects"]] == [("credits", 100)]
    assert [row["body"] for row in payments["Data"]["events"]] == ["card ending in 4242"]


def test_personal_data_is_not_shown_in_groups(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna", language_code="en")
    group = stack.telegram.group("Team", [anna], ["assistant"])
    for command in ("/mydata", "/deleteme"):
        group.by(anna).send(command).wait()
        answer = group.answer()
        assert says(answer.text, "private_only")
        assert str(answer.buttons[0][0].url).startswith("https://t.me/")


@pytest.mark.parametrize(("language", "words"), [
    ("ru", "в зашифрованных резервных копиях до 45 дней"), ("en", "encrypted backups for up to 45 days"),
])  # fmt: skip
def test_privacy_says_how_long_erased_users_stay_in_backups(
    stack: Stack, sql: Sql, language: str, words: str
) -> None:
    sql("update private.settings set value = '45' where key = 'retention_backups_days'")
    anna = stack.telegram.user("Anna", language_code=language).chat("assistant")
    anna.send("/privacy")
    assert words in anna.answer().text


def test_privacy_says_what_is_kept_and_for_how_long(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Анна", language_code="ru").chat("assistant")
    anna.send("/privacy")
    text = anna.answer().text
    assert "180 дней" in text
    assert "72 часа" in text
    assert "до 30 дней" in text
    assert "13 месяцев" in text
    assert "копиях" not in text  # there are no backups
    assert "/mydata — " in text and "/deleteme — " in text
    ben = stack.telegram.user("Ben", language_code="en").chat("assistant")
    sql("update private.settings set value = '1' where key = 'retention_messages_days'")
    ben.send("/privacy")
    answer = ben.answer()
    assert "What we keep about you" in answer.text
    assert "1 day." in answer.text
    assert [(row[0].text, row[0].url) for row in answer.buttons] == [
        ("📜 Read more", "https://example.com/privacy")
    ]


@pytest.mark.parametrize("command", ["/mydata", "/deleteme", "/privacy"])
def test_without_a_database_privacy_commands_are_unavailable(stack: Stack, command: str) -> None:
    anna = stack.telegram.user("Anna", language_code="en").chat("assistant")
    stack.database.down()
    anna.send(command)
    assert says(anna.answer(timeout=30).text, "offline_unavailable")


def test_help_lists_the_privacy_commands(stack: Stack) -> None:
    anna = stack.telegram.user("Анна", language_code="ru").chat("assistant")
    anna.send("/help")
    text = anna.answer().text
    for command in ("/privacy — Что мы о вас храним", "/mydata — Скачать", "/deleteme — Удалить"):
        assert command in text
    eventually(lambda: stack.telegram.bot("assistant").commands)


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (
            "en",
            ("Premium until ", "7 bonus requests", "3 free trainings", "50\u00a0₽ on your balance"),
        ),
        (
            "ru",
            ("тариф «Премиум» до ", "7 бонусных запросов", "3 бесплатные тренировки", "50\u00a0₽ на балансе"),
        ),
    ],
)
def test_erasure_lists_everything_that_is_lost(
    stack: Stack, sql: Sql, code: str, lines: tuple[str, ...]
) -> None:
    anna = stack.telegram.user("Анна", language_code=code).chat("assistant")
    anna.send("/deleteme")
    early = anna.answer()
    (user,) = sql("update users set bonus_credits = 7 where telegram_id = %s returning id", anna.id)
    sql(
        "insert into subscriptions (user_id, plan, source, starts_at, ends_at) "
        "values (%s, 'PREMIUM', 'purchase', now(), now() + interval '20 days')",
        user["id"],
    )
    sql("select private.refresh_access(%s)", user["id"])
    sql(
        "insert into free_trainings (user_id, source, reference, quantity, used) "
        "values (%s, 'admin', %s, 5, 2)",
        user["id"],
        f"lost:{user['id']}",
    )
    give(sql, anna, "50")
    anna.send("/deleteme")
    asked = anna.answer()
    for line in lines:
        assert f"• {line}" in asked.text
    early.tap(early.buttons[0][0].text).wait()
    sure = early.wait_for_edit()
    assert all(f"• {line}" in sure.text for line in lines), "the button of an older message asks, too"
    assert row_of(sql, anna)
    sure.tap(sure.buttons[1][0].text)
    assert sure.wait_for_edit().text in ("OK, nothing was deleted.", "Хорошо, ничего не удаляем.")
    assert row_of(sql, anna)
