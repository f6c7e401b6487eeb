"""The objections scenario, played from the choice of a client to the result, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.core import texts
from shared.features.trainer import library
from tests.stories.test_spin import LANGUAGES, Sql, choose, give_trainings, training_of, turns_of, used
from tests.stories.test_trial import ask, tap, user_id
from tests.support import says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

SCENARIO = library.load("objections")
CASE = library.load_case("objections", "cloud_backup")
MOVES = {
    "en": [
        "I understand: as long as it works, switching is a lot of effort.",
        "What would you need to compare us with your current provider?",
        "I see why a restore that was never tested worries you.",
        "One of our clients ran both in parallel for a month and restored a server in three hours.",
        "Why don’t you trust guarantees of recovery?",
        "You’re right, no one can give a licence back.",
        "We put a penalty of ten monthly fees in the contract, and you keep the encryption keys.",
        "Does that settle your doubts about the guarantee?",
    ],
    "ru": [
        "Понимаю: пока всё работает, переход — это лишние хлопоты.",
        "Почему вы не сравнивали нынешнего провайдера с другими?",
        "Понимаю, что восстановление без проверки вас тревожит.",
        "Один из наших клиентов месяц работал параллельно и поднял сервер за три часа.",
        "Почему вы не верите гарантиям?",
        "Вы правы, лицензию никто не вернёт.",
        "Мы пропишем в договоре неустойку в десять платежей, а ключи шифрования останутся у вас.",
        "Это снимает ваши сомнения по поводу гарантии?",
    ],
}
TYPES = [
    "acknowledge", "clarify", "acknowledge", "evidence", "clarify", "acknowledge", "evidence", "confirm",
]  # fmt: skip
REVEALED = [
    [], ["existing_supplier:reason"], ["existing_supplier:concern"], ["existing_supplier:agreement"],
    ["distrust:reason"], ["distrust:concern"], ["distrust:agreement"], [],
]  # fmt: skip


def begin(stack: Stack, sql: Sql, language: str) -> tuple[Chat, Answer]:
    """Start a training of CASE without an AI; return the chat and the briefing."""
    stack.ai.always(AiBehaviour(status=500))
    chat = stack.telegram.user("Anna", language).chat("spin")
    ask(chat, "/start")
    give_trainings(sql, chat)
    screen = ask(chat, "/new")
    choose(screen, SCENARIO.info.name.of(language))
    choose(screen, CASE.client.company.of(language))
    choose(screen, texts.text(language, "trainer_practice_button"))
    return chat, choose(screen, texts.text(language, "trainer_medium_button"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_objections_are_settled_step_by_step(
    stack: Stack, sql: Sql, clock: Callable[[str], None], language: str
) -> None:
    chat, briefing = begin(stack, sql, language)
    for item in CASE.hidden:
        assert item.fact("objection").of(language) in briefing.text
    assert says(briefing.text, "trainer_start_replies", language), "answers count as questions do"
    for move in MOVES[language]:
        ask(chat, move)
    turns = turns_of(sql, chat)
    assert [turn["type"] for turn in turns] == TYPES
    assert [turn["revealed"] for turn in turns] == REVEALED
    assert turns[3]["reply"] == CASE.hidden[0].fact("agreement").of(language)
    assert (training_of(sql, chat)["clarity_level"], used(sql, chat)) == (75, 1)

    clock("clock_timestamp() + interval '5 minutes'")
    result = ask(chat, "/finish")
    # 3 × 10, 2 × 20, 2 × 15 and 20 of the types, 20 coverage, 15 order, 2 × 10 for depth, and the context
    score = 175 + 5 * sum(turn["is_contextual"] for turn in turns)
    rank = SCENARIO.rank(score).name.of(language)
    assert says(result.text, "trainer_score", language, score=score, rank=rank)
    badge = next(one for one in SCENARIO.badges if one.id == "diplomat").name.of(language)
    assert says(result.text, "trainer_badge", language, badge=badge)
    rows = sql("select scenario, score, question_count from training_history")
    assert rows == [{"scenario": "objections", "score": score, "question_count": 8}]
    assert sql("select total_xp from users where id = %s", user_id(sql, chat)) == [{"total_xp": score}]

    line = tap(result, "5")
    assert MOVES[language][4] in line.text
    assert SCENARIO.type("clarify").rule.of(language) in line.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_no_reply_to_the_objection_does_not_count(stack: Stack, sql: Sql, language: str) -> None:
    chat, _briefing = begin(stack, sql, language)
    for key in ("trainer_line_none_replies", "trainer_line_none_replies", "trainer_line_hint_replies"):
        assert says(ask(chat, "🙂").text, key, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_arguments_before_the_concern_settle_nothing(stack: Stack, sql: Sql, language: str) -> None:
    chat, _briefing = begin(stack, sql, language)
    answer = ask(chat, MOVES[language][3])
    assert any(one.of(language) in answer.text for one in SCENARIO.deflections["evidence"])
    tip = ask(chat, "/tip")
    assert SCENARIO.type("clarify").name.of(language) in tip.text
    assert [turn["revealed"] for turn in turns_of(sql, chat)] == [[]]
