"""The bodies of OpenAI's chat completions, which all providers use, with OpenRouter's additions."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator

from tools.emulator.ai.behaviour import AiBehaviour
from tools.emulator.ai.dialects import Dialect, Json
from tools.emulator.ai.search import pages, searches_openrouter, with_links
from tools.emulator.ai.words import text_of, tokens


class Answer:
    """One answer to one request, ready to be written plain or as a stream."""

    def __init__(self, request: Json, behaviour: AiBehaviour, text: str, dialect: Dialect) -> None:
        self.request = request
        self.behaviour = behaviour
        self.text = "" if behaviour.empty else text
        self.openrouter = dialect.is_openrouter
        self.searches = dialect.is_openrouter and searches_openrouter(request)
        self.id = ("gen-" if self.openrouter else "chatcmpl-") + secrets.token_hex(12)
        self.created = int(time.time())
        self.model = str(request.get("model") or "unknown")

    def plain(self) -> bytes:
        """Return the body of a request without `stream`."""
        if self.behaviour.malformed:
            return b'{"id": "' + self.id.encode() + b'", "choices": [{"message": {"role": "assis'
        if self.behaviour.error_in_200 is not None:
            return json.dumps({"error": self.error_body()}).encode()
        message: Json = {"role": "assistant", "content": self.text, "refusal": None}
        if self.searches and self.text:
            content, annotations = with_links(self.text, pages(self.behaviour))
            cited = [{"type": one.pop("type"), "url_citation": one} for one in annotations]
            message |= {"content": content, "annotations": cited}
        if self.behaviour.refusal is not None:
            message |= {"content": None, "refusal": self.behaviour.refusal}
        if self.behaviour.reasoning is not None:
            message["reasoning" if self.openrouter else "reasoning_content"] = self.behaviour.reasoning
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.behaviour.finish_reason,
        }
        body = self._head("chat.completion") | {"choices": [choice], "usage": self.usage()}
        return json.dumps(body, ensure_ascii=False).encode()

    def events(self) -> Iterator[bytes]:
        """Return the events of a stream: role, text, finish reason, usage if requested, [DONE]."""
        if self.openrouter:
            yield b": OPENROUTER PROCESSING\n\n"
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        name = "refusal" if self.behaviour.refusal is not None else "content"
        for number, piece in enumerate(self.pieces()):
            if number == 1 and self.behaviour.error_in_200 is not None:
                yield from self._broken_off()
                return
            if number == 1 and self.behaviour.malformed:
                yield b'data: {"id": "x", "choices": [{"delta": {"content": "bro\n\n'
            yield self._chunk({name: piece})
        yield self._chunk({}, self.behaviour.finish_reason)
        if self.openrouter or (self.request.get("stream_options") or {}).get("include_usage"):
            yield _event(self._head("chat.completion.chunk") | {"choices": [], "usage": self.usage()})
        yield b"data: [DONE]\n\n"

    def pieces(self) -> list[str]:
        """Return the text as the stream cuts it."""
        if self.behaviour.refusal is not None:
            return _words(self.behaviour.refusal)
        return self.behaviour.chunks if self.behaviour.chunks is not None else _words(self.text)

    def usage(self) -> Json:
        """Return token counts; OpenRouter adds the cost in dollars."""
        prompt = sum(
            tokens(text_of(item)) for item in self.request.get("messages") or [] if isinstance(item, dict)
        )
        completion = tokens(self.text)
        usage: Json = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }
        if self.searches:
            usage["server_tool_use"] = {"web_search_requests": 1}
        return usage | ({"cost": round((prompt + 4 * completion) * 1e-6, 8)} if self.openrouter else {})

    def error_body(self) -> Json:
        """Return the error inside HTTP 200."""
        error = self.behaviour.error_in_200
        if isinstance(error, dict):
            return error
        return {"code": 502, "message": str(error), "metadata": {"provider_name": "Emulator"}}

    def _broken_off(self) -> Iterator[bytes]:
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        head = self._head("chat.completion.chunk")
        yield _event(head | {"error": self.error_body(), "choices": [choice]})
        yield b"data: [DONE]\n\n"

    def _chunk(self, delta: Json, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _event(self._head("chat.completion.chunk") | {"choices": [choice]})

    def _head(self, kind: str) -> Json:
        head: Json = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return head | ({"provider": "Emulator"} if self.openrouter else {"service_tier": "default"})


def error_answer(status: int, behaviour: AiBehaviour, dialect: Dialect) -> bytes:
    """Return the body of an answer whose status is an error."""
    if behaviour.error is not None:
        return json.dumps({"error": behaviour.error}).encode()
    return json.dumps(dialect.error(status)).encode()


def _event(value: Json) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)
