"""Fixtures of other areas that the tests of the integration functions use."""

from tests.supabase.admins.conftest import refused
from tests.supabase.privacy.conftest import connect, make_user

__all__ = ["connect", "make_user", "refused"]
