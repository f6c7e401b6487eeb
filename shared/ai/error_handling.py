"""What each kind of provider error means for us: the exception, a retry, what the owner has to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.ai.provider import ErrorKind, Provider, ProviderError
from shared.core import log
from shared.core.errors import (
    AIError,
    AINoVision,
    AIOverloaded,
    AIPictureRefused,
    AIRefused,
    AITimeout,
    AITooLong,
    AIUnavailable,
    UserApiKeyError,
)
from shared.core.redaction import REDACTED

RETRY_DELAY = 0.3  # seconds before a retry, where the provider asks for none
_MAX_RETRY_DELAY = 2.0  # seconds; when a provider asks for more, the user gets the error instead
_MAX_MESSAGE = 500  # characters of a provider's own text that reach the log


@dataclass(frozen=True, slots=True)
class Rule:
    """How an error kind is handled.

    `advice` tells the owner what to do; empty when there is nothing to do. `is_for_owner`: the owner must act
    even when the request used a user's own API key.
    """

    exception: type[AIError]
    is_retryable: bool = False
    advice: str = ""
    is_for_owner: bool = False


RULES: Mapping[ErrorKind, Rule] = {
    ErrorKind.INVALID_KEY: Rule(
        AIUnavailable, advice="{provider} rejects our API key: put a valid one into {key}_API_KEY"
    ),
    ErrorKind.PERMISSION_DENIED: Rule(
        AIUnavailable,
        advice="{provider} denies our key access to {model}: check the key's permissions, project and "
        "allowed IP addresses, and whether the organization is verified",
    ),
    ErrorKind.NO_CREDIT: Rule(
        AIOverloaded,
        advice="our account at {provider} is out of credit or quota: top it up or raise its limit",
    ),
    ErrorKind.MODEL_NOT_FOUND: Rule(
        AIUnavailable,
        advice="{provider} has no model {model} at this address: check the model and {key}_BASE_URL",
    ),
    ErrorKind.UNSUPPORTED_REGION: Rule(
        AIUnavailable,
        advice="{provider} does not serve the country of our server: deploy to a supported region, or use "
        "another provider",
        is_for_owner=True,
    ),
    ErrorKind.BLOCKED: Rule(
        AIUnavailable,
        advice="a web page or firewall answers instead of {provider}: check {key}_BASE_URL and whether our "
        "server's address is blocked there",
        is_for_owner=True,
    ),
    ErrorKind.NO_STREAMING: Rule(AIError),
    ErrorKind.RATE_LIMITED: Rule(AIOverloaded, is_retryable=True),
    ErrorKind.CONTENT_REFUSED: Rule(AIRefused),
    ErrorKind.CONTEXT_TOO_LONG: Rule(AITooLong),
    ErrorKind.INVALID_REQUEST: Rule(AIError),
    ErrorKind.SERVER_ERROR: Rule(AIError, is_retryable=True),
    ErrorKind.PROVIDER_TIMEOUT: Rule(AITimeout, is_retryable=True),
    ErrorKind.DEADLINE_EXCEEDED: Rule(AITimeout),
    ErrorKind.UNREACHABLE: Rule(AIError, is_retryable=True),
    ErrorKind.INCOMPLETE: Rule(AIError),
    ErrorKind.EMPTY: Rule(AIError),
    ErrorKind.NO_VISION: Rule(
        AINoVision, advice="the model {model} of {provider} takes no pictures: choose another CHAT_MODEL"
    ),
    ErrorKind.INVALID_PICTURE: Rule(AIPictureRefused),
}

# Errors that users can resolve for their own API keys.
_USER_KEY_REASONS: Mapping[ErrorKind, Literal["refused", "access", "credit", "rate", "model"]] = {
    ErrorKind.INVALID_KEY: "refused",
    ErrorKind.PERMISSION_DENIED: "access",
    ErrorKind.NO_CREDIT: "credit",
    ErrorKind.RATE_LIMITED: "rate",
    ErrorKind.MODEL_NOT_FOUND: "model",
}


def exception_for(error: ProviderError, provider: str, *, is_user_api_key: bool) -> AIError:
    """Return the exception to raise for an error."""
    reason = f"{provider}: {error.status} {error.kind} {error.code}".rstrip()
    if is_user_api_key and error.kind in _USER_KEY_REASONS:
        return UserApiKeyError(reason, _USER_KEY_REASONS[error.kind])
    return RULES[error.kind].exception(reason)


def retry_delay(error: ProviderError) -> float | None:
    """Return how many seconds to wait before the same request is sent again; None: do not send it again.

    A provider that limits our rate must say how soon it accepts the next request: guessing makes it worse.
    """
    if error.is_permanent or not RULES[error.kind].is_retryable:
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= _MAX_RETRY_DELAY else None
    return None if error.kind is ErrorKind.RATE_LIMITED and not error.is_in_body else RETRY_DELAY


def report(
    error: ProviderError, service: Provider, model: str, secret: str, *, is_user_api_key: bool
) -> None:
    """Log an error; as an alert where only the owner can resolve it."""
    rule = RULES[error.kind]
    advice = rule.advice if rule.is_for_owner or not is_user_api_key else ""
    # Redacted before it is cut: a cut secret would no longer be recognized.
    text = log.redact_secrets(error.message.replace(secret, REDACTED))
    write = log.alert if advice else log.warning
    write(
        advice.format(provider=service.key, key=service.key.upper(), model=model)
        if advice
        else f"{service.key} gave no complete answer",
        action="ai_error",
        provider=service.key,
        model=model,
        status=error.status,
        kind=error.kind,
        code=error.code,
        is_user_api_key=is_user_api_key,
        error=text[:_MAX_MESSAGE],
    )
