"""What the interfaces of the fake media providers share: the script, recorded requests, jobs, secrets."""

from __future__ import annotations

import secrets
import threading
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from tools.emulator.ai.media.behaviour import MediaBehaviour
from tools.emulator.ai.media.drawings import picture, video
from tools.emulator.ai.media.exchange import Rejected, raw
from tools.emulator.ai.media.jobs import Job, Jobs
from tools.emulator.clock import Clock
from tools.emulator.trace import Trace
from tools.emulator.web import Drop, Request, Response

FILES = "/media/files"
KEPT_REQUESTS = 1000
HANG_SECONDS = 120.0
_FORMATS = {"JPG": "JPEG"}


class MediaState:
    """Scripted with `next` and `always`; without a script every request succeeds."""

    def __init__(
        self, trace: Trace | None, base: Callable[[], str], clock: Clock | None, signing: Iterable[str]
    ) -> None:
        self._trace = trace or Trace()
        self._base = base
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._next: deque[MediaBehaviour] = deque()
        self._reads: deque[MediaBehaviour] = deque()
        self.usual = MediaBehaviour()  # without a script
        self._always: MediaBehaviour | None = None
        self._requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self._keys: deque[str] = deque(maxlen=KEPT_REQUESTS)
        self._stopping = threading.Event()
        self.jobs = Jobs(self.now)
        # Standard Webhooks write their secrets so; the others take any text.
        self.webhooks: dict[str, str] = {}  # by provider: the address that is set up for its whole project
        self.secrets = {name: f"whsec_{b64encode(secrets.token_bytes(24)).decode()}" for name in signing}

    def next(self, *behaviours: MediaBehaviour) -> None:
        """Answer the next requests for pictures and videos in these ways, in this order."""
        with self._lock:
            self._next.extend(behaviours)

    def next_read(self, *behaviours: MediaBehaviour) -> None:
        """Answer the next reads of a job's state with these bodies, hangs or drops."""
        with self._lock:
            self._reads.extend(behaviours)

    def always(self, behaviour: MediaBehaviour) -> None:
        """Answer every request that `next` has no behaviour for in this way."""
        with self._lock:
            self._always = behaviour

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Return the bodies of the requests so far, oldest first; `provider` is added."""
        with self._lock:
            return list(self._requests)

    @property
    def keys(self) -> list[str]:
        """Return the API keys of these requests."""
        with self._lock:
            return list(self._keys)

    def clear(self) -> None:
        """Forget the script; jobs and recorded requests stay."""
        with self._lock:
            self._next.clear()
            self._reads.clear()
            self._always = None

    def forget(self) -> None:
        """Clear, and remove jobs and recorded requests."""
        self.clear()
        self.jobs.clear()
        with self._lock:
            self._requests.clear()
            self._keys.clear()

    def stop(self) -> None:
        """Let go of the requests that wait."""
        self._stopping.set()

    def now(self) -> float:
        """Return the Unix time of the stack."""
        return self._clock.now()

    @staticmethod
    def accepts(key: str) -> bool:
        """Whether an API key is valid."""
        return bool(key) and "wrong" not in key

    def begin(self, provider: str, request: Request, body: dict[str, Any]) -> MediaBehaviour:
        """Record a valid request, wait as the script says, and return how it is answered.

        Raises:
            Drop: there is no answer.
            Rejected: the script has an answer of its own.
        """
        with self._lock:
            self._requests.append({**body, "provider": provider})
            bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
            self._keys.append(request.headers.get("x-goog-api-key", bearer))
            behaviour = self._next.popleft() if self._next else self._always or self.usual
        self._apply(behaviour)
        return behaviour

    def scripted_read(self, _provider: str) -> Response | None:
        """Return the scripted answer to a read of a job's state."""
        with self._lock:
            behaviour = self._reads.popleft() if self._reads else None
        if behaviour is None:
            return None
        try:
            self._apply(behaviour)
        except Rejected as rejected:
            return rejected.response
        return None

    def pictures(
        self, behaviour: MediaBehaviour, prompt: str, wide: int, high: int, kind: str, count: int
    ) -> list[bytes]:
        """Return the scripted files, or drawn pictures."""
        if behaviour.files is not None:
            return list(behaviour.files)
        kind = _FORMATS.get(kind, kind)
        return [picture(prompt, wide, high, kind, number) for number in range(count)]

    @staticmethod
    def videos(behaviour: MediaBehaviour, prompt: str, wide: int, high: int, seconds: float) -> list[bytes]:
        """Return the scripted files, or a drawn video."""
        return list(behaviour.files) if behaviour.files is not None else [video(prompt, wide, high, seconds)]

    def base(self) -> str:
        """Return the address of the emulator."""
        return self._base()

    def link(self, job: Job, data: bytes, suffix: str, key: str = "") -> str:
        """Return the address of a result."""
        return self.jobs.link(job, data, suffix, self._base() + FILES, key)

    def add(self, job: Job) -> Job:
        """Store a new job; one that `calls_early` ends and calls back before its request is answered."""
        self.jobs.add(job)
        if job.behaviour.calls_early and job.callback_url:
            self.jobs.end(job)
            self.jobs.call_back(job)
        return job

    def signing(self, job: Job) -> tuple[str, str]:
        """Return the secret and the Unix time with which callbacks of a job are signed."""
        return job.forged_secret or self.secrets[job.provider], str(int(self.now() - job.signed_ago))

    def post(self, job: Job, body: bytes, headers: dict[str, str]) -> int:
        """Post a callback and return how it was answered; 0 when it was not."""
        from shared.core import http

        assert job.callback_url is not None
        headers = {"Content-Type": "application/json", **headers}
        try:
            status = http.request("POST", job.callback_url, timeout=30, body=body, headers=headers).status
        except http.RequestError:
            status = 0
        self._trace.seen_outside("ai_call", f"{job.provider} callback", trace_id=None, status=status)
        return status

    def _apply(self, behaviour: MediaBehaviour) -> None:
        self._stopping.wait(HANG_SECONDS if behaviour.hang else behaviour.delay)
        if behaviour.hang or behaviour.drop:
            raise Drop
        if behaviour.status != 200 or behaviour.body is not None:
            body = {} if behaviour.body is None else behaviour.body
            raise Rejected(raw(behaviour.status, body, behaviour.headers))
