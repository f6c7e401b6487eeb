"""Fixtures of other areas that the tests of the quiz use, and players."""

from __future__ import annotations

import pytest

from tests.supabase.privacy.conftest import connect, make_user
from tests.supabase.quiz.players import Call, Clock, Player, Sql, Time

__all__ = ["connect", "make_user"]


@pytest.fixture
def time(clock: Clock) -> Time:
    """Return the database's time, which stands still."""
    return Time(clock)


@pytest.fixture
def anna(sql: Sql, call: Call, time: Time) -> Player:
    """Return a player."""
    return Player(sql, call, time)
