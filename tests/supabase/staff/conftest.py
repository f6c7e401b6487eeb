"""Fixtures of other areas that the tests of the staff use."""

from tests.supabase.admins.conftest import boss, refused, user

__all__ = ["boss", "refused", "user"]
