"""A rotation loses no key, even if it is interrupted or users change keys during it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.ai.user_keys.encryption import EncryptedKey, decrypt_with, encrypt_with
from tests.first_server import create_synced
from tools.database.embedded import Server
from tools.keys import rotate as rotation
from tools.keys.new import new_key
from tools.keys.rotate import report, rotate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
USERS = 60
OLD, NEW, LOST = os.urandom(32), os.urandom(32), os.urandom(32)
AFTER = {"new": NEW, "old": OLD}
Stored = dict[tuple[int, str], str]


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """Return a separate database as its superuser, because a rotation reads every row."""
    create_synced(server, "rotation")
    yield server.url("rotation", "supabase_admin")
    server.drop_database("rotation")


@pytest.fixture
def stored(url: str) -> Stored:
    """Sixty users' keys, every second with two, encrypted with the old key."""
    keys: Stored = {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("delete from users")
        for n in range(USERS):
            telegram_id = 9_300_000_000 + n
            connection.execute("insert into users (telegram_id) values (%s)", [telegram_id])
            for provider in ("openai", "gemini")[: 1 + n % 2]:
                keys[telegram_id, provider] = f"sk-{provider}-{os.urandom(8).hex()}"
                store(connection, telegram_id, provider, keys[telegram_id, provider], "old", OLD)
    return keys


def store(
    connection: psycopg.Connection, telegram_id: int, provider: str, secret: str, key_id: str, key: bytes
) -> None:
    """Store a key as a function does."""
    encrypted = encrypt_with(key, key_id, secret, telegram_id, provider)
    connection.execute(
        "select store_user_token((select id from users where telegram_id = %s), %s, %s, %s, %s)",
        [
            telegram_id,
            provider,
            base64.b64encode(encrypted.ciphertext).decode(),
            encrypted.key_id,
            secret[-4:],
        ],
    )


def opened(url: str, keys: dict[str, bytes]) -> Stored:
    """Return every stored key, decrypted."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select u.telegram_id, t.provider, t.key_id, t.ciphertext from user_tokens t "
            "join users u on u.id = t.user_id"
        ).fetchall()
    return {(tid, p): decrypt_with(keys, EncryptedKey(key_id, c), tid, p) for tid, p, key_id, c in rows}


def test_every_key_is_encrypted_anew_and_none_is_lost(
    url: str, stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    done = rotate(url, AFTER, batch=7)
    assert (done.changed, done.overtaken, sum(done.unreadable.values())) == (len(stored), 0, 0)
    assert opened(url, {"new": NEW}) == stored
    assert report(done, AFTER) == 0
    said = capsys.readouterr().out
    assert f"{len(stored)} encrypted anew with new" in said
    assert "No stored key needs old any more" in said
    again = rotate(url, AFTER)
    assert (again.changed, again.used) == (0, {"new": len(stored)})


def test_an_interrupted_rotation_continues(url: str, stored: Stored, monkeypatch: Any) -> None:
    calls = 0
    really = rotation._renew

    def fails_in_the_middle(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 20:
            raise psycopg.OperationalError("gone")
        really(*arguments)

    monkeypatch.setattr(rotation, "_renew", fails_in_the_middle)
    with pytest.raises(psycopg.OperationalError):
        rotate(url, AFTER, batch=7)
    assert opened(url, AFTER) == stored
    monkeypatch.setattr(rotation, "_renew", really)
    done = rotate(url, AFTER, batch=7)
    assert done.changed == len(stored) - 19
    assert opened(url, {"new": NEW}) == stored


def test_keys_changed_during_the_rotation_are_kept(url: str, stored: Stored) -> None:
    """A function with the old setting replaces, adds and removes keys during the rotation."""
    stopping = threading.Event()
    expected = dict(stored)

    def people() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            n = 0
            while not stopping.is_set() or n < USERS:
                telegram_id, n = 9_300_000_000 + n % USERS, n + 1
                if n % 5 == 0:
                    connection.execute(
                        "select remove_user_token((select id from users where telegram_id = %s), 'openai')",
                        [telegram_id],
                    )
                    expected.pop((telegram_id, "openai"), None)
                    continue
                secret = f"sk-changed-{os.urandom(8).hex()}"
                key_id, key = ("old", OLD) if n % 2 else ("new", NEW)
                store(connection, telegram_id, "openai", secret, key_id, key)
                expected[telegram_id, "openai"] = secret

    thread = threading.Thread(target=people)
    thread.start()
    try:
        for _ in range(3):
            rotate(url, AFTER, batch=5)
    finally:
        stopping.set()
        thread.join(60)
    assert opened(url, AFTER) == expected
    rotate(url, AFTER)
    assert opened(url, {"new": NEW}) == expected


def test_a_row_that_changed_since_it_was_read_is_left_alone(
    url: str, stored: Stored, monkeypatch: Any
) -> None:
    """A key that a user stores between read and write wins."""
    really = rotation.encrypt_with
    first = (9_300_000_000, "openai")

    def overtaken(key: bytes, key_id: str, secret: str, telegram_id: int, provider: str) -> EncryptedKey:
        if (telegram_id, provider) == first and secret == stored[first]:
            with psycopg.connect(url, autocommit=True) as connection:
                store(connection, telegram_id, provider, "sk-newer-secret-key", "old", OLD)
        return really(key, key_id, secret, telegram_id, provider)

    monkeypatch.setattr(rotation, "encrypt_with", overtaken)
    done = rotate(url, AFTER)
    assert done.overtaken == 1
    assert opened(url, {"new": NEW}) == {**stored, first: "sk-newer-secret-key"}


def test_undecryptable_keys_are_counted_and_kept(
    url: str, stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        store(connection, 9_300_000_000, "openai", "sk-with-a-lost-key", "lost", LOST)
        connection.execute(
            "update user_tokens set ciphertext = ciphertext || '\\x00' where provider = 'gemini' "
            "and user_id = (select id from users where telegram_id = 9300000001)"
        )
        kept = connection.execute("select count(*) from user_tokens").fetchone()
    done = rotate(url, AFTER, batch=7)
    assert dict(done.unreadable) == {"lost": 1, "old": 1}
    assert report(done, AFTER) == 1
    printed = capsys.readouterr()
    assert "lost is not in TOKEN_ENCRYPTION_KEYS" in printed.err
    assert "old does not open them" in printed.err
    assert "No stored key needs" not in printed.out
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from user_tokens").fetchone() == kept
    done = rotate(url, {**AFTER, "lost": LOST})
    assert (done.changed, dict(done.unreadable)) == (1, {"old": 1})


def tool(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.keys", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_commands(url: str, stored: Stored) -> None:
    printed = tool("new")
    assert (printed.returncode, printed.stderr) == (0, "")
    entry = printed.stdout.strip()
    setting = f"{entry},old:{base64.b64encode(OLD).decode()}"
    done = tool("rotate", TOKEN_ENCRYPTION_KEYS=setting, DATABASE_ADMIN_URL=url)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{len(stored)} encrypted anew with {entry.partition(':')[0]}" in done.stdout
    again = tool("rotate", "--url", url, TOKEN_ENCRYPTION_KEYS=entry)
    assert "0 encrypted anew" in again.stdout


@pytest.mark.parametrize(
    ("setting", "url", "says"),
    [
        ("", "postgresql://x@127.0.0.1:1/x", "TOKEN_ENCRYPTION_KEYS is missing"),
        ("hunter2", "postgresql://x@127.0.0.1:1/x", "TOKEN_ENCRYPTION_KEYS is malformed"),
        ("a:aGk=", "postgresql://x@127.0.0.1:1/x", "32 bytes"),
        ("good", "", "Which database?"),
        ("good", "postgresql://x@127.0.0.1:1/x", "Postgres: OperationalError"),
    ],
)
def test_a_command_that_cannot_work_says_why_in_a_line(setting: str, url: str, says: str) -> None:
    value = new_key() if setting == "good" else setting
    failed = tool("rotate", TOKEN_ENCRYPTION_KEYS=value, DATABASE_ADMIN_URL=url)
    assert failed.returncode == 1
    assert says in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert value.partition(":")[2] not in failed.stderr or not value.partition(":")[2]
    assert "hunter2" not in failed.stderr
