"""Encrypts every stored key anew with the newest encryption key.

Safe while the functions run: a row is changed only while its ciphertext is still the one that was read, so a
key that its owner replaces meanwhile stays the new one. Safe to interrupt: what is done is done, the next run
finds the rest. What cannot be opened is left as it is and counted; nothing is ever removed.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psycopg

from shared.ai.user_keys.encryption import DecryptionError, EncryptedKey, decrypt_with, encrypt_with
from tools.database.connections import as_owner, connect

BATCH = 200
_BATCH_SQL = """
    select t.id, u.telegram_id, t.provider, t.key_id, t.ciphertext
      from public.user_tokens as t
      join public.users as u on u.id = t.user_id
     where t.id > %s and t.key_id <> %s
     order by t.id
     limit %s
"""
_SWAP_SQL = """
    update public.user_tokens as t
       set ciphertext = %s, key_id = %s
     where t.id = %s and t.ciphertext = %s
"""
_USED_SQL = "select t.key_id, count(*) from public.user_tokens as t group by t.key_id order by t.key_id"

Row = tuple[int, int, str, str, bytes]
Say = Callable[[str], None]


@dataclass
class Rotation:
    """What a run did. `unreadable` counts by the id of the encryption key; `left` are ids still needed."""

    newest: str
    changed: int = 0
    overtaken: int = 0  # replaced or removed by their owners meanwhile
    unreadable: Counter[str] = field(default_factory=Counter)
    used: dict[str, int] = field(default_factory=dict)


def rotate(
    url: str, keys: Mapping[str, bytes], say: Say = lambda _line: None, batch: int = BATCH
) -> Rotation:
    """Encrypt anew what another key than the first of `keys` encrypted.

    Raises:
        psycopg.Error: the database failed; what was done until then is done.
    """
    done = Rotation(next(iter(keys)))
    with connect(url) as connection:
        # Once more while anything changed: a function with the older setting may still have stored some.
        while _pass(connection, keys, done, say, batch):
            pass
        with as_owner(connection):
            done.used = dict(connection.execute(_USED_SQL).fetchall())
    return done


def _pass(
    connection: psycopg.Connection, keys: Mapping[str, bytes], done: Rotation, say: Say, batch: int
) -> bool:
    """Go through the table once; whether anything was changed."""
    after, before = 0, done.changed + done.overtaken
    done.unreadable.clear()
    while rows := _batch(connection, after, done.newest, batch):
        for row in rows:
            _renew(connection, row, keys, done)
        after = rows[-1][0]
        say(f"{done.changed} encrypted anew ...")
    return done.changed + done.overtaken > before


def _batch(connection: psycopg.Connection, after: int, newest: str, batch: int) -> list[Row]:
    with as_owner(connection):
        return connection.execute(_BATCH_SQL, [after, newest, batch]).fetchall()


def _renew(connection: psycopg.Connection, row: Row, keys: Mapping[str, bytes], done: Rotation) -> None:
    token_id, telegram_id, provider, key_id, ciphertext = row
    try:
        secret = decrypt_with(keys, EncryptedKey(key_id, ciphertext), telegram_id, provider)
    except DecryptionError:
        done.unreadable[key_id] += 1
        return
    encrypted = encrypt_with(keys[done.newest], done.newest, secret, telegram_id, provider)
    # A transaction a row: with several locked, it and a user's own change could deadlock.
    with as_owner(connection):
        values = [encrypted.ciphertext, encrypted.key_id, token_id, ciphertext]
        swapped = connection.execute(_SWAP_SQL, values).rowcount
    done.changed += swapped
    done.overtaken += 1 - swapped


def report(done: Rotation, keys: Mapping[str, bytes]) -> int:
    """Say what was done and what may be thrown away; 1 when something could not be opened."""
    print(f"{done.changed} encrypted anew with {done.newest}, {done.used.get(done.newest, 0)} are now.")
    if done.overtaken:
        print(f"{done.overtaken} were replaced or removed by their owners meanwhile.")
    for key_id, count in sorted(done.unreadable.items()):
        reason = "does not open them" if key_id in keys else "is not in TOKEN_ENCRYPTION_KEYS"
        print(f"{count} could not be opened and are left as they are: {key_id} {reason}.", file=sys.stderr)
    spare = [key_id for key_id in keys if key_id != done.newest and key_id not in done.used]
    if spare:
        print(f"No stored key needs {', '.join(spare)} any more: leave it out of TOKEN_ENCRYPTION_KEYS.")
    return 1 if done.unreadable else 0
