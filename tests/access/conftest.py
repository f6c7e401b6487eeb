"""The fixtures of its neighbours that the tests of access use."""

from tests.admins.conftest import boss, call, refused
from tests.privacy.conftest import connect, someone

__all__ = ["boss", "call", "connect", "refused", "someone"]
