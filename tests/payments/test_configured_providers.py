"""A provider exists only with its settings, and an invalid setting is an outage."""

from __future__ import annotations

import urllib3

from tools.emulator.stack import Stack

POOL = urllib3.PoolManager(retries=False)


def post(stack: Stack, path: str) -> tuple[int, bytes]:
    answer = POOL.request("POST", f"{stack.url}/payments/{path}", body=b"{}", redirect=False)
    return answer.status, answer.data


def test_a_provider_without_its_settings_is_unknown(stack: Stack) -> None:
    assert post(stack, "stripe")[0] == 401
    with stack.settings(STRIPE_WEBHOOK_SECRET=""):
        assert post(stack, "stripe") == (404, b"unknown provider")
        assert post(stack, "crypto_pay")[0] == 401
    assert post(stack, "stripe")[0] == 401


def test_an_invalid_setting_returns_503_for_every_path(stack: Stack) -> None:
    assert post(stack, "unknown") == (404, b"unknown provider")
    with stack.settings(RESPONSE_TIMEOUT="soon"):
        assert post(stack, "unknown")[0] == 503
        assert post(stack, "stripe")[0] == 503
    assert post(stack, "unknown")[0] == 404
