"""A user's API keys: which providers take one, how each is shown, and the check of a new one."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypedDict

from shared.ai import providers
from shared.ai.user_keys import encryption
from shared.core.config import settings

if TYPE_CHECKING:
    from shared.core.sql_types import ListUserTokens
    from shared.core.texts.reader import Reader

_STATES = {  # how each is shown
    "used": ("✅", "keys_state_used"),
    "unused": ("▫️", "keys_state_unused"),
    "refused": ("⚠️", "keys_state_refused"),
    "unreadable": ("⚠️", "keys_state_unreadable"),
}


class NewKey(TypedDict):
    """A key as the database takes it: the ciphertext in base64, and the last four characters."""

    provider: str
    ciphertext: str
    key_id: str
    last_four: str
    is_checked: bool


def checked(provider: str, secret: str, telegram_id: int) -> NewKey | None:
    """Ask the provider about a key and encrypt it; None where the provider rejects it."""
    from shared.ai.key_check import Verdict, check_key  # imported with the AI: commands do not need it

    verdict = check_key(provider, secret)
    if verdict is Verdict.REFUSED:
        return None
    encrypted = encryption.encrypt(secret, telegram_id=telegram_id, provider=provider)
    return {
        "provider": provider,
        "ciphertext": base64.b64encode(encrypted.ciphertext).decode(),
        "key_id": encrypted.key_id,
        "last_four": secret[-4:],
        "is_checked": verdict is Verdict.GOOD,
    }


def offered() -> tuple[str, ...]:
    """Return the providers that take keys of users."""
    return tuple(key for key in providers.names() if providers.load(key).accepts_user_api_keys())


def name(token: ListUserTokens) -> str:
    """Return the name of a key's provider."""
    key: str = token["provider"]
    return providers.load(key).NAME if key in providers.names() else key


def line(reader: Reader, token: ListUserTokens) -> str:
    """Return a key with a mark and its state, never more of it than the last four characters."""
    state = _state(token)
    mark, words = _STATES[state]
    unchecked = "" if token["checked_at"] or state != "used" else reader.text("keys_unchecked")
    return f"{mark} " + reader.text(
        "keys_line",
        name=name(token),
        last_four=token["last_four"],
        since=reader.date(token["created_at"]),
        state=reader.text(words) + unchecked,
    )


def _state(token: ListUserTokens) -> str:
    if token["key_id"] not in settings().token_encryption_keys:
        return "unreadable"
    if token["status"] == "refused":
        return "refused"
    return "used" if token["is_active"] else "unused"
