"""Example data for development databases: `./switchboard database seed`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.database.two_environments import World
from tools.database import environments
from tools.database.errors import EnvironmentFileError

pytestmark = pytest.mark.database

COUNTS = """
select (select count(*) from users), (select count(*) from xp_awards),
  (select count(*) from training_history), (select count(*) from user_badges),
  (select count(*) from balance_transactions), (select count(*) from telegram_outbox)
"""


def test_products_and_users_once(world: World) -> None:
    assert world.run("sync")[0] == 0
    status, out, error = world.run("seed")
    assert (status, error) == (0, "")
    assert out.split() == ["seed.sql:", "done", "demonstration.sql:", "done"]
    (first,) = world.on(world.development, COUNTS)
    assert first[0] == 6 and first[2] == 4 and first[-1] == 0, "users, trainings, nothing to send"
    assert world.run("seed")[0] == 0
    assert world.on(world.development, COUNTS) == [first]
    assert world.on(world.development, "select check_balances()") == [([],)]


def test_production_has_none(world: World) -> None:
    before = world.on(world.production, COUNTS)
    status, _, error = world.run("seed", "--on", "production")
    assert status == 1
    assert "names no `seed` for production" in error
    assert world.on(world.production, COUNTS) == before


def test_a_protected_environment_is_refused_a_seed(tmp_path: Path) -> None:
    file = tmp_path / "environments.toml"
    file.write_text('[production]\nurl = "env:X"\nprotected = true\nseed = ["seed.sql"]')
    with pytest.raises(EnvironmentFileError, match="seed and protected = true exclude each other"):
        environments.read(file, {})
