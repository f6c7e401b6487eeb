"""A key can be decrypted unchanged, and only for its user and provider."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.user_keys import encryption
from shared.ai.user_keys.encryption import DecryptionError, EncryptedKey, decrypt_with, encrypt_with
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.setting_values import encryption_keys
from tools.keys.new import kept_key, new_key

KEYS: Mapping[str, bytes] = {"new": os.urandom(32), "old": os.urandom(32)}
telegram_ids = st.integers(min_value=1, max_value=2**52)
names = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)
secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=512)


def encrypt(secret: str, telegram_id: int = 1, provider: str = "openai", key_id: str = "new") -> EncryptedKey:
    return encrypt_with(KEYS[key_id], key_id, secret, telegram_id, provider)


@given(secrets, telegram_ids, names, st.sampled_from(["new", "old"]))
def test_decryption_returns_the_encrypted_key(
    secret: str, telegram_id: int, provider: str, key_id: str
) -> None:
    encrypted = encrypt(secret, telegram_id, provider, key_id)
    assert encrypted.key_id == key_id
    assert decrypt_with(KEYS, encrypted, telegram_id, provider) == secret
    if len(secret) >= 4:
        assert secret.encode() not in encrypted.ciphertext


@given(st.tuples(telegram_ids, names), st.tuples(telegram_ids, names))
def test_keys_of_other_users_and_providers_cannot_be_decrypted(
    one: tuple[int, str], other: tuple[int, str]
) -> None:
    encrypted = encrypt("sk-proj-1234", *one)
    if one == other:
        assert decrypt_with(KEYS, encrypted, *other) == "sk-proj-1234"
    else:
        with pytest.raises(DecryptionError):
            decrypt_with(KEYS, encrypted, *other)


@given(secrets, st.data())
def test_a_changed_byte_is_detected(secret: str, data: st.DataObject) -> None:
    encrypted = encrypt(secret)
    position = data.draw(st.integers(0, len(encrypted.ciphertext) - 1))
    mask = data.draw(st.integers(1, 255))
    changed = bytearray(encrypted.ciphertext)
    changed[position] ^= mask
    with pytest.raises(DecryptionError):
        decrypt_with(KEYS, EncryptedKey("new", bytes(changed)), 1, "openai")


@given(secrets, st.data())
def test_a_changed_length_is_detected(secret: str, data: st.DataObject) -> None:
    whole = encrypt(secret).ciphertext
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    for ciphertext in (cut, whole + b"\0", b""):
        with pytest.raises(DecryptionError):
            decrypt_with(KEYS, EncryptedKey("new", ciphertext), 1, "openai")


def test_ciphertexts_of_the_same_key_differ() -> None:
    assert len({encrypt("sk-proj-1234").ciphertext for _ in range(50)}) == 50


def test_associated_data_is_unambiguous() -> None:
    bound = [
        encryption._associated_data(telegram_id, provider)
        for telegram_id in (1, 11, 2**40, 0x6162)
        for provider in ("a", "ab", "b", "1", "11", "a1")
    ]
    assert len(set(bound)) == len(bound)


def test_another_encryption_key_cannot_decrypt() -> None:
    encrypted = encrypt("sk-proj-1234", key_id="old")
    with pytest.raises(DecryptionError, match="has no key 'old'"):
        decrypt_with({"new": KEYS["new"]}, encrypted, 1, "openai")
    with pytest.raises(DecryptionError, match="not the ciphertext") as caught:
        decrypt_with(KEYS, EncryptedKey("new", encrypted.ciphertext), 1, "openai")
    assert caught.value.__cause__ is None


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@localhost/postgres")
    monkeypatch.setenv("BOT_TOKENS", '{"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}')
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "webhook-secret-of-tests")
    monkeypatch.setenv("USER_HASH_KEY", "a key of these tests, of 32 characters or more")
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


def test_the_first_of_the_setting_encrypts_and_all_of_them_open(environment: pytest.MonkeyPatch) -> None:
    old, new = new_key(), new_key()
    environment.setenv("TOKEN_ENCRYPTION_KEYS", old)
    before = encryption.encrypt("sk-proj-1234", telegram_id=7, provider="openai")
    environment.setenv("TOKEN_ENCRYPTION_KEYS", f"{new}, {old}")
    settings.cache_clear()
    after = encryption.encrypt("sk-proj-1234", telegram_id=7, provider="openai")
    assert [before.key_id, after.key_id] == [old.partition(":")[0], new.partition(":")[0]]
    for encrypted in (before, after):
        assert encryption.decrypt(encrypted, telegram_id=7, provider="openai") == "sk-proj-1234"


def test_without_the_setting_nothing_is_stored(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("TOKEN_ENCRYPTION_KEYS", raising=False)
    assert not encryption.is_available()
    with pytest.raises(ConfigError, match="TOKEN_ENCRYPTION_KEYS is missing"):
        encryption.encrypt("sk-proj-1234", telegram_id=7, provider="openai")


def test_new_entries_fit_the_setting_and_differ() -> None:
    entries = [new_key() for _ in range(20)]
    keys = encryption_keys(",".join(entries))
    assert len(set(keys.values())) == 20
    assert list(keys) == [entry.partition(":")[0] for entry in entries]


def test_a_kept_entry_is_made_once_and_for_its_owner_alone(tmp_path: os.PathLike[str]) -> None:
    from pathlib import Path

    path = Path(tmp_path) / "token_encryption_keys"
    assert kept_key(path) == kept_key(path)
    assert path.stat().st_mode & 0o077 == 0
    encryption_keys(kept_key(path))
