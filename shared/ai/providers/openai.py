"""OpenAI's chat completions, and whatever speaks the same dialect at OPENAI_BASE_URL.

The request and the events are those of https://developers.openai.com/api/reference/resources/chat, read in
the types of the `openai` package 3.52; the package itself costs 8 ms of CPU a call (docs/performance.md). A
key is tried with the list of models, which costs nothing
(https://developers.openai.com/api/reference/resources/models).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from shared.ai import provider
from shared.ai.provider import Draft, Finish, Problem, Question, Trouble, Usage

# Counts the model's silent reasoning too. No model writes more within the longest RESPONSE_TIMEOUT, and a
# provider that reserves the price of the longest possible answer asks less for a small account.
MAX_TOKENS = 8_000

_TOO_LONG = re.compile(
    r"context (length|window|size)|(prompt|input) is too long|token count .* exceeds", re.IGNORECASE
)


class Provider(provider.Provider):
    """Chat completions over HTTP with a bearer key."""

    NAME = "OpenAI"
    BASE_URL = "https://api.openai.com/v1"
    PATH = "/chat/completions"
    MODEL = "gpt-5-mini"
    KEYS_PAGE = "https://platform.openai.com/api-keys"
    KEY_SHAPE = r"sk-(?!or-|ant-)[A-Za-z0-9_-]{16,}"
    CHECK_PATH: ClassVar[str | None] = "/models"
    SPARE: ClassVar[tuple[str, ...]] = (
        "temperature",  # reasoning models take only the default
        "reasoning_effort",  # other models know none, and each reasoning model has words of its own
        "max_completion_tokens",  # older models allow less
        "safety_identifier",
        "prompt_cache_key",
        "stream_options",
    )

    # What `error.code` or `error.type` means; the status decides where both are silent.
    WORDS: ClassVar[Mapping[str, Trouble]] = {
        "invalid_api_key": Trouble.KEY,
        "account_deactivated": Trouble.KEY,
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
    STATUSES: ClassVar[Mapping[int, Trouble]] = {
        401: Trouble.KEY,
        402: Trouble.CREDIT,
        403: Trouble.KEY,
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
            "max_completion_tokens": MAX_TOKENS,
        }
        if question.temperature is not None:
            body["temperature"] = question.temperature
        if question.effort is not None:
            body["reasoning_effort"] = question.effort
        if question.user_reference:
            body |= self.person(question.user_reference)
        return body

    def person(self, reference: str) -> dict[str, str]:
        """Return how to say who asks: for their abuse checks, and to find the cached start of a conversation.

        These two replace `user`.
        """
        return {"safety_identifier": reference, "prompt_cache_key": reference}

    def take(self, event: Mapping[str, Any], draft: Draft) -> None:
        """Read an event, or a whole answer: the one says `delta` where the other says `message`."""
        if choices := event.get("choices"):
            choice = choices[0]
            said = choice.get("delta") or choice.get("message")
            if said:
                if content := said.get("content"):
                    draft.add(content if isinstance(content, str) else _joined(content))
                if refusal := said.get("refusal"):
                    draft.problem = Problem(Trouble.REFUSED, code="refusal", message=str(refusal))
            if reason := choice.get("finish_reason"):
                self._finish(reason, choice, draft)
        if usage := event.get("usage"):
            draft.usage = self.usage(usage)
        if error := event.get("error"):
            draft.problem = self.problem(0, {"error": error})

    def _finish(self, reason: str, choice: Mapping[str, Any], draft: Draft) -> None:
        """Take the model's reason to stop. A word nobody has told us of is an ordinary end."""
        if reason == "content_filter":
            draft.problem = Problem(Trouble.REFUSED, code=reason)
        elif reason == "error":
            draft.problem = self.problem(0, {"error": choice.get("error") or {"code": "server_error"}})
        else:
            finish: Finish = "length" if reason == "length" else "stop"
            draft.finish = finish

    def usage(self, usage: Mapping[str, Any]) -> Usage:
        """Return what the answer took."""
        return Usage(usage.get("prompt_tokens"), usage.get("completion_tokens"))

    def problem(self, status: int, body: Mapping[str, Any]) -> Problem:
        """Put an error into our words: by its code, its type, its status, in this order."""
        error = body.get("error") or body
        if not isinstance(error, Mapping):
            error = {"message": str(error)}
        message = str(error.get("message") or dict(error))
        words = [str(error[name]) for name in ("code", "type") if error.get(name)]
        trouble = next((self.WORDS[word] for word in words if word in self.WORDS), None)
        if trouble is None:
            trouble = self._by_status(status, message)
        if parameter := error.get("param"):
            message = f"{message} ({parameter})"
        return Problem(trouble, status, words[0][:80] if words else "", message)

    def _by_status(self, status: int, message: str) -> Trouble:
        if status in self.STATUSES:
            return self.STATUSES[status]
        if status == 0 or status >= 500:
            return Trouble.TEMPORARY
        if status < 400:
            return Trouble.SETTINGS  # something else than the API lives at this address
        return Trouble.TOO_LONG if _TOO_LONG.search(message) else Trouble.INVALID


def _joined(content: Any) -> str:
    """Return the text of a message that comes as a list of parts."""
    return "".join(part.get("text") or "" for part in content if isinstance(part, Mapping))
