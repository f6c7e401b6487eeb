"""/stats has the cost of each kind of call to each AI provider: reported, or computed from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from shared.ai import providers as chat_providers
from shared.ai import speech, transcription
from shared.ai.media import providers as media_providers
from tests.stories.test_admin import Appoint, Sql, ask
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Do = Callable[[Stack, Sql, Chat, str], None]


def chat(stack: Stack, sql: Sql, anna: Chat, provider: str) -> None:
    with stack.settings("telegram", CHAT_PROVIDER=provider, CHAT_MODEL=""):
        ask(anna, "What is the capital of France?")


def hear(stack: Stack, sql: Sql, anna: Chat, provider: str) -> None:
    with stack.settings("telegram", TRANSCRIPTION_PROVIDER=provider):
        anna.voice(seconds=30)
        anna.answer()


def speak(stack: Stack, sql: Sql, anna: Chat, provider: str) -> None:
    model = (
        {"SPEECH_MODEL": "gpt-4o-mini-tts"} if provider == "openai" else {}
    )  # it ends, so it must be named
    with stack.settings("telegram", SPEECH_PROVIDER=provider, **model):
        ask(anna, "/voice")
        stack.ai.next(AiBehaviour(text="It is Paris."))
        assert "voice" in ask(anna, "The capital of France?").data


def draw(stack: Stack, sql: Sql, anna: Chat, provider: str) -> None:
    _make(stack, sql, anna, provider, "image")


def film(stack: Stack, sql: Sql, anna: Chat, provider: str) -> None:
    _make(stack, sql, anna, provider, "video")


def _make(stack: Stack, sql: Sql, anna: Chat, provider: str, kind: str) -> None:
    """Order a picture or video from the first model of the provider whose price is known before."""
    sql("update ai_modes set enabled = false where kind = %s", kind)
    sql("update subscription_limits set daily_requests = 1000")
    sql("update private.settings set value = '100' where key = 'daily_cost_user'")
    (model,) = sql(
        "select m.model, coalesce(p.conditions, '{}') as conditions from ai_models as m"
        " left join ai_model_prices as p on p.provider = m.provider and p.model = m.model"
        " and p.component in ('image', 'second', 'clip')"
        " where m.provider = %s and m.kind = %s and m.enabled and m.model not like '%%image-to-image'"
        " order by p.price_usd nulls last, m.model limit 1",
        provider,
        kind,
    )
    sql(  # it is shown before the call; what was charged is what OpenRouter reports
        "insert into ai_model_prices (provider, model, component, price_usd, source)"
        " select %s, %s, 'image', 0.04, 'a test' where %s = 'openrouter' and %s = 'image'",
        provider,
        model["model"],
        provider,
        kind,
    )
    sql(
        "insert into ai_modes (key, kind, provider, model, texts, parameters) values"
        ' (\'only\', %s, %s, %s, \'{"en": {"title": "Only"}}\', %s::jsonb || %s)',
        kind,
        provider,
        model["model"],
        re.sub("'", '"', str(model["conditions"]).replace("True", "true").replace("False", "false")),
        '{"duration": 5}' if kind == "video" and provider != "gemini" else "{}",
    )
    with stack.settings("telegram", "generations", "scheduled", LOG_LEVEL="INFO"):
        answer = ask(anna, f"/{kind} a quiet sea")
        if kind == "video":
            answer.tap(answer.buttons[0][0].text).wait()
        for _ in range(8):
            assert stack.telegram.idle()
            sql("update generations set due_at = private.clock() where due_at is not null")
            stack.run_job("generations")
    (job,) = sql("select state, error from generations")
    assert job["state"] == "delivered", job


DONE: dict[str, tuple[Do, tuple[str, ...]]] = {
    "chat": (chat, tuple(n for n in chat_providers.names() if not chat_providers.load(n).IS_DISCONTINUED)),
    "image": (draw, tuple(n for n in media_providers.names() if "image" in media_providers.load(n).kinds)),
    "video": (film, tuple(n for n in media_providers.names() if "video" in media_providers.load(n).kinds)),
    "speech": (speak, speech.names()),
    "transcription": (hear, transcription.names()),
}


def cases() -> Iterator[tuple[str, str]]:
    for kind, (_, names) in DONE.items():
        for name in names:
            yield kind, name


@pytest.mark.parametrize(("kind", "provider"), [*cases()])
def test_a_call_costs_what_it_costs(
    stack: Stack, sql: Sql, appoint: Appoint, kind: str, provider: str
) -> None:
    anna = stack.telegram.user("Anna", "en").chat("assistant")
    ask(anna, "/start")
    DONE[kind][0](stack, sql, anna, provider)
    calls = sql("select provider, model, cost from api_usage where kind = %s", kind)
    assert calls
    assert all(one["provider"] == provider and one["cost"] > 0 for one in calls), calls
    stats = ask(appoint("en").chat("assistant"), "/stats").text
    line = re.search(rf"{re.escape(calls[0]['model'][:40])}: \d+ requests?, (.+)", stats)
    assert line is not None, stats
    sum_of_today = re.search(r"AI cost: (\S+(?: \S+)?) ·", stats)
    assert sum_of_today is not None, stats
    for shown in (line[1], sum_of_today[1]):
        assert shown == "<$0.01" or float(shown.removeprefix("$")) > 0, stats
