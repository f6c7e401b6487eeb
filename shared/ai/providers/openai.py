"""OpenAI's chat completions, and compatible servers at OPENAI_BASE_URL.

Requests and events follow https://developers.openai.com/api/reference/resources/chat and the types of the
`openai` package 3.52. The package itself costs 8 ms of CPU a call (docs/performance.md). A key is checked
with the list of models, which is free (https://developers.openai.com/api/reference/resources/models).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from shared.ai import provider, reported_usage
from shared.ai.provider import (
    NOT_JSON,
    AnswerForm,
    ChatRequest,
    ErrorKind,
    PartialCompletion,
    ProviderError,
    Usage,
)
from shared.core import log
from shared.core.config import settings
from shared.core.json_types import JsonMapping, JsonObject

# `max_tokens` where a model rejects `max_completion_tokens` as unknown or too high: every answer has a limit.
_FEWER_TOKENS = 4_000

# Finish reasons in lower case, as OpenAI, Google, Azure, Zhipu and others write them.
_REFUSALS = frozenset(
    {"refusal", "safety", "prohibited_content", "recitation", "blocklist", "spii", "sensitive", "moderation"}
)
_LENGTHS = frozenset({"length", "max_tokens", "model_length", "max_output_tokens", "token_limit"})
FAILURES = frozenset({"error", "network_error", "insufficient_system_resource"})
_NO_REASONS = frozenset({"null", "none"})


class Provider(provider.Provider):
    """Chat completions over HTTP with a bearer key."""

    NAME = "OpenAI"
    BASE_URL = "https://api.openai.com/v1"
    PATH = "/chat/completions"
    MODEL = "gpt-5.4-mini"
    KEYS_PAGE = "https://platform.openai.com/api-keys"
    KEY_PATTERN = r"sk-(?!or-|ant-)[A-Za-z0-9_-]{16,}"
    KEY_CHECK_PATH: ClassVar[str | None] = "/models"
    OPTIONAL_PARAMS: ClassVar[tuple[str, ...]] = (
        "temperature",  # reasoning models take only the default
        "reasoning_effort",  # other models know none, and each reasoning model has words of its own
        "max_completion_tokens",  # older models allow less, or call it `max_tokens`
        "safety_identifier",
        "prompt_cache_key",
        "stream_options",
    )

    ANSWER_FORMS: ClassVar[tuple[AnswerForm, ...]] = ("json_schema", "json_object", "prompt")

    # What `error.code` or `error.type` means; the status decides where both are silent.
    ERROR_CODES: ClassVar[Mapping[str, ErrorKind]] = {
        "invalid_api_key": ErrorKind.INVALID_KEY,
        "account_deactivated": ErrorKind.INVALID_KEY,
        "unsupported_country_region_territory": ErrorKind.UNSUPPORTED_REGION,
        "ip_not_authorized": ErrorKind.PERMISSION_DENIED,
        "mismatched_organization": ErrorKind.PERMISSION_DENIED,
        "insufficient_quota": ErrorKind.NO_CREDIT,
        "billing_hard_limit_reached": ErrorKind.NO_CREDIT,
        "billing_not_active": ErrorKind.NO_CREDIT,
        "model_not_found": ErrorKind.MODEL_NOT_FOUND,
        "rate_limit_exceeded": ErrorKind.RATE_LIMITED,
        "content_policy_violation": ErrorKind.CONTENT_REFUSED,
        "content_filter": ErrorKind.CONTENT_REFUSED,
        "moderation_blocked": ErrorKind.CONTENT_REFUSED,
        "moderation": ErrorKind.CONTENT_REFUSED,
        "invalid_prompt": ErrorKind.CONTENT_REFUSED,  # "your prompt was flagged"
        "context_length_exceeded": ErrorKind.CONTEXT_TOO_LONG,
        "string_above_max_length": ErrorKind.CONTEXT_TOO_LONG,
        "server_error": ErrorKind.SERVER_ERROR,
    }
    # Codes that several causes share: the text of the error is read before them.
    AMBIGUOUS_CODES: ClassVar[Mapping[str, ErrorKind]] = {}
    STATUS_CODES: ClassVar[Mapping[int, ErrorKind]] = {
        401: ErrorKind.INVALID_KEY,
        402: ErrorKind.NO_CREDIT,
        403: ErrorKind.PERMISSION_DENIED,
        404: ErrorKind.MODEL_NOT_FOUND,
        408: ErrorKind.PROVIDER_TIMEOUT,
        409: ErrorKind.SERVER_ERROR,
        413: ErrorKind.CONTEXT_TOO_LONG,
        429: ErrorKind.RATE_LIMITED,
        504: ErrorKind.PROVIDER_TIMEOUT,
    }

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a request."""
        return {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request.

        Without `include_usage` a stream does not report tokens. The obfuscation that is on by default pads
        each event against eavesdroppers who see lengths; it only costs bytes.
        """
        body: JsonObject = {
            "model": request.model,
            "messages": self.messages(request),
            "stream": True,
            "stream_options": {"include_usage": True, "include_obfuscation": False},
            "max_completion_tokens": settings().chat_max_tokens,  # the model's silent reasoning included
        }
        if "max_completion_tokens" in request.unsupported_params:
            body["max_tokens"] = min(_FEWER_TOKENS, settings().chat_max_tokens)
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.effort is not None:
            body["reasoning_effort"] = request.effort
        if request.user_reference:
            body |= self.user_fields(request.user_reference)
        return body

    def messages(self, request: ChatRequest) -> Sequence[Mapping[str, object]]:
        """Return the messages; with pictures, the last one has parts: its text, then the pictures.

        Anthropic, Gemini, OpenRouter and GitHub take the same parts
        (https://developers.openai.com/api/docs/guides/images-vision).
        """
        if not request.pictures:
            return request.messages
        last = request.messages[-1]
        pictures = [{"type": "image_url", "image_url": {"url": one.data_url()}} for one in request.pictures]
        parts = [{"type": "text", "text": last["content"]}, *pictures]
        return [*request.messages[:-1], {**last, "content": parts}]

    def user_fields(self, reference: str) -> dict[str, str]:
        """Return the fields that identify the user for abuse checks and for the prompt cache.

        Both replace `user`.
        """
        return {"safety_identifier": reference, "prompt_cache_key": reference}

    def structured_body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request for a structured answer.

        The schema goes into `response_format`
        (https://developers.openai.com/api/docs/guides/structured-outputs). The answer is requested in one
        piece: a part of JSON is of no use.
        """
        body = self.body(request)
        for name in ("stream", "stream_options"):
            body.pop(name, None)
        for name in ("max_tokens", "max_completion_tokens"):
            if name in body and request.max_tokens is not None:
                body[name] = request.max_tokens
        answer = request.answer_schema
        if answer is not None and answer.form == "json_schema":
            wanted = {"name": answer.name, "strict": True, "schema": answer.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif answer is not None and answer.form == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def read_event(self, event: JsonMapping, partial: PartialCompletion) -> None:
        """Read an event, which has a `delta`, or a whole answer, which has a `message`."""
        choices = event.get("choices")
        if choices and isinstance(choice := choices[0], dict):
            # Only the choice that came first counts; without an index it is choice 0.
            index = choice.get("index") or 0
            if partial.choice is None:
                partial.choice = index
            if partial.choice == index:
                self._take_choice(choice, partial)
        if (usage := event.get("usage")) and isinstance(usage, dict):
            partial.usage = self.usage(usage)
        if error := event.get("error"):
            partial.error = self.parse_error(0, {"error": error})
        elif choices is None and _is_error(event):
            partial.error = self.parse_error(0, event)
        elif (base := event.get("base_resp")) and isinstance(base, dict) and base.get("status_code"):
            # MiniMax's errors come with status 200.
            partial.error = self.parse_error(
                0, {"code": base["status_code"], "message": base.get("status_msg")}
            )

    def _take_choice(self, choice: JsonMapping, partial: PartialCompletion) -> None:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            if len(delta) == 1 and isinstance(content := delta.get("content"), str):
                partial.content.add(content)  # as nearly all are
            else:
                self._take_message(delta, partial.content.add, partial)
        if "message" in choice and isinstance(message := choice["message"], dict):
            self._take_message(message, partial.content.put, partial)
        if "text" in choice and isinstance(text := choice["text"], str):  # the completions API
            partial.content.add(text)
        if reason := choice.get("finish_reason"):
            self._finish(str(reason).lower(), choice, partial)

    def _take_message(
        self, message: JsonMapping, take: Callable[[str], None], partial: PartialCompletion
    ) -> None:
        take(_text(message.get("content")))
        if refusal := message.get("refusal"):
            partial.error = ProviderError(ErrorKind.CONTENT_REFUSED, code="refusal", message=str(refusal))

    def _finish(self, reason: str, choice: JsonMapping, partial: PartialCompletion) -> None:
        """Read the finish reason; an unknown one is an ordinary end."""
        if reason in _REFUSALS or reason.startswith("content_filter"):
            partial.error = ProviderError(ErrorKind.CONTENT_REFUSED, code=reason[:80])
        elif reason in FAILURES:
            partial.error = self.parse_error(0, {"error": choice.get("error") or {"code": "server_error"}})
        elif reason not in _NO_REASONS:
            partial.finish = "length" if reason in _LENGTHS else "stop"

    def usage(self, usage: JsonMapping) -> Usage:
        """Return tokens and cost; an impossible figure is logged and left out."""
        reported = usage.get("prompt_tokens"), usage.get("completion_tokens")
        tokens_in, tokens_out = map(reported_usage.count, reported)
        if (tokens_in is None) != (reported[0] is None) or (tokens_out is None) != (reported[1] is None):
            log.info(
                "the provider reports an impossible number of tokens",
                action="odd_usage",
                provider=self.key,
                reported=repr(reported)[:200],
            )
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
        return Usage(tokens_in, tokens_out, tokens_cached=reported_usage.count(cached))

    def parse_error(self, status: int, body: JsonMapping) -> ProviderError:
        """Map an error body to an ErrorKind.

        In this order: unambiguous text, code and type, probable text, status.
        """
        if NOT_JSON in body:
            return self._page(status, str(body[NOT_JSON]))
        error = body.get("error") or body
        if isinstance(error, Mapping) and isinstance(error.get("error"), Mapping):
            error = error["error"]
        if not isinstance(error, Mapping):
            error = {"message": str(error)}
        message = _message(error)
        if parameter := error.get("param"):
            message = f"{message} ({parameter})"
        words = [str(error[name]) for name in ("code", "type") if error.get(name)]
        kind = self.classify(_real_status(status, words), words, message)
        return ProviderError(kind, status, words[0][:80] if words else "", message)

    def classify(self, status: int, words: list[str], text: str) -> ErrorKind:
        """Return the kind of an error by its codes, text and status."""
        from shared.ai import error_patterns  # compiling them takes milliseconds, and most calls succeed

        return (
            error_patterns.unambiguous_kind(text)
            or next((self.ERROR_CODES[word] for word in words if word in self.ERROR_CODES), None)
            or error_patterns.probable_kind(status, " ".join((*words, text)))
            or next((self.AMBIGUOUS_CODES[word] for word in words if word in self.AMBIGUOUS_CODES), None)
            or self._by_status(status)
        )

    def _page(self, status: int, text: str) -> ProviderError:
        """Map a body that is not JSON: a proxy or firewall between the provider and us sent it."""
        from shared.ai import error_patterns

        title = error_patterns.page_title(text)
        cause = error_patterns.unambiguous_kind(title) or error_patterns.page_kind(status, text)
        return ProviderError(cause or self._by_status(status), status, "not_json", title)

    def _by_status(self, status: int) -> ErrorKind:
        if status in self.STATUS_CODES:
            return self.STATUS_CODES[status]
        if status == 0 or status >= 500:
            return ErrorKind.SERVER_ERROR
        if status < 400:
            return ErrorKind.MODEL_NOT_FOUND  # this URL is not the API
        return ErrorKind.INVALID_REQUEST


def _is_error(event: JsonMapping) -> bool:
    """Whether an event without choices is an error without an `error` key (vLLM, DashScope, FastAPI)."""
    if event.get("detail"):
        return True
    has_sign = event.get("object") == "error" or event.get("type") == "error" or bool(event.get("code"))
    return has_sign and isinstance(event.get("message"), str)


def _text(content: object) -> str:
    """Return the text of a message's content; of a list of parts, reasoning is left out."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, dict):
        text = content.get("text")
        return text if isinstance(text, str) and content.get("type") in (None, "text", "output_text") else ""
    return "".join(map(_text, content)) if isinstance(content, list) else ""


def _message(error: JsonMapping) -> str:
    for name in ("message", "detail", "error", "msg"):
        if error.get(name):
            return str(error[name])
    return str(dict(error))


def _real_status(status: int, words: list[str]) -> int:
    """Return the status that the code of an error inside an HTTP 200 names, or 0."""
    if status not in (0, 200):
        return status
    codes = (int(word) for word in words if len(word) == 3 and word.isdecimal())
    return next((code for code in codes if 400 <= code < 600), 0)
