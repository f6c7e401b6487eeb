"""Encrypt users' API keys for the database: AES-256-GCM, bound to the user and the provider.

User and provider are associated data of the cipher, so a ciphertext that is copied to another row cannot be
decrypted. The id of the encryption key is stored beside the ciphertext, so that several encryption keys can
be in use during a rotation; the first of TOKEN_ENCRYPTION_KEYS encrypts.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.config import settings
from shared.core.errors import ConfigError, SwitchboardError

_VERSION = b"\x01"  # of the layout: version, nonce, ciphertext with tag
_NONCE = 12  # bytes; random nonces are safe for 2**32 encryptions with one key
_DOMAIN = b"switchboard user_tokens"


class DecryptionError(SwitchboardError):
    """A stored key cannot be decrypted: its encryption key is not configured, or the row was changed."""


@dataclass(frozen=True, slots=True)
class EncryptedKey:
    """An encrypted API key: the id of the encryption key, and the ciphertext."""

    key_id: str
    ciphertext: bytes


def is_available() -> bool:
    """Whether TOKEN_ENCRYPTION_KEYS is configured, so that users' keys can be stored."""
    return bool(settings().token_encryption_keys)


def encrypt(secret: str, *, telegram_id: int, provider: str) -> EncryptedKey:
    """Encrypt a user's API key with the newest encryption key.

    Raises:
        ConfigError: no encryption key is configured.
    """
    key_id = next(iter(settings().token_encryption_keys), None)
    if key_id is None:
        raise ConfigError("TOKEN_ENCRYPTION_KEYS is missing: users' API keys cannot be stored without it")
    return encrypt_with(settings().token_encryption_keys[key_id], key_id, secret, telegram_id, provider)


def encrypt_with(key: bytes, key_id: str, secret: str, telegram_id: int, provider: str) -> EncryptedKey:
    """Encrypt a user's API key with the given encryption key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 20 ms, and few messages need it

    nonce = os.urandom(_NONCE)
    encrypted = AESGCM(key).encrypt(nonce, secret.encode(), _associated_data(telegram_id, provider))
    return EncryptedKey(key_id, _VERSION + nonce + encrypted)


def decrypt(encrypted: EncryptedKey, *, telegram_id: int, provider: str) -> str:
    """Decrypt a user's API key.

    Raises:
        DecryptionError: it cannot be decrypted. The message contains nothing of it.
    """
    return decrypt_with(settings().token_encryption_keys, encrypted, telegram_id, provider)


def decrypt_with(keys: Mapping[str, bytes], encrypted: EncryptedKey, telegram_id: int, provider: str) -> str:
    """Decrypt a user's API key with the one of `keys` that it names.

    Raises:
        DecryptionError: it cannot be decrypted. The message contains nothing of it.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = keys.get(encrypted.key_id)
    if key is None:
        raise DecryptionError(f"TOKEN_ENCRYPTION_KEYS has no key {encrypted.key_id!r}")
    start = len(_VERSION)
    if encrypted.ciphertext[:start] != _VERSION or len(encrypted.ciphertext) < start + _NONCE:
        raise DecryptionError("unknown layout")
    nonce, ciphertext = encrypted.ciphertext[start : start + _NONCE], encrypted.ciphertext[start + _NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _associated_data(telegram_id, provider)).decode()
    except (InvalidTag, ValueError):
        raise DecryptionError("not the ciphertext that was stored for this user and provider") from None


def _associated_data(telegram_id: int, provider: str) -> bytes:
    """Return user and provider as bytes, with lengths so that no two pairs are equal."""
    name = provider.encode()
    return struct.pack(">H", len(_DOMAIN)) + _DOMAIN + struct.pack(">qH", telegram_id, len(name)) + name
