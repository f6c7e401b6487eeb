"""The API key of a job: the owner's, or that of the user who ordered it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.core.config import settings

_users: ContextVar[tuple[str, str] | None] = ContextVar("users_key", default=None)


def api_key(provider: str) -> str:
    """Return the key for a provider: the user's while `use` is on.

    Raises:
        ConfigError: neither is there.
    """
    users = _users.get()
    return users[1] if users is not None and users[0] == provider else settings().api_key(provider)


def is_users(provider: str) -> bool:
    """Whether the key for a provider is the user's."""
    users = _users.get()
    return users is not None and users[0] == provider


@contextmanager
def use(provider: str, secret: str) -> Iterator[None]:
    """Use a user's key for a provider, in this thread."""
    token = _users.set((provider, secret))
    try:
        yield
    finally:
        _users.reset(token)
