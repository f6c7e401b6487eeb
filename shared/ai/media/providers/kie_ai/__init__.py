"""Pictures and videos of kie.ai, a gateway with one interface for all models (https://docs.kie.ai/market/quickstart).

`createTask` returns an id, `recordInfo` the state and, at the end, addresses of the files, which are kept for
14 days. Errors are HTTP 200 with a code in the body. References are public addresses; bytes cannot be sent.

A callback is signed over the job and the time, not over its body, and one job may call back several times: it
only says that it is time to read the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from shared.ai.media import callbacks, keys, wire
from shared.ai.media.base import BaseProvider, is_job_id, unread, unreadable
from shared.ai.media.contract import Failed, Kind, MediaRequest, Outcome, Submitted
from shared.ai.media.providers.kie_ai.errors import submit_error
from shared.ai.media.providers.kie_ai.inputs import input_of
from shared.ai.media.providers.kie_ai.records import outcome_of, task_id
from shared.ai.media.wire import Answer, get
from shared.core.config import settings
from shared.core.json_types import JsonObject


class Provider(BaseProvider):
    """Jobs of kie.ai."""

    BASE_URL = "https://api.kie.ai"
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"image", "video"})
    OPTIONS: ClassVar[Mapping[Kind, frozenset[str]]] = {
        "image": frozenset({"aspect_ratio", "size", "quality"}),
        "video": frozenset({"aspect_ratio", "resolution", "quality", "duration", "sound"}),
    }
    REFERENCES_BY_ADDRESS = True
    SIGNS_CALLBACKS = True

    def headers(self) -> dict[str, str]:
        """Return the headers with our API key."""
        return {"Authorization": f"Bearer {keys.api_key(self.key)}"}

    def send(self, request: MediaRequest, deadline: float) -> Outcome:
        """Create a task."""
        fields = input_of(request)
        if isinstance(fields, Failed):
            return fields
        body: JsonObject = {"model": request.model, "input": fields}
        if url := self.callback_url(request):
            body["callBackUrl"] = url
        answer = wire.call(
            "POST", f"{self.base_url()}/api/v1/jobs/createTask", self.headers(), deadline, body
        )
        if not isinstance(answer, Answer):
            return answer
        if not answer.is_success or get(answer.body, "code") != 200:
            return submit_error(answer)
        job = task_id(answer.body)
        if not is_job_id(job):
            return unreadable(answer, "no taskId in the answer")
        return Submitted(job, self.poll_seconds())

    def read_job(self, provider_job_id: str, deadline: float) -> Outcome:
        """Read the state of a task."""
        url = f"{self.base_url()}/api/v1/jobs/recordInfo?taskId={quote(provider_job_id, safe='')}"
        answer = wire.call("GET", url, self.headers(), deadline)
        if not isinstance(answer, Answer):
            return unread(answer)
        # A failed task may carry its code at the top, too: the state decides.
        record, longest = get(answer.body, "data"), settings().kie_ai_max_wait_time
        outcome = outcome_of(provider_job_id, record, self.poll_seconds(), longest)
        return outcome or unread(submit_error(answer))

    def poll_seconds(self) -> float:
        """Return KIE_AI_POLL_INTERVAL."""
        return settings().kie_ai_poll_interval

    def authentic_job(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> str:
        """Verify base64(HMAC-SHA256(secret, taskId.timestamp)) and return the task."""
        job, timestamp = task_id(callbacks.parse(body)), headers.get("x-webhook-timestamp", "")
        signed = f"{job}.{timestamp}".encode("utf-8", "surrogatepass")
        candidates = (headers.get("x-webhook-signature", ""),)
        callbacks.check_signature(candidates, secrets, signed, callbacks.in_base64)
        callbacks.check_time(timestamp)
        return job
