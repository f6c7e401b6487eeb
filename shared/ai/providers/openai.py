"""OpenAI's chat completions, and whatever speaks the same dialect at OPENAI_BASE_URL.

The request and the events are those of https://developers.openai.com/api/reference/resources/chat, read in
the types of the `openai` package 3.52; the package itself costs 8 ms of CPU a call (docs/performance.md). A
key is tried with the list of models, which costs nothing
(https://developers.openai.com/api/reference/resources/models).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from shared.ai import provider, reported_usage
from shared.ai.provider import NOT_JSON, Draft, Problem, Question, Trouble, Usage
from shared.core import log
from shared.core.config import settings

# Asked for as `max_tokens` where `max_completion_tokens` is refused, as unknown or as too much: no answer is
# without a limit.
_FEWER_TOKENS = 4_000

# Reasons to stop, in lower case, as OpenAI, Google, Azure, Zhipu and others word them.
_REFUSALS = frozenset(
    {"refusal", "safety", "prohibited_content", "recitation", "blocklist", "spii", "sensitive", "moderation"}
)
_LENGTHS = frozenset({"length", "max_tokens", "model_length", "max_output_tokens", "token_limit"})
_FAILURES = frozenset({"error", "network_error", "insufficient_system_resource"})
_NO_REASONS = frozenset({"null", "none"})


class Provider(provider.Provider):
    """Chat completions over HTTP with a bearer key."""

    NAME = "OpenAI"
    BASE_URL = "https://api.openai.com/v1"
    PATH = "/chat/completions"
    MODEL = "gpt-5-mini"
    KEYS_PAGE = "https://platform.openai.com/api-keys"
    KEY_PATTERN = r"sk-(?!or-|ant-)[A-Za-z0-9_-]{16,}"
    CHECK_PATH: ClassVar[str | None] = "/models"
    SPARE: ClassVar[tuple[str, ...]] = (
        "temperature",  # reasoning models take only the default
        "reasoning_effort",  # other models know none, and each reasoning model has words of its own
        "max_completion_tokens",  # older models allow less, or call it `max_tokens`
        "safety_identifier",
        "prompt_cache_key",
        "stream_options",
    )

    # What `error.code` or `error.type` means; the status decides where both are silent.
    WORDS: ClassVar[Mapping[str, Trouble]] = {
        "invalid_api_key": Trouble.KEY,
        "account_deactivated": Trouble.KEY,
        "unsupported_country_region_territory": Trouble.REGION,
        "ip_not_authorized": Trouble.ACCESS,
        "mismatched_organization": Trouble.ACCESS,
        "insufficient_quota": Trouble.CREDIT,
        "billing_hard_limit_reached": Trouble.CREDIT,
        "billing_not_active": Trouble.CREDIT,
        "model_not_found": Trouble.SETTINGS,
        "rate_limit_exceeded": Trouble.RATE,
        "content_policy_violation": Trouble.REFUSED,
        "content_filter": Trouble.REFUSED,
        "moderation_blocked": Trouble.REFUSED,
        "moderation": Trouble.REFUSED,
        "invalid_prompt": Trouble.REFUSED,  # "your prompt was flagged"
        "context_length_exceeded": Trouble.TOO_LONG,
        "string_above_max_length": Trouble.TOO_LONG,
        "server_error": Trouble.TEMPORARY,
    }
    # The same for codes that several causes share: the text is read before them.
    VAGUE: ClassVar[Mapping[str, Trouble]] = {}
    STATUSES: ClassVar[Mapping[int, Trouble]] = {
        401: Trouble.KEY,
        402: Trouble.CREDIT,
        403: Trouble.ACCESS,
        404: Trouble.SETTINGS,
        408: Trouble.SLOW,
        409: Trouble.TEMPORARY,
        413: Trouble.TOO_LONG,
        429: Trouble.RATE,
        504: Trouble.SLOW,
    }

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a request."""
        return {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def body(self, question: Question) -> dict[str, Any]:
        """Return the body of a request.

        Without `stream_options` a stream says nothing of its tokens. The obfuscation that is on by default
        pads each event against an eavesdropper on the line; on our way to the provider it is only bytes.
        """
        body: dict[str, Any] = {
            "model": question.model,
            "messages": question.messages,
            "stream": True,
            "stream_options": {"include_usage": True, "include_obfuscation": False},
            "max_completion_tokens": settings().chat_max_tokens,  # the model's silent reasoning included
        }
        if "max_completion_tokens" in question.without:
            body["max_tokens"] = min(_FEWER_TOKENS, settings().chat_max_tokens)
        if question.temperature is not None:
            body["temperature"] = question.temperature
        if question.effort is not None:
            body["reasoning_effort"] = question.effort
        if question.user_reference:
            body |= self.user(question.user_reference)
        return body

    def user(self, reference: str) -> dict[str, str]:
        """Return how to say who asks: for their abuse checks, and to find the cached start of a conversation.

        These two replace `user`.
        """
        return {"safety_identifier": reference, "prompt_cache_key": reference}

    def take(self, event: Mapping[str, Any], draft: Draft) -> None:
        """Read an event, or a whole answer: the one says `delta` where the other says `message`."""
        choices = event.get("choices")
        if choices and isinstance(choice := choices[0], dict):
            # The first is the one that began; a missing index is the first.
            index = choice.get("index") or 0
            if draft.choice is None:
                draft.choice = index
            if draft.choice == index:
                self._take_choice(choice, draft)
        if (usage := event.get("usage")) and isinstance(usage, dict):
            draft.usage = self.usage(usage)
        if error := event.get("error"):
            draft.problem = self.problem(0, {"error": error})
        elif choices is None and _is_error(event):
            draft.problem = self.problem(0, event)
        elif (base := event.get("base_resp")) and isinstance(base, dict) and base.get("status_code"):
            # MiniMax's errors come with status 200.
            draft.problem = self.problem(0, {"code": base["status_code"], "message": base.get("status_msg")})

    def _take_choice(self, choice: Mapping[str, Any], draft: Draft) -> None:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            if len(delta) == 1 and isinstance(content := delta.get("content"), str):
                draft.said.add(content)  # as nearly all are
            else:
                self._take_message(delta, draft.said.add, draft)
        if "message" in choice and isinstance(message := choice["message"], dict):
            self._take_message(message, draft.said.put, draft)
        if "text" in choice and isinstance(text := choice["text"], str):  # of the completions API
            draft.said.add(text)
        if reason := choice.get("finish_reason"):
            self._finish(str(reason).lower(), choice, draft)

    def _take_message(self, message: Mapping[str, Any], take: Callable[[str], None], draft: Draft) -> None:
        take(_text(message.get("content")))
        if refusal := message.get("refusal"):
            draft.problem = Problem(Trouble.REFUSED, code="refusal", message=str(refusal))

    def _finish(self, reason: str, choice: Mapping[str, Any], draft: Draft) -> None:
        """Take the model's reason to stop. An unknown word is an ordinary end."""
        if reason in _REFUSALS or reason.startswith("content_filter"):
            draft.problem = Problem(Trouble.REFUSED, code=reason[:80])
        elif reason in _FAILURES:
            draft.problem = self.problem(0, {"error": choice.get("error") or {"code": "server_error"}})
        elif reason not in _NO_REASONS:
            draft.finish = "length" if reason in _LENGTHS else "stop"

    def usage(self, usage: Mapping[str, Any]) -> Usage:
        """Return what the answer took; a figure that makes no sense is logged and left out."""
        reported = usage.get("prompt_tokens"), usage.get("completion_tokens")
        tokens_in, tokens_out = map(reported_usage.count, reported)
        if (tokens_in is None) != (reported[0] is None) or (tokens_out is None) != (reported[1] is None):
            log.info(
                "the provider reports an impossible number of tokens",
                action="odd_usage",
                provider=self.key,
                reported=repr(reported)[:200],
            )
        return Usage(tokens_in, tokens_out)

    def problem(self, status: int, body: Mapping[str, Any]) -> Problem:
        """Put an error into our words.

        What its text leaves no doubt about comes first, then its code and type, what its text suggests, and
        its status last.
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
        trouble = self.cause(_real_status(status, words), words, message)
        return Problem(trouble, status, words[0][:80] if words else "", message)

    def cause(self, status: int, words: list[str], text: str) -> Trouble:
        """Return what an error means by its codes and its text."""
        from shared.ai import error_patterns

        return (
            error_patterns.certain_cause(text)
            or next((self.WORDS[word] for word in words if word in self.WORDS), None)
            or error_patterns.likely_cause(status, " ".join((*words, text)))
            or next((self.VAGUE[word] for word in words if word in self.VAGUE), None)
            or self._by_status(status)
        )

    def _page(self, status: int, text: str) -> Problem:
        """Put an answer that is no JSON into our words: something stands between the provider and us."""
        from shared.ai import error_patterns

        title = error_patterns.page_title(text)
        cause = error_patterns.certain_cause(title) or error_patterns.page_cause(status, text)
        return Problem(cause or self._by_status(status), status, "not_json", title)

    def _by_status(self, status: int) -> Trouble:
        if status in self.STATUSES:
            return self.STATUSES[status]
        if status == 0 or status >= 500:
            return Trouble.TEMPORARY
        if status < 400:
            return Trouble.SETTINGS  # something else than the API lives at this address
        return Trouble.INVALID


def _is_error(event: Mapping[str, Any]) -> bool:
    """Whether an event without choices is an error that no `error` surrounds (vLLM, DashScope, FastAPI)."""
    if event.get("detail"):
        return True
    has_sign = event.get("object") == "error" or event.get("type") == "error" or bool(event.get("code"))
    return has_sign and isinstance(event.get("message"), str)


def _text(content: Any) -> str:
    """Return the text of a message; a list holds parts, of which those with reasoning are left out."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, dict):
        text = content.get("text")
        return text if isinstance(text, str) and content.get("type") in (None, "text", "output_text") else ""
    return "".join(map(_text, content)) if isinstance(content, list) else ""


def _message(error: Mapping[str, Any]) -> str:
    for name in ("message", "detail", "error", "msg"):
        if error.get(name):
            return str(error[name])
    return str(dict(error))


def _real_status(status: int, words: list[str]) -> int:
    """Return the status an error inside an HTTP 200 would have had, where its code says one."""
    if status not in (0, 200):
        return status
    codes = (int(word) for word in words if len(word) == 3 and word.isdecimal())
    return next((code for code in codes if 400 <= code < 600), 0)
