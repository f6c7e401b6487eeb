"""GitHub Models, in OpenAI's dialect, as https://docs.github.com/en/rest/models/inference described it.

GitHub closed the service on 30 July 2026, for everybody
(https://github.blog/changelog/2026-07-01-github-models-is-being-fully-retired-on-july-30-2026/). So nobody is
asked for a token of it, unless GITHUB_BASE_URL names a gateway that goes on serving it.

Nothing there tells a good token from a bad one for free: the catalogue answers everybody. A token is found
out at the first question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.ai.provider import Question, Trouble
from shared.ai.providers import openai


class Provider(openai.Provider):
    """Chat completions of GitHub Models."""

    NAME = "GitHub Models"
    BASE_URL = "https://models.github.ai/inference"
    MODEL = "openai/gpt-5-mini"
    KEYS_PAGE = "https://github.com/settings/personal-access-tokens"
    KEY_PATTERN = r"(?:gh[oprsu]_|github_pat_)[A-Za-z0-9_]{16,}"
    CHECK_PATH = None
    IS_CLOSED = True
    SPARE = ("temperature", "max_completion_tokens", "stream_options", "reasoning_effort")
    WORDS: ClassVar[Mapping[str, Trouble]] = {
        **openai.Provider.WORDS,
        "unauthorized": Trouble.KEY,
        "no_access": Trouble.SETTINGS,  # the model is not for this account
        "unknown_model": Trouble.SETTINGS,
        "unavailable_model": Trouble.SETTINGS,
        "RateLimitReached": Trouble.RATE,
        "tokens_limit_reached": Trouble.TOO_LONG,
        "content_filter": Trouble.REFUSED,
    }
    STATUSES: ClassVar[Mapping[int, Trouble]] = {**openai.Provider.STATUSES, 410: Trouble.SETTINGS}

    def body(self, question: Question) -> dict[str, Any]:
        """Return the body of a request, without what only OpenAI's own stream knows."""
        return super().body(question) | {"stream_options": {"include_usage": True}}

    def user(self, _reference: str) -> dict[str, str]:
        """Return nothing: GitHub knows whose token it is."""
        return {}
