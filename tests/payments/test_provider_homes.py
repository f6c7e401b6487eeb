"""A payment provider is named only where it lives; every other list is derived from what it declares."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from shared.core import texts
from shared.payments.providers import load, names
from tests.payments import provider_lists
from tests.support import for_each

ROOT = Path(__file__).parents[2]
# Files outside a provider's own that may name one, and why.
MAY_NAME = {
    "shared/core/texts/en.py": "the name on the button",
    "shared/core/texts/ru.py": "the name on the button",
    "supabase/schemas/functions/admins/price_minimums.sql": "published minimum amounts",
    "supabase/schemas/functions/admins/check_price.sql": "Stars are whole numbers",
    "shared/payments/star_transactions.py": "Stars are reported by Telegram, not by a webhook",
    "tools/emulator/control/time_travel.py": "Stars belong to the fake Bot API",
    "tools/bench/callback_requests.py": "writes the webhooks that the benchmark sends",
    "tools/bench/callbacks.py": "Stars reach the function telegram; the baseline is Crypto Pay’s signature",
    "tools/bench/fake_servers.py": "answers as YooKassa’s API",
    "tools/emulator/command_line.py": "an example in a help text",
}
SOURCES = [
    path
    for folder in ("functions", "shared", "tools", "supabase/schemas")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".sql", ".js", ".html") and "node_modules" not in path.parts
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def _is_home(path: Path, key: str) -> bool:
    of_stars = key == "telegram_stars" and path.name == "stars.py"
    relative = path.relative_to(ROOT).as_posix()
    places = (f"shared/payments/providers/{key}", f"tools/emulator/payments/{key}")
    return of_stars or relative.startswith(places) or relative in MAY_NAME


@for_each("path", SOURCES)
def test_a_provider_is_named_only_where_it_lives(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for key in names():
        if _is_home(path, key):
            continue
        found = re.search(rf"""["']{key}["']|\b{key.upper()}_(?!stars)[A-Z]""", text)
        assert not found, (
            f"{path.relative_to(ROOT)} names {key}: declare what differs in "
            f"shared/payments/providers/{key} and read it through shared.payments.providers"
        )


@for_each("path", TESTS)
def test_tests_derive_their_lists_of_providers(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            keys = {item.value for item in node.elts if isinstance(item, ast.Constant)} & set(names())
            assert len(keys) < 4, (
                f"{path.relative_to(ROOT)}:{node.lineno} lists providers by hand: use "
                "tests/payments/provider_lists.py, which derives such lists"
            )


@pytest.mark.parametrize("key", names())
def test_every_setting_is_documented_and_a_secret_is_recognizable(key: str) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for setting in load(key).settings():
        assert setting.name.startswith(f"{key.upper()}_"), "name settings after their provider"
        assert setting.about.endswith(".")
        assert re.search(rf"^(# )?{setting.name}=", example, re.MULTILINE), (
            f"add to .env.example:\n# {setting.about}\n# {setting.name}={setting.default}"
        )
        # shared/core/config.py redacts values by the ends of their names.
        is_recognized = re.search(r"(KEY|KEYS|SECRET|TOKEN|TOKENS|PASSWORD)$", setting.name) is not None
        assert is_recognized or not setting.is_secret, (
            f"{setting.name} is a secret: its name must end with KEY, SECRET, TOKEN or PASSWORD"
        )
        assert setting.is_secret or not is_recognized, f"declare {setting.name} with is_secret=True"
        assert not setting.min_length or setting.is_secret


@pytest.mark.parametrize("key", provider_lists.REAL)
def test_the_guide_states_what_a_provider_declares(key: str) -> None:
    name = texts.provider_name("en", key).rpartition("(")[2].rstrip(")")  # Card (Stripe), Crypto
    guide = (ROOT / "docs" / "payments.md").read_text(encoding="utf-8")
    row = next((line for line in guide.splitlines() if line.startswith(f"| {name}")), None)
    assert row is not None, f"add a row for {name} to the first table of docs/payments.md"
    renewal, refunds, state = [cell.strip() for cell in row.split("|")[2:5]]
    provider = load(key)
    assert bool(renewal) == (bool(provider.RECURRING_PERIODS) or provider.SUPPORTS_SAVED_METHODS), row
    assert ("whole" in refunds) == provider.SUPPORTS_REFUNDS, row
    assert (state == "yes") == provider.SUPPORTS_STATUS, row
