"""Pictures of OpenRouter: https://openrouter.ai/docs/features/multimodal/image-generation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.ai.media.base import BaseProvider
from shared.ai.media.contract import Kind, MediaRequest, Outcome
from shared.ai.media.providers.openrouter import images
from shared.core.config import settings


class Provider(BaseProvider):
    """Pictures in one answer."""

    BASE_URL = "https://openrouter.ai/api/v1"
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"image"})
    OPTIONS: ClassVar[Mapping[Kind, frozenset[str]]] = {
        "image": frozenset({"aspect_ratio", "size", "quality"})
    }
    MAX_COUNT = 10

    def headers(self) -> dict[str, str]:
        """Return the headers with our API key."""
        return {"Authorization": f"Bearer {settings().api_key(self.key)}"}

    def send(self, request: MediaRequest, deadline: float) -> Outcome:
        """Send a request for pictures."""
        return images.send(request, self.base_url(), self.headers(), deadline)
