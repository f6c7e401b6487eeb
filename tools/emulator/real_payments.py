"""Real payment providers behind the emulator's page, for `--real stripe`: in their test mode alone.

A key that could move money is refused before anything starts. Providers whose keys do not tell (CloudPayments
and Prodamus have one key for both modes) cannot be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from shared.payments import providers
from tools.emulator.environment import SettingMissing

_JOB = "it cannot reach this machine: the job payments asks it about orders older than five minutes"


@dataclass(frozen=True)
class TestMode:
    """How one provider is tried: the variable of its key, how a test key looks, who tells of payments."""

    __test__ = False  # the name is no invitation to pytest

    key: str
    looks: str
    is_test: Callable[[str], bool]
    told: str
    address: str = ""  # where its test mode is, when that is not where the other is


TEST_MODES = {
    "stripe": TestMode(
        "STRIPE_SECRET_KEY",
        "sk_test_… or rk_test_…",
        lambda key: key.startswith(("sk_test_", "rk_test_")),
        "stripe listen --forward-to {url}/payments/stripe   (the whsec_… it prints is STRIPE_WEBHOOK_SECRET)",
    ),
    "yookassa": TestMode(
        "YOOKASSA_SECRET_KEY", "test_…, that of a test shop", lambda key: key.startswith("test_"), _JOB
    ),
    "crypto_pay": TestMode(
        # The test network knows only tokens of its own.
        "CRYPTO_PAY_TOKEN",
        "that of @CryptoTestnetBot",
        bool,
        _JOB,
        "https://testnet-pay.crypt.bot",
    ),
}


def real_payments(wanted: Iterable[str], dotenv: Mapping[str, str]) -> dict[str, str]:
    """Return what .env has for the payment providers that are wanted for real.

    Raises:
        SettingMissing: a variable is missing, or its key is not of the provider's test mode.
    """
    environment: dict[str, str] = {}
    for name in wanted:
        if name not in TEST_MODES:
            continue
        mode, provider = TEST_MODES[name], providers.load(name)
        for variable in provider.REQUIRED:
            if not dotenv.get(variable):
                raise SettingMissing(f"--real {name} needs {variable} in .env.")
            environment[variable] = dotenv[variable]
        keys = [key.strip() for key in dotenv[mode.key].split(",")]
        if not all(map(mode.is_test, keys)):
            raise SettingMissing(
                f"--real {name} takes keys of its test mode alone: {mode.key} is not {mode.looks}."
            )
        environment[f"{name.upper()}_API_URL"] = mode.address or provider.API_URL
    return environment


def hints(wanted: Iterable[str], url: str) -> list[str]:
    """Return a line for each real provider: how its callbacks come here."""
    return [f"  {name}: {TEST_MODES[name].told.format(url=url)}" for name in wanted if name in TEST_MODES]
