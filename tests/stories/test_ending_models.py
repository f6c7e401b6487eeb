"""The job `models`: the admins are warned before a provider switches off a model in use."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.ai import model_lists
from tests.stories.test_admin import Appoint, Sql
from tests.support import in_parallel, says
from tests.telegram.test_updates import sent_to
from tools.emulator.ai.model_lists import MODELS
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat, TelegramUser

Clock = Callable[[str], None]
Call = Callable[..., Any]
MODEL = "gpt-5.4-mini"


def started(user: TelegramUser) -> Chat:
    chat = user.chat("assistant")
    chat.send("/start")
    chat.answer()
    return chat


def run(stack: Stack) -> dict[str, int]:
    response = stack.run_job("models")
    assert response.status == 200
    done: dict[str, int] = json.loads(response.body)
    return done


def texts_of(stack: Stack, chat: Chat, model: str = MODEL) -> list[str]:
    return [text for text in sent_to(stack, chat.id) if model in text]


def test_while_every_model_is_offered_nothing_is_sent(stack: Stack, appoint: Appoint) -> None:
    started(appoint())
    done = run(stack)
    assert done["alerts"] == 0
    assert done["checked"] >= 8, "chat, pictures, videos, transcription, speech and their fallbacks"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_each_threshold_warns_once_and_the_end_once_more(
    stack: Stack, appoint: Appoint, sql: Sql, clock: Clock, language: str
) -> None:
    boss = started(appoint(language))
    sql("update ai_models set shutdown_on = '2026-12-04' where model = %s and provider = 'openai'", MODEL)
    found = []
    for day in ("11-03", "11-04", "11-05", "11-26", "11-27", "12-02", "12-03", "12-04", "12-05"):
        clock(f"timestamptz '2026-{day} 06:40+00'")
        found.append(run(stack)["alerts"])
    assert found == [0, 1, 0, 0, 1, 0, 1, 1, 0]
    month, week, last, gone = texts_of(stack, boss)
    for text, days in ((month, 30), (week, 7), (last, 1)):
        assert says(text, "admin_alert_model_ends", language, model=MODEL, days=days)
        assert "CHAT_MODEL" in text
        assert "2026" in text
    assert says(gone, "admin_alert_model_gone", language, model=MODEL)


def test_a_model_that_disappears_is_an_alarm_each_time(stack: Stack, appoint: Appoint) -> None:
    boss = started(appoint())
    stack.ai.models.remove("openai", MODEL)
    assert [run(stack)["alerts"], run(stack)["alerts"]] == [1, 0]
    assert says(texts_of(stack, boss)[0], "admin_alert_model_gone", model=MODEL, provider="openai")
    stack.ai.models.restore()
    assert run(stack)["alerts"] == 0
    stack.ai.models.remove("openai", MODEL)
    assert run(stack)["alerts"] == 1


def test_the_day_of_the_provider_counts_and_a_moved_one_warns_again(
    stack: Stack, appoint: Appoint, clock: Clock
) -> None:
    boss = started(appoint())
    clock("timestamptz '2026-11-25 06:40+00'")
    stack.ai.models.shut_down("openai", MODEL, "2026-12-01")
    assert [run(stack)["alerts"], run(stack)["alerts"]] == [1, 0]
    stack.ai.models.shut_down("openai", MODEL, "2026-12-02")
    assert [run(stack)["alerts"], run(stack)["alerts"]] == [1, 0]
    assert len(texts_of(stack, boss)) == 2


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("gemini", "veo-3.1-fast-generate-001"),
        ("gemini", "gemini-nano-banana-2.1"),
        ("kie_ai", "nano-banana-2-1"),
        ("openai", "gpt-transcribe"),
    ],
)
def test_models_of_modes_and_their_fallbacks_are_watched(
    stack: Stack, appoint: Appoint, provider: str, model: str
) -> None:
    boss = started(appoint())
    stack.ai.models.remove(provider, model)
    assert run(stack)["alerts"] == 1
    (text,) = texts_of(stack, boss, model)
    assert says(text, "admin_alert_model_gone", model=model, provider=provider)


def test_a_model_of_a_disabled_mode_is_not_watched(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    started(appoint())
    sql("update ai_modes set enabled = false where kind = 'video'")
    stack.ai.models.remove("gemini", "veo-3.1-fast-generate-001")
    assert run(stack)["alerts"] == 0


def test_a_list_that_cannot_be_read_says_nothing(stack: Stack, appoint: Appoint) -> None:
    started(appoint())
    for provider, offered in MODELS.items():
        for model in offered:
            stack.ai.models.remove(provider.partition(" ")[0], model)
    assert run(stack)["alerts"] == 0
    stack.ai.models.restore()
    stack.ai.set_fault("error_500")
    stack.ai.models.remove("openai", MODEL)
    assert run(stack)["alerts"] == 0


def test_of_two_runs_at_once_one_sends_the_alarm(call: Call, sql: Sql) -> None:
    model = {"provider": "openai", "model": MODEL, "uses": "CHAT_MODEL", "is_listed": False}
    found = in_parallel(6, lambda _n: call("alert_ending_models", p_models=json.dumps([model])))
    assert sorted(one["alerts"] for one in found) == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("model", "listed", "is_listed"),
    [
        ("m-1", ["m-1"], True),
        ("m-1", ["m-1-20260901"], True),
        ("m-1", ["m-1-2026-09-01"], True),
        ("m-1:nitro", ["m-1"], True),
        ("m-1", ["m-1-mini", "m-10", "m"], False),
    ],
)
def test_a_dated_snapshot_stands_for_its_alias(model: str, listed: list[str], is_listed: bool) -> None:
    assert model_lists.find(model, dict.fromkeys(listed)) == (is_listed, None)
