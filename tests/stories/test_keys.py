"""/keys: users add, use and remove their own API keys, in both languages, and failures of keys."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.test_objects import Answer, Sent

Sql = Callable[..., list[dict[str, Any]]]

SHAPES = {
    "OpenAI": "sk-proj-1",
    "OpenRouter": "sk-or-v1-1",
    "Anthropic": "sk-ant-api03-1",
    "Google Gemini": "AQ.Ab81",
    "GitHub Models": "github_pat_11",
}
MODELS = {
    "OpenAI": "gpt-5.4-mini",
    "OpenRouter": "openai/gpt-5.4-mini",
    "Anthropic": "claude-haiku-5-5",
    "Google Gemini": "gemini-3.8-flash",
    "GitHub Models": "openai/gpt-5.4-mini",
}


def a_key(name: str, word: str = "") -> str:
    """Return a random key in the format of a provider."""
    return f"{SHAPES[name]}{word}{secrets.token_hex(16)}"


def labels(answer: Answer) -> list[str]:
    return [button.text for row in answer.buttons for button in row]


def ask_to_add(chat: Chat, name: str, add: str = "➕ Add a key") -> Answer:
    """Open /keys up to the prompt for a key of the provider."""
    chat.send("/keys")
    menu = chat.answer(20)
    menu.tap(add)
    menu.wait_for_edit(20).tap(name)
    return menu.wait_for_edit(20)


def add(chat: Chat, name: str, key: str) -> Answer:
    """Add a key and return the bot's answer."""
    ask_to_add(chat, name)
    sent = chat.send(key)
    answer = chat.answer(20)
    assert is_gone(chat, sent)
    return answer


def is_gone(chat: Chat, sent: Sent) -> bool:
    return sent.message_id not in chat.room.messages


def requests_of(sql: Sql, telegram_id: int) -> int:
    rows = sql(
        "select coalesce(sum(d.requests + d.bonus_requests), 0)::int as n from daily_usage d "
        "join users u on u.id = d.user_id where u.telegram_id = %s",
        telegram_id,
    )
    return int(rows[0]["n"])


@pytest.mark.parametrize("name", SHAPES)
def test_a_key_of_every_provider_answers_without_using_the_plan(stack: Stack, sql: Sql, name: str) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    key = a_key(name)
    answer = add(anna, name, key)
    saved = "keys_added_unchecked" if name == "GitHub Models" else "keys_added"
    assert says(answer.text, saved, name=name, last_four=key[-4:], model=MODELS[name])
    stack.ai.next(AiBehaviour(text=f"Greetings from {name}."))
    anna.send(f"hello, {name}")
    assert anna.answer(20).text == f"Greetings from {name}."
    assert stack.ai.headers[-1]["authorization"] == f"Bearer {key}"
    assert stack.ai.requests[-1]["model"] == MODELS[name]
    assert requests_of(sql, anna.id) == 0
    anna.send("/profile")
    assert "Today: 0 of 25 requests" in anna.answer(20).text


@pytest.mark.parametrize(
    "form", ["\ufeff{}", "«{}».", "`{}`", "{start}\u200b{end}", "key: {}\u00a0\n", "“{}”,"]
)
def test_a_pasted_key_is_cleaned(stack: Stack, form: str) -> None:
    anna, key = stack.telegram.user("Anna").chat("assistant"), a_key("OpenAI")
    add(anna, "OpenAI", form.format(key, start=key[:12], end=key[12:]))
    anna.send("which key is this?")
    anna.answer(20)
    assert stack.ai.headers[-1]["authorization"] == f"Bearer {key}"


def test_keys_are_listed_chosen_and_removed(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/keys")
    empty = anna.answer(20)
    assert "(Anthropic, Google Gemini, GitHub Models, OpenAI, OpenRouter)" in empty.text
    assert "only its last four characters" in empty.text
    assert labels(empty) == ["➕ Add a key", "‹ Menu"]
    first, second = a_key("OpenAI"), a_key("Anthropic")
    add(anna, "OpenAI", first)
    menu = add(anna, "Anthropic", second)
    menu.tap("🔑 My keys")
    menu.wait_for_edit(20)
    assert f"▫️ OpenAI …{first[-4:]}" in menu.text
    assert f"✅ Anthropic …{second[-4:]}" in menu.text
    assert says(menu.text, "keys_on_own", name="Anthropic")
    assert labels(menu) == [
        "▶️ OpenAI", "🗑 OpenAI", "🗑 Anthropic", "⏸ Use my plan", "➕ Add a key", "‹ Menu",
    ]  # fmt: skip

    tap = menu.tap("▶️ OpenAI")
    menu.wait_for_edit(20)
    assert says(tap.answer(20)["text"], "keys_used", name="OpenAI")
    assert f"✅ OpenAI …{first[-4:]}" in menu.text
    anna.send("which key is this?")
    anna.answer(20)
    assert stack.ai.headers[-1]["authorization"] == f"Bearer {first}"

    menu.tap("⏸ Use my plan")
    menu.wait_for_edit(20)
    assert says(menu.text, "keys_on_plan")
    anna.send("and this one?")
    anna.answer(20)
    assert stack.ai.headers[-1]["authorization"] == "Bearer emulator-openai"
    assert requests_of(sql, anna.id) == 1

    menu.tap("🗑 Anthropic")
    menu.wait_for_edit(20)
    assert says(menu.text, "keys_confirm", name="Anthropic", last_four=second[-4:])
    assert labels(menu) == ["🗑 Yes, remove", "‹ Keys"]
    menu.tap("🗑 Yes, remove")
    menu.wait_for_edit(20)
    assert "Anthropic" not in menu.text
    rows = sql(
        "select provider from user_tokens t join users u on u.id = user_id where telegram_id = %s", anna.id
    )
    assert rows == [{"provider": "openai"}]


def test_the_screens_in_russian(stack: Stack) -> None:
    anna = stack.telegram.user("Анна", language_code="ru").chat("assistant")
    anna.send("/keys")
    menu = anna.answer(20)
    assert "Свой ключ к ИИ" in menu.text
    menu.tap("➕ Добавить ключ")
    menu.wait_for_edit(20)
    assert says(menu.text, "keys_choose", "ru")
    menu.tap("OpenRouter")
    menu.wait_for_edit(20)
    assert "Пришлите ключ OpenRouter" in menu.text
    page = menu.button("Где взять ключ OpenRouter")
    assert page.url == "https://openrouter.ai/settings/keys"
    anna.send("что это такое?")
    assert "Это не похоже на ключ OpenRouter" in anna.answer(20).text
    wrong = anna.send(a_key("OpenRouter", "wrong"))
    assert "OpenRouter не принимает этот ключ" in anna.answer(20).text
    assert is_gone(anna, wrong)
    other = anna.send(a_key("Google Gemini"))
    answer = anna.answer(20)
    assert says(answer.text, "keys_other", "ru", other="Google Gemini", name="OpenRouter")
    assert labels(answer) == ["➕ Добавить ключ Google Gemini", "✖️ Отмена"]
    assert is_gone(anna, other)
    anna.send(f"{secrets.token_hex(12)} {secrets.token_hex(12)}")
    assert "несколько слов, похожих на ключ" in anna.answer(20).text
    key = a_key("OpenRouter")
    anna.send(f"OPENROUTER_API_KEY='{key}'")
    saved = anna.answer(20)
    assert says(saved.text, "keys_added", "ru", name="OpenRouter", last_four=key[-4:])
    saved.tap("🔑 Мои ключи")
    saved.wait_for_edit(20)
    assert says(saved.text, "keys_state_used", "ru")
    assert "Использую ваш ключ OpenRouter" in saved.text
    saved.tap("🗑 OpenRouter")
    saved.wait_for_edit(20)
    assert "Удалить ключ OpenRouter" in saved.text
    tap = saved.tap("🗑 Да, удалить")
    saved.wait_for_edit(20)
    assert tap.answer(20)["text"] == "Ключ OpenRouter удалён."
    assert "Свой ключ к ИИ" in saved.text


def test_an_invalid_key_is_not_stored_and_can_be_sent_again(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    for name in ("OpenAI", "OpenRouter", "Anthropic", "Google Gemini"):
        wrong = a_key(name, "wrong")
        answer = add(anna, name, wrong)
        assert says(answer.text, "keys_wrong", name=name)
        assert wrong in stack.ai.checks
    assert (
        sql("select from user_tokens t join users u on u.id = user_id where telegram_id = %s", anna.id) == []
    )
    key = a_key("Google Gemini")
    anna.send(key)
    assert says(anna.answer(20).text, "keys_added")


def test_a_key_is_sent_to_its_provider_only(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    key = a_key("Anthropic")
    answer = add(anna, "OpenAI", key)
    assert says(answer.text, "keys_other", other="Anthropic", name="OpenAI")
    assert key not in stack.ai.checks
    answer.tap("➕ Add Anthropic key")
    assert says(answer.wait_for_edit(20).text, "keys_send", name="Anthropic")
    anna.send(key)
    assert says(anna.answer(20).text, "keys_added")


def test_a_key_stays_unchecked_while_its_provider_is_unavailable(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    stack.ai.always(AiBehaviour(status=0))
    answer = add(anna, "OpenAI", a_key("OpenAI"))
    assert says(answer.text, "keys_added_unchecked")
    stack.ai.clear()
    anna.send("/keys")
    assert says(anna.answer(20).text, "keys_unchecked")


def test_a_key_rejected_later_is_switched_off_and_the_plan_answers(stack: Stack, sql: Sql) -> None:
    for language, word, listed in (
        ("en", "rejected your key", "rejected by the provider"),
        ("ru", "больше не принимает ваш ключ", "отклонён провайдером"),
    ):
        anna = stack.telegram.user("Anna", language_code=language).chat("assistant")
        key = a_key("Anthropic")
        ask_to_add(anna, "Anthropic", "➕ Add a key" if language == "en" else "➕ Добавить ключ")
        anna.send(key)
        anna.answer(20)
        stack.ai.refuse(key)
        anna.send("are you there?")
        message = anna.answer(20)
        assert f"Anthropic {word}" in message.text
        assert requests_of(sql, anna.id) == 0
        anna.send("and now?")
        anna.answer(20)
        assert stack.ai.headers[-1]["authorization"] == "Bearer emulator-openai"
        assert requests_of(sql, anna.id) == 1
        message.tap(labels(message)[0])
        message.wait_for_edit(20)
        assert listed in message.text
        message.tap("▶️ Anthropic")
        message.wait_for_edit(20)
        assert "✅ Anthropic" in message.text


@pytest.mark.parametrize(
    ("behaviour", "en", "ru"),
    [
        (
            AiBehaviour(status=402),
            "Your OpenAI account is out of credit",
            "счёте OpenAI закончились деньги",
        ),
        (
            AiBehaviour(status=429, retry_after=60),
            "OpenAI is limiting your key",
            "OpenAI ограничивает ваш ключ",
        ),
        (AiBehaviour(status=404), "doesn’t have access to gpt-5.4-mini", "нет доступа к модели gpt-5.4-mini"),
    ],
)
def test_an_account_error_names_the_users_own_account(
    stack: Stack, sql: Sql, behaviour: AiBehaviour, en: str, ru: str
) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    add(anna, "OpenAI", a_key("OpenAI"))
    stack.ai.next(behaviour)
    anna.send("hello there")
    assert en in anna.answer(20).text
    anna.send("/language")
    anna.answer(20).tap("🇷🇺 Русский").wait()
    stack.ai.next(behaviour)
    anna.send("и снова")
    assert ru in anna.answer(20).text
    rows = sql(
        "select t.is_active from user_tokens t join users u on u.id = user_id where telegram_id = %s", anna.id
    )
    assert rows == [{"is_active": True}]
    assert requests_of(sql, anna.id) == 0


def test_keys_are_managed_in_private_chats_only(stack: Stack) -> None:
    anna, ivan = stack.telegram.user("Anna"), stack.telegram.user("Иван", language_code="ru")
    group = stack.telegram.group("Team", [anna, ivan], ["assistant"])
    group.by(anna).send("/keys@switchboard_assistant_bot")
    answer = group.answer(20)
    assert "private chat" in answer.text
    assert answer.buttons[0][0].url == "https://t.me/switchboard_assistant_bot?start=open_keys"
    group.by(ivan).send("/keys@switchboard_assistant_bot")
    assert "личн" in group.answer(20).text


def test_a_key_sent_without_a_prompt_can_be_added(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    key = a_key("OpenRouter")
    anna.send(f"here: {key}")
    answer = anna.answer(20)
    assert "looks like a password or an API key" in answer.text
    answer.tap("➕ Add OpenRouter key")
    assert says(answer.wait_for_edit(20).text, "keys_send", name="OpenRouter")
    anna.send(key)
    assert says(anna.answer(20).text, "keys_added")


def test_adding_a_key_can_be_canceled(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    prompt = ask_to_add(anna, "OpenAI")
    prompt.tap("✖️ Cancel")
    assert "Your own AI key" in prompt.wait_for_edit(20).text
    anna.send("so what is a switchboard?")
    assert "Good question" in anna.answer(20).text
    ask_to_add(anna, "OpenAI")
    anna.send("/cancel")
    assert says(anna.answer(20).text, "cancel_done")
    anna.send("and a telephone?")
    assert "Good question" in anna.answer(20).text


def test_a_button_of_a_removed_key_shows_the_current_keys(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    add(anna, "OpenAI", a_key("OpenAI")).tap("🔑 My keys").wait()
    anna.send("/keys")
    menu = anna.answer(20)
    sql("delete from user_tokens t using users u where u.id = user_id and telegram_id = %s", anna.id)
    tap = menu.tap("🗑 OpenAI")
    assert "Your own AI key" in menu.wait_for_edit(20).text
    assert says(tap.answer(20)["text"], "keys_gone")


def test_the_user_is_asked_to_delete_a_message_that_telegram_keeps(stack: Stack) -> None:
    for language, word in (("en", "Please delete it yourself"), ("ru", "удалите его сами")):
        anna = stack.telegram.user("Anna", language_code=language).chat("assistant")
        ask_to_add(anna, "OpenAI", "➕ Add a key" if language == "en" else "➕ Добавить ключ")
        description = "Bad Request: message can't be deleted"
        stack.telegram.fail("deleteMessage", status=400, description=description, chat_id=anna.id)
        anna.send(a_key("OpenAI"))
        assert word in anna.answer(20).text


def test_the_first_request_on_a_user_api_key_rewards_the_referrer(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/start")
    anna.answer(20)
    code = sql("select referral_code from users where telegram_id = %s", anna.id)[0]["referral_code"]
    ben = stack.telegram.user("Ben").chat("assistant")
    ben.send(f"/start ref_{code}")
    ben.answer(20)
    add(ben, "OpenAI", a_key("OpenAI"))
    ben.send("a first question of Ben")
    ben.answer(20)
    assert says(anna.answer(20).text, "referral_notice", name="Ben")


def test_calls_on_a_user_api_key_are_recorded_as_such(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("a question on the plan")
    anna.answer(20)
    key = a_key("Anthropic")
    add(anna, "Anthropic", key)
    anna.send("a question on the key")
    anna.answer(20)
    stack.ai.refuse(key)
    anna.send("a question on a key that is refused")
    anna.answer(20)
    rows = sql(
        "select a.provider, a.status, a.is_user_api_key from api_usage a join users u on u.id = a.user_id "
        "where u.telegram_id = %s order by a.id",
        anna.id,
    )
    assert [(row["provider"], row["status"], row["is_user_api_key"]) for row in rows] == [
        ("openai", "ok", False),
        ("anthropic", "ok", True),
        ("anthropic", "invalid_key", True),
    ]
    (day,) = sql(
        "select d.requests, d.user_api_key_requests from daily_usage d join users u on u.id = d.user_id "
        "where u.telegram_id = %s",
        anna.id,
    )
    assert (day["requests"], day["user_api_key_requests"]) == (1, 1)


def test_the_limit_message_offers_a_user_api_key(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/start")
    anna.answer(20)
    sql(
        "insert into daily_usage (user_id, bot, day, requests) "
        "select id, 'second', (private.clock() at time zone 'Europe/Moscow')::date, 25 from users "
        "where telegram_id = %s",
        anna.id,
    )
    anna.send("one more?")
    assert "/keys" in anna.answer(20).text
    add(anna, "OpenAI", a_key("OpenAI"))
    anna.send("and now?")
    assert "Good question" in anna.answer(20).text
