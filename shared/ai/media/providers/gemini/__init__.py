"""Pictures of Google's Gemini API (https://ai.google.dev/api)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.ai.media.base import BaseProvider
from shared.ai.media.contract import Kind, MediaRequest, Outcome
from shared.ai.media.providers.gemini import images
from shared.core.config import settings
from shared.core.errors import ConfigError

_COMPATIBLE = "/openai"  # the end of GEMINI_BASE_URL, which is that of the interface for chat


class Provider(BaseProvider):
    """Pictures in one answer."""

    BASE_URL = "https://generativelanguage.googleapis.com/v1beta/openai"
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"image"})
    OPTIONS: ClassVar[Mapping[Kind, frozenset[str]]] = {"image": frozenset({"aspect_ratio", "size"})}

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
        return {"x-goog-api-key": settings().api_key(self.key)}

    def send(self, request: MediaRequest, deadline: float) -> Outcome:
        """Send a request for a picture."""
        return images.send(request, self.base_url(), self.headers(), deadline)
