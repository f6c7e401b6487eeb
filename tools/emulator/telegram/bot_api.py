"""The Bot API over HTTP: /bot<TOKEN>/<METHOD> and /file/bot<TOKEN>/<PATH>."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from typing import Any

from tools.emulator.clock import TRACE_HEADER
from tools.emulator.telegram import methods  # noqa: F401  registers the methods
from tools.emulator.telegram.active_faults import ActiveFaults
from tools.emulator.telegram.call import METHODS, Call, Method, not_found, unauthorized
from tools.emulator.telegram.coverage import ignored_fields, official_name, refused_field
from tools.emulator.telegram.errors import ApiError, bad_request
from tools.emulator.telegram.faults import Fault
from tools.emulator.telegram.model import BotAccount, Json
from tools.emulator.telegram.parameters import Upload, parse_parameters
from tools.emulator.telegram.services import Services
from tools.emulator.trace import Trace
from tools.emulator.web import Drop, Request, Reset, Response, json_response

CALL = re.compile(r"/bot(?P<token>\d+:[\w-]+)/(?P<method>\w+)/?")
FILE = re.compile(r"/file/bot(?P<token>\d+:[\w-]+)/(?P<path>.+)")
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
KEPT_CALLS = 5000
HANG_SECONDS = 120.0


class BotApi:
    """Answers calls, records them, and applies faults."""

    def __init__(self, services: Services, faults: ActiveFaults, trace: Trace) -> None:
        self._services = services
        self._state = services.state
        self._faults = faults
        self._trace = trace
        self._lock = threading.Lock()
        self._calls: deque[Json] = deque(maxlen=KEPT_CALLS)
        self._stopping = threading.Event()

    def calls(self) -> list[Json]:
        """Return every call: {bot, method, parameters, via, at, ok, result | description}, oldest first."""
        with self._lock:
            return list(self._calls)

    def forget(self) -> None:
        """Remove the recorded calls."""
        with self._lock:
            self._calls.clear()

    def stop(self) -> None:
        """Release the calls that hang."""
        self._stopping.set()

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request; a path that is no call gets Telegram's 404."""
        if match := FILE.fullmatch(request.path):
            return self._file(match["token"], match["path"], request.headers.get("range", ""))
        match = CALL.fullmatch(request.path)
        if match is None:
            return _answer(not_found())
        bot = self._state.bot_of_token(match["token"])
        if bot is None:
            return _answer(unauthorized())
        content_type = request.headers.get("content-type", "")
        parsed = parse_parameters(content_type, request.body)
        if parsed is None and request.body and content_type.lower().startswith("application/json"):
            return _answer(_unreadable(request.body))
        body, files = parsed if parsed is not None else ({}, {})
        trace_id = request.headers.get(TRACE_HEADER.lower(), "")
        return self._called(bot, match["method"], request.arguments() | body, files, trace_id)

    def call(self, bot: BotAccount, method: str, parameters: Json) -> Any:
        """Run a method without HTTP; raises ApiError."""
        return self._run(bot, method, parameters, {}, via="call", fault=None)

    def execute(self, bot: BotAccount, method: str, parameters: Json, files: dict[str, Upload]) -> Json:
        """Run the method in a webhook's answer, and return what only the trace will see of it.

        The real one does not report the result to the bot either.
        """
        fault = self._faults.fault_of(bot.name, method, parameters)
        try:
            result = self._run(bot, method, parameters, files, via="response", fault=fault)
        except ApiError as error:
            outcome = error.body()
        else:
            outcome = {"ok": True, "result": result}
        return outcome | ({"fault": fault.json()} if fault is not None else {})

    def _called(
        self, bot: BotAccount, method: str, parameters: Json, files: dict[str, Upload], trace_id: str
    ) -> Response:
        """Answer a call and trace it; a fault may keep the answer back, or hold it up."""
        fault = self._faults.fault_of(bot.name, method, parameters)
        begin = time.perf_counter()
        if fault is not None and fault.seconds:
            self._stopping.wait(fault.seconds)
        response = self._respond(bot, method, parameters, files, fault)
        is_lost = fault is not None and (fault.timeout or fault.reset)
        seen = None if is_lost else response
        ms = (time.perf_counter() - begin) * 1000
        self._record(bot, method, parameters, seen, ms, fault, trace_id)
        if fault is not None and fault.timeout:
            self._stopping.wait(HANG_SECONDS)
            raise Drop
        if fault is not None and fault.reset:
            raise Reset
        return response

    def _respond(
        self, bot: BotAccount, method: str, parameters: Json, files: dict[str, Upload], fault: Fault | None
    ) -> Response:
        try:
            result = self._run(bot, method, parameters, files, via="call", fault=fault)
        except ApiError as error:
            if fault is not None and fault.page is not None:
                return Response(fault.status, fault.page, "text/html")
            return _answer(error)
        return json_response({"ok": True, "result": result})

    def _run(
        self,
        bot: BotAccount,
        method: str,
        parameters: Json,
        files: dict[str, Upload],
        *,
        via: str,
        fault: Fault | None,
    ) -> Any:
        known = METHODS.get(method.lower()) or Method(method, _unknown, frozenset())
        record: Json = {
            "bot": bot.name,
            "method": known.name,
            "parameters": parameters,
            "via": via,
            "at": time.time(),
        }
        with self._lock:
            self._calls.append(record)
        try:
            if fault is not None and not fault.executed and not fault.seconds:
                raise _failed(fault)
            if thing := refused_field(method, parameters):
                raise ApiError(501, f"Not Implemented: the emulator has no {thing}, see docs/emulator.md")
            with self._state.lock:
                result = known.run(Call(self._services, bot, parameters, files, known))
        except ApiError as error:
            record.update(ok=False, description=error.description)
            raise
        record.update(ok=True, result=result)
        if fault is not None and fault.is_refusal:
            raise _failed(fault)
        return result

    def _record(
        self,
        bot: BotAccount,
        method: str,
        parameters: Json,
        response: Response | None,
        ms: float,
        fault: Fault | None,
        trace_id: str,
    ) -> None:
        """Put a call into the trace of the update that it names, or that its chat is being served for.

        `response` is None when the caller gets no answer.
        """
        chat_id = parameters.get("chat_id")
        number = int(str(chat_id)) if str(chat_id or "").lstrip("-").isdigit() else None
        body = response.body if response is not None else b""
        answer = body[:4000].decode("utf-8", "replace") if isinstance(body, bytes) else ""
        detail: Json = {"parameters": parameters, "answer": answer}
        if ignored := ignored_fields(method, parameters):
            detail["ignored"] = ignored
        if fault is not None:
            detail["fault"] = fault.json()
            detail |= {} if response is not None else {"error": "The fault left the call without an answer."}
        self._trace.add(
            "telegram_call",
            method,
            trace_id=trace_id or self._services.updates.progress.trace_of(bot.name, number),
            **({} if trace_id else {"attempt": None}),  # without an id, the attempt is unknown
            detail=detail,
            ms=round(ms, 2),
            status=response.status if response is not None else None,
            bot=bot.name,
            chat_id=number,
        )

    def _file(self, token: str, path: str, byte_range: str) -> Response:
        if self._state.bot_of_token(token) is None:
            return _answer(unauthorized())
        file = self._state.files.by_path(path)
        is_open = self._state.files.is_open(path, self._state.clock.now())
        if file is None or file.content is None or not is_open:
            return _answer(not_found())
        return _part(file.content, file.mime_type, byte_range)


def _part(content: bytes, mime_type: str, byte_range: str) -> Response:
    """Return a file, or the one part of it that a header Range asks for (RFC 9110, 14.2)."""
    asked = RANGE.fullmatch(byte_range)
    if asked is None:
        return Response(200, content, mime_type)
    size = len(content)
    first, last = asked.groups()
    start = int(first) if first else max(size - int(last or 0), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return Response(416, b"", mime_type, {"Content-Range": f"bytes */{size}"})
    headers = {"Content-Range": f"bytes {start}-{end}/{size}"}
    return Response(206, content[start : end + 1], mime_type, headers)


def _unreadable(body: bytes) -> ApiError:
    is_object = body.lstrip().startswith(b"{")
    return bad_request("can't parse JSON object" if is_object else "JSON object expected")


def _failed(fault: Fault) -> ApiError:
    if not fault.is_refusal:
        return ApiError(0, "No answer")
    return ApiError(fault.status, fault.words(), fault.retry_after, fault.migrate_to_chat_id)


def _unknown(call: Call) -> Any:
    name = call.method.name if call.method is not None else ""
    if official := official_name(name):
        raise ApiError(501, f"Not Implemented: the emulator has no {official}, see docs/emulator.md")
    raise not_found("method not found")


def _answer(error: ApiError) -> Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return json_response(error.body(), error.status, headers)
