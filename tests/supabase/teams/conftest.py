"""Fixtures of other areas that the tests of teams use."""

from tests.supabase.admins.conftest import boss, refused
from tests.supabase.privacy.conftest import connect, make_user

__all__ = ["boss", "connect", "make_user", "refused"]
