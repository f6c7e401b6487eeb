"""/review: what happens to the collected conversation where it can't be scored at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.core import texts
from tests.stories.test_spin import turns_of, used
from tests.stories.test_spin_review import CALLS, TYPES, begin, press_done, training_count
from tests.stories.test_trial import ask, labels, tap, user_id
from tests.support import eventually, message_update, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
LANGUAGES = ("en", "ru")
LINES = CALLS["en"].splitlines()


def lease(sql: Sql) -> object:
    return sql("select lease_until from review_drafts")[0]["lease_until"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_that_arrives_during_the_scoring_is_scored_with_the_others(
    stack: Stack, sql: Sql, language: str
) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = begin(stack, sql, language, is_down=False, user=anna)
    lines = CALLS[language].splitlines()
    screen = ask(chat, "\n".join(lines[:9]))
    stack.ai.next(AiBehaviour(status=500, delay=2))
    with ThreadPoolExecutor(1) as pool:
        scoring = pool.submit(screen.tap(texts.text(language, "trainer_review_done_button")).wait)
        eventually(lambda: lease(sql))
        stack.telegram.deliver(message_update(anna, "\n".join(lines[9:])), "spin")
        scoring.result()
    eventually(lambda: says(chat.answers()[-1].text, "trainer_review_changed", language))
    assert (training_count(sql, chat), used(sql, chat), lease(sql)) == (0, 0, None)
    press_done(chat, chat.answers()[-1], language)
    assert [turn["type"] for turn in turns_of(sql, chat)] == TYPES
    assert used(sql, chat) == 1


def test_where_the_ai_finds_no_question_another_speaker_can_be_chosen_at_once(stack: Stack, sql: Sql) -> None:
    chat = begin(stack, sql, is_down=False)
    lines = [line.replace("Manager", "Ann").replace("Client", "Bob") for line in LINES]
    screen = ask(chat, "\n".join([*lines, "Bob: What else do you need?"]))
    tap(screen, texts.text("en", "trainer_review_done_button"))
    statement = {
        "number": 1,
        "kind": "statement",
        "type": "none",
        "alternative": "none",
        "certainty": "high",
        "quote": "",
        "used_fragment": "",
    }
    stack.ai.next(AiBehaviour(text=json.dumps({"lines": [statement]})))
    tap(screen, "Bob")
    assert says(screen.text, "trainer_review_no_questions")
    assert lease(sql) is None
    screen.tap("Ann").wait()
    chat.answer()
    assert [turn["type"] for turn in turns_of(sql, chat)] == TYPES


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_that_begin_with_a_slash_are_part_of_the_conversation(
    stack: Stack, sql: Sql, language: str
) -> None:
    chat = begin(stack, sql, language)
    lines = [f"/ {line}" for line in CALLS[language].splitlines()]
    ask(chat, "\n".join(lines[:5]))
    part = "/orders is a page. " + "\n".join(lines[5:])
    length = len("\n".join(lines[:5])) + len(part)
    screen = ask(chat, part)
    assert says(screen.text, "trainer_review_added", language, length=length, limit=20000)
    assert says(ask(chat, "/review").text, "trainer_review_added", language, length=length, limit=20000)
    press_done(chat, screen, language)
    assert [turn["type"] for turn in turns_of(sql, chat)] == TYPES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conversation_without_speakers_can_be_sent_again(stack: Stack, sql: Sql, language: str) -> None:
    chat = begin(stack, sql, language)
    screen = ask(chat, "How many shifts do you run? What problems do you have?")
    tap(screen, texts.text(language, "trainer_review_done_button"))
    assert says(screen.text, "trainer_review_no_speakers", language)
    again = texts.text(language, "trainer_review_again_button")
    assert labels(screen) == [again, texts.text(language, "trainer_review_cancel_button")]
    tap(screen, again)
    assert says(screen.text, "trainer_review_start", language, limit=20000, questions=25, days=30)
    press_done(chat, ask(chat, CALLS[language]), language)
    assert [turn["type"] for turn in turns_of(sql, chat)] == TYPES


def test_start_again_of_an_earlier_conversation_deletes_nothing(stack: Stack, sql: Sql) -> None:
    chat = begin(stack, sql)
    old = ask(chat, "Why?")
    tap(old, texts.text("en", "trainer_review_done_button"))
    ask(chat, "/cancel")
    ask(chat, "/review")
    screen = ask(chat, CALLS["en"])
    old.tap(texts.text("en", "trainer_review_again_button")).wait()
    press_done(chat, screen)
    assert used(sql, chat) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_buttons_of_speakers_go_with_the_result(stack: Stack, sql: Sql, language: str) -> None:
    chat = begin(stack, sql, language)
    names = {"Manager": "Ann", "Client": "Bob", "Менеджер": "Анна", "Клиент": "Олег"}
    call = CALLS[language]
    for role, name in names.items():
        call = call.replace(role, name)
    screen = ask(chat, call)
    tap(screen, texts.text(language, "trainer_review_done_button"))
    tap(screen, names["Manager" if language == "en" else "Менеджер"])
    assert says(screen.text, "trainer_review_scored", language)
    assert labels(screen) == []
    assert [turn["type"] for turn in turns_of(sql, chat)] == TYPES


def test_the_lines_between_those_of_the_only_named_speaker_are_the_clients(stack: Stack, sql: Sql) -> None:
    chat = begin(stack, sql)
    call = "\n".join(line.removeprefix("Client: ").replace("Manager", "Seller") for line in LINES)
    press_done(chat, ask(chat, call))
    assert [turn["type"] for turn in turns_of(sql, chat)] == TYPES
    assert turns_of(sql, chat)[0]["reply"].startswith("Two. The night shift")


def test_a_message_and_the_record_of_the_score_at_once_lose_nothing(stack: Stack, sql: Sql) -> None:
    chat = begin(stack, sql)
    ask(chat, CALLS["en"])
    user = user_id(sql, chat)
    (draft,) = sql("update review_drafts set lease_reference = 'telegram:spin:1:1' returning id")
    review = json.dumps({"scenario": "spin", "version": 1, "lines": []})

    def record() -> str:
        found = sql(
            "select record_review(%s, 'spin', 'telegram:spin:1:1', %s, %s, 1) as r", user, draft["id"], review
        )
        return str(found[0]["r"]["outcome"])

    def add() -> str:
        found = sql("select add_review_text(%s, 'spin', 'telegram:spin:2:2', 'More.', 20000) as r", user)
        return str(found[0]["r"]["outcome"])

    with ThreadPoolExecutor(2) as pool:
        recorded, added = pool.submit(record), pool.submit(add)
    assert added.result() == "added"
    assert recorded.result() in ("empty", "changed")
    assert len(sql("select parts from review_drafts")[0]["parts"]) == 2
    assert lease(sql) is None
