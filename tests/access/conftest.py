"""Fixtures of other areas that the tests of access use."""

from tests.admins.conftest import boss, refused
from tests.privacy.conftest import connect, make_user

__all__ = ["boss", "connect", "make_user", "refused"]
