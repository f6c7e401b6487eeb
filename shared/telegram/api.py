"""Calls the Bot API: JSON bodies over kept-alive connections, with timeouts. Errors never contain a token.

telebot's own calls (`bot.send_message(…)` in a handler) use this module as their request sender: telebot
would put every parameter into the URL, long Cyrillic texts included (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import orjson
from telebot import apihelper

from shared.core import http, log
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.core.json_types import JsonObject, JsonValue
from shared.telegram.link_previews import without_preview

TIMEOUT = 10.0  # seconds for a call
FILE_TIMEOUT = 30.0  # seconds for a call with a file

if TYPE_CHECKING:
    # A file as telebot hands it over: its content, or its name, content and media type.
    _FileContent = str | bytes | BinaryIO
    _File = _FileContent | tuple[str, _FileContent] | tuple[str, _FileContent, str]
    _FileField = tuple[str, str | bytes] | tuple[str, str | bytes, str]


class _BotApiResponse(NamedTuple):
    """A decoded response of the Bot API, with the attributes of `requests.Response` that telebot uses."""

    status_code: int
    content: JsonObject

    @property
    def text(self) -> str:
        """The response as text, for telebot's debug log."""
        return orjson.dumps(self.content).decode()

    def json(self) -> JsonObject:
        """Return the decoded body: `ok` with `result`, or with `error_code` and `description`."""
        return self.content


def _decode(method: str, answer: http.Response) -> _BotApiResponse:
    """Decode a response of the Bot API.

    Raises:
        TelegramError: the body is not a Bot API response (a gateway's page, empty, truncated). Its status
            is 0, as for a lost response: the call may have been processed, and a retry may succeed.
    """
    try:
        content = orjson.loads(answer.data)
    except orjson.JSONDecodeError:
        content = None
    if not _is_bot_api(content):
        raise TelegramError(method, 0, f"HTTP {answer.status}, not a Bot API response")
    return _BotApiResponse(answer.status, content)


def _is_bot_api(content: object) -> bool:
    if not isinstance(content, dict):
        return False
    if content.get("ok") is True:
        return "result" in content
    return (
        content.get("ok") is False
        and type(content.get("error_code")) is int
        and isinstance(content.get("description"), str)
        and isinstance(content.get("parameters") or {}, dict)
    )


def call(bot: str, method: str, parameters: JsonObject, *, timeout: float = TIMEOUT) -> JsonValue:
    """Call one method of the Bot API and return its result.

    Raises:
        TelegramError: refused, or no response within `timeout` seconds.
    """
    return _result(method, _post(bot, method, parameters, timeout).json())


def upload(
    bot: str,
    method: str,
    parameters: JsonObject,
    files: Mapping[str, tuple[str, bytes, str]],
    *,
    timeout: float,
) -> JsonValue:
    """Call one method of the Bot API with files (name, content, media type), and return its result.

    Raises:
        TelegramError: refused, or no response within `timeout` seconds.
    """
    url = f"{settings().telegram_api_url}/bot{settings().bot_token(bot)}/{method}"
    return _result(method, _post_files(method, url, parameters, files, timeout).json())


def _result(method: str, content: JsonObject) -> JsonValue:
    """Return the result in a response of the Bot API.

    Raises:
        TelegramError: the call was refused.
    """
    if content["ok"]:
        return content["result"]
    details = content.get("parameters") or {}
    raise TelegramError(
        method,
        content["error_code"],
        content["description"],
        details.get("retry_after"),
        details.get("migrate_to_chat_id"),
    )


def download(bot: str, path: str) -> bytes:
    """Download a file by the `file_path` of getFile.

    Raises:
        TelegramError: refused, or not complete within `FILE_TIMEOUT` seconds.
    """
    url = f"{settings().telegram_api_url}/file/bot{settings().bot_token(bot)}/{path}"
    try:
        answer = http.request("GET", url, timeout=FILE_TIMEOUT)
    except http.RequestError as error:
        raise TelegramError("download", 0, str(error)) from None
    if answer.status != 200:
        raise TelegramError("download", answer.status, "no such file")
    return answer.data


def open_file(bot: str, path: str, byte_range: str = "") -> http.Stream:
    """Open a file by the `file_path` of getFile, to pass it on piece by piece; the caller closes it.

    Args:
        byte_range: value of the header Range; empty for the whole file.

    Raises:
        TelegramError: refused, or no response.
    """
    url = f"{settings().telegram_api_url}/file/bot{settings().bot_token(bot)}/{path}"
    headers = {"Range": byte_range} if byte_range else {}
    try:
        file = http.stream("GET", url, b"", headers, monotonic() + FILE_TIMEOUT)
    except http.RequestError as error:
        raise TelegramError("download", 0, str(error)) from None
    if file.status not in (200, 206):
        file.close()
        raise TelegramError("download", file.status, "no such file")
    return file


def _post(bot: str, method: str, parameters: JsonObject, timeout: float) -> _BotApiResponse:
    url = f"{settings().telegram_api_url}/bot{settings().bot_token(bot)}/{method}"
    started = monotonic()
    status = 0
    try:
        answer = http.post_json(url, without_preview(method, parameters), timeout=timeout)
        status = answer.status
        return _decode(method, answer)
    except http.RequestError as error:
        raise TelegramError(method, 0, str(error)) from None
    finally:
        if log.is_debug():
            ms = round((monotonic() - started) * 1000, 2)
            log.debug(method, action="telegram_call", bot=bot, method=method, ms=ms, status=status)


def _send_for_telebot(
    _method: str,
    url: str,
    params: JsonObject | None = None,
    files: Mapping[str, _File] | None = None,
    timeout: object = None,
    proxies: object = None,
) -> _BotApiResponse:
    """Send a call of telebot: parameters in the body, files as multipart."""
    token, _, name = url.rpartition("/bot")[2].partition("/")
    bot = next((bot for bot, its in settings().bot_tokens.items() if its == token), "")
    if not files:
        return _post(bot, name, dict(params or {}), TIMEOUT)
    return _post_files(name, url, params or {}, files, FILE_TIMEOUT)


def _post_files(
    name: str, url: str, parameters: JsonObject, files: Mapping[str, _File], timeout: float
) -> _BotApiResponse:
    fields: dict[str, str | _FileField] = {key: _field(value) for key, value in parameters.items()}
    fields.update({key: _file(value) for key, value in files.items()})
    from urllib3.filepost import encode_multipart_formdata  # 20 ms to import, and files are rarely sent

    body, kind = encode_multipart_formdata(fields)
    try:
        answer = http.request("POST", url, timeout=timeout, body=body, headers={"Content-Type": kind})
    except http.RequestError as error:
        raise TelegramError(name, 0, str(error)) from None
    return _decode(name, answer)


def _field(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _file(value: _File) -> _FileField:
    if not isinstance(value, tuple):
        return getattr(value, "name", "file"), _content(value)
    if len(value) == 2:
        return value[0], _content(value[1])
    return value[0], _content(value[1]), value[2]


def _content(value: _FileContent) -> str | bytes:
    return value if isinstance(value, str | bytes) else value.read()


_telebot = vars(apihelper)  # telebot types these globals as None
_telebot["CUSTOM_REQUEST_SENDER"] = _send_for_telebot


def prepare_telebot() -> None:
    """Set the configured Bot API URL in telebot's module globals."""
    base = settings().telegram_api_url
    _telebot["API_URL"] = base + "/bot{0}/{1}"
    _telebot["FILE_URL"] = base + "/file/bot{0}/{1}"
