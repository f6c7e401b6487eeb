"""/models: admins see models, prices and costs, switch models and give them to modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_admin import Appoint, Sql, ask, labels, tap
from tests.support import in_parallel, says
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import Answer

Call = Callable[..., Any]
MODEL = "gpt-image-2.6-flare"
OTHER = "nano-banana-pro"


def _open(answer: Answer, label: str) -> None:
    """Tap the only button whose label contains a text."""
    (found,) = [one for row in labels(answer) for one in row if label in one]
    answer.tap(found)
    answer.wait_for_edit()


def _key(sql: Sql, model: str) -> str:
    (row,) = sql("select private.model_key(provider, model) as key from ai_models where model = %s", model)
    return str(row["key"])


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_model_is_disabled_and_enabled_and_audited(
    stack: Stack, appoint: Appoint, sql: Sql, language: str
) -> None:
    boss = appoint(language).chat("assistant")
    shown = ask(boss, "/models")
    assert says(shown.text, "admin_models", language)
    _open(shown, text(language, "admin_models_chat"))
    assert text(language, "admin_model_input_tokens") in shown.text
    assert f"({text(language, 'admin_model_cached_tokens')})" not in shown.text
    _open(shown, text(language, "admin_models_back"))
    _open(shown, text(language, "admin_models_image"))
    pages = shown.text
    for _ in range(4):
        if MODEL in shown.text:
            break
        _open(shown, text(language, "admin_models_more"))
        assert shown.text != pages
        pages = shown.text
    _open(shown, MODEL)
    assert text(language, "admin_model_on") in shown.text
    exact = {"en": "$0.0527", "ru": "0,0527\u00a0$"}[language]
    assert exact in shown.text, "a price without rounding"
    tap(shown, text(language, "admin_button_model_off"))
    assert text(language, "admin_model_off") in shown.text
    (row,) = sql("select enabled from ai_models where provider = 'openai' and model = %s", MODEL)
    assert not row["enabled"]
    tap(shown, text(language, "admin_button_model_on"))
    log = ask(boss, "/audit").text
    assert text(language, "audit_model_off", model=MODEL) in log
    assert text(language, "audit_model_on", model=MODEL) in log


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_mode_gets_another_model_and_keeps_a_fallback_of_another_provider(
    stack: Stack, appoint: Appoint, sql: Sql, language: str
) -> None:
    boss = appoint(language).chat("assistant")
    shown = ask(boss, "/models")
    _open(shown, text(language, "admin_models_image"))
    while OTHER not in shown.text:
        _open(shown, text(language, "admin_models_more"))
    _open(shown, OTHER)
    _open(shown, "GPT Image")
    assert text(language, "admin_model_use_own", mode="GPT Image") in shown.text
    (mode,) = sql(
        "select provider, model, fallback_provider, fallback_model from ai_modes where key = 'gpt_image'"
    )
    assert (mode["provider"], mode["model"]) == ("kie_ai", OTHER)
    assert (mode["fallback_provider"], mode["fallback_model"]) == ("openai", MODEL)
    log = ask(boss, "/audit").text
    assert text(language, "audit_set_mode_model", mode="gpt_image", before=MODEL, after=OTHER) in log


def test_a_model_that_was_disabled_meanwhile_is_in_no_mode(appoint: Appoint, sql: Sql) -> None:
    boss = appoint("en").chat("assistant")
    shown = ask(boss, "/models")
    _open(shown, text("en", "admin_models_speech"))
    _open(shown, "gemini-3.8-flash-lite-tts")
    (label,) = [one for row in labels(shown) for one in row if "⭐" in one]
    sql("update ai_models set enabled = false where model = 'gemini-3.8-flash-lite-tts'")
    assert text("en", "admin_model_unusable") == tap(shown, label)
    (mode,) = sql("select model from ai_modes where key = 'speech'")
    assert mode["model"] == "google/gemini-3.8-flash-tts"


@pytest.mark.parametrize(("currency", "margin"), [("RUB", "208.33"), ("USD", "$1,492.80")])
def test_the_margin_is_what_the_balance_paid_against_the_cost(
    appoint: Appoint, sql: Sql, call: Call, currency: str, margin: str
) -> None:
    boss = appoint("en").chat("assistant")
    sql("update private.settings set value = to_jsonb(%s::text) where key = 'balance_currency'", currency)
    for days, user_key in ((0, False), (29, False), (30, False), (1, True)):
        sql(
            "insert into daily_totals (day, bot, provider, model, is_user_api_key, shard, requests, cost, "
            "sold_cost, sold_amount) values ((private.clock() at time zone 'Europe/Moscow')::date - %s, "
            "'assistant', 'openai', %s, %s, 0, 3, 5, 3.6, 750)",
            days,
            MODEL,
            user_key,
        )
    shown = ask(boss, "/models")
    _open(shown, text("en", "admin_models_image"))
    while MODEL not in shown.text:
        _open(shown, text("en", "admin_models_more"))
    _open(shown, MODEL)
    assert text("en", "admin_model_month", requests=6, cost="$10") in shown.text
    assert margin in shown.text


def test_of_two_switches_at_once_one_is_audited(appoint: Appoint, sql: Sql, call: Call) -> None:
    appoint("en")
    (admin,) = sql("select email from admins limit 1")
    key = _key(sql, MODEL)

    def switch(_number: int) -> Any:
        return call("admin_switch_model", p_key=key, p_is_active=False, p_admin_email=admin["email"])

    assert [one["enabled"] for one in in_parallel(4, switch)] == [False] * 4
    assert len(sql("select 1 as x from audit_log where action = 'switch_model'")) == 1


def test_a_user_who_is_no_admin_gets_nothing(stack: Stack) -> None:
    chat = stack.telegram.user("Anna", "en").chat("assistant")
    assert says(ask(chat, "/models").text, "unknown_command")
