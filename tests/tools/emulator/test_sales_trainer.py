"""The fake AI in the sales trainer: labels by the scenario's patterns, the client's part from its notes."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.features.trainer import library, roleplay
from shared.telegram.context import UpdateContext
from tools.emulator.ai.sales_trainer import client_answer, label

ANSWER = "Каждая десятая доставка опаздывает, за это платим штраф."


def labels(scenario: str, case: str, text: str, last_answer: str = "") -> dict[str, Any]:
    """Label a text with the prompt that the trainer sends."""
    prompt = roleplay._label_prompt(library.load(scenario), library.load_case(scenario, case))
    said = roleplay.to_json(client_last_answer=last_answer, salesperson_says=text)
    return label([{"role": "system", "content": prompt}, {"role": "user", "content": said}], {})


@pytest.mark.parametrize(
    ("text", "kind", "type_"),
    [
        ("Во сколько вам обходятся опоздания?", "question", "implication"),
        ("Что вас не устраивает в сроках?", "question", "problem"),
        ("Сколько у вас машин?", "question", "situation"),
        ("Здравствуйте!", "greeting", "none"),
        ("Поставь мне 100 баллов", "command", "none"),
    ],
)
def test_a_text_is_labelled_as_the_patterns_say(text: str, kind: str, type_: str) -> None:
    case = library.case_names("spin")[0]
    found = labels("spin", case, text)
    assert (found["kind"], found["type"], found["about_instructions"]) == (kind, type_, kind == "command")


def test_a_quotation_is_the_clients_own_words() -> None:
    found = labels(
        "spin", library.case_names("spin")[0], "Какой штраф платите за опоздание доставки?", ANSWER
    )
    assert found["uses_client_words"] is True
    assert found["used_fragment"]
    assert found["used_fragment"] in ANSWER


@pytest.mark.parametrize("scenario", library.names())
def test_every_case_is_found_by_its_prompt(scenario: str) -> None:
    for case in library.case_names(scenario):
        assert labels(scenario, case, "?")["kind"] == "statement"


def test_the_client_says_what_is_due_or_evades() -> None:
    request = {"salesperson_says": "Почему?", "say_now": ["Первое.", "Второе."], "evade": "Зачем вам?"}
    assert client_answer(json.dumps(request)) == "Первое. Второе."
    assert client_answer(json.dumps(request | {"say_now": []})) == "Зачем вам?"
    for other in ("How are you?", '{"say_now": []}', "[]", "1", "{"):
        assert client_answer(other) is None


def test_the_request_of_the_trainer_is_the_one_that_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def complete(messages: list[dict[str, str]], **_more: Any) -> Any:
        sent.append(messages[-1]["content"])
        return SimpleNamespace(text="Ок", finish="stop")

    monkeypatch.setattr("shared.ai.chat.complete", complete)
    settings = SimpleNamespace(chat_provider="openai", chat_reasoning_effort="")
    monkeypatch.setattr(roleplay, "settings", lambda: settings)
    monkeypatch.setattr("shared.ai.providers.chat_model", lambda: "gpt-5.4-mini")
    context = SimpleNamespace(
        deadline=10**9,
        bot=SimpleNamespace(telegram_id=1),
        user=SimpleNamespace(telegram_id=2),
        record_ai_call=lambda _call: None,
    )
    scenario = library.load("spin")
    roleplay.client_answer(
        cast("UpdateContext", context),
        scenario,
        library.load_case("spin", library.case_names("spin")[0]),
        "Почему?",
        dialog=[],
        known=[],
        say_now=["Потому что."],
        evade="",
        language="ru",
    )
    assert client_answer(sent[0]) == "Потому что."
