"""What admins do in their chat, in both languages; for everybody else none of it exists."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import deliver_until_done, eventually, message_update, says
from tests.telegram.test_crashes import LATER
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.handles import Answer
from tools.emulator.telegram.people import Chat, Person

Sql = Callable[..., list[dict[str, Any]]]
Appoint = Callable[..., Person]
ADMIN_COMMANDS = (
    "stats", "user", "grant", "givetrainings", "addbalance", "reset", "plan", "ban", "unban", "promocode",
    "audit",
)  # fmt: skip
_numbers = itertools.count(1)


def ask(chat: Chat, text: str) -> Answer:
    """Send a message and return the bot's answer."""
    chat.send(text).wait(timeout=20)
    return chat.answer()


def somebody(stack: Stack, name: str = "Анна") -> Person:
    """A person with a @name, whom the assistant knows."""
    person = stack.telegram.person(name, "ru", f"somebody_{next(_numbers)}")
    ask(person.chat("assistant"), "/start")
    return person


def labels(answer: Answer) -> list[list[str]]:
    return [[button.text for button in row] for row in answer.buttons]


def tap(answer: Answer, label: str) -> str:
    """Tap a button, wait until the message changed and return what was shown over the chat."""
    tapped = answer.tap(label)
    answer.wait_for_edit()
    return str(tapped.answer()["text"])


def column(sql: Sql, person: Person, name: str) -> Any:
    return sql(f"select {name} as value from users where telegram_id = %s", person.id)[0]["value"]


# For everybody else ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ADMIN_COMMANDS)
def test_for_others_there_is_no_such_command(stack: Stack, appoint: Appoint, command: str) -> None:
    appoint()
    anna = somebody(stack)
    chat = anna.chat("assistant")
    known, unknown = ask(chat, f"/{command} {anna.id}"), ask(chat, f"/nosuch {anna.id}")
    assert (known.text, known.entities, known.buttons) == (unknown.text, unknown.entities, unknown.buttons)
    calls = [call for call in stack.telegram.calls if call["parameters"].get("chat_id") == anna.id][-2:]
    assert calls[0]["via"] == calls[1]["via"] == "response"
    assert calls[0]["parameters"] == calls[1]["parameters"]


def test_others_find_no_trace_in_help_menu_and_buttons(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint(), somebody(stack)
    help_ = ask(anna.chat("assistant"), "/help")
    assert not re.search(r"/(user|grant|reset|plan|ban|unban|promocode|audit|stats)\b", help_.text)
    menus = stack.telegram.bot("assistant").commands
    shown = {item["command"] for code in ("", "ru", "en") for item in menus[code]}
    assert not shown & set(ADMIN_COMMANDS)
    for data in ("admin:grant:%s:100", "admin:plan:%s:PREMIUM", "admin:ban_yes:%s", "admin:audit:%s:0"):
        tapped = anna.chat("assistant").tap(help_.stored, data % anna.id)
        old = anna.chat("assistant").tap(help_.stored, "nosuch")
        assert tapped.answer() == old.answer()
    assert column(sql, anna, "bonus_credits") == 0
    assert column(sql, anna, "vip_level") == 0
    assert not sql(
        "select 1 as x from audit_log where user_id = (select id from users where telegram_id = %s)", boss.id
    )


def test_in_a_group_even_an_admin_has_no_such_command(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint(), somebody(stack)
    group = stack.telegram.group("Team", [boss, anna], ["assistant"])
    username = stack.telegram.bot("assistant").username
    group.by(boss).send(f"/grant@{username} {anna.id} 10").wait(timeout=20)
    assert says(group.by(boss).answer().text, "unknown_command")
    group.by(boss).send(f"/help@{username}").wait(timeout=20)
    assert "/grant" not in group.by(boss).answer().text
    assert column(sql, anna, "bonus_credits") == 0


def test_who_is_admin_no_more_is_anybody(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint(), somebody(stack)
    card = ask(boss.chat("assistant"), f"/user {anna.id}")
    sql("delete from admins")
    assert says(card.tap("🎁 Give").answer(20)["text"], "button_old")
    assert says(ask(boss.chat("assistant"), f"/grant {anna.id} 5").text, "unknown_command")
    assert column(sql, anna, "bonus_credits") == 0


# Their own help and usage ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "title"), [("ru", "Для администраторов"), ("en", "For admins")])
def test_an_admin_s_help_has_a_section_of_its_own(
    stack: Stack, appoint: Appoint, language: str, title: str
) -> None:
    help_ = ask(appoint(language).chat("assistant"), "/help")
    everybody, _, own = help_.text.partition(title)
    assert "/profile" in everybody
    assert own_commands(own) >= set(ADMIN_COMMANDS)
    units = help_.text.encode("utf-16-le")
    bold = next(e for e in help_.entities if e["type"] == "bold" and e["offset"] > len(everybody) - 3)
    assert units[bold["offset"] * 2 : (bold["offset"] + bold["length"]) * 2].decode("utf-16-le") == title


def own_commands(text: str) -> set[str]:
    return set(re.findall(r"/(\w+) —", text))


@pytest.mark.parametrize(("language", "nobody"), [("ru", "Не нахожу"), ("en", "can’t find")])
def test_bad_input_gets_an_example_and_a_stranger_a_clear_word(
    stack: Stack, appoint: Appoint, language: str, nobody: str
) -> None:
    chat = appoint(language).chat("assistant")
    for text, example in (
        ("/user", "/user @name"),
        ("/user %%%", "/user @name"),
        ("/user x", "/user @name"),
        ("/addbalance @name", "/addbalance @name 100"),
        ("/addbalance @name 1.234", "/addbalance @name 100"),
        ("/grant", "/grant @name 50"),
        ("/grant @name", "/grant @name 50"),
        ("/grant @name many", "/grant @name 50"),
        ("/grant @name 0", "/grant @name 50"),
        ("/grant @name ٣", "/grant @name 50"),
        ("/reset", "/reset @name"),
        ("/plan @name", "/plan @name PREMIUM 30"),
        ("/plan @name PREMIUM soon", "/plan @name PREMIUM 30"),
        ("/plan @name PREMIUM 30 40", "/plan @name PREMIUM 30"),
        ("/plan @name PREMIUM 0", "/plan @name PREMIUM 30"),
        ("/ban", "/ban @name"),
        ("/unban", "/unban @name"),
        ("/audit one two", "/audit @name"),
    ):
        assert example in ask(chat, text).text, text
    for text in (
        "/user @nobody_at_all",
        "/user two words",
        "/addbalance 1 5",
        "/grant 1 5",
        "/reset 1",
        "/plan 1 PREMIUM",
        "/ban 1",
        "/unban 1",
        "/audit @nobody_at_all",
    ):
        assert nobody in ask(chat, text).text, text


@pytest.mark.parametrize(
    "form", ["@\u200b{}", "«@{}»", "@{}.", "\u00a0@{}\ufeff", "https://t.me/{}", "`{}`", "\n@{},"]
)
def test_a_user_is_found_by_a_name_as_it_was_pasted(
    stack: Stack, appoint: Appoint, sql: Sql, form: str
) -> None:
    boss, anna = appoint("en").chat("assistant"), somebody(stack)
    name = form.format(column(sql, anna, "username"))
    assert f"@{column(sql, anna, 'username')}" in ask(boss, f"/user {name}").text
    ask(boss, f"/grant {name} 5\u200b a «reason».")
    assert column(sql, anna, "bonus_credits") == 5
    (entry,) = sql("select after::text as details from audit_log order by id desc limit 1")
    assert "a «reason»." in entry["details"], "words that are kept stay as they were written"


# /stats ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "head", "lines"),
    [
        (
            "ru",
            "Статистика",
            (
                r"Всего пользователей: [\d\s]+\n",
                r"Сегодня · 7 дней · 30 дней",
                r"Активные: [\d,\s]+ · [\d,\s]+ · [\d,\s]+",
                r"Запросы: [\d,\s]+ · [\d,\s]+ · [\d,\s]+",
                r"С ошибкой: [\d,\s]+ · [\d,\s]+ · [\d,\s]+ \([\d,\s]+,\d% за 30 дней\)",
                r"gpt-5-mini: [\d,\s]+ запрос\w*, ",
            ),
        ),
        (
            "en",
            "Overview",
            (
                r"Total users: [\d,]+\n",
                r"Today · 7 days · 30 days",
                r"Active: [\d,\s]+ · [\d,\s]+ · [\d,\s]+",
                r"Requests: [\d,\s]+ · [\d,\s]+ · [\d,\s]+",
                r"Failed: [\d,\s]+ · [\d,\s]+ · [\d,\s]+ \([\d,\s]+\.\d% in 30 days\)",
                r"gpt-5-mini: [\d,\s]+ requests?, \$",
            ),
        ),
    ],
)
def test_stats_are_a_picture_with_the_figures_in_words(
    stack: Stack, appoint: Appoint, language: str, head: str, lines: tuple[str, ...]
) -> None:
    ask(somebody(stack).chat("assistant"), "a question")
    boss = appoint(language).chat("assistant")
    answer = ask(boss, "/stats")
    assert answer.data["photo"]
    assert answer.text.startswith(f"📊 {head}")
    for line in lines:
        assert re.search(line, answer.text), line
    assert len(answer.text.encode("utf-16-le")) // 2 <= 1024
    bold = [e for e in answer.entities if e["type"] == "bold"]
    assert len(bold) == 4


def test_stats_count_what_just_happened(stack: Stack, appoint: Appoint) -> None:
    boss, anna = appoint("en").chat("assistant"), somebody(stack)

    def today(name: str) -> int:
        ask(boss, "/stats")
        picture = [answer for answer in boss.answers() if answer.text.startswith("📊")][-1]
        found = re.search(rf"{name}: ([\d,]+)", picture.text)
        assert found is not None
        return int(found[1].replace(",", ""))

    names = ("Active", "New", "Requests", "AI calls", "Failed")
    before = [today(name) for name in names]
    somebody(stack, "Ben")
    ask(anna.chat("assistant"), "a question")
    stack.ai.always(AiBehaviour(status=401))
    ask(anna.chat("assistant"), "another")
    after = [today(name) for name in names]
    assert [now - then for then, now in zip(before, after, strict=True)] == [1, 1, 1, 2, 1]


def test_the_longest_model_names_fit_under_the_picture(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    sql(
        "insert into daily_totals (day, provider, model, is_own_key, shard, requests, calls, tokens_in) "
        "select (private.clock() at time zone 'Europe/Moscow')::date, 'openrouter', repeat('м', 90) || n, "
        "false, 15, 1000000000 + n, 2000000000, 3000000000000 from generate_series(1, 6) as n"
    )
    try:
        for language in ("ru", "en"):
            answer = ask(appoint(language).chat("assistant"), "/stats")
            assert answer.data["photo"]
            assert len(answer.text.encode("utf-16-le")) // 2 <= 1024
    finally:
        sql("delete from daily_totals where provider = 'openrouter' and model like 'ммм%%'")


# What they do ----------------------------------------------------------------------------------------------


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
                "Свои ключи ИИ: 0",
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
def test_a_card_says_who_somebody_is(
    stack: Stack, appoint: Appoint, language: str, words: tuple[str, ...]
) -> None:
    boss, anna = appoint(language).chat("assistant"), somebody(stack)
    ask(anna.chat("assistant"), "a question")
    for who in (str(anna.id), f"@{anna.account.username}", str(anna.account.username).upper()):
        card = ask(boss, f"/user {who}")
        assert f"Анна (@{anna.account.username})" in card.text
        assert f"ID: {anna.id}" in card.text
        for word in words:
            assert word in card.text
    assert sum(map(len, labels(card))) <= 5


def test_the_cards_buttons_act_and_bring_it_up_to_date(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("ru").chat("assistant"), somebody(stack)
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
    assert actions[0] == "разбанен"
    assert actions[-1] == "бонусные запросы 0 → 10"
    tap(card, "👤 Карточка")
    assert f"ID: {anna.id}" in card.text


def test_a_button_that_changes_nothing_leaves_the_card_alone(stack: Stack, appoint: Appoint) -> None:
    boss, anna = appoint("en").chat("assistant"), somebody(stack)
    card = ask(boss, f"/user {anna.id}")
    tap(card, "🎁 Give")
    assert "requests this month 0 → 0" in card.tap("🔄 Reset the limit").answer(20)["text"]
    assert not [
        call for call in stack.telegram.calls if call["method"] == "editMessageText" and not call["ok"]
    ]


@pytest.mark.parametrize(
    ("language", "granted", "taken", "button"),
    [
        ("ru", "бонусные запросы 0 → 50", "бонусные запросы 50 → 0", "👤 Карточка"),
        ("en", "bonus requests 0 → 50", "bonus requests 50 → 0", "👤 Card"),
    ],
)
def test_credits_are_told_as_before_and_after(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, granted: str, taken: str, button: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), somebody(stack)
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
def test_a_month_is_given_back(stack: Stack, appoint: Appoint, language: str, done: str) -> None:
    boss, anna = appoint(language).chat("assistant"), somebody(stack)
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
            "There’s no plan GOLD. Plans: FREE, PREMIUM",
            "That number won’t work",
        ),
    ],
)
def test_a_plan_is_given_and_taken(
    stack: Stack, appoint: Appoint, language: str, gift: str, for_good: str, unknown: str, bad: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), somebody(stack)
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
        ("ru", "увидит пользователь: продаёт ключи", "🚫 Да, забанить", "разбанен", "бана не было"),
        ("en", "Reason they’ll see: продаёт ключи", "🚫 Yes, ban", "unbanned", "wasn’t banned"),
    ],
)
def test_a_ban_is_asked_for_told_and_lifted(
    stack: Stack, appoint: Appoint, language: str, question: str, yes: str, lifted: str, none: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), somebody(stack)
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


def test_an_older_question_has_lost_its_reason_and_bans_nobody(
    stack: Stack, appoint: Appoint, sql: Sql
) -> None:
    boss, anna, ben = appoint("en").chat("assistant"), somebody(stack), somebody(stack, "Ben")
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
def test_the_audit_is_turned_page_by_page(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, title: str, older: str, newest: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), somebody(stack)
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
    everybody = ask(boss, "/audit")
    assert everybody.text.startswith(f"📜 {title}\n")
    assert f"@{anna.account.username}" in everybody.text
    assert len(everybody.text) < 4096


def test_the_longest_reasons_fit_into_one_page(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("ru").chat("assistant"), somebody(stack, "А" * 64)
    sql(
        "insert into audit_log (admin_email, action, user_id, before, after) "
        "select 'olga@example.com', 'ban_user', id, '{}', jsonb_build_object('reason', repeat('я', 500)) "
        "from users, generate_series(1, 9) where telegram_id = %s",
        anna.id,
    )
    assert "«яяя" in ask(boss, f"/audit {anna.id}").text


def test_an_action_of_a_later_version_is_shown_by_its_name(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), somebody(stack)
    assert "Nothing yet." in ask(boss, f"/audit {anna.id}").text
    sql(
        "insert into audit_log (admin_email, action, user_id, before, after) "
        "select 'olga@example.com', 'sent_flowers', id, '{}', '{}' from users where telegram_id = %s",
        anna.id,
    )
    assert "sent_flowers" in ask(boss, f"/audit {anna.id}").text


def test_a_key_in_a_reason_is_struck_out(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), somebody(stack)
    key = "sk-proj-" + "aB3" * 15
    asked = ask(boss, f"/ban {anna.id} he leaked {key}")
    assert key not in asked.text
    tap(asked, "🚫 Yes, ban")
    ask(boss, f"/grant {anna.id} 5 for finding {key}")
    for table in ("audit_log", "users", "bot_sessions", "telegram_updates"):
        assert not sql(f"select 1 as x from {table} as t where t::text like '%%aB3aB3%%'"), table


# Found by a part of a name, and undone ----------------------------------------------------------------------


@pytest.mark.parametrize(("language", "more"), [("ru", "больше, чем помещается"), ("en", "more matches")])
def test_users_are_found_by_a_part_of_their_name(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, more: str
) -> None:
    boss = appoint(language).chat("assistant")
    name = f"Zyablikova{language}"
    first, second = somebody(stack, f"Mila {name}"), somebody(stack, f"Vera {name}")
    listed = ask(boss, f"/user {name[2:]}")
    assert {label for row in labels(listed) for label in row} == {
        f"Mila {name} (@{first.account.username})",
        f"Vera {name} (@{second.account.username})",
    }
    tap(listed, f"Vera {name} (@{second.account.username})")
    assert f"ID: {second.id}" in listed.text
    assert f"ID: {first.id}" in ask(boss, f"/user mila {name}").text, "the only one is shown at once"
    sql(
        "insert into users (telegram_id, first_name) select 8100000000 + n + %s, %s || n "
        "from generate_series(1, 8) as n",
        100 * ord(language[0]),
        name,
    )
    found = ask(boss, f"/user {name}")
    assert more in found.text
    shown = [label for row in labels(found) for label in row]
    without_username = [label for label in shown if "@" not in label]
    assert without_username and all(re.search(r" · 81\d{8}$", label) for label in without_username), shown


@pytest.mark.parametrize(
    ("language", "undo", "done", "known"),
    [
        ("ru", "↩️ Отменить", "Отменено: 50 → 0", "уже отменено"),
        ("en", "↩️ Undo", "Undone: 50 → 0", "already been undone"),
    ],
)
def test_a_gift_is_told_to_the_user_and_undone_once(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, undo: str, done: str, known: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), somebody(stack)
    answer = ask(boss, f"/grant {anna.id} 50")
    assert "50 бонусных запросов" in anna.chat("assistant").answers()[-1].text
    card = ask(boss, f"/user {anna.id}")
    assert any(undo in label and "+50" in label for row in labels(card) for label in row)
    assert tap(answer, undo) == done
    assert f"ID: {anna.id}" in answer.text
    assert column(sql, anna, "bonus_credits") == 0
    assert "снято" in anna.chat("assistant").answers()[-1].text
    again = next(label for row in labels(card) for label in row if undo in label)
    assert known in str(card.tap(again).answer(20)["text"])
    log = ask(boss, f"/audit {anna.id}").text
    assert ("отменено, бонусные запросы" if language == "ru" else "undone, bonus requests") in log


def test_balance_is_added_and_told(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), somebody(stack)
    added = ask(boss, f"/addbalance {anna.id} 100,50 for the outage")
    assert "balance 0\u00a0₽ → 100.50\u00a0₽" in added.text
    assert "зачислено 100,50\u00a0₽" in anna.chat("assistant").answers()[-1].text
    assert "doesn’t have that much" in ask(boss, f"/addbalance {anna.id} -101").text
    assert float(column(sql, anna, "balance")) == 100.5


def test_a_bought_plan_is_ended_by_its_refund_alone(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), somebody(stack)
    sql(
        "insert into subscriptions (user_id, plan, source, ends_at) select id, 'PREMIUM', 'purchase', "
        "private.clock() + interval '9 days' from users where telegram_id = %s",
        anna.id,
    )
    sql("select private.refresh_access(id) from users where telegram_id = %s", anna.id)
    card = ask(boss, f"/user {anna.id}")
    tap(card, "🎁 Give")
    assert "End the plan" not in str(labels(card))
    assert "it was bought" in ask(boss, f"/plan {anna.id} FREE").text
    ask(boss, f"/plan {anna.id} PREMIUM 90")
    card = ask(boss, f"/user {anna.id}")
    tap(card, "🎁 Give")
    tap(card, "End the plan")
    assert "Premium until" in card.text


def test_stats_are_followed_by_revenue(stack: Stack, appoint: Appoint) -> None:
    for language, head, paying in (
        ("ru", "💰 Выручка", "Новые пользователи с оплатой"),
        ("en", "💰 Revenue", "New users who paid"),
    ):
        boss = appoint(language).chat("assistant")
        ask(boss, "/stats")
        money = boss.answers()[-1].text
        assert money.startswith(head) and paying in money
        assert len(money) < 1500


# Once, whatever happens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ["admin_add_bonus_credits", "finish_update"])
def test_a_killed_worker_gives_once_and_tells_the_same(
    stack: Stack, appoint: Appoint, sql: Sql, clock: Callable[[str], None], statement: str, when: Any
) -> None:
    boss, anna = appoint("en"), somebody(stack)
    stack.database.on(statement, when=when, do=lambda: stack.function("telegram").kill())
    sent = boss.chat("assistant").send(f"/grant {anna.id} 7")
    eventually(lambda: not stack.function("telegram").pid, 20)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=20)
    assert "bonus requests 0 → 7" in boss.chat("assistant").answer().text
    assert column(sql, anna, "bonus_credits") == 7
    (row,) = sql(
        "select reference from audit_log join users on users.id = user_id where telegram_id = %s", anna.id
    )
    assert row["reference"].startswith(f"telegram:assistant:{sent.update_id}:")


def test_the_same_number_a_long_time_later_is_another_update(
    stack: Stack, appoint: Appoint, sql: Sql
) -> None:
    boss, anna = appoint("en"), somebody(stack)
    update = message_update(boss, f"/grant {anna.id} 7")
    assert "0 → 7" in deliver_until_done(stack.telegram, update, "assistant").json()["text"]
    assert "0 → 7" in deliver_until_done(stack.telegram, update, "assistant").json()["text"]
    assert column(sql, anna, "bonus_credits") == 7
    sql("delete from telegram_updates where update_id = %s", update["update_id"])
    update["message"]["date"] += 8 * 86_400
    assert "7 → 14" in deliver_until_done(stack.telegram, update, "assistant").json()["text"]
    assert column(sql, anna, "bonus_credits") == 14


@pytest.mark.parametrize(
    "data", ["admin:undo:%s", "admin:grant:1:%s", "admin:audit:1:%s", "admin:payment:%s", "admin:ban_yes:%s"]
)
def test_a_number_too_large_for_the_database_is_an_old_button(
    stack: Stack, appoint: Appoint, data: str
) -> None:
    boss = appoint("en").chat("assistant")
    tapped = boss.tap(ask(boss, "/stats").stored, data % ("9" * 40))
    assert "old message" in tapped.answer(20)["text"]
