"""Profile photos: fetched by the job for users that a page shows, given to those who may see them, erased."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from shared.features.login.pages.devices import PATH as DEVICES
from shared.web.avatars import initials
from tests.supabase.privacy.test_erasure_http import open_erasure_dialog
from tests.support import in_parallel, started_user
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram.files import picture
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
PHOTO, OTHER_PHOTO = picture(), picture(red=200)


@pytest.fixture
def anna(stack: Stack) -> TelegramUser:
    user = started_user(stack.telegram)
    user.show_photo(PHOTO)
    return user


def id_of(sql: Sql, user: TelegramUser) -> int:
    return int(sql("select id from public.users where telegram_id = %s", user.id)[0]["id"])


def want(call: Call, *user_ids: int) -> dict[str, str]:
    found: dict[str, str] = call("want_avatars", json.dumps(user_ids))
    return found


def run_job(stack: Stack) -> dict[str, int]:
    response = stack.run_job("avatars")
    assert response.status == 200, response.body
    result: dict[str, int] = json.loads(response.body)
    return {name: count for name, count in result.items() if count}


def calls_of(stack: Stack, method: str) -> int:
    return sum(one["method"] == method for one in stack.telegram.calls)


def test_a_photo_is_fetched_once_a_page_shows_the_user(
    stack: Stack, sql: Sql, call: Call, anna: TelegramUser
) -> None:
    assert run_job(stack) == {}
    user_id = id_of(sql, anna)
    assert want(call, user_id, user_id + 999) == {}
    assert run_job(stack) == {"fetched": 1}
    key = want(call, user_id)[str(user_id)]
    found = call("get_avatar", key, user_id)
    assert (found["mime_type"], base64.b64decode(found["image"])) == ("image/png", PHOTO)
    assert run_job(stack) == {}


def test_it_is_asked_for_again_after_a_day_and_only_if_shown(
    stack: Stack, sql: Sql, call: Call, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    user_id = id_of(sql, anna)
    want(call, user_id)
    run_job(stack)
    key = want(call, user_id)
    clock("clock_timestamp() + interval '25 hours'")
    assert run_job(stack) == {}, "no page has shown the user"
    downloads = calls_of(stack, "getFile")
    assert want(call, user_id) == key, "the photo of yesterday is shown meanwhile"
    assert run_job(stack) == {"unchanged": 1}
    assert calls_of(stack, "getFile") == downloads
    clock("clock_timestamp() + interval '50 hours'")
    anna.show_photo(OTHER_PHOTO)
    want(call, user_id)
    assert run_job(stack) == {"fetched": 1}
    new_key = want(call, user_id)
    assert new_key != key, "browsers keep the photo of an address"
    assert call("get_avatar", key[str(user_id)], user_id) is None
    clock("clock_timestamp() + interval '75 hours'")
    anna.show_photo(None)
    want(call, user_id)
    assert run_job(stack) == {"without": 1}
    assert want(call, user_id) == {}


def test_pages_that_show_a_user_often_write_once_a_day(sql: Sql, call: Call, anna: TelegramUser) -> None:
    user_id = id_of(sql, anna)
    want(call, user_id)
    before = sql("select xmin::text, * from public.user_avatars")
    for _ in range(3):
        want(call, user_id)
    assert sql("select xmin::text, * from public.user_avatars") == before


def test_only_the_user_and_admins_see_it(
    stack: Stack, sql: Sql, call: Call, anna: TelegramUser, appoint: Callable[..., TelegramUser]
) -> None:
    user_id = id_of(sql, anna)
    want(call, user_id)
    run_job(stack)
    key = want(call, user_id)[str(user_id)]
    boris = started_user(stack.telegram, name="Boris")
    assert call("get_avatar", key, id_of(sql, boris)) is None
    assert call("get_avatar", str(uuid4()), user_id) is None
    olga = appoint()
    olga.chat().send("/start").wait()
    assert call("get_avatar", key, id_of(sql, olga)) is not None


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"\xff\xd8\xff" + b"x" * 70_000, b""])
def test_what_is_no_small_picture_is_not_kept(
    stack: Stack, sql: Sql, call: Call, anna: TelegramUser, content: bytes
) -> None:
    anna.show_photo(content)
    user_id = id_of(sql, anna)
    want(call, user_id)
    run_job(stack)
    assert want(call, user_id) == {}


def test_a_bot_that_may_not_ask_is_not_asked_again(
    stack: Stack, sql: Sql, call: Call, anna: TelegramUser
) -> None:
    user_id = id_of(sql, anna)
    want(call, user_id)
    stack.telegram.fail("getUserProfilePhotos", 400, description="Bad Request: user not found")
    assert run_job(stack) == {"failed": 1}
    assert run_job(stack) == {}


def test_an_overloaded_telegram_is_asked_again_after_the_lease(
    stack: Stack, sql: Sql, call: Call, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    user_id = id_of(sql, anna)
    want(call, user_id)
    stack.telegram.fail(
        "getUserProfilePhotos", 429, description="Too Many Requests: retry after 5", retry_after=5
    )
    assert run_job(stack) == {"failed": 1}
    assert run_job(stack) == {}
    stack.telegram.faults.clear()
    clock("clock_timestamp() + interval '11 minutes'")
    assert run_job(stack) == {"fetched": 1}


def test_two_jobs_take_different_users(sql: Sql, call: Call, stack: Stack) -> None:
    users = [id_of(sql, started_user(stack.telegram, name=f"User {number}")) for number in range(4)]
    want(call, *users)
    claims = in_parallel(4, lambda _: call("claim_avatars", 2))
    assert sorted(one["user_id"] for claim in claims for one in claim) == users


def test_a_photo_ends_with_its_user_and_a_month_after_the_last_page(
    stack: Stack, sql: Sql, call: Call, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    boris = started_user(stack.telegram, name="Boris")
    boris.show_photo(PHOTO)
    want(call, id_of(sql, anna), id_of(sql, boris))
    assert run_job(stack) == {"fetched": 2}
    user_id = id_of(sql, anna)
    anna.chat().tap(open_erasure_dialog(anna).stored, "deleteme:yes").wait()
    assert [row["user_id"] for row in sql("select user_id from public.user_avatars")] == [id_of(sql, boris)]
    assert call("finish_avatar", user_id, "x") == {"stored": False}
    clock("clock_timestamp() + interval '31 days'")
    assert run_job(stack) == {"expired": 1}
    assert sql("select user_id from public.user_avatars") == []


def test_the_token_of_a_bot_is_in_no_line_of_the_log(
    stack: Stack, sql: Sql, call: Call, anna: TelegramUser
) -> None:
    want(call, id_of(sql, anna))
    stack.telegram.fail("getFile", 400, description="Bad Request: wrong file_id")
    run_job(stack)
    token = stack.telegram.state.bots["assistant"].token
    assert token.partition(":")[2] not in stack.function("scheduled").raw_log


def test_the_pages_of_a_user_show_the_photo(stack: Stack, anna: TelegramUser) -> None:
    browser, stranger = Visitor(stack), Visitor(stack)
    page = browser.log_in(anna.chat(), DEVICES)
    assert '<span class="face" aria-hidden="true">A</span>' in page.body
    assert run_job(stack) == {"fetched": 1}, "the login asks for it"
    found = re.search(r'class="face" src="/console(/avatar/[0-9a-f-]{36})"', browser.get(DEVICES).body)
    assert found
    port = stack.function("console").port
    headers = {"Cookie": f"session={browser.cookies['session']}"}
    photo = urllib3.request("GET", f"http://127.0.0.1:{port}{found[1]}", headers=headers)
    assert (photo.status, photo.data, photo.headers["Content-Type"]) == (200, PHOTO, "image/png")
    assert photo.headers["Cache-Control"] == "private, max-age=86400"
    assert photo.headers["X-Content-Type-Options"] == "nosniff"
    assert stranger.get(found[1]).status == 303
    stranger.log_in(started_user(stack.telegram, name="Boris").chat(), DEVICES)
    assert stranger.get(found[1]).status == 404
    assert stranger.get(found[1], Cookie="").status == 404


def test_a_user_who_comes_back_gets_a_new_photo(
    stack: Stack, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    browser = Visitor(stack)
    browser.log_in(anna.chat(), DEVICES)
    run_job(stack)
    anna.show_photo(OTHER_PHOTO)
    clock("clock_timestamp() + interval '25 hours'")
    assert run_job(stack) == {}
    assert browser.get(DEVICES).status == 200
    assert run_job(stack) == {"fetched": 1}


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Anna Karenina", "AK"),
        ("anna maria karenina", "AK"),
        ("Анна", "А"),
        ("  (Boss) 7", "B7"),
        ("🙂", ""),
        ("", ""),
        ("🙂 o’neil", "O"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
