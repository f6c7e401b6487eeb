"""A user's key as the database may hold it: AES-256-GCM, bound to the user and the provider.

Whoever copies a row to another user, or one provider's ciphertext to another, cannot have it opened: both
are part of what the tag vouches for. The id of the encryption key stands beside the ciphertext, so that
several can be in use while they are changed; the newest of TOKEN_ENCRYPTION_KEYS, the first, encrypts.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.config import settings
from shared.core.errors import ConfigError, SwitchboardError

_VERSION = b"\x01"  # of this layout: version, nonce, ciphertext with its tag
_NONCE = 12  # bytes; random, which is good for 2**32 keys under one encryption key
_DOMAIN = b"switchboard user_tokens"


class DecryptionError(SwitchboardError):
    """A stored key cannot be opened: its encryption key is not here, or it is not the one that was stored."""


@dataclass(frozen=True, slots=True)
class EncryptedKey:
    """An encrypted key: the id of the encryption key that opens it, and the ciphertext."""

    key_id: str
    ciphertext: bytes


def is_available() -> bool:
    """Whether users' keys can be kept here at all."""
    return bool(settings().token_encryption_keys)


def encrypt(secret: str, *, telegram_id: int, provider: str) -> EncryptedKey:
    """Encrypt a user's key with the newest encryption key.

    Raises:
        ConfigError: there is no encryption key.
    """
    key_id = next(iter(settings().token_encryption_keys), None)
    if key_id is None:
        raise ConfigError("TOKEN_ENCRYPTION_KEYS is missing: people's own keys cannot be kept without it")
    return encrypt_with(settings().token_encryption_keys[key_id], key_id, secret, telegram_id, provider)


def encrypt_with(key: bytes, key_id: str, secret: str, telegram_id: int, provider: str) -> EncryptedKey:
    """Encrypt a user's key with this encryption key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 20 ms, and few messages need it

    nonce = os.urandom(_NONCE)
    encrypted = AESGCM(key).encrypt(nonce, secret.encode(), _bound_to(telegram_id, provider))
    return EncryptedKey(key_id, _VERSION + nonce + encrypted)


def decrypt(encrypted: EncryptedKey, *, telegram_id: int, provider: str) -> str:
    """Decrypt a user's key.

    Raises:
        DecryptionError: it cannot be opened here. The message holds nothing of it.
    """
    return decrypt_with(settings().token_encryption_keys, encrypted, telegram_id, provider)


def decrypt_with(keys: Mapping[str, bytes], encrypted: EncryptedKey, telegram_id: int, provider: str) -> str:
    """Decrypt a user's key with whichever of these encryption keys it names.

    Raises:
        DecryptionError: it cannot be opened with them. The message holds nothing of it.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = keys.get(encrypted.key_id)
    if key is None:
        raise DecryptionError(f"TOKEN_ENCRYPTION_KEYS has no key {encrypted.key_id!r}")
    start = len(_VERSION)
    if encrypted.ciphertext[:start] != _VERSION or len(encrypted.ciphertext) < start + _NONCE:
        raise DecryptionError("not in a layout that this revision knows")
    nonce, ciphertext = encrypted.ciphertext[start : start + _NONCE], encrypted.ciphertext[start + _NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _bound_to(telegram_id, provider)).decode()
    except (InvalidTag, ValueError):
        raise DecryptionError("it is not what was stored for this person and provider") from None


def _bound_to(telegram_id: int, provider: str) -> bytes:
    """Return whose and of what the key is, so that no two of them are the same bytes: lengths come first."""
    name = provider.encode()
    return struct.pack(">H", len(_DOMAIN)) + _DOMAIN + struct.pack(">qH", telegram_id, len(name)) + name
