"""The client of Supabase Storage: what it sends, and what each answer becomes."""

from __future__ import annotations

import time
import urllib.request
from dataclasses import replace
from uuid import uuid4

import pytest
import urllib3

from shared.core.config import settings
from shared.core.errors import ConfigError, StorageError
from shared.storage import Storage, client
from shared.storage import storage as configured_storage
from tools.emulator.stack import Stack

PNG = b"\x89PNG\r\n\x1a\n picture"


def new_key(kind: str = "images", extension: str = "png") -> str:
    return f"{kind}/{uuid4()}/{uuid4()}.{extension}"


def test_a_file_is_stored_read_and_deleted(storage: Storage, stack: Stack) -> None:
    key = new_key()
    storage.put(key, PNG, "image/png")
    stored = stack.storage.objects[f"media/{key}"]
    assert (stored.content, stored.mime_type) == (PNG, "image/png")
    assert storage.get(key) == PNG
    storage.delete([key, new_key()])  # keys that do not exist are ignored
    assert stack.storage.objects == {}
    with pytest.raises(StorageError) as missing:
        storage.get(key)
    assert (missing.value.status, missing.value.code, missing.value.is_temporary) == (404, "NoSuchKey", False)


def test_a_key_that_exists_is_left_as_it_is(storage: Storage) -> None:
    key = new_key()
    storage.put(key, PNG, "image/png")
    storage.put(key, b"another picture", "image/png")
    assert storage.get(key) == PNG


def test_an_upload_whose_answer_was_lost_is_repeated(storage: Storage, stack: Stack) -> None:
    key = new_key()
    stack.storage.fail("upload", "reset", executed=True)
    with pytest.raises(StorageError) as lost:
        storage.put(key, PNG, "image/png")
    assert lost.value.is_temporary
    storage.put(key, PNG, "image/png")
    assert storage.get(key) == PNG


def test_a_signed_url_needs_no_key_and_expires(storage: Storage, stack: Stack) -> None:
    key = new_key()
    storage.put(key, PNG, "image/png")
    url = storage.signed_url(key, 60)
    assert url.startswith(f"{stack.url}/storage/v1/object/sign/media/{key}?token=")
    assert stack.storage.key not in url
    with urllib.request.urlopen(url) as answer:
        assert (answer.read(), answer.headers["content-type"]) == (PNG, "image/png")
    other = url.replace(key, new_key())
    assert b"InvalidSignature" in urllib3.request("GET", other).data
    assert b"InvalidSignature" in urllib3.request("GET", url[:-2]).data
    with pytest.raises(StorageError) as expired:
        storage.signed_url(key, 0)
    assert expired.value.code == "InvalidRequest"


def test_a_signed_url_ends_with_its_time(
    storage: Storage, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    storage.put(key, PNG, "image/png")
    url = storage.signed_url(key, 60)
    now = stack.clock.now()
    monkeypatch.setattr(stack.clock, "now", lambda: now + 61)
    answer = urllib3.request("GET", url)
    assert (answer.status, answer.json()["code"]) == (400, "ExpiredToken")


@pytest.mark.parametrize(
    ("data", "mime_type", "status", "code"),
    [
        (b"x" * 1_001, "video/mp4", 413, "EntityTooLarge"),
        (b"MZ", "application/x-msdownload", 415, "InvalidMimeType"),
    ],
    ids=["too large", "mime type"],
)
def test_the_limits_of_the_bucket(
    storage: Storage,
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    data: bytes,
    mime_type: str,
    status: int,
    code: str,
) -> None:
    small = replace(stack.storage.buckets[client.BUCKET], size_limit=1_000)
    monkeypatch.setitem(stack.storage.buckets, client.BUCKET, small)
    with pytest.raises(StorageError) as refused:
        storage.put(new_key(), data, mime_type)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert not refused.value.is_temporary


ANY_UUID = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    "key",
    [
        "images/Анна/picture.png",
        "../secrets",
        f"images/{ANY_UUID}.png",
        f"images/{ANY_UUID}/{ANY_UUID}.png/x",
    ],
)
def test_only_keys_of_ours_are_used(storage: Storage, key: str) -> None:
    for use in (
        lambda: storage.put(key, PNG, "image/png"),
        lambda: storage.get(key),
        lambda: storage.signed_url(key, 60),
        lambda: storage.delete([key]),
    ):
        with pytest.raises(ValueError, match="a key is"):
            use()


def test_at_most_a_thousand_keys_are_deleted_at_once(storage: Storage, stack: Stack) -> None:
    keys = [new_key() for _ in range(1000)]
    storage.delete(keys)
    storage.delete([])
    with pytest.raises(ValueError, match="1000"):
        storage.delete([*keys, new_key()])


@pytest.mark.parametrize(
    ("code", "status"), [("SlowDown", 429), ("InternalError", 500), ("DatabaseTimeout", 544), ("page", 502)]
)
def test_temporary_refusals(storage: Storage, stack: Stack, code: str, status: int) -> None:
    stack.storage.fail("sign", code)
    with pytest.raises(StorageError) as refused:
        storage.signed_url(new_key(), 60)
    assert refused.value.status == status
    assert refused.value.is_temporary


def test_a_call_ends_by_its_deadline(storage: Storage, stack: Stack) -> None:
    stack.storage.fail("download", "timeout")
    with pytest.raises(StorageError) as late:
        storage.get(new_key(), timeout=0.3)
    assert (late.value.status, late.value.code) == (0, "Timeout")


def test_a_server_that_drips_is_left_by_the_deadline(
    storage: Storage, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.emulator.web import Response

    def drip() -> object:
        while True:
            time.sleep(0.05)
            yield b"."

    monkeypatch.setattr(
        stack.storage,
        "_download",
        lambda *_names: Response(200, drip(), "image/png"),  # type: ignore[arg-type]
    )
    with pytest.raises(StorageError) as late:
        storage.get(new_key(), timeout=0.5)
    assert late.value.code == "Timeout"


def test_a_response_that_never_ends_is_not_read(
    storage: Storage, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.emulator.web import Response

    endless = (b"x" * 1_000_000 for _ in range(200))
    monkeypatch.setattr(stack.storage, "_download", lambda *_names: Response(200, endless, "image/png"))
    with pytest.raises(StorageError) as refused:
        storage.get(new_key())
    assert refused.value.code == "EntityTooLarge"


def test_storage_that_is_down(storage: Storage, stack: Stack) -> None:
    stack.storage.down()
    with pytest.raises(StorageError) as lost:
        storage.delete([new_key()])
    assert (lost.value.status, lost.value.is_temporary) == (0, True)


def test_a_wrong_key_is_refused_without_being_repeated_in_the_error(stack: Stack) -> None:
    wrong = "sb_secret_wrong-wrong-wrong-wrong"
    with pytest.raises(StorageError) as refused:
        Storage(stack.url, wrong).get(new_key())
    assert (refused.value.status, refused.value.is_temporary) == (401, False)
    assert wrong not in str(refused.value)


def test_the_gateway_needs_both_headers(stack: Stack) -> None:
    url = f"{stack.url}/storage/v1/object/media/{new_key()}"
    key, bearer = {"apikey": stack.storage.key}, {"Authorization": f"Bearer {stack.storage.key}"}
    assert urllib3.request("GET", url).status == 401
    assert urllib3.request("GET", url, headers=bearer).status == 401
    assert b"required property 'authorization'" in urllib3.request("GET", url, headers=key).data
    browser = {"User-Agent": "Mozilla/5.0"}
    assert urllib3.request("GET", url, headers=key | bearer | browser).status == 401
    both = urllib3.request("GET", url, headers=key | bearer)
    assert (both.status, both.json()["statusCode"], both.json()["code"]) == (400, "404", "NoSuchKey")


@pytest.mark.usefixtures("as_function")
def test_the_storage_that_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured_storage() is not None
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "")
    settings.cache_clear()
    with pytest.raises(ConfigError, match="belong together"):
        configured_storage()
    monkeypatch.setenv("SUPABASE_URL", "")
    settings.cache_clear()
    assert configured_storage() is None
