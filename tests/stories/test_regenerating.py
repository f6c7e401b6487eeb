"""The buttons below an answer: another answer, the rest of one; and an edited question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import eventually, says
from tests.telegram.test_updates import Sql, requests_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import Answer
from tools.emulator.telegram.users import Chat

AGAIN = {"en": "🔄 Regenerate", "ru": "🔄 Ответить заново"}
MORE = {"en": "▶️ Continue", "ru": "▶️ Продолжить"}
REMIND = {"en": "⏰ Remind me", "ru": "⏰ Напомнить"}
BOTH = pytest.mark.parametrize("language", ["en", "ru"])


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def anna(stack: Stack, language: str) -> Chat:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


def ask(stack: Stack, chat: Chat, question: str, **behaviour: Any) -> Answer:
    stack.ai.next(AiBehaviour(**behaviour))
    chat.send(question).wait(timeout=60)
    return chat.answer()


def history(sql: Sql, chat: Chat) -> list[str]:
    rows = sql(
        "select m.content from messages m join users u on u.id = m.user_id "
        "where u.telegram_id = %s order by m.id",
        chat.user.id,
    )
    return [row["content"] for row in rows]


def asked(stack: Stack) -> list[str]:
    """What the AI got last, without the system prompt."""
    return [message["content"] for message in stack.ai.requests[-1]["messages"][1:]]


def labels(answer: Answer) -> list[str]:
    return [button.text for row in answer.buttons for button in row]


@BOTH
def test_another_answer_takes_the_place_of_the_last(
    stack: Stack, sql: Sql, anna: Chat, language: str
) -> None:
    ask(stack, anna, "first", text="one")
    second = ask(stack, anna, "second", text="two")
    assert labels(second) == [AGAIN[language], REMIND[language]]
    stack.ai.next(AiBehaviour(text="two again"))
    second.tap(AGAIN[language]).wait()
    third = anna.answer()
    assert third.text == "two again"
    assert labels(third) == [AGAIN[language], REMIND[language]]
    assert second.buttons == []
    assert asked(stack) == ["first", "one", "second"]
    assert history(sql, anna) == ["first", "one", "second", "two again"]
    assert requests_of(sql, anna.id) == 3


@BOTH
def test_an_old_button_says_so_and_leaves(stack: Stack, sql: Sql, anna: Chat, language: str) -> None:
    first = ask(stack, anna, "first", text="one")
    ask(stack, anna, "second", text="two")
    toast = first.tap(AGAIN[language]).answer()
    assert says(toast["text"], "answer_old", language)
    eventually(lambda: first.buttons == [])
    assert history(sql, anna) == ["first", "one", "second", "two"]
    assert requests_of(sql, anna.id) == 2
    assert len(stack.ai.requests) == 2


def test_a_double_tap_is_one_answer(stack: Stack, sql: Sql, anna: Chat) -> None:
    first = ask(stack, anna, "first", text="one")
    button = first.button(AGAIN["en"])
    stack.ai.next(AiBehaviour(text="another", delay=0.3))
    taps = [first.tap_button(button) for _ in range(3)]
    for tap in taps:
        tap.wait()
    stack.telegram.idle(10)
    assert [answer.text for answer in anna.answers()[1:]] == ["one", "another"]
    assert history(sql, anna) == ["first", "another"]
    assert requests_of(sql, anna.id) == 2


def test_two_taps_at_once_are_one_answer(stack: Stack, sql: Sql, anna: Chat) -> None:
    first = ask(stack, anna, "first", text="one")
    button = first.button(AGAIN["en"])
    stack.ai.next(AiBehaviour(text="another", delay=1.0))
    tap = first.tap_button(button)
    eventually(lambda: sql("select from messages where claimed_by is not null"))
    query = {
        "id": "77",
        "from": anna.user.json(),
        "message": first.data,
        "chat_instance": "1",
        "data": button.data,
    }
    stack.telegram.deliver({"update_id": 123, "callback_query": query})
    tap.wait()
    stack.telegram.idle(10)
    assert [answer.text for answer in anna.answers()[1:]] == ["one", "another"]
    assert requests_of(sql, anna.id) == 2


@BOTH
def test_an_answer_that_ended_by_length_goes_on(stack: Stack, sql: Sql, anna: Chat, language: str) -> None:
    first = ask(stack, anna, "count", text="one two", finish_reason="length")
    assert labels(first) == [MORE[language], AGAIN[language], REMIND[language]]
    assert says(first.text, "ai_length", language)
    stack.ai.next(AiBehaviour(text=" three four"))
    first.tap(MORE[language]).wait()
    more = anna.answer()
    assert more.text == "three four"
    assert more.buttons == []
    assert asked(stack)[:2] == ["count", "one two"]
    assert history(sql, anna) == ["count", "one two three four"]
    assert requests_of(sql, anna.id) == 2


def test_a_cut_answer_that_ends_with_a_sentence_gets_no_dots(stack: Stack, anna: Chat) -> None:
    whole = ask(stack, anna, "count", text="One. Two.", finish_reason="length")
    assert whole.text.startswith("One. Two.\n\n")
    half = ask(stack, anna, "count", text="One. Tw", finish_reason="length")
    assert half.text.startswith("One. Tw…\n\n")


def test_a_failed_try_keeps_the_answer_and_its_button(stack: Stack, sql: Sql, anna: Chat) -> None:
    first = ask(stack, anna, "first", text="one")
    stack.ai.next(AiBehaviour(status=500), AiBehaviour(status=500))
    first.tap(AGAIN["en"]).wait()
    assert says(anna.answer().text, "ai_failed")
    assert history(sql, anna) == ["first", "one"]
    assert labels(first) == [AGAIN["en"], REMIND["en"]]
    assert requests_of(sql, anna.id) == 1
    stack.ai.next(AiBehaviour(text="two"))
    first.tap(AGAIN["en"]).wait()
    assert anna.answer().text == "two"
    assert history(sql, anna) == ["first", "two"]


def test_the_limit_holds_for_another_answer(stack: Stack, sql: Sql, anna: Chat) -> None:
    first = ask(stack, anna, "first", text="one")
    sql("update daily_usage set requests = 25")
    first.tap(AGAIN["en"]).wait()
    assert says(anna.answer().text, "limit_reached")
    assert history(sql, anna) == ["first", "one"]
    assert len(stack.ai.requests) == 1


def test_a_cleared_conversation_stays_cleared(stack: Stack, sql: Sql, anna: Chat) -> None:
    first = ask(stack, anna, "first", text="one")
    stack.ai.next(AiBehaviour(text="another", delay=1.0))
    tap = first.tap(AGAIN["en"])
    eventually(lambda: sql("select from messages where claimed_by is not null"))
    anna.send("/clear").wait()
    tap.wait()
    stack.telegram.idle(10)
    assert history(sql, anna) == []


def test_a_question_asked_meanwhile_keeps_its_place(stack: Stack, sql: Sql, anna: Chat) -> None:
    first = ask(stack, anna, "first", text="one")
    stack.ai.next(AiBehaviour(text="another", delay=1.5))
    tap = first.tap(AGAIN["en"])
    eventually(lambda: len(stack.ai.requests) == 2)
    ask(stack, anna, "second", text="two")
    tap.wait()
    stack.telegram.idle(10)
    assert history(sql, anna) == ["first", "another", "second", "two"]


def test_groups_have_no_buttons(stack: Stack) -> None:
    user = stack.telegram.user("Ben", "en")
    group = stack.telegram.group("Team", [user], ["assistant"])
    stack.ai.next(AiBehaviour(text="one two", finish_reason="length"))
    name = stack.telegram.bot("assistant").username
    group.by(user).send(f"@{name} count").wait()
    answer = group.answer()
    assert answer.buttons == []
    assert says(answer.text, "ai_go_on")


def test_a_reply_to_an_answer_with_buttons_quotes_it(stack: Stack, anna: Chat) -> None:
    first = ask(stack, anna, "first", text="The train leaves at eight.")
    anna.send("explain", first).wait()
    assert "> The train leaves at eight." in asked(stack)[-1]


@BOTH
def test_only_the_latest_question_can_be_edited(stack: Stack, sql: Sql, anna: Chat, language: str) -> None:
    stack.ai.next(AiBehaviour(text="one"), AiBehaviour(text="two"), AiBehaviour(text="three"))
    first, second = anna.send("first").wait(), anna.send("second").wait()
    anna.edit(first, "first, edited")
    stack.telegram.idle(10)
    assert says(anna.answers()[-1].text, "edit_too_old", language)
    assert history(sql, anna) == ["first", "one", "second", "two"]
    anna.edit(second, "second, edited")
    stack.telegram.idle(10)
    assert anna.answers()[-1].text == "three"
    assert history(sql, anna) == ["first", "one", "second, edited", "three"]
    assert requests_of(sql, anna.id) == 3


@pytest.mark.parametrize("statement", ["claim_turn", "finish_update", "record_deliveries"])
def test_killed_while_an_answer_is_replaced_it_is_replaced_once(
    stack: Stack, sql: Sql, clock: Callable[[str], None], anna: Chat, statement: str
) -> None:
    first = ask(stack, anna, "first", text="one")
    stack.ai.always(AiBehaviour(text="another"))
    stack.database.on(statement, when="after", do=lambda: stack.function("telegram").kill())
    tap = first.tap(AGAIN["en"])
    eventually(lambda: not stack.function("telegram").pid, 15)
    clock("clock_timestamp() + interval '3 minutes'")
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    stack.telegram.idle(60)
    assert tap.update is not None
    assert history(sql, anna) == ["first", "another"]
    assert requests_of(sql, anna.id) == 2
    assert 1 <= len(anna.answers()[2:]) <= 2


def test_another_answer_takes_four_round_trips(stack: Stack, anna: Chat) -> None:
    first = ask(stack, anna, "first", text="one")
    stack.telegram.idle(10)
    calls: list[str] = []
    stack.database.on("select public.", when="before", do=lambda: calls.append("call"), times=100)
    first.tap(AGAIN["en"]).wait()
    anna.answer()
    stack.telegram.idle(10)
    assert len(calls) == 4


def open_main(chat: Chat) -> None:
    chat.send("/chats").wait()
    listed = chat.answer()
    listed.tap("Main conversation").wait()
    listed.wait_for_edit()


@BOTH
def test_a_button_of_another_conversation_asks_to_open_it(
    stack: Stack, sql: Sql, anna: Chat, language: str
) -> None:
    first = ask(stack, anna, "first", text="one")
    anna.send("/new Work").wait()
    anna.answer()
    second = ask(stack, anna, "second", text="two")
    toast = first.tap(AGAIN[language]).answer()
    assert says(toast["text"], "answer_elsewhere", language)
    assert labels(first) == [AGAIN[language], REMIND[language]]
    assert requests_of(sql, anna.id) == 2
    stack.ai.next(AiBehaviour(text="two again"))
    second.tap(AGAIN[language]).wait()
    assert anna.answer().text == "two again"
    assert asked(stack) == ["second"]
    assert history(sql, anna) == ["first", "one", "second", "two again"]


def test_an_answer_is_regenerated_where_its_conversation_is_open_again(
    stack: Stack, sql: Sql, anna: Chat
) -> None:
    first = ask(stack, anna, "first", text="one")
    anna.send("/new Work").wait()
    anna.answer()
    ask(stack, anna, "second", text="two")
    open_main(anna)
    stack.ai.next(AiBehaviour(text="one again"))
    first.tap(AGAIN["en"]).wait()
    assert anna.answer().text == "one again"
    assert asked(stack) == ["first"]
    assert history(sql, anna) == ["first", "one again", "second", "two"]


@BOTH
def test_a_question_of_another_conversation_cannot_be_edited(
    stack: Stack, sql: Sql, anna: Chat, language: str
) -> None:
    stack.ai.next(AiBehaviour(text="one"))
    first = anna.send("first").wait()
    anna.answer()
    anna.send("/new Work").wait()
    anna.answer()
    anna.edit(first, "first, edited")
    stack.telegram.idle(10)
    assert says(anna.answers()[-1].text, "edit_too_old", language)
    assert history(sql, anna) == ["first", "one"]
    assert requests_of(sql, anna.id) == 1
