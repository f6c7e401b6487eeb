"""The AI stand-in: OpenAI under /openai/v1, OpenRouter under /openrouter/api/v1."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from tools.emulator.ai.behaviour import TROUBLES, AiBehaviour
from tools.emulator.ai.wire import Answer, error_answer
from tools.emulator.ai.words import improvise
from tools.emulator.trace import Trace
from tools.emulator.web import Drop, Request, Response, json_response

BASES = {"/openai/v1": False, "/openrouter/api/v1": True}
MODELS = ("gpt-5-mini", "gpt-5", "gpt-4.1-mini", "openai/gpt-5-mini", "anthropic/claude-sonnet-4.5")
KEPT_REQUESTS = 1000
HANG_SECONDS = 120.0


class Ai:
    """Scripted with `next` and `always`; what nobody scripted gets a pleasant answer."""

    def __init__(self, trace: Trace | None = None) -> None:
        self._trace = trace or Trace()
        self._lock = threading.Lock()
        self._next: deque[AiBehaviour] = deque()
        self._always = AiBehaviour()
        self._trouble = "ok"
        self._requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self._headers: deque[dict[str, str]] = deque(maxlen=KEPT_REQUESTS)
        self._stopping = threading.Event()

    def next(self, *behaviours: AiBehaviour) -> None:
        """The next requests get these, in this order."""
        with self._lock:
            self._next.extend(behaviours)

    def always(self, behaviour: AiBehaviour) -> None:
        """Every request that `next` leaves over gets this."""
        with self._lock:
            self._always = behaviour
            self._trouble = next((name for name, known in TROUBLES.items() if known == behaviour), "scripted")

    def trouble(self, name: str) -> None:
        """One of the page's troubles, for every request; KeyError for an unknown name."""
        self.always(TROUBLES[name])

    def reset(self) -> None:
        """Forget the script; the recorded requests stay."""
        with self._lock:
            self._next.clear()
        self.always(AiBehaviour())

    @property
    def state(self) -> str:
        """The trouble that is on, "ok" for none."""
        with self._lock:
            return self._trouble

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests so far, oldest first."""
        with self._lock:
            return list(self._requests)

    @property
    def headers(self) -> list[dict[str, str]]:
        """The headers of the chat requests so far, names in lower case."""
        with self._lock:
            return list(self._headers)

    def stop(self) -> None:
        """Let go of the requests that wait."""
        self._stopping.set()

    def handle(self, request: Request) -> Response | None:
        """One request, or None when its path belongs to somebody else."""
        base = next((base for base in BASES if request.path.startswith(base + "/")), None)
        if base is None:
            return None
        openrouter, path = BASES[base], request.path[len(base) :]
        if request.method == "GET" and path == "/models":
            data = [
                {"id": name, "object": "model", "created": 1_750_000_000, "owned_by": "emulator"}
                for name in MODELS
            ]
            return json_response({"object": "list", "data": data})
        if request.method == "POST" and path == "/chat/completions":
            return self._chat(request, openrouter)
        return Response(404, error_answer(404, AiBehaviour(), openrouter))

    def _chat(self, request: Request, openrouter: bool) -> Response:
        begin = time.perf_counter()
        try:
            body = request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            return Response(400, error_answer(400, AiBehaviour(), openrouter))
        if not request.headers.get("authorization", "").lower().startswith("bearer "):
            return Response(401, error_answer(401, AiBehaviour(), openrouter))
        behaviour = self._record(body, request)
        response = self._answer(body, behaviour, openrouter)
        ms = round((time.perf_counter() - begin) * 1000, 2)
        detail = {"request": body, "stream": bool(body.get("stream"))}
        title = f"{'openrouter' if openrouter else 'openai'} {body.get('model')}"
        self._trace.seen_outside("ai_call", title, detail=detail, ms=ms, status=response.status)
        return response

    def _record(self, body: dict[str, Any], request: Request) -> AiBehaviour:
        with self._lock:
            self._requests.append(body)
            self._headers.append(dict(request.headers))
            return self._next.popleft() if self._next else self._always

    def _answer(self, body: dict[str, Any], behaviour: AiBehaviour, openrouter: bool) -> Response:
        self._stopping.wait(HANG_SECONDS if behaviour.hang else behaviour.delay)
        if behaviour.hang or behaviour.status == 0:
            raise Drop
        if behaviour.status != 200:
            headers = {} if behaviour.retry_after is None else {"Retry-After": str(behaviour.retry_after)}
            return Response(
                behaviour.status, error_answer(behaviour.status, behaviour, openrouter), headers=headers
            )
        text = behaviour.text if behaviour.text is not None else improvise(body["messages"])
        if behaviour.text is None and behaviour.chunks is not None:
            text = "".join(behaviour.chunks)
        answer = Answer(body, behaviour, text, openrouter)
        headers = {"X-Request-Id": answer.id} | ({"X-Generation-Id": answer.id} if openrouter else {})
        if body.get("stream"):
            return Response(200, self._stream(answer), "text/event-stream; charset=utf-8", headers)
        return self._plain(answer, headers)

    def _plain(self, answer: Answer, headers: dict[str, str]) -> Response:
        body, cut = answer.plain(), answer.behaviour.cut_after
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
