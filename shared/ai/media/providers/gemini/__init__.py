"""Pictures and videos of Google's Gemini API (https://ai.google.dev/api).

Pictures come in one answer, videos of Veo as long-running operations, videos of Omni as interactions.
Webhooks are set up in Google's project and not by a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.ai.media import callbacks, keys
from shared.ai.media.base import BaseProvider
from shared.ai.media.contract import Kind, MediaRequest, Outcome
from shared.ai.media.providers.gemini import images, omni, veo
from shared.ai.media.wire import get_text
from shared.core.errors import ConfigError

_COMPATIBLE = "/openai"  # the end of GEMINI_BASE_URL, which is that of the interface for chat


class Provider(BaseProvider):
    """Nano Banana, Veo and Omni."""

    BASE_URL = "https://generativelanguage.googleapis.com/v1beta/openai"
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"image", "video"})
    OPTIONS: ClassVar[Mapping[Kind, frozenset[str]]] = {
        "image": frozenset({"aspect_ratio", "size"}),
        "video": frozenset({"aspect_ratio", "resolution", "duration"}),
    }
    SIGNS_CALLBACKS = True
    HAS_PROJECT_WEBHOOK = True

    def base_url(self) -> str:
        """Return the base URL of Google's own interface, beside the compatible one.

        Raises:
            ConfigError: `GEMINI_BASE_URL` is malformed, or a gateway that only has the compatible one.
        """
        url = super().base_url()
        if not url.endswith(_COMPATIBLE):
            raise ConfigError(f"GEMINI_BASE_URL must end in {_COMPATIBLE} for pictures and videos")
        return url.removesuffix(_COMPATIBLE)

    def headers(self) -> dict[str, str]:
        """Return the headers with our API key."""
        return {"x-goog-api-key": keys.api_key(self.key)}

    def send(self, request: MediaRequest, deadline: float) -> Outcome:
        """Send a request for a picture or a video."""
        send = images.send if request.kind == "image" else veo.send
        if omni.is_model(request.model):
            send = omni.send
        return send(request, self.base_url(), self.headers(), deadline)

    def read_job(self, provider_job_id: str, deadline: float) -> Outcome:
        """Read the state of a video: operations of Veo have a slash in their names."""
        read = veo.read if "/" in provider_job_id else omni.read
        return read(provider_job_id, self.base_url(), self.headers(), deadline)

    def authentic_job(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> str:
        """Verify a callback by Standard Webhooks (https://www.standardwebhooks.com) and return the job."""
        timestamp = headers.get("webhook-timestamp", "")
        head = f"{headers.get('webhook-id', '')}.{timestamp}."
        signatures = [
            one.removeprefix("v1,")
            for one in headers.get("webhook-signature", "").split()
            if one[:3] == "v1,"
        ]
        message = head.encode("utf-8", "surrogatepass") + body
        keys = callbacks.standard_webhook_keys(secrets)
        callbacks.check_signature(signatures, keys, message, callbacks.in_base64)
        callbacks.check_time(timestamp)
        return get_text(callbacks.parse(body), "data", "id")
