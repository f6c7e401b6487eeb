"""Backups in Supabase Storage of another project: in parts, continued after lost answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from tests.tools.database.two_environments import CONFIRMED, World
from tools.database.backups import keeping, places, supabase_storage
from tools.database.environments import Environment
from tools.database.errors import BackupError
from tools.database.payloads import BackupRules, Rules
from tools.emulator.supabase_storage import StorageServer
from tools.emulator.supabase_storage.server import Bucket
from tools.emulator.web import HttpServer, Request, Response

MEGABYTE = 1_000_000
PLACE = "supabase://otherproject/backups/production"


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageServer]:
    urls: list[str] = []
    fake = StorageServer(lambda: urls[0])
    fake.buckets["backups"] = Bucket("backups", False, 50 * MEGABYTE, ("application/octet-stream",))

    def answer(request: Request) -> Response:
        return fake.handle(request) or Response(404)

    server = HttpServer(answer)
    urls.append(server.url)
    server.start()
    monkeypatch.setenv("BACKUP_STORAGE_URL", server.url)
    monkeypatch.setenv("BACKUP_STORAGE_KEY", fake.key)
    monkeypatch.setattr(supabase_storage, "FIRST_PAUSE", 0.01)
    yield fake
    fake.stop()
    server.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 60_000)  # 15 MB, three parts
    return path


@pytest.mark.parametrize("size", [1, 6 * 1024 * 1024, 6 * 1024 * 1024 + 1, 15 * MEGABYTE])
def test_a_file_comes_back_as_it_was(storage: StorageServer, file: Path, tmp_path: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])
    place = places.place(PLACE)
    assert place.put(file, "a.age") == f"{PLACE}/a.age" == place.address("a.age")
    assert list(storage.objects) == ["backups/production/a.age"]
    place.get("a.age", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    place.delete("a.age")
    place.delete("a.age")
    assert storage.objects == {}


@pytest.mark.parametrize("fault", ["reset", "page", "InternalError", "SlowDown", "DatabaseTimeout"])
@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("size", [3 * MEGABYTE, 15 * MEGABYTE])
def test_a_lost_answer_of_a_part_is_no_loss(
    storage: StorageServer, file: Path, fault: str, executed: bool, size: int
) -> None:
    content = file.read_bytes()[:size]
    file.write_bytes(content)
    storage.fail("part", fault, executed=executed, times=2)
    places.place(PLACE).put(file, "a.age")
    assert storage.objects["backups/production/a.age"].content == content


def test_a_name_that_exists_is_not_replaced(storage: StorageServer, file: Path) -> None:
    place = places.place(PLACE)
    place.put(file, "a.age")
    with pytest.raises(BackupError, match="409"):
        place.put(file, "a.age")


@pytest.mark.parametrize(("operation", "code", "says"), [
    ("begin", "AccessDenied", "403 AccessDenied"), ("begin", "reset", "does not answer"),
    ("part", "reset", "does not answer"), ("download", "NoSuchKey", "404 NoSuchKey"),
    ("download", "page", "502"), ("download", "InternalError", "500 InternalError"),
    ("delete", "AccessDenied", "403 AccessDenied"),
])  # fmt: skip
def test_a_refusal_names_status_code_and_bucket(
    storage: StorageServer, file: Path, tmp_path: Path, operation: str, code: str, says: str
) -> None:
    place = places.place(PLACE)
    if operation in ("download", "delete"):
        place.put(file, "a.age")
    storage.fail(operation, code, times=None)
    with pytest.raises(BackupError) as failure:
        if operation == "download":
            place.get("a.age", tmp_path / "back")
        elif operation == "delete":
            place.delete("a.age")
        else:
            place.put(file, "a.age")
    assert says in str(failure.value)
    assert storage.key not in str(failure.value)
    assert "<html>" not in str(failure.value)


def test_a_bucket_and_a_file_that_do_not_fit_are_named(
    storage: StorageServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BackupError, match="404"):
        places.place("supabase://otherproject/nothing").put(file, "a.age")
    storage.buckets["backups"] = Bucket("backups", False, MEGABYTE, ("application/octet-stream",))
    with pytest.raises(BackupError, match="413"):
        places.place(PLACE).put(file, "a.age")
    monkeypatch.setenv("BACKUP_STORAGE_KEY", "sb_secret_wrong")
    with pytest.raises(BackupError, match="401"):
        places.place(PLACE).put(file, "a.age")
    monkeypatch.delenv("BACKUP_STORAGE_KEY")
    with pytest.raises(BackupError, match="BACKUP_STORAGE_KEY"):
        places.place(PLACE)
    with pytest.raises(BackupError, match="names no bucket"):
        places.place("supabase://otherproject")


def test_an_upload_that_never_ends_is_given_up(
    storage: StorageServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supabase_storage, "DEADLINE", -1.0)
    with pytest.raises(BackupError, match="took longer"):
        places.place(PLACE).put(file, "a.age")


def test_the_own_project_is_no_place(world: World) -> None:
    key = str(pyrage.x25519.Identity.generate().to_public())
    rules = Rules(
        url="env:DATABASE_ADMIN_URL", project="ownproject",
        backup=BackupRules(to="supabase://ownproject/backups", recipient=key),
    )  # fmt: skip
    with pytest.raises(BackupError, match="its own project"):
        keeping.take(Environment("production", rules, world.production, True))


@pytest.mark.database
def test_production_is_backed_up_there_and_the_backup_is_restored(
    world: World, storage: StorageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = pyrage.x25519.Identity.generate()
    monkeypatch.setenv("BACKUP_PLACE", PLACE)
    monkeypatch.setenv("BACKUP_RECIPIENT", str(identity.to_public()))
    monkeypatch.setenv("BACKUP_IDENTITY", str(identity))
    world.both()
    world.add("create table public.one ()")
    assert world.run("sync")[0] == 0
    storage.down()
    status, _, error = world.run("sync", *CONFIRMED)
    assert (status, "Nothing was migrated" in error) == (1, True)
    assert world.on(world.production, "select * from private.backups") == []
    storage.clear()
    assert world.run("sync", *CONFIRMED)[0] == 0
    ((place,),) = world.on(world.production, "select place from private.backups where stored_at is not null")
    assert storage.objects[place.removeprefix("supabase://otherproject/")].content.startswith(
        b"age-encryption"
    )
    status, out, error = world.run("restore", place)
    assert status == 0, error
    assert "Restored and equal" in out
