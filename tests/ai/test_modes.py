"""Chat modes: prompts, texts, and the messages sent to a provider."""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest

from shared.ai.messages import messages_for
from shared.ai.modes import DEFAULT, MODES, find_mode
from shared.core.texts import languages, table

NOW = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
HISTORY = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "{braces} and 100%"}]


def test_there_are_three_modes_and_conversation_comes_first() -> None:
    assert list(MODES) == ["chat", "translate", "code"]
    assert DEFAULT == "chat"


@pytest.mark.parametrize("key", ["", "gone", "CHAT"])
def test_an_unknown_mode_is_the_default(key: str) -> None:
    assert find_mode(key) is MODES["chat"]


@pytest.mark.parametrize("key", MODES)
def test_a_mode_has_its_texts_in_every_language(key: str) -> None:
    for code in languages():
        missing = {f"mode_{key}", f"mode_{key}_about"} - set(table(code))
        assert not missing, f"add {missing} to {code}.py of a folder texts"


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_prompt_has_the_date_and_its_limits(mode: object) -> None:
    prompt = messages_for(mode, [], "Hello", NOW)[0]["content"]  # type: ignore[arg-type]
    assert "Today is Saturday, 21 November 2026." in prompt
    assert "cannot browse the web" in prompt
    assert "Markdown" in prompt
    assert not {name for _, name, _, _ in string.Formatter().parse(prompt) if name}, (
        "a value was not filled in"
    )
    assert "  " not in prompt


def test_the_assistant_asks_back_when_a_question_is_unclear() -> None:
    prompt = messages_for(MODES["chat"], [], "Hello", NOW)[0]["content"]
    assert "ask one short question back instead of guessing" in prompt


def test_a_mode_that_names_a_provider_names_its_model_too() -> None:
    assert all((mode.provider is None) == (mode.model is None) for mode in MODES.values())


def test_the_new_message_follows_the_unchanged_history() -> None:
    messages = messages_for(MODES["chat"], HISTORY, "{now} 🌍", NOW)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[1:] == [*HISTORY, {"role": "user", "content": "{now} 🌍"}]


@pytest.mark.parametrize(("code", "home"), [(None, "Русский"), ("ru", "Русский"), ("en", "English")])
def test_the_translator_knows_the_users_language(code: str | None, home: str) -> None:
    prompt = messages_for(MODES["translate"], [], "Hello", NOW, language=code)[0]["content"]
    assert f"translate into {home};" in prompt


@pytest.mark.parametrize("key", ["chat", "code"])
def test_the_start_of_a_prompt_is_constant_for_a_day(key: str) -> None:
    first = messages_for(MODES[key], HISTORY, "one", NOW)
    second = messages_for(MODES[key], HISTORY, "two", NOW.replace(hour=0))
    assert first[:-1] == second[:-1]
