"""Fixtures of other areas that the tests of courses use, and a school."""

from __future__ import annotations

import pytest

from tests.supabase.admins.conftest import boss, refused
from tests.supabase.courses.school import Call, School, Sql
from tests.supabase.payments.conftest import Money, money
from tests.supabase.privacy.conftest import connect, make_user
from tests.supabase.quiz.conftest import time
from tests.supabase.quiz.players import Time

__all__ = ["boss", "connect", "make_user", "money", "refused", "time"]


@pytest.fixture
def school(sql: Sql, call: Call, money: Money, time: Time) -> School:
    """Return a course with three lessons, one of each tier, and products for the tiers."""
    return School(sql, call, money, time)
