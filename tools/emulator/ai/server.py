"""The fake AI providers: each under a path of its own, OpenAI under /openai/v1 (`dialects` has them all).

Every key is accepted except those that a test refuses and those that contain "wrong", so that a user of the
page can try a wrong key.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from tools.emulator.ai import sales_trainer
from tools.emulator.ai.behaviour import FAULTS, AiBehaviour
from tools.emulator.ai.dialects import DIALECTS, Dialect
from tools.emulator.ai.model_lists import ModelLists
from tools.emulator.ai.native import Interface, encoded, find_interface
from tools.emulator.ai.sound import (
    DEEPSEEK,
    Recording,
    find_speaker,
    find_transcriber,
    read_recording,
    spoken,
    transcript,
)
from tools.emulator.ai.structured import Answerer, problem, wanted
from tools.emulator.ai.vision import picture_problem, seen, without_pictures
from tools.emulator.ai.wire import Answer, error_answer
from tools.emulator.ai.words import improvise
from tools.emulator.clock import TRACE_HEADER
from tools.emulator.trace import Trace
from tools.emulator.web import Drop, Request, Response, json_response

KEPT_REQUESTS = 1000
HANG_SECONDS = 120.0


class Ai:
    """Scripted with `next` and `always`; without a script the answer is friendly filler text."""

    def __init__(self, trace: Trace | None = None, base: Callable[[], str] = lambda: "") -> None:
        self._trace = trace or Trace()
        self._base = base
        self._lock = threading.Lock()
        self._next: deque[AiBehaviour] = deque()
        self._always = AiBehaviour()
        self._fault = "ok"
        self._requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self._headers: deque[dict[str, str]] = deque(maxlen=KEPT_REQUESTS)
        self._refused: set[str] = set()
        self._answerers: dict[str, Answerer] = {
            "TurnLabels": sales_trainer.label,
            "ReviewLabels": sales_trainer.review,
        }
        self._checks: deque[str] = deque(maxlen=KEPT_REQUESTS)
        self._recordings: deque[Recording] = deque(maxlen=KEPT_REQUESTS)
        self._spoken: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self._stopping = threading.Event()
        self.models = ModelLists()

    def next(self, *behaviours: AiBehaviour) -> None:
        """Answer the next requests in these ways, in this order."""
        with self._lock:
            self._next.extend(behaviours)

    def always(self, behaviour: AiBehaviour) -> None:
        """Answer every request that `next` has no behaviour for in this way."""
        with self._lock:
            self._always = behaviour
            self._fault = next((name for name, known in FAULTS.items() if known == behaviour), "scripted")

    def answer_with(self, schema: str, answerer: Answerer) -> None:
        """Answer every structured request of this schema with what `answerer` returns.

        Without an answerer it is the simplest answer that fits. A text of `next` or `always` comes first.
        `clear` and `forget` keep the answerer.
        """
        with self._lock:
            self._answerers[schema] = answerer

    def refuse(self, key: str) -> None:
        """Take this key no more."""
        with self._lock:
            self._refused.add(key)

    def set_fault(self, name: str) -> None:
        """Answer every request as the page's fault `name` says; KeyError for an unknown name."""
        self.always(FAULTS[name])

    def clear(self) -> None:
        """Forget the script; the recorded requests stay."""
        self.models.restore()
        with self._lock:
            self._next.clear()
            self._refused.clear()
        self.always(AiBehaviour())

    def forget(self) -> None:
        """Clear, and remove the recorded requests."""
        self.clear()
        with self._lock:
            for recorded in (self._requests, self._headers, self._checks, self._recordings, self._spoken):
                recorded.clear()

    @property
    def state(self) -> str:
        """Return the fault that is on, "ok" for none."""
        with self._lock:
            return self._fault

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Return the bodies of the chat requests so far, oldest first."""
        with self._lock:
            return list(self._requests)

    @property
    def headers(self) -> list[dict[str, str]]:
        """Return the headers of the chat requests so far, names in lower case."""
        with self._lock:
            return list(self._headers)

    @property
    def checks(self) -> list[str]:
        """Return the keys that were tried without a question so far, oldest first."""
        with self._lock:
            return list(self._checks)

    @property
    def recordings(self) -> list[Recording]:
        """Return the sounds that were to be transcribed so far, oldest first."""
        with self._lock:
            return list(self._recordings)

    @property
    def spoken(self) -> list[dict[str, Any]]:
        """Return the requests to read a text aloud so far, oldest first."""
        with self._lock:
            return list(self._spoken)

    def stop(self) -> None:
        """Let go of the requests that wait."""
        self._stopping.set()

    def environment(self) -> dict[str, str]:
        """Return the settings that point the functions at the fake providers."""
        settings = {
            "CHAT_PROVIDER": DIALECTS[0].name,
            "SPEECH_PROVIDER": "openrouter",
        }
        for dialect in (*DIALECTS, DEEPSEEK):
            name = dialect.name.upper()
            settings[f"{name}_API_KEY"] = f"emulator-{dialect.name}"
            settings[f"{name}_BASE_URL"] = f"{self._base()}{dialect.base}"
        return settings

    def addresses(self) -> dict[str, str]:
        """Return the providers, each with its path below the emulator's address."""
        return {dialect.name: dialect.base for dialect in (*DIALECTS, DEEPSEEK)}

    def handle(self, request: Request) -> Response | None:
        """Answer a request; None when its path belongs to another server."""
        if request.method == "POST" and (answer := self._own_interface(request)):
            return answer
        if listed := self.models.handle(request):
            return listed
        dialect = next(
            (one for one in (*DIALECTS, DEEPSEEK) if request.path.startswith(one.base + "/")), None
        )
        if dialect is None:
            return None
        path = request.path[len(dialect.base) :]
        if request.method == "GET" and path == dialect.check:
            return self._check(request, dialect)
        if request.method == "POST" and path == "/chat/completions":
            return self._chat(request, dialect)
        return Response(404, error_answer(404, AiBehaviour(), dialect))

    def _own_interface(self, request: Request) -> Response | None:
        """Answer a request that is no chat completion; None when it is one."""
        if found := find_interface(request.path):
            name, interface, model = found
            provider = next(one for one in DIALECTS if one.name == name)
            return self._native(request, provider, interface, model)
        if transcriber := find_transcriber(request.path):
            return self._transcribe(request, transcriber)
        speaker = find_speaker(request.path)
        return self._speak(request, speaker) if speaker else None

    def _check(self, request: Request, dialect: Dialect) -> Response:
        begin = time.perf_counter()
        key = dialect.check_key(request.headers)
        with self._lock:
            self._checks.append(key or "")
            behaviour = self._always
        self._stopping.wait(HANG_SECONDS if behaviour.hang else behaviour.delay)
        if behaviour.hang or behaviour.status == 0:
            raise Drop
        if not self._takes(key):
            response = self._wrong_key(dialect)
        elif behaviour.status != 200:
            response = Response(behaviour.status, error_answer(behaviour.status, behaviour, dialect))
        elif dialect.is_openrouter:
            response = json_response({"data": {"label": "sk-or-v1-…", "limit": None, "is_free_tier": False}})
        else:
            is_anthropic = dialect.name == "anthropic"
            response = json_response(self.models.anthropic() if is_anthropic else self.models.openai())
        ms = round((time.perf_counter() - begin) * 1000, 2)
        self._trace.seen_outside(
            "ai_call",
            f"{dialect.name} key check",
            trace_id=request.headers.get(TRACE_HEADER.lower()),
            ms=ms,
            status=response.status,
        )
        return response

    def _takes(self, key: str | None) -> bool:
        with self._lock:
            return bool(key) and "wrong" not in str(key) and key not in self._refused

    def _wrong_key(self, dialect: Dialect) -> Response:
        return Response(dialect.wrong_key_status, error_answer(401, AiBehaviour(), dialect))

    def _chat(self, request: Request, dialect: Dialect) -> Response:
        begin = time.perf_counter()
        try:
            body = request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            return Response(400, error_answer(400, AiBehaviour(), dialect))
        if not self._takes(dialect.chat_key(request.headers)):
            return self._wrong_key(dialect)
        if unknown := dialect.unknown_field(body):
            error = {
                "code": 400,
                "status": "INVALID_ARGUMENT",
                "message": f'Unknown name "{unknown}": Cannot find field.',
            }
            return Response(400, error_answer(400, AiBehaviour(error=error), dialect))
        behaviour = self._record(body, request)
        response = self._answer(body, behaviour, dialect)
        self._seen(request, f"{dialect.name} {body.get('model')}", body, begin, response.status)
        return response

    def _native(self, request: Request, dialect: Dialect, interface: type[Interface], model: str) -> Response:
        """Answer a request to a provider's own interface."""
        begin = time.perf_counter()
        try:
            body = request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return Response(400, error_answer(400, AiBehaviour(), dialect))
        if not self._takes(interface.key(request.headers)):
            return self._wrong_key(dialect)
        asked = interface(body, model)
        recording = asked.recording()
        behaviour = self._next_behaviour(recording) if recording else self._record(body, request)
        response = self._failure(behaviour, dialect) or self._native_answer(asked, behaviour)
        self._seen(request, f"{dialect.name} {asked.model}", body, begin, response.status)
        return response

    def _transcribe(self, request: Request, dialect: Dialect) -> Response:
        begin = time.perf_counter()
        if not self._takes(dialect.chat_key(request.headers)):
            return self._wrong_key(dialect)
        recording = read_recording(request, dialect)
        if recording is None:
            return Response(400, error_answer(400, AiBehaviour(), dialect))
        behaviour = self._next_behaviour(recording)
        response = self._failure(behaviour, dialect)
        if response is None:
            text = "" if behaviour.empty else behaviour.text or recording.heard()
            body = encoded(transcript(dialect, text, recording), behaviour)
            response = self._whole(body, behaviour, {})
        about = {"model": recording.model, "bytes": len(recording.content), "format": recording.format}
        self._seen(request, f"{dialect.name} transcription", about, begin, response.status)
        return response

    def _speak(self, request: Request, dialect: Dialect) -> Response:
        begin = time.perf_counter()
        body = request.json()
        if not self._takes(dialect.chat_key(request.headers)):
            return self._wrong_key(dialect)
        with self._lock:
            self._spoken.append(body)
            behaviour = self._next.popleft() if self._next else self._always
        response = self._failure(behaviour, dialect)
        if response is None:
            sound = b"" if behaviour.empty else spoken(body)
            response = (
                Response(400, error_answer(400, AiBehaviour(), dialect))
                if sound is None
                else Response(200, sound, "audio/mpeg")
            )
        self._seen(request, f"{dialect.name} speech", body, begin, response.status)
        return response

    def _next_behaviour(self, recording: Recording) -> AiBehaviour:
        with self._lock:
            self._recordings.append(recording)
            return self._next.popleft() if self._next else self._always

    def _native_answer(self, asked: Interface, behaviour: AiBehaviour) -> Response:
        if cause := asked.problem():
            return json_response(asked.error(cause), 400)
        text = behaviour.text
        if text is None and (recording := asked.recording()):
            text = recording.heard()
        if text is None:
            found, messages = asked.wanted(), asked.messages()
            text = found.answer(messages, self._answerers) if found else improvise(messages)
        return self._whole(encoded(asked.answer(behaviour, text), behaviour), behaviour, {})

    def _seen(self, request: Request, title: str, body: dict[str, Any], begin: float, status: int) -> None:
        ms = round((time.perf_counter() - begin) * 1000, 2)
        detail = {"request": without_pictures(body), "stream": bool(body.get("stream"))}
        trace_id = request.headers.get(TRACE_HEADER.lower())
        self._trace.seen_outside("ai_call", title, trace_id=trace_id, detail=detail, ms=ms, status=status)

    def _record(self, body: dict[str, Any], request: Request) -> AiBehaviour:
        with self._lock:
            self._requests.append(body)
            self._headers.append(dict(request.headers))
            return self._next.popleft() if self._next else self._always

    def _failure(self, behaviour: AiBehaviour, dialect: Dialect) -> Response | None:
        """Wait as the behaviour says, then return its error; None when it is to be answered."""
        self._stopping.wait(HANG_SECONDS if behaviour.hang else behaviour.delay)
        if behaviour.hang or behaviour.status == 0:
            raise Drop
        if behaviour.status != 200:
            headers = {} if behaviour.retry_after is None else {"Retry-After": str(behaviour.retry_after)}
            return Response(
                behaviour.status, error_answer(behaviour.status, behaviour, dialect), headers=headers
            )
        return None

    def _answer(self, body: dict[str, Any], behaviour: AiBehaviour, dialect: Dialect) -> Response:
        if failure := self._failure(behaviour, dialect):
            return failure
        if error := problem(body, dialect) or picture_problem(body["messages"]):
            return Response(400, error_answer(400, AiBehaviour(error=error), dialect))
        text = self._text(body, behaviour, dialect)
        answer = Answer(body, behaviour, text, dialect)
        headers = {"X-Request-Id": answer.id} | (
            {"X-Generation-Id": answer.id} if dialect.is_openrouter else {}
        )
        if body.get("stream"):
            return Response(200, self._stream(answer), "text/event-stream; charset=utf-8", headers)
        return self._plain(answer, headers)

    def _text(self, body: dict[str, Any], behaviour: AiBehaviour, dialect: Dialect) -> str:
        if behaviour.text is not None:
            return behaviour.text
        if behaviour.chunks is not None:
            return "".join(behaviour.chunks)
        if found := wanted(body, dialect):
            return found.answer(body["messages"], self._answerers)
        return seen(body["messages"]) or improvise(body["messages"])

    def _plain(self, answer: Answer, headers: dict[str, str]) -> Response:
        return self._whole(answer.plain(), answer.behaviour, headers)

    def _whole(self, body: bytes, behaviour: AiBehaviour, headers: dict[str, str]) -> Response:
        cut = behaviour.cut_after
        if cut is None:
            return Response(200, body, headers=headers)
        return Response(
            200, _cut(body[: min(cut, len(body) - 1)]), headers=headers | {"Content-Length": str(len(body))}
        )

    def _stream(self, answer: Answer) -> Iterator[bytes]:
        behaviour = answer.behaviour
        for number, event in enumerate(answer.events()):
            if behaviour.cut_after is not None and number > behaviour.cut_after:
                raise Drop
            if number and behaviour.chunk_delay:
                self._stopping.wait(behaviour.chunk_delay)
            yield event


def _cut(piece: bytes) -> Iterator[bytes]:
    yield piece
    raise Drop
