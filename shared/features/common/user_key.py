"""The user's own API key, for messages that go to the AI."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.ai.user_keys import encryption
from shared.core import db, log
from shared.core.errors import UserApiKeyError
from shared.telegram import reply
from shared.telegram.context import UpdateContext
from shared.telegram.user import UserApiKey

if TYPE_CHECKING:
    from shared.core.sql_types import ActiveUserToken


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A decrypted key with its provider and model."""

    provider: str
    model: str
    secret: str = field(repr=False)


def open_key(context: UpdateContext) -> OpenKey | None:
    """Return the key that pays for the user's requests, or None when the plan does.

    A key that cannot be decrypted here counts as none and raises an alert to the owner.
    """
    own = context.user_api_key or _unloaded(context)
    if own is None:
        return None
    from shared.ai import providers

    encrypted = encryption.EncryptedKey(own.key_id, base64.b64decode(own.ciphertext))
    try:
        secret = encryption.decrypt(encrypted, telegram_id=context.user.telegram_id, provider=own.provider)
        return OpenKey(own.provider, providers.load(own.provider).user_api_key_model(), secret)
    except encryption.DecryptionError as error:
        log.alert(
            f"an own key cannot be opened: {error}", action="user_api_key_unreadable", provider=own.provider
        )
        context.user_api_key = None
        return None


def _unloaded(context: UpdateContext) -> UserApiKey | None:
    """Return the key of a user whose update was received without asking for the AI, and keep it."""
    if context.is_offline or context.reservation is not None or not encryption.is_available():
        return None
    found: ActiveUserToken = db.call("active_user_token", p_user_id=context.user.id)
    context.user_api_key = UserApiKey(**found["key"]) if found["key"] else None
    return context.user_api_key


def say_failed(context: UpdateContext, error: UserApiKeyError) -> None:
    """Tell the user what is wrong with their key or account; a refused key is deactivated."""
    own = context.user_api_key
    assert own is not None, "the request used a key"
    from shared.ai import providers

    if error.reason == "refused":
        context.change_token(refuse={"provider": own.provider, "ciphertext": own.ciphertext})
    service = providers.load(own.provider)
    text = context.rich(error.text_key, name=service.NAME, model=service.user_api_key_model())
    reply(text, [[(context.text("keys_open"), "keys")]])
