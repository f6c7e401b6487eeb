"""The Bot API over HTTP: /bot<TOKEN>/<METHOD> and /file/bot<TOKEN>/<PATH>."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from tools.emulator.telegram import methods  # noqa: F401  registers the methods
from tools.emulator.telegram.call import METHODS, Call, not_found, unauthorized
from tools.emulator.telegram.errors import ApiError
from tools.emulator.telegram.model import BotAccount, Json
from tools.emulator.telegram.parameters import Upload, parse_parameters
from tools.emulator.telegram.troubles import Failure
from tools.emulator.web import Drop, Request, Response, json_response

if TYPE_CHECKING:
    from tools.emulator.telegram.telegram import Telegram

CALL = re.compile(r"/bot(?P<token>\d+:[\w-]+)/(?P<method>\w+)/?")
FILE = re.compile(r"/file/bot(?P<token>\d+:[\w-]+)/(?P<path>.+)")
KEPT_CALLS = 5000
HANG_SECONDS = 120.0


class BotApi:
    """Answers calls, remembers them, and fails the ones that are to fail."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._lock = threading.Lock()
        self._calls: deque[Json] = deque(maxlen=KEPT_CALLS)
        self._stopping = threading.Event()

    def calls(self) -> list[Json]:
        """Every call so far: {bot, method, parameters, via, at, ok, result | description}, oldest first."""
        with self._lock:
            return list(self._calls)

    def stop(self) -> None:
        """Let go of the calls that hang."""
        self._stopping.set()

    def handle(self, request: Request) -> Response:
        """One HTTP request; a path that is no call gets Telegram's 404."""
        if match := FILE.fullmatch(request.path):
            return self._file(match["token"], match["path"])
        match = CALL.fullmatch(request.path)
        if match is None:
            return _answer(not_found())
        bot = self._telegram.world.bot_of_token(match["token"])
        if bot is None:
            return _answer(unauthorized())
        parsed = parse_parameters(request.headers.get("content-type", ""), request.body)
        body, files = parsed if parsed is not None else ({}, {})
        begin = time.perf_counter()
        response = self._respond(bot, match["method"], request.arguments() | body, files)
        self._telegram.called(bot, match["method"], body, response, (time.perf_counter() - begin) * 1000)
        return response

    def call(self, bot: BotAccount, method: str, parameters: Json) -> Any:
        """A method run without HTTP; raises ApiError."""
        return self._run(bot, method, parameters, {}, via="call", failure=None)

    def execute(self, bot: BotAccount, method: str, parameters: Json, files: dict[str, Upload]) -> None:
        """Run the method in a webhook's answer. Its result goes nowhere, as with the real one."""
        try:
            failure = self._telegram.troubles.failure_of(method, parameters)
            self._run(bot, method, parameters, files, via="response", failure=failure)
        except ApiError:
            return

    def _respond(self, bot: BotAccount, method: str, parameters: Json, files: dict[str, Upload]) -> Response:
        failure = self._telegram.troubles.failure_of(method, parameters)
        try:
            result = self._run(bot, method, parameters, files, via="call", failure=failure)
        except ApiError as error:
            if failure is not None and failure.page is not None:
                return Response(failure.status, failure.page, "text/html")
            return _answer(error)
        finally:
            if failure is not None and failure.timeout:
                self._hang()
        return json_response({"ok": True, "result": result})

    def _run(
        self,
        bot: BotAccount,
        method: str,
        parameters: Json,
        files: dict[str, Upload],
        *,
        via: str,
        failure: Failure | None,
    ) -> Any:
        name, function = METHODS.get(method.lower(), (method, _unknown))
        record: Json = {
            "bot": bot.name,
            "method": name,
            "parameters": parameters,
            "via": via,
            "at": time.time(),
        }
        with self._lock:
            self._calls.append(record)
        try:
            if failure is not None and not failure.executed:
                raise ApiError(failure.status, failure.text(), failure.retry_after)
            with self._telegram.world.lock:
                result = function(Call(self._telegram, bot, parameters, files))
        except ApiError as error:
            record.update(ok=False, description=error.description)
            raise
        record.update(ok=True, result=result)
        if failure is not None and not failure.timeout:
            raise ApiError(failure.status, failure.text(), failure.retry_after)
        return result

    def _hang(self) -> None:
        self._stopping.wait(HANG_SECONDS)
        raise Drop

    def _file(self, token: str, path: str) -> Response:
        if self._telegram.world.bot_of_token(token) is None:
            return _answer(unauthorized())
        file = self._telegram.world.files.by_path(path)
        if file is None or file.content is None:
            return _answer(not_found())
        return Response(200, file.content, file.mime_type)


def _unknown(call: Call) -> Any:
    raise not_found("method not found")


def _answer(error: ApiError) -> Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return json_response(error.body(), error.status, headers)
