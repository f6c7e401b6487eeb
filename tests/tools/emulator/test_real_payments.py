"""Real payment providers are used in their test mode alone: what could move money starts nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from shared.payments import providers
from tools.emulator.environment import SettingMissing
from tools.emulator.functions import ROOT
from tools.emulator.payments import Payments
from tools.emulator.real_payments import hints, real_payments, sandboxes

STRIPE = {"STRIPE_SECRET_KEY": "sk_test_51abc", "STRIPE_WEBHOOK_SECRET": "whsec_abc"}
YOOKASSA = {"YOOKASSA_SHOP_ID": "100500", "YOOKASSA_SECRET_KEY": "test_abc"}
CRYPTO_PAY = {"CRYPTO_PAY_TOKEN": "12345:AAabc"}
DOTENV = STRIPE | YOOKASSA | CRYPTO_PAY


def test_real_addresses_and_keys_replace_those_of_the_fake_servers() -> None:
    found = real_payments(["stripe", "openai", "yookassa", "crypto_pay", "telegram"], DOTENV)
    assert found == DOTENV | {
        "STRIPE_API_URL": "https://api.stripe.com",
        "YOOKASSA_API_URL": "https://api.yookassa.ru",
        "CRYPTO_PAY_API_URL": "https://testnet-pay.crypt.bot",
    }
    fake_servers = Payments(lambda: "http://127.0.0.1:1").environment()
    assert found.keys() <= fake_servers.keys(), "a fake server's setting would stay beside the real ones"


def test_nothing_that_was_not_asked_for_is_taken() -> None:
    assert real_payments([], DOTENV) == {}
    assert real_payments(["openai", "telegram"], DOTENV) == {}
    assert real_payments(["crypto_pay"], DOTENV).keys() == {"CRYPTO_PAY_TOKEN", "CRYPTO_PAY_API_URL"}


@pytest.mark.parametrize(
    ("name", "variable", "key"),
    [
        ("stripe", "STRIPE_SECRET_KEY", "sk_live_51secret"),
        ("stripe", "STRIPE_SECRET_KEY", "rk_live_51secret"),
        ("stripe", "STRIPE_SECRET_KEY", "sk_test_51abc, sk_live_51secret"),
        ("stripe", "STRIPE_SECRET_KEY", "SK_TEST_51secret"),
        ("stripe", "STRIPE_SECRET_KEY", "pk_test_51secret"),
        ("yookassa", "YOOKASSA_SECRET_KEY", "live_secret"),
        ("yookassa", "YOOKASSA_SECRET_KEY", "secret"),
        ("yookassa", "YOOKASSA_SECRET_KEY", "test_abc,live_secret"),
    ],
)
def test_a_key_that_could_move_money_is_refused_and_not_repeated(name: str, variable: str, key: str) -> None:
    with pytest.raises(SettingMissing, match="test mode alone") as refused:
        real_payments([name], DOTENV | {variable: key})
    assert variable in str(refused.value)
    assert "secret" not in str(refused.value).replace(variable, "")


@pytest.mark.parametrize("name", sandboxes())
def test_a_missing_setting_is_named(name: str) -> None:
    for variable in providers.load(name).required_variables():
        with pytest.raises(SettingMissing, match=f"--real {name} needs {variable} in .env"):
            real_payments([name], {**DOTENV, variable: ""})


def test_an_address_in_dotenv_does_not_replace_the_test_network() -> None:
    live: dict[str, Any] = DOTENV | {"CRYPTO_PAY_API_URL": "https://pay.crypt.bot"}
    assert real_payments(["crypto_pay"], live)["CRYPTO_PAY_API_URL"] == "https://testnet-pay.crypt.bot"


def test_hints_say_how_callbacks_reach_this_machine() -> None:
    lines = hints(["openai", *sandboxes()], "http://127.0.0.1:8080")
    assert len(lines) == len(sandboxes())
    assert "stripe listen --forward-to http://127.0.0.1:8080/payments/stripe" in "\n".join(lines)


@pytest.mark.parametrize("name", [*sorted(set(providers.names()) - sandboxes().keys()), "paypal"])
def test_a_provider_without_a_recognizable_test_mode_cannot_be_chosen(name: str) -> None:
    command = [sys.executable, "-m", "tools.emulator", f"--real={name}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"{name} is none of" in done.stderr
    assert "stripe" in done.stderr
