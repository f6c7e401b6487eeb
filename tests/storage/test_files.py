"""Files of users: stored once, listed in /mydata, deleted with the user or when their time has come."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from shared.core import texts
from shared.core.config import settings
from shared.core.errors import StorageError
from shared.storage import StoredFile, cleanup, store_file
from tests.stories.test_my_data import file_of
from tests.supabase.privacy.test_erasure_http import open_erasure_dialog
from tests.support import in_parallel, started_user
from tools.database.migration_files import SUPABASE
from tools.emulator.stack import Stack
from tools.emulator.supabase_storage.server import configured_buckets
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
PNG = b"\x89PNG\r\n\x1a\n picture"

pytestmark = pytest.mark.usefixtures("as_function")


@pytest.fixture
def anna(stack: Stack) -> TelegramUser:
    return started_user(stack.telegram)


def id_of(sql: Sql, user: TelegramUser) -> int:
    return int(sql("select id from public.users where telegram_id = %s", user.id)[0]["id"])


def store(sql: Sql, user: TelegramUser, **more: Any) -> StoredFile | None:
    given = {"kind": "images", "name": uuid4(), "data": PNG, "mime_type": "image/png", **more}
    return store_file(id_of(sql, user), "assistant", **given)


def keys(stack: Stack) -> list[str]:
    return sorted(key.removeprefix("media/") for key in stack.storage.objects)


def run_job(stack: Stack) -> dict[str, int]:
    response = stack.run_job("storage")
    assert response.status == 200
    result: dict[str, int] = json.loads(response.body)
    return result


def erase(user: TelegramUser) -> None:
    user.chat().tap(open_erasure_dialog(user).stored, "deleteme:yes").wait()


def test_a_file_has_an_owner_and_an_end(stack: Stack, sql: Sql, anna: TelegramUser) -> None:
    first, second = store(sql, anna), store(sql, anna, kind="videos", mime_type="video/mp4")
    assert first is not None
    assert second is not None
    assert re.fullmatch(r"images/[0-9a-f-]{36}/[0-9a-f-]{36}\.png", first.key)
    assert first.key.split("/")[1] == second.key.split("/")[1]  # one folder for a user
    assert second.key.endswith(".mp4")
    assert first.read() == PNG
    assert first.signed_url(60).startswith(stack.url)
    rows = sql("select *, extract(day from delete_after - created_at) as days from stored_files order by id")
    assert (rows[0]["status"], rows[0]["size_bytes"], rows[0]["mime_type"]) == (
        "stored",
        len(PNG),
        "image/png",
    )
    assert [row["days"] for row in rows] == [30, 30]


def test_a_file_is_stored_once(stack: Stack, sql: Sql, anna: TelegramUser) -> None:
    name = uuid4()
    first = store(sql, anna, name=name)
    stack.storage.down()  # a stored file needs no second upload
    again = store(sql, anna, name=name, data=b"another")
    assert first is not None
    assert again is not None
    assert first.key == again.key


def test_an_upload_that_failed_is_repeated_under_the_same_key(
    stack: Stack, sql: Sql, anna: TelegramUser
) -> None:
    name = uuid4()
    stack.storage.fail("upload", "InternalError")
    with pytest.raises(StorageError):
        store(sql, anna, name=name)
    assert sql("select status from stored_files") == [{"status": "uploading"}]
    assert store(sql, anna, name=name) is not None
    assert sql("select status from stored_files") == [{"status": "stored"}]
    assert len(keys(stack)) == 1


def test_the_same_file_stored_at_once_is_one_file(stack: Stack, sql: Sql, anna: TelegramUser) -> None:
    name, user_id = uuid4(), id_of(sql, anna)
    files = in_parallel(
        4,
        lambda _n: store_file(
            user_id, "assistant", kind="images", name=name, data=PNG, mime_type="image/png"
        ),
    )
    assert len({file.key for file in files}) == 1
    assert len(keys(stack)) == len(sql("select from stored_files")) == 1


def test_without_storage_nothing_is_stored(
    stack: Stack, sql: Sql, anna: TelegramUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in stack.storage.environment():
        monkeypatch.setenv(name, "")
    settings.cache_clear()
    assert store(sql, anna) is None
    assert sql("select from stored_files") == []


def test_files_are_deleted_when_their_time_has_come(
    stack: Stack, sql: Sql, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    old = store(sql, anna)
    clock("clock_timestamp() + interval '20 days'")
    new = store(sql, anna)
    assert old is not None
    assert new is not None
    assert run_job(stack) == {"expired": 0, "deleted": 0, "failed": 0}
    clock("clock_timestamp() + interval '31 days'")
    assert run_job(stack) == {"expired": 1, "deleted": 1, "failed": 0}
    assert keys(stack) == [new.key]
    assert sql("select from private.storage_deletions") == []


def test_an_upload_that_was_never_completed_is_deleted_after_a_day(
    stack: Stack, sql: Sql, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    stack.storage.fail("upload", "timeout", executed=True)
    with pytest.raises(StorageError):
        store(sql, anna, timeout=0.5)
    assert len(keys(stack)) == 1  # the upload was executed, and nothing says so
    clock("clock_timestamp() + interval '25 hours'")
    assert run_job(stack) == {"expired": 1, "deleted": 0, "failed": 0}
    clock("clock_timestamp() + interval '26 hours'")
    assert run_job(stack) == {"expired": 0, "deleted": 1, "failed": 0}
    assert keys(stack) == []


def test_an_erasure_deletes_the_files(stack: Stack, sql: Sql, anna: TelegramUser) -> None:
    other = started_user(stack.telegram, name="Boris")
    store(sql, anna), store(sql, anna)
    kept = store(sql, other)
    assert kept is not None
    erase(anna)
    assert len(sql("select from private.storage_deletions")) == 2  # the queue outlives the user
    assert run_job(stack) == {"expired": 0, "deleted": 2, "failed": 0}
    assert keys(stack) == [kept.key]


def test_an_erasure_during_an_upload_deletes_the_file_later(
    stack: Stack, sql: Sql, anna: TelegramUser, clock: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = stack.storage._upload

    def erase_first(*given: Any) -> Any:
        sql("delete from public.users where telegram_id = %s", anna.id)
        return upload(*given)

    monkeypatch.setattr(stack.storage, "_upload", erase_first)
    assert store(sql, anna) is None
    assert len(keys(stack)) == 1
    assert run_job(stack)["deleted"] == 0  # an upload may be running for a minute
    clock("clock_timestamp() + interval '11 minutes'")
    assert run_job(stack)["deleted"] == 1
    assert keys(stack) == []


def test_a_failed_deletion_is_tried_again_and_the_owner_is_alerted(
    stack: Stack, sql: Sql, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    store(sql, anna)
    erase(anna)
    stack.storage.fail("delete", "InternalError", times=None)
    for attempt, minutes in enumerate((0, 15, 60), 1):
        clock(f"clock_timestamp() + interval '{minutes} minutes'")
        assert run_job(stack)["failed"] == 1
        assert run_job(stack)["failed"] == 0  # not again at once
        (queued,) = sql("select attempts, error from private.storage_deletions")
        assert queued["attempts"] == attempt
        assert "InternalError" in queued["error"]
        alerts = [line for line in stack.function("scheduled").logs if line.get("severity") == "ALERT"]
        assert bool(alerts and alerts[-1]["action"] == "storage_deletion_failed") is (attempt == 3)
    stack.storage.clear()
    clock("clock_timestamp() + interval '2 days'")
    assert run_job(stack)["deleted"] == 1
    assert keys(stack) == []


def test_two_runs_at_once_delete_each_file_once(
    stack: Stack, sql: Sql, anna: TelegramUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 2)
    for _ in range(6):
        store(sql, anna)
    erase(anna)
    done = in_parallel(3, lambda _n: cleanup.clean_up())
    assert sum(one["deleted"] for one in done) == 6
    assert keys(stack) == []


def test_my_data_lists_the_files(stack: Stack, sql: Sql, anna: TelegramUser) -> None:
    stored = store(sql, anna)
    assert stored is not None
    chat = anna.chat()
    chat.send("/mydata").wait()
    answer = chat.answer()
    section = file_of(stack, answer)[texts.text("en", "section_files")]
    (listed,) = section[texts.text("en", "mydata_stored")]
    assert (listed["key"], listed["bot"]) == (stored.key, "assistant")
    assert "user_id" not in listed


def test_the_bucket_of_a_hosted_project_is_that_of_the_local_one(sql: Sql) -> None:
    text = (SUPABASE / "schemas/tables/storage/stored_files.sql").read_text()
    block = text[text.index("do $$") :]
    sql(block)  # plain Postgres has no schema `storage`
    sql("create schema storage")
    try:
        sql(
            "create table storage.buckets (id text primary key, name text unique, public boolean, "
            "file_size_limit bigint, allowed_mime_types text[])"
        )
        sql(block)
        sql("update storage.buckets set public = true, file_size_limit = 1")
        sql(block)  # an owner's change of it is undone when the migration runs
        (bucket,) = configured_buckets()
        assert sql("select * from storage.buckets") == [
            {
                "id": bucket.name,
                "name": bucket.name,
                "public": bucket.is_public,
                "file_size_limit": bucket.size_limit,
                "allowed_mime_types": list(bucket.mime_types),
            }
        ]
    finally:
        sql("drop schema storage cascade")
