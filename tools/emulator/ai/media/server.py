"""The fake providers of pictures and videos, under the same paths as their chat interfaces.

Every key is accepted except those that contain "wrong".
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tools.emulator.ai.media import gemini, kie_ai, omni, openai, openrouter, openrouter_videos, veo
from tools.emulator.ai.media.exchange import Rejected
from tools.emulator.ai.media.state import FILES, MediaState
from tools.emulator.clock import TRACE_HEADER, Clock
from tools.emulator.trace import Trace
from tools.emulator.web import Request, Response, json_response

APIS = (openai, openrouter, openrouter_videos, gemini, veo, omni, kie_ai)
SIGNING = (gemini.NAME, kie_ai.NAME, openrouter.NAME)  # those that sign callbacks


class Media(MediaState):
    """All providers at one address."""

    def __init__(
        self, trace: Trace | None = None, base: Callable[[], str] = lambda: "", clock: Clock | None = None
    ) -> None:
        super().__init__(trace, base, clock, SIGNING)

    def finish(self, job: str = "") -> list[int]:
        """End a job (the last one by default), send its callbacks and return how they were answered."""
        jobs = [one for one in self.jobs.all() if job in ("", one.id)]
        return self.jobs.report(jobs[-1])

    def call_back(self, job: str = "", *, forged_secret: str = "", signed_ago: float = 0.0) -> int:
        """Send one more callback of a job (the last one by default) and return how it was answered.

        forged_secret: signs it instead of the provider's. signed_ago: seconds, of one that is replayed.
        """
        jobs = [one for one in self.jobs.all() if job in ("", one.id)]
        return self.jobs.call_back(jobs[-1], forged_secret=forged_secret, signed_ago=signed_ago)

    def environment(self) -> dict[str, str]:
        """Return the settings that the chat interfaces do not set."""
        settings = {f"{name.upper()}_WEBHOOK_SECRET": secret for name, secret in self.secrets.items()}
        return settings | {
            "KIE_AI_API_KEY": "emulator-kie_ai",
            "KIE_AI_BASE_URL": f"{self._base()}{kie_ai.BASE}",
        }

    def addresses(self) -> dict[str, str]:
        """Return the provider that has no chat interface."""
        return {kie_ai.NAME: kie_ai.BASE}

    def handle(self, request: Request) -> Response | None:
        """Answer a request; None when its path belongs to another server."""
        if request.path.startswith(FILES + "/"):
            return self._file(request)
        begin = time.perf_counter()
        for api in APIS:
            try:
                response: Response | None = api.handle(self, request)
            except Rejected as rejected:
                response = rejected.response
            if response is not None:
                self._seen(api.NAME, request, begin, response.status)
                return response
        return None

    def _file(self, request: Request) -> Response:
        found = self.jobs.file(request.path.rpartition("/")[2])
        if found is None:
            return json_response({"error": "no such file"}, 404)
        data, job, key = found
        if job.behaviour.link_status != 200:
            return json_response({"error": "the link has expired"}, job.behaviour.link_status)
        if key and key not in (request.headers.get("authorization"), request.headers.get("x-goog-api-key")):
            return json_response({"error": "no API key"}, 403)
        return Response(200, data, "application/octet-stream")

    def _seen(self, provider: str, request: Request, begin: float, status: int) -> None:
        ms = round((time.perf_counter() - begin) * 1000, 2)
        title = f"{provider} {request.path.rpartition('/')[2]}"
        trace_id = request.headers.get(TRACE_HEADER.lower())
        self._trace.seen_outside("ai_call", title, trace_id=trace_id, ms=ms, status=status)
