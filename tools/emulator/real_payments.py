"""Real payment providers behind the emulator's page, for `--real stripe`: in their test mode alone.

A key that could move money is refused before anything starts. Providers whose keys are the same in both modes
declare no `Provider.SANDBOX` and can't be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.payments import providers
from shared.payments.declarations import Sandbox
from tools.emulator.environment import SettingMissing


def sandboxes() -> dict[str, Sandbox]:
    """Return the providers that can be used for real, with their test modes."""
    found = {key: providers.load(key).SANDBOX for key in providers.names()}
    return {key: sandbox for key, sandbox in found.items() if sandbox is not None}


def real_payments(wanted: Iterable[str], dotenv: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in .env of the payment providers that are wanted for real.

    Raises:
        SettingMissing: a variable is missing, or its key does not belong to the provider's test mode.
    """
    environment: dict[str, str] = {}
    for name in wanted:
        if (sandbox := sandboxes().get(name)) is None:
            continue
        provider = providers.load(name)
        for variable in provider.required_variables():
            if not dotenv.get(variable):
                raise SettingMissing(f"--real {name} needs {variable} in .env.")
            environment[variable] = dotenv[variable]
        keys = [key.strip() for key in dotenv[sandbox.key].split(",")]
        if not all(map(sandbox.is_test_key, keys)):
            raise SettingMissing(
                f"--real {name} takes keys of its test mode alone: {sandbox.key} is not {sandbox.key_format}."
            )
        environment[provider.api_variable] = sandbox.api_url or provider.API_URL
    return environment


def hints(wanted: Iterable[str], url: str) -> list[str]:
    """Return a line for each real provider: how its webhooks reach this machine."""
    known = sandboxes()
    return [f"  {name}: {known[name].webhooks.format(url=url)}" for name in wanted if name in known]
