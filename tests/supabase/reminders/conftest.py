"""Fixtures of other areas that the tests of reminders use."""

from tests.supabase.privacy.conftest import connect, make_user
from tests.supabase.quiz.conftest import anna, time

__all__ = ["anna", "connect", "make_user", "time"]
