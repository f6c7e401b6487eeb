"""Backups: one snapshot, sealed; restored and equal; erased users stay erased; what is kept."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pyrage
import pytest

from tests.first_server import create_synced
from tools.database import __main__ as program
from tools.database import binaries, connections, environments, migrate, schema_drift
from tools.database.backups import archive, expiry, keeping, places, sealing
from tools.database.embedded import Server
from tools.database.environments import Environment
from tools.database.errors import BackupError
from tools.database.payloads import BackupRules, Rules

pytestmark = pytest.mark.database
IDENTITY = pyrage.x25519.Identity.generate()
OTHER = pyrage.x25519.Identity.generate()
ROWS = """
insert into public.users (telegram_id, first_name, balance)
select 1000 + g, 'Имя ' || g || E' 😀\\n"quoted"', g * 1.25 from generate_series(1, 50) g;
insert into public.telegram_outbox (bot, chat_id, method, parameters, send_after)
values ('assistant', 1001, 'sendMessage', '{"chat_id": 1001, "text": "waiting"}', now());
"""


class World:
    """A database with people in it, a folder for backups, and the commands."""

    def __init__(self, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        self.server, self.folder = server, folder
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.url = server.url("living")
        recipient = str(IDENTITY.to_public())
        kept = BackupRules(to=str(folder / "kept"), recipient=recipient, keep_days=30, keep_months=12)
        self.living = Environment("development", Rules(url="env:LIVING_URL", backup=kept), self.url, True)
        protected = Rules(url="env:FRESH_URL", protected=True)
        self.fresh = Environment("fresh", protected, server.url("fresh"), True)
        known = {"development": self.living, "fresh": self.fresh}
        monkeypatch.setattr(environments, "read", lambda *_: known)
        monkeypatch.setenv("BACKUP_IDENTITY", str(IDENTITY))
        monkeypatch.delenv("BACKUP_IDENTITY_FILE", raising=False)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["database", *arguments])
        status = program.main()
        printed = self._capsys.readouterr()
        return status, printed.out, printed.err

    def backup(self) -> Path:
        status, _, error = self.run("backup")
        assert status == 0, error
        # Not from the output: the folders of pytest look like keys of payment providers, and are hidden.
        return Path(self.on("living", "select place from private.backups order by id desc limit 1")[0][0])

    def on(self, name: str, query: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.server.url(name, "supabase_admin"), autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def living_template(server: Server) -> str:
    create_synced(server, "living_template")
    with psycopg.connect(server.url("living_template", "supabase_admin")) as connection:
        connection.execute(ROWS.encode())
    return "living_template"


@pytest.fixture
def world(server: Server, living_template: str, tmp_path: Path, monkeypatch, capsys) -> Iterator[World]:
    server.create_database("living", living_template)
    server.create_database("fresh")
    made = World(server, tmp_path, monkeypatch, capsys)
    made.on("fresh", "comment on database fresh is null")
    # What Supabase lets its role postgres do.
    made.on("fresh", "grant set on parameter session_replication_role to postgres")
    yield made
    for name in ("living", "fresh"):
        server.drop_database(name)


def test_a_backup_is_restored_on_trial_and_then_known_as_verified(world: World) -> None:
    path = world.backup()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert re.fullmatch(r"development-\d{8}-\d{9}-\d{14}\.age", path.name)
    size = path.stat().st_size
    assert world.on("living", "select bytes, verified_at from private.backups") == [(size, None)]
    status, out, error = world.run("restore", str(path))
    assert status == 0, error
    assert "Restored and equal: " in out
    assert world.on("living", "select verified_at is not null from private.backups") == [(True,)]


def test_a_checked_backup_is_verified_without_the_owners_identity(world: World, monkeypatch) -> None:
    monkeypatch.delenv("BACKUP_IDENTITY")
    status, out, error = world.run("backup", "--check")
    assert status == 0, error
    assert "restored and equal" in out
    rows = world.on("living", "select verified_at is not null, place from private.backups")
    assert [verified for verified, _ in rows] == [True]
    # Its owner opens it as any other.
    monkeypatch.setenv("BACKUP_IDENTITY", str(IDENTITY))
    assert world.run("restore", rows[0][1])[0] == 0


def test_a_backup_that_cannot_be_restored_is_not_stored(world: World, monkeypatch) -> None:
    def differs(*_: object) -> None:
        raise BackupError("public.users differs after the restore: 1 rows of 2.")

    monkeypatch.setattr(keeping, "_compare", differs)
    status, _, error = world.run("backup", "--check")
    assert (status, "differs after the restore" in error) == (1, True)
    assert world.on("living", "select * from private.backups") == []
    assert not (world.folder / "kept").exists()


def test_nothing_can_be_read_without_the_identity(world: World, monkeypatch) -> None:
    path = world.backup()
    assert b"users" not in path.read_bytes()
    monkeypatch.setenv("BACKUP_IDENTITY", str(OTHER))
    status, _, error = world.run("restore", str(path))
    assert (status, "cannot be opened with this identity" in error) == (1, True)
    monkeypatch.setenv("BACKUP_IDENTITY", "AGE-SECRET-KEY-nonsense")
    status, out, error = world.run("restore", str(path))
    assert status == 1
    assert "nonsense" not in out + error
    monkeypatch.delenv("BACKUP_IDENTITY")
    assert "BACKUP_IDENTITY_FILE names the file" in world.run("restore", str(path))[2]


def test_the_identity_may_be_in_a_file_with_comments(world: World, monkeypatch, tmp_path: Path) -> None:
    file = tmp_path / "identity.txt"
    file.write_text(f"# created: today\n# public key: {IDENTITY.to_public()}\n{IDENTITY}\n")
    monkeypatch.delenv("BACKUP_IDENTITY")
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", str(file))
    assert world.run("restore", str(world.backup()))[0] == 0


@pytest.mark.parametrize("damage", [
    lambda data: data[:-1000], lambda data: data[:200], lambda data: b"", lambda data: b"not sealed " * 100,
    lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
])  # fmt: skip
def test_a_damaged_file_is_refused_and_nothing_is_restored(world: World, damage) -> None:
    path = world.backup()
    path.write_bytes(damage(path.read_bytes()))
    status, _, error = world.run(
        "restore", str(path), "--into", "fresh", "--confirm", "fresh", "--erased-ids", ""
    )
    assert status == 1
    assert "Traceback" not in error
    users = "select to_regclass('public.users') is null"
    assert world.on("fresh", users) == [(True,)] or world.on("fresh", "select count(*) from users") == [(0,)]


def test_a_backup_is_one_moment_while_others_write(world: World) -> None:
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(world.server.url("living", "supabase_admin"), autocommit=True) as connection:
            number = 5000
            while not stop.is_set():
                # The user and the row that needs it come in one transaction.
                connection.execute(
                    "with u as (insert into users (telegram_id, first_name) values (%s, 'n') returning id)"
                    " insert into user_badges (user_id, badge, bot)"
                    " select u.id, b.badge, b.bot from u, (select badge, bot from badges limit 1) b",
                    [number],
                )
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        path = world.backup()
    finally:
        stop.set()
        thread.join()
    with sealing.opened(path, str(IDENTITY)) as stream:
        reader = archive.Reader(stream)
        for _ in reader.tables:
            for _block in reader.blocks():
                pass
        rows = {str(table): one.rows for table, one in zip(reader.tables, reader.finish(), strict=True)}
    assert rows["public.user_badges"] == rows["public.users"] - 50
    assert world.run("restore", str(path))[0] == 0


def test_an_empty_environment_is_filled_and_the_erased_stay_erased(world: World) -> None:
    path = world.backup()
    (erased,) = world.on("living", "select id from users where telegram_id = 1007")[0]
    world.on(
        "living",
        "insert into private.erasures (user_id, user_hash) values (%s, decode(repeat('ab', 32), 'hex'))",
        erased,
    )
    restoring = ("restore", str(path), "--into", "fresh")
    assert "fresh is protected" in world.run(*restoring, "--erased-in", "development")[2]
    status, _, error = world.run(*restoring, "--confirm", "fresh")
    assert (status, "must not come back" in error) == (1, True)
    world.on("fresh", "drop schema if exists private cascade")
    world.server.drop_database("fresh")
    world.server.create_database("fresh")
    world.on("fresh", "comment on database fresh is null")
    status, out, error = world.run(*restoring, "--confirm", "fresh", "--erased-in", "development")
    assert status == 0, error
    assert "Erased again: 1 user." in out
    newest = "select kind, outcome, backup from private.migration_runs order by id desc limit 1"
    assert world.on("fresh", newest) == [("restore", "done", str(path))]
    assert "Not sent: 1 message that waited" in out
    assert world.on("fresh", "select count(*) from users where telegram_id = 1007") == [(0,)]
    assert world.on("fresh", "select count(*), sum(balance) from users") == [(49, 1585.0)]
    assert world.on("fresh", "select count(*) from telegram_outbox") == [(0,)]
    assert world.on("fresh", "select environment from private.database_identity") == [("fresh",)]
    # The sequence goes on.
    world.on("fresh", "insert into users (telegram_id, first_name) values (9999, 'new')")
    status, _, error = world.run(*restoring, "--confirm", "fresh", "--erased-ids", "")
    assert (status, "not empty" in error) == (1, True)


def test_an_erasure_through_the_bot_is_remembered_by_number(world: World) -> None:
    (user,) = world.on("living", "select id from users where telegram_id = 1003")[0]
    assert world.on("living", "select private.erase_restored_user(%s, null)", user) == [(True,)]
    assert world.on("living", "select user_id from private.erasures") == [(user,)]
    assert world.on("living", "select private.erase_restored_user(%s, null)", user) == [(False,)]


def test_a_user_with_a_renewal_and_payments_is_erased_again(world: World) -> None:
    (user,) = world.on("living", "select id from users where telegram_id = 1004")[0]
    world.on(
        "living",
        "insert into renewals (user_id, product_key, provider, provider_subscription_id, currency,"
        " amount, plan,"
        " period, bot, saved_method) select %s, key, 'stripe', 'sub_1', 'USD', 5, 'PREMIUM', 'month',"
        " 'assistant',"
        " 'pm_1' from products limit 1",
        user,
    )
    assert world.on("living", "select private.erase_restored_user(%s, null)", user) == [(True,)]
    assert world.on("living", "select user_id, status, saved_method from renewals") == [(None, "ended", None)]
    booked_out = "select sum(amount) from balance_transactions where reason = 'erased'"
    assert world.on("living", booked_out) == [(-5,)]


def test_what_is_no_longer_kept_is_deleted_after_a_newer_one_was_verified(world: World) -> None:
    now = datetime.now(UTC)
    kept = Path(world.living.rules.backup.to)  # type: ignore[union-attr]
    kept.mkdir()
    days = (400, 200, 199, 45, 44, 31, 29, 1)
    for age in days:
        (kept / f"{age}.age").write_bytes(b"x")
        world.on(
            "living",
            "insert into private.backups (taken_at, version, place, bytes, sha256, kept_for, stored_at)"
            " values (%s, '1', %s, 1, repeat('a', 64), 'daily', now())",
            now - timedelta(days=age),
            str(kept / f"{age}.age"),
        )
    assert expiry.expire(world.living, now) == []
    newest = "taken_at > now() - interval '2 days'"
    world.on("living", f"update private.backups set verified_at = now() where {newest}")
    deleted = {Path(place).stem for place in expiry.expire(world.living, now)}
    firsts: dict[str, int] = {}
    for age in days:
        firsts.setdefault(f"{now - timedelta(days=age):%Y-%m}", age)
    expected = {str(age) for age in days if age > 30 and (age > 372 or age not in firsts.values())}
    assert deleted == expected
    assert {path.stem for path in kept.iterdir()} == {str(age) for age in days} - expected
    assert expiry.expire(world.living, now) == []


def test_an_environment_without_a_place_says_what_to_write(world: World) -> None:
    bare = Environment("development", Rules(url="env:LIVING_URL"), world.url, True)
    with pytest.raises(BackupError, match=r"backup = \{ to, recipient \} there"):
        keeping.take(bare)


@pytest.mark.parametrize("address", ["s3://bucket/x", "gs://", "https://example.com/x"])
def test_an_unknown_place_is_refused(address: str) -> None:
    with pytest.raises(BackupError):
        places.place(address)


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises((BackupError, OSError)):
        Path("/dev/full").write_bytes(b"x" * 100_000)
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    source = tmp_path / "source"
    source.write_bytes(b"x")
    with pytest.raises((BackupError, OSError)):
        places.Folder(folder).put(source, "name")


class Bucket(BaseHTTPRequestHandler):
    """Google Cloud Storage: uploads that do not replace, downloads, deletions."""

    kept: dict[str, bytes] = {}  # noqa: RUF012

    def do_POST(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        data = self.rfile.read(int(self.headers["Content-Length"]))
        name = query["name"][0]
        if "denied" in self.path:
            return self._answer(403, b'{"error": {"message": "no access"}}')
        if name in self.kept and query["ifGenerationMatch"] == ["0"]:
            return self._answer(412, b"there is one")
        self.kept[name] = data
        return self._answer(200, b"{}")

    def do_GET(self) -> None:
        data = self.kept.get(unquote(urlsplit(self.path).path.rpartition("/o/")[2]))
        self._answer(404 if data is None else 200, data or b"not found")

    def do_DELETE(self) -> None:
        data = self.kept.pop(unquote(urlsplit(self.path).path.rpartition("/o/")[2]), None)
        self._answer(404 if data is None else 204, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def bucket(monkeypatch) -> Iterator[dict[str, bytes]]:
    Bucket.kept.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        yield Bucket.kept
        server.shutdown()


def test_a_bucket_keeps_gives_back_and_deletes(world: World, bucket: dict[str, bytes]) -> None:
    status, out, error = world.run("backup", "--to", "gs://backups/production")
    assert status == 0, error
    address = out.split(": ")[0]
    assert address.startswith("gs://backups/production/development-")
    assert list(bucket) == [address.removeprefix("gs://backups/")]
    assert world.run("restore", address)[0] == 0
    place = places.place("gs://backups/production")
    with pytest.raises(BackupError, match="412"):
        path = world.folder / "again"
        path.write_bytes(b"x")
        place.put(path, address.rpartition("/")[2])
    place.delete(address.rpartition("/")[2])
    place.delete(address.rpartition("/")[2])
    assert bucket == {}
    status, _, error = world.run("backup", "--to", "gs://denied")
    assert (status, "answered 403 for bucket denied" in " ".join(error.split())) == (1, True), error
    assert world.on("living", "select count(*) from private.backups") == [(1,)]


@pytest.mark.slow
def test_a_backup_of_18_is_restored_into_15(world: World) -> None:
    path = world.backup()
    with schema_drift.scratch(binaries.debian(15)) as old:
        url = old.create_database("restored")
        reader = keeping.restore(path, str(IDENTITY), url, old.url("restored", "supabase_admin"), print)
    assert sum(one.rows for one in reader.contents) > 50


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.age"
    sealing.seal([b'{"format": 99}\n'], [str(IDENTITY.to_public())], path)
    with (
        pytest.raises(BackupError, match="no backup of format 1"),
        sealing.opened(path, str(IDENTITY)) as stream,
    ):
        archive.Reader(stream)
    with pytest.raises(BackupError, match="no recipient"):
        sealing.seal([], ["age1nonsense"], tmp_path / "y.age")


def test_a_table_that_the_backup_does_not_know_is_refused(world: World) -> None:
    path = world.backup()
    url = world.server.url("fresh", "supabase_admin")
    migrate.sync(url)
    world.on("fresh", "create table public.more (a int primary key)")
    with (
        sealing.opened(path, str(IDENTITY)) as stream,
        connections.connect(url) as connection,
        pytest.raises(BackupError, match="not those of the backup"),
        connection.transaction(),
    ):
        archive.load(connection, archive.Reader(stream), print)


def test_no_copy_in_clear_is_left_on_the_disk(world: World, monkeypatch, tmp_path: Path) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    path = world.backup()
    with sealing.opened(path, str(IDENTITY)) as stream:
        archive.Reader(stream)
        assert not [one for one in scratch.rglob("*") if one.is_file()]
    shutil.rmtree(scratch)
    assert os.environ["BACKUP_IDENTITY"]
