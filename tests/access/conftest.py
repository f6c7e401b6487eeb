"""The fixtures of its neighbours that the tests of access use."""

from tests.admins.conftest import boss, call, refused
from tests.privacy.conftest import connect, make_user

__all__ = ["boss", "call", "connect", "make_user", "refused"]
