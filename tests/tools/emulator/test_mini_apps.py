"""Mini Apps and profile photos in the emulator: who may open what, and what the app is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from shared.web.login import init_data
from tests.tools.emulator.wire import HttpApi
from tools.emulator.stack import Stack
from tools.emulator.telegram.errors import ApiError
from tools.emulator.telegram.files import picture

URL = "https://pages.example.com/app/assistant?at=/courses"


@pytest.fixture
def api(bare: Stack) -> Iterator[HttpApi]:
    api = HttpApi(bare.url)
    yield api
    api.pool.clear()


def fragment(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).fragment))


def test_a_button_opens_a_mini_app_as_its_user(bare: Stack, api: HttpApi) -> None:
    user = api.post("users", first_name="Anna & Ко", username="anna_mini")
    opened = api.post("mini-app", user=str(user["id"]), bot="assistant", url=URL, theme="dark")["url"]
    assert opened.partition("#")[0] == URL
    given = fragment(opened)
    token = bare.telegram.state.bots["assistant"].token
    found = init_data.check(given["tgWebAppData"], token)
    assert (found.telegram_id, found.first_name, found.username) == (user["id"], "Anna & Ко", "anna_mini")
    assert json.loads(given["tgWebAppThemeParams"])["bg_color"] == "#212121"


def test_the_menu_button_opens_one_where_the_bot_has_set_it(bare: Stack, api: HttpApi) -> None:
    user = str(api.post("users", first_name="Boris")["id"])
    assert "opens no Mini App" in api.refusal("mini-app", user=user, bot="assistant")
    button = {"type": "web_app", "text": "Open", "web_app": {"url": URL}}
    bare.telegram.request("assistant", "setChatMenuButton", {"menu_button": button})
    assert next(one for one in api.get("state")["bots"] if one["name"] == "assistant")["menu_url"] == URL
    assert api.post("mini-app", user=user, bot="assistant")["url"].startswith(f"{URL}#")
    bare.telegram.request("assistant", "setChatMenuButton", {"menu_button": {"type": "commands"}})
    assert "opens no Mini App" in api.refusal("mini-app", user=user, bot="assistant")


@pytest.mark.parametrize("url", ["http://pages.example.com/app", "", "tg://resolve"])
def test_the_address_of_a_mini_app_is_https(bare: Stack, url: str) -> None:
    user = bare.telegram.user("Vera")
    chat = user.chat("assistant")
    chat.send("/start")
    markup = {"inline_keyboard": [[{"text": "Open", "web_app": {"url": url}}]]}
    parameters = {"chat_id": chat.id, "text": "x", "reply_markup": markup}
    for method, given in (
        ("sendMessage", parameters),
        ("setChatMenuButton", {"menu_button": {"type": "web_app", "text": "Open", "web_app": {"url": url}}}),
    ):
        with pytest.raises(ApiError) as error:
            bare.telegram.request("assistant", method, given)
        assert error.value.status == 400


def test_a_profile_photo_is_listed_and_downloaded(bare: Stack) -> None:
    user = bare.telegram.user("Gleb")
    ask = {"user_id": user.id, "limit": 1}
    assert bare.telegram.request("assistant", "getUserProfilePhotos", ask)["photos"] == []
    user.show_photo(picture())
    found = bare.telegram.request("assistant", "getUserProfilePhotos", ask)
    smallest = found["photos"][0][0]
    assert (found["total_count"], smallest["width"]) == (1, 160)
    path = bare.telegram.request("assistant", "getFile", {"file_id": smallest["file_id"]})["file_path"]
    token = bare.telegram.state.bots["assistant"].token
    assert urllib3.request("GET", f"{bare.url}/file/bot{token}/{path}").data == picture()
    user.show_photo(None)
    assert bare.telegram.request("assistant", "getUserProfilePhotos", ask)["total_count"] == 0
