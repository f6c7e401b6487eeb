"""Structured answers of Gemini from generateContent (https://ai.google.dev/api/generate-content).

`responseJsonSchema` enforces the schema (https://ai.google.dev/gemini-api/docs/structured-output); keywords
that it does not know are ignored. Reasoning counts towards `maxOutputTokens`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from urllib.parse import quote

from shared.ai import reported_usage
from shared.ai.provider import ChatRequest, ErrorKind, PartialCompletion, ProviderError, Usage
from shared.ai.providers import gemini
from shared.core.config import settings
from shared.core.json_types import JsonMapping, JsonObject

_COMPATIBLE = "/openai"  # the end of the compatible interface's base URL


class Provider(gemini.Provider):
    """Content of Gemini in one piece."""

    OPTIONAL_PARAMS: ClassVar[tuple[str, ...]] = ("reasoning_effort",)

    def is_offered(self) -> bool:
        """Whether the interface is there: beside Google's compatible one, not behind another gateway.

        Raises:
            ConfigError: `GEMINI_BASE_URL` is malformed.
        """
        return settings().base_url(self.key, self.BASE_URL).endswith(_COMPATIBLE)

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a request."""
        return {"x-goog-api-key": secret, "Content-Type": "application/json"}

    def structured_url(self, model: str) -> str:
        """Return the URL, which contains the model.

        Raises:
            ConfigError: `GEMINI_BASE_URL` is malformed.
        """
        base = settings().base_url(self.key, self.BASE_URL).removesuffix(_COMPATIBLE)
        return f"{base}/models/{quote(model.removeprefix('models/'), safe='')}:generateContent"

    def structured_body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request for a structured answer."""
        config: JsonObject = {"maxOutputTokens": request.max_tokens or settings().chat_max_tokens}
        if request.temperature is not None:
            config["temperature"] = request.temperature
        if request.effort is not None and "reasoning_effort" not in request.unsupported_params:
            config["thinkingConfig"] = {"thinkingLevel": request.effort}
        answer = request.answer_schema
        if answer is not None and answer.form != "prompt":
            config["responseMimeType"] = "application/json"
        if answer is not None and answer.form == "json_schema":
            config["responseJsonSchema"] = answer.schema
        system = [{"text": one["content"]} for one in request.messages if one["role"] == "system"]
        contents = [
            {
                "role": "model" if one["role"] == "assistant" else "user",
                "parts": [{"text": one["content"]}],
            }
            for one in request.messages
            if one["role"] != "system"
        ]
        body: JsonObject = {"contents": contents, "generationConfig": config}
        return body | {"systemInstruction": {"parts": system}} if system else body

    def read_event(self, event: JsonMapping, partial: PartialCompletion) -> None:
        """Read a whole response; parts marked as thoughts are not the answer."""
        if event.get("error"):
            partial.error = self.parse_error(0, event)
            return
        if isinstance(usage := event.get("usageMetadata"), Mapping):
            partial.usage = _usage(usage)
        candidates = event.get("candidates") or []
        if not candidates:
            reason = str((event.get("promptFeedback") or {}).get("blockReason") or "")
            if reason:
                partial.error = ProviderError(ErrorKind.CONTENT_REFUSED, code=reason[:80])
            return
        candidate = candidates[0]
        parts = (candidate.get("content") or {}).get("parts") or []
        partial.content.put("".join(part.get("text") or "" for part in parts if not part.get("thought")))
        self._finish(str(candidate.get("finishReason") or "").lower(), candidate, partial)

    def parse_error(self, status: int, body: JsonMapping) -> ProviderError:
        """Map an error body to an ErrorKind; one about the level of thinking names our parameter."""
        error = super().parse_error(status, body)
        if "thinking" in error.message.lower():
            return replace(error, message=f"{error.message} (reasoning_effort)")
        return error


def _usage(usage: JsonMapping) -> Usage:
    """Return the tokens; thoughts are billed as output, and counted apart."""
    names = ("candidatesTokenCount", "thoughtsTokenCount")
    written = [reported_usage.count(usage.get(name)) for name in names]
    known = [count for count in written if count is not None]
    tokens_out = reported_usage.count(sum(known)) if known else None
    cached = reported_usage.count(usage.get("cachedContentTokenCount"))
    return Usage(reported_usage.count(usage.get("promptTokenCount")), tokens_out, tokens_cached=cached)
