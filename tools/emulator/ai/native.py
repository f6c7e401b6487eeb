"""Providers' own interfaces: Responses of OpenAI, Messages of Claude, contents of Gemini, in one piece.

Structured answers are requested from the last two, because the compatible interfaces enforce no schema, and
searches of the web from all of them.
"""

from __future__ import annotations

import json
import re
import secrets
from abc import ABC, abstractmethod
from typing import Any

from tools.emulator.ai import search
from tools.emulator.ai.behaviour import AiBehaviour
from tools.emulator.ai.dialects import Headers, Json
from tools.emulator.ai.schemas import anthropic_problem, google_problem
from tools.emulator.ai.sound import Recording, recording_in
from tools.emulator.ai.structured import Wanted, in_prompt
from tools.emulator.ai.words import text_of, tokens


class Interface(ABC):
    """One request to a provider's own interface, and its answer."""

    def __init__(self, body: Json, model: str) -> None:
        self.body = body
        self.model = model or str(body.get("model"))

    @staticmethod
    @abstractmethod
    def key(headers: Headers) -> str | None:
        """Return the key of a request, None without one."""

    @abstractmethod
    def problem(self) -> str | None:
        """Return why the request is invalid, None when it is not."""

    @abstractmethod
    def messages(self) -> list[Json]:
        """Return the messages as chat completions have them."""

    @abstractmethod
    def wanted(self) -> Wanted | None:
        """Return what the answer should be; None for ordinary text."""

    def recording(self) -> Recording | None:
        """Return the sound that is to be transcribed; None without one."""
        return None

    @abstractmethod
    def answer(self, behaviour: AiBehaviour, text: str) -> Json:
        """Return the body of an answer."""

    def error(self, message: str) -> Json:
        """Return the body of the error of an invalid request."""
        return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


class ClaudeMessages(Interface):
    """`POST /v1/messages` (https://platform.claude.com/docs/en/api/messages)."""

    FIELDS = frozenset(
        {
            "model",
            "max_tokens",
            "messages",
            "system",
            "temperature",
            "metadata",
            "output_config",
            "stream",
            "tools",
        }
    )

    @staticmethod
    def key(headers: Headers) -> str | None:
        """Return the key; a bearer token is not one here."""
        return headers.get("x-api-key") if headers.get("anthropic-version") else None

    def problem(self) -> str | None:
        """Return the first error as the API words it."""
        if unknown := next((name for name in self.body if name not in self.FIELDS), None):
            return f"{unknown}: Extra inputs are not permitted"
        if missing := next((name for name in ("max_tokens", "messages") if name not in self.body), None):
            return f"{missing}: Field required"
        if any(one.get("role") not in ("user", "assistant") for one in self.body["messages"]):
            return (
                'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter'
            )
        format_ = (self.body.get("output_config") or {}).get("format")
        return anthropic_problem(format_.get("schema")) if format_ else None

    def messages(self) -> list[Json]:
        """Return the system prompt and the messages."""
        system = self.body.get("system")
        return [*([{"role": "system", "content": system}] if system else []), *self.body["messages"]]

    def wanted(self) -> Wanted | None:
        """Return the schema of `output_config`; its title is the only name."""
        format_ = (self.body.get("output_config") or {}).get("format")
        if not format_:
            return in_prompt(self.messages())
        return Wanted(str(format_["schema"].get("title", "")), format_["schema"])

    def answer(self, behaviour: AiBehaviour, text: str) -> Json:
        """Return a message; a refusal has no text."""
        if behaviour.error_in_200 is not None:
            return {"type": "error", "error": {"type": "api_error", "message": str(behaviour.error_in_200)}}
        content = (
            [] if behaviour.reasoning is None else [{"type": "thinking", "thinking": behaviour.reasoning}]
        )
        reason = {"stop": "end_turn", "length": "max_tokens"}.get(behaviour.finish_reason, "refusal")
        if behaviour.refusal is not None:
            reason = "refusal"
        elif not behaviour.empty:
            blocks = [{"type": "text", "text": text}]
            if self.body.get("tools"):
                blocks = search.claude_blocks(text, search.pages(behaviour))
            content = [*content, *blocks]
        return {
            "id": "msg_" + secrets.token_hex(12),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {
                "input_tokens": _tokens(self.messages()),
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": tokens(text),
                "server_tool_use": {"web_search_requests": 1} if self.body.get("tools") else None,
            },
        }

    def error(self, message: str) -> Json:
        """Return the body of the error of an invalid request."""
        return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


class GeminiContent(Interface):
    """`POST /v1beta/models/<model>:generateContent` (https://ai.google.dev/api/generate-content)."""

    FIELDS = frozenset({"contents", "systemInstruction", "generationConfig", "safetySettings", "tools"})
    CONFIG = frozenset(
        {
            "responseMimeType",
            "responseSchema",
            "responseJsonSchema",
            "maxOutputTokens",
            "temperature",
            "topP",
            "thinkingConfig",
        }
    )

    @staticmethod
    def key(headers: Headers) -> str | None:
        """Return the key; a bearer token would be an OAuth token."""
        return headers.get("x-goog-api-key")

    @property
    def config(self) -> Json:
        """Return the part of the request that says how to answer."""
        return self.body.get("generationConfig") or {}

    def problem(self) -> str | None:
        """Return the first error as the API words it."""
        if unknown := next((name for name in self.body if name not in self.FIELDS), None):
            return f'Invalid JSON payload received. Unknown name "{unknown}": Cannot find field.'
        if unknown := next((name for name in self.config if name not in self.CONFIG), None):
            where = f"Unknown name \"{unknown}\" at 'generation_config'"
            return f"Invalid JSON payload received. {where}: Cannot find field."
        if any(one.get("role") not in ("user", "model") for one in self.body.get("contents") or ()):
            return "Please use a valid role: user, model."
        if "responseJsonSchema" not in self.config:
            return None
        if self.config.get("responseMimeType") != "application/json":
            return "A response schema requires the response mime type application/json"
        return google_problem(self.config["responseJsonSchema"])

    def messages(self) -> list[Json]:
        """Return the system prompt and the messages."""
        system = _parts(self.body.get("systemInstruction"))
        spoken = [
            {"role": "assistant" if one.get("role") == "model" else "user", "content": _parts(one)}
            for one in self.body.get("contents") or ()
        ]
        return [*([{"role": "system", "content": system}] if system else []), *spoken]

    def recording(self) -> Recording | None:
        """Return the sound in the last content."""
        contents = self.body.get("contents") or [{}]
        return recording_in(contents[-1], self.model)

    def wanted(self) -> Wanted | None:
        """Return the schema of `generationConfig`; its title is the only name."""
        named = in_prompt(self.messages())
        if schema := self.config.get("responseJsonSchema"):
            return Wanted(str(schema.get("title", "")), schema)
        if named and self.config.get("responseMimeType") == "application/json":
            return Wanted(named.name, named.schema)
        return named

    def answer(self, behaviour: AiBehaviour, text: str) -> Json:
        """Return a response; a refused prompt has no candidates."""
        if behaviour.error_in_200 is not None:
            error = {"code": 500, "message": str(behaviour.error_in_200), "status": "INTERNAL"}
            return {"error": error}
        prompt = _tokens(self.messages())
        if behaviour.refusal is not None:
            usage = {"promptTokenCount": prompt, "totalTokenCount": prompt}
            feedback = {"blockReason": "PROHIBITED_CONTENT"}
            return {"promptFeedback": feedback, "usageMetadata": usage, "modelVersion": self.model}
        parts: list[Json] = [] if behaviour.empty else [{"text": text}]
        thoughts = 0
        if behaviour.reasoning is not None:
            parts.insert(0, {"text": behaviour.reasoning, "thought": True})
            thoughts = tokens(behaviour.reasoning)
        reason = {"stop": "STOP", "length": "MAX_TOKENS"}.get(behaviour.finish_reason, "SAFETY")
        content: Json = {"role": "model"} | ({"parts": parts} if parts else {})
        written = 0 if behaviour.empty else tokens(text)
        usage = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": written,
            "thoughtsTokenCount": thoughts,
            "totalTokenCount": prompt + written + thoughts,
        }
        candidate = {"content": content, "finishReason": reason, "index": 0}
        if self.body.get("tools") and not behaviour.empty:
            candidate["groundingMetadata"] = search.grounding(text, search.pages(behaviour))
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": self.model}


class OpenAiResponses(Interface):
    """`POST /v1/responses` (https://developers.openai.com/api/reference/resources/responses)."""

    FIELDS = frozenset(
        {
            "model",
            "input",
            "instructions",
            "tools",
            "max_tool_calls",
            "max_output_tokens",
            "store",
            "safety_identifier",
            "prompt_cache_key",
        }
    )

    @staticmethod
    def key(headers: Headers) -> str | None:
        """Return the key."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return key if scheme.lower() == "bearer" and key else None

    def problem(self) -> str | None:
        """Return the first error as the API words it."""
        if unknown := next((name for name in self.body if name not in self.FIELDS), None):
            return f"Unknown parameter: '{unknown}'."
        tools = [tool.get("type") for tool in self.body.get("tools") or ()]
        if wrong := next((name for name in tools if name != "web_search"), None):
            return f"Invalid value: '{wrong}'. Supported values are: 'web_search'."
        return None

    def messages(self) -> list[Json]:
        """Return the system prompt and the messages."""
        system = self.body.get("instructions")
        return [*([{"role": "system", "content": system}] if system else []), *self.body["input"]]

    def wanted(self) -> Wanted | None:
        """Return nothing: only searches come here."""
        return None

    def answer(self, behaviour: AiBehaviour, text: str) -> Json:
        """Return a response."""
        if behaviour.error_in_200 is not None:
            error = {"code": "server_error", "message": str(behaviour.error_in_200)}
            return {"status": "failed", "error": error, "output": []}
        usage = {
            "input_tokens": _tokens(self.messages()),
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens(text),
        }
        return search.response(self.model, behaviour, text, usage)

    def error(self, message: str) -> Json:
        """Return the body of the error of an invalid request."""
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


_GEMINI_PATH = re.compile(r"/gemini/v1beta/models/([^/:]+):generateContent")


def find_interface(path: str) -> tuple[str, type[Interface], str] | None:
    """Return the provider, the interface and the model in the path; None where no own interface is."""
    if path == "/openai/v1/responses":
        return "openai", OpenAiResponses, ""
    if path == "/anthropic/v1/messages":
        return "anthropic", ClaudeMessages, ""
    if match := _GEMINI_PATH.fullmatch(path):
        return "gemini", GeminiContent, match[1]
    return None


def encoded(body: Json, behaviour: AiBehaviour) -> bytes:
    """Return the bytes of an answer."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    return raw[: len(raw) // 2] if behaviour.malformed else raw


def _parts(content: Any) -> str:
    parts = content.get("parts") if isinstance(content, dict) else None
    return "".join(str(part.get("text", "")) for part in parts or ())


def _tokens(messages: list[Json]) -> int:
    return sum(tokens(text_of(message)) for message in messages)
