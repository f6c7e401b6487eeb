"""The log: one JSON object per line, with its request's trace id and without secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from shared.core import config, log
from shared.core.redaction import REDACTED, looks_like_secret

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://bot_backend:pa55-w0rd-of-db@db.example:6543/postgres",
    "BOT_TOKENS": '{"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
    "TELEGRAM_WEBHOOK_SECRET": "webhook-secret-1,webhook-secret-2",
    "USER_HASH_KEY": "a-key-of-at-least-32-characters-for-tests",
    "GOOGLE_CLOUD_PROJECT": "project",
    "LOG_LEVEL": "DEBUG",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    caches: list[Any] = [config.settings, log._own_secrets, log._level]
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()
    log.start_trace({})


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_one_json_object_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    log.start_trace({"X-Cloud-Trace-Context": "0123456789abcdef0123456789abcdef/7;o=1"})
    log.info("done", action="tested", number=7)
    assert lines(capsys) == [
        {
            "severity": "INFO",
            "message": "done",
            "action": "tested",
            "number": 7,
            "trace_id": "0123456789abcdef0123456789abcdef",
            "logging.googleapis.com/trace": "projects/project/traces/0123456789abcdef0123456789abcdef",
        }
    ]


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        (
            {"traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"},
            "0123456789abcdef0123456789abcdef",
        ),
        ({"X-Cloud-Trace-Context": 'x"y\n{}'}, ""),
        ({"traceparent": "nonsense"}, ""),
        ({}, ""),
    ],
)
def test_the_trace_comes_from_the_headers(headers: dict[str, str], trace: str) -> None:
    assert log.start_trace(headers) == trace


@pytest.mark.parametrize(
    "secret",
    [
        "pa55-w0rd-of-db",
        "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "webhook-secret-2",
        "987654321:AAEabcdefghijklmnopqrstuvwxyz012345",
        "sk-proj-4f9aQ2b7Lx0TnV3mWc8RzYd1",
        "sk-or-v1-4f9aQ2b7Lx0TnV3mWc8RzYd1",
        "sb_secret_4f9aQ2b7Lx0TnV3mWc8RzYd1",
        "ghp_4f9aQ2b7Lx0TnV3mWc8RzYd1",
        "AIzaSyB4f9aQ2b7Lx0TnV3mWc8RzYd1x",
        "AQ.Ab8RN6K4f9aQ2b7Lx0TnV3mWc8RzYd1x",
        "sk-ant-api03-4f9aQ2b7Lx0TnV3mWc8RzYd1",
        "github_pat_11ABCDEFG04f9aQ2b7Lx0TnV3mWc8RzYd1",
        "Bearer abcdefgh12345678",
    ],
)
def test_no_secret_is_logged(capsys: pytest.CaptureFixture[str], secret: str) -> None:
    log.error(f"it broke at {secret}", action="tested", nested={"key": [secret]})
    try:
        raise ValueError(secret)
    except ValueError:
        log.alert("it broke", action="tested")
    out = capsys.readouterr().out
    assert secret not in out
    assert REDACTED in out


@pytest.mark.parametrize(
    "text",
    [
        "skateboarding championship",
        "sk-learn-pipeline-with-something",
        "call me at 12345:30",
        "см. https://example.com/a:b",
    ],
)
def test_ordinary_words_are_not_redacted(text: str) -> None:
    assert not looks_like_secret(text)


def test_log_records_of_libraries_have_the_same_format(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        log.capture_libraries()
        logging.getLogger("urllib3").warning("retrying 987654321:AAEabcdefghijklmnopqrstuvwxyz012345")
        assert lines(capsys)[0]["logger"] == "urllib3"
    finally:
        root.handlers[:], root.level = before


def test_a_short_secret_is_redacted_although_its_text_was_logged_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("a-later-secret", action="tested")
    monkeypatch.setenv("SCHEDULER_SECRET", "a-later-secret-1")
    log._own_secrets.cache_clear()
    log.info("a-later-secret-1", action="tested")
    assert [line["message"] for line in lines(capsys)] == ["a-later-secret", REDACTED]
