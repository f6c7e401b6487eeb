"""Since when an environment lacks migrations: written once a day, cleared by sync, for its alerts."""

from __future__ import annotations

import pytest

from tests.tools.database.two_environments import CONFIRMED, World

pytestmark = pytest.mark.database
SINCE = "select behind_since from private.database_identity"


def test_the_first_time_counts_and_sync_clears_it(world: World) -> None:
    world.both()
    assert world.run("status", "--record")[0] == 0
    assert world.on(world.production, SINCE) == [(None,)]
    world.add("create table public.one ()")
    assert world.run("sync")[0] == 0
    assert world.run("status")[0] == 3
    assert world.on(world.production, SINCE) == [(None,)]  # without --record, status changes nothing
    assert world.run("status", "--record")[0] == 3
    ((first,),) = world.on(world.production, SINCE)
    assert first is not None
    assert world.on(world.development, SINCE) == [(None,)]
    world.run("status", "--record")
    assert world.on(world.production, SINCE) == [(first,)]
    assert world.run("sync", *CONFIRMED)[0] == 0
    assert world.on(world.production, SINCE) == [(None,)]


def test_an_older_checkout_sees_that_development_is_ahead(world: World) -> None:
    world.both()
    path = world.add("create table public.one ()")
    assert world.run("sync")[0] == 0
    path.unlink()
    world.run("status", "--record")
    ((since,),) = world.on(world.production, SINCE)
    assert since is not None


def test_an_unreachable_environment_is_left_out(world: World, monkeypatch) -> None:
    world.both()
    monkeypatch.setenv("DATABASE_ADMIN_URL", "postgresql://postgres@127.0.0.1:1/nothing")
    assert world.run("status", "--record")[0] == 7
    assert world.on(world.development, SINCE) == [(None,)]
