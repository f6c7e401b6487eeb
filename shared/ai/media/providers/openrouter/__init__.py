"""Pictures and videos of OpenRouter (https://openrouter.ai/docs)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.ai.media import keys
from shared.ai.media.base import BaseProvider
from shared.ai.media.contract import Kind, MediaRequest, Outcome
from shared.ai.media.providers.openrouter import images, videos


class Provider(BaseProvider):
    """Pictures in one answer, videos as jobs."""

    BASE_URL = "https://openrouter.ai/api/v1"
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"image", "video"})
    OPTIONS: ClassVar[Mapping[Kind, frozenset[str]]] = {
        "image": frozenset({"aspect_ratio", "size", "quality"}),
        "video": frozenset({"aspect_ratio", "resolution", "duration", "sound"}),
    }
    MAX_COUNT = 10
    SIGNS_CALLBACKS = True
    POLL_SECONDS = videos.POLL_SECONDS

    def headers(self) -> dict[str, str]:
        """Return the headers with our API key."""
        return {"Authorization": f"Bearer {keys.api_key(self.key)}"}

    def send(self, request: MediaRequest, deadline: float) -> Outcome:
        """Send a request for pictures, or start a video."""
        if request.kind == "image":
            return images.send(request, self.base_url(), self.headers(), deadline)
        return videos.send(request, self.base_url(), self.headers(), self.callback_url(request), deadline)

    def read_job(self, provider_job_id: str, deadline: float) -> Outcome:
        """Read the state of a video."""
        return videos.read(provider_job_id, self.base_url(), self.headers(), deadline)

    def authentic_job(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> str:
        """Verify a callback and return the video's job."""
        return videos.authentic_job(headers, body, secrets)
