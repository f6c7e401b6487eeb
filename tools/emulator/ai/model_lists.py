"""The providers' lists of models, each in its provider's form. A test removes models and sets last days."""

from __future__ import annotations

import threading
from typing import Any

from tools.emulator.web import Request, Response, json_response

_CREATED = 1_750_000_000
MODELS: dict[str, tuple[str, ...]] = {
    "openai": (
        "gpt-5.4-mini",
        "gpt-5-mini",
        "gpt-image-2.6-flare",
        "gpt-image-2.6-sunburst",
        "gpt-image-2.5-flare",
        "gpt-image-2",
        "gpt-transcribe",
        "gpt-4o-mini-tts",
        "omni-moderation-latest",
    ),
    "anthropic": ("claude-haiku-5-5-20260901", "claude-sonnet-5"),
    "gemini": (
        "gemini-3.8-flash",
        "gemini-nano-banana-2.1",
        "gemini-3.1-flash-lite-image",
        "gemini-3-pro-image",
        "veo-3.1-generate-001",
        "veo-3.1-fast-generate-001",
        "gemini-omni-1.2-flash",
        "gemini-3.5-transcribe",
        "gemini-3.8-flash-tts",
        "gemini-3.8-flash-lite-tts",
    ),
    "openrouter": ("openai/gpt-5.4-mini", "openai/gpt-5-mini"),
    "openrouter image": ("google/gemini-nano-banana-2.1",),
    "openrouter video": ("google/veo-3.1-fast", "kwaivgi/kling-v3.0-std"),
    "openrouter transcription": ("openai/whisper-large-v3-turbo",),
    "openrouter speech": ("google/gemini-3.8-flash-tts",),
    "kie_ai": (
        "nano-banana-2-1",
        "nano-banana-pro",
        "gpt-image-2-5-flare-text-to-image",
        "gpt-image-2-5-flare-image-to-image",
        "gpt-image-2-5-sunburst-text-to-image",
        "gpt-image-2-5-sunburst-image-to-image",
        "z-image",
        "seedream/5-flash-text-to-image",
        "seedream/5-pro-text-to-image",
        "veo-3-1",
        "wan/3-0-video",
        "kling-3.0/video",
        "bytedance/seedance-2-5",
        "bytedance/seedance-2-mini",
        "minimax-h3/text-to-video",
        "minimax-h3/image-to-video",
    ),
}
_GEMINI = "/gemini/v1beta/models"
_KIE_AI = "/kie_ai/api/v1/models"
_OPENROUTER = {
    "/openrouter/api/v1/models": "openrouter",
    "/openrouter/api/v1/images/models": "openrouter image",
    "/openrouter/api/v1/videos/models": "openrouter video",
}


class ModelLists:
    """What each provider offers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._removed: set[tuple[str, str]] = set()
        self._shutdowns: dict[tuple[str, str], str] = {}

    def remove(self, provider: str, model: str) -> None:
        """Offer a model no longer."""
        with self._lock:
            self._removed.add((provider, model))

    def shut_down(self, provider: str, model: str, day: str) -> None:
        """Announce a model's last day (an ISO date), as OpenAI's list does."""
        with self._lock:
            self._shutdowns[provider, model] = day

    def restore(self) -> None:
        """Offer all models again, with no last day."""
        with self._lock:
            self._removed.clear()
            self._shutdowns.clear()

    def names(self, offer: str) -> list[str]:
        """Return the models of a key of MODELS that are still offered."""
        provider = offer.partition(" ")[0]
        with self._lock:
            return [name for name in MODELS[offer] if (provider, name) not in self._removed]

    def openai(self) -> dict[str, Any]:
        """Return OpenAI's list."""
        data: list[dict[str, Any]] = [
            {"id": name, "object": "model", "created": _CREATED, "owned_by": "emulator"}
            for name in self.names("openai")
        ]
        with self._lock:
            for one in data:
                if day := self._shutdowns.get(("openai", one["id"])):
                    one["shutdown_date"] = day
        return {"object": "list", "data": data}

    def anthropic(self) -> dict[str, Any]:
        """Return Anthropic's list."""
        names = self.names("anthropic")
        data = [
            {"type": "model", "id": name, "display_name": name, "created_at": "2026-09-01T00:00:00Z"}
            for name in names
        ]
        last = names[-1] if names else None
        return {"data": data, "has_more": False, "first_id": names[0] if names else None, "last_id": last}

    def handle(self, request: Request) -> Response | None:
        """Answer a request for a list that checks no key elsewhere; None when it is for another server."""
        if request.method != "GET":
            return None
        if request.path == _GEMINI:
            return self._gemini(request)
        if request.path == _KIE_AI:
            return self._kie_ai(request)
        offer = _OPENROUTER.get(request.path)
        if offer is None:
            return None
        kind = request.arguments().get("output_modalities")
        offer = f"{offer} {kind}" if kind else offer
        return json_response(
            {"data": [{"id": name, "name": name, "created": _CREATED} for name in self.names(offer)]}
        )

    def _gemini(self, request: Request) -> Response:
        """Answer in two pages, which the list has when it is long."""
        if not _is_valid(request.headers.get("x-goog-api-key", "")):
            return json_response({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, 400)
        names = self.names("gemini")
        begin = int(request.arguments().get("pageToken", 0))
        page: dict[str, Any] = {"models": [{"name": f"models/{name}"} for name in names[begin : begin + 6]]}
        if begin + 6 < len(names):
            page["nextPageToken"] = str(begin + 6)
        return json_response(page)

    def _kie_ai(self, request: Request) -> Response:
        """Errors are HTTP 200 with a code in the body."""
        if not _is_valid(request.headers.get("authorization", "").removeprefix("Bearer ")):
            return json_response({"code": 401, "msg": "You do not have access permissions"})
        data = [{"model": name} for name in self.names("kie_ai")]
        return json_response({"code": 200, "msg": "success", "data": data})


def _is_valid(key: str) -> bool:
    return bool(key) and "wrong" not in key
