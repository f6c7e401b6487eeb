"""All exceptions of this product, in one tree. Catch the widest one that you can handle.

SwitchboardError
├── ConfigError               a setting is missing or malformed; the message names it
├── DatabaseUnavailable       the database could not be reached in time
├── Refusal                   a rule in SQL refused; dispatch on `.sqlstate` (docs/error_codes.md)
└── ExternalServiceError      another service failed
    ├── TelegramError         the Bot API refused or could not be reached
    ├── StorageError          Supabase Storage refused or could not be reached
    └── AIError               an AI provider failed
        ├── AITimeout         no usable answer by the deadline
        ├── AIRefused         the provider refuses this content
        ├── AITooLong         the conversation does not fit the model
        ├── AINoVision        the model takes no pictures
        ├── AIPictureRefused  the provider cannot read a picture
        ├── AIUnavailable     the owner must act first
        ├── AIOverloaded      rate limit reached, or out of credit
        └── UserApiKeyError   the provider rejects a user's own API key
"""

from __future__ import annotations

from typing import Literal


class SwitchboardError(Exception):
    """The root of every error this product raises."""


class ConfigError(SwitchboardError):
    """A setting is missing or malformed. The message is one line that names the variable."""


class DatabaseUnavailable(SwitchboardError):
    """The database could not be reached within the time allowed.

    `maybe_executed` says whether the statement may have reached the database: only when it is False can the
    caller be certain that nothing happened, and answer from something else.
    """

    def __init__(self, message: str, *, maybe_executed: bool) -> None:
        super().__init__(message)
        self.maybe_executed = maybe_executed


class Refusal(SwitchboardError):
    """A rule in SQL refused the request. `sqlstate` is a code of docs/error_codes.md."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class ExternalServiceError(SwitchboardError):
    """Another service failed or could not be reached; the update itself is not at fault."""


class TelegramError(ExternalServiceError):
    """The Bot API refused a call or could not be reached.

    `status` is the HTTP status (0 when there was no answer), `retry_after` the seconds Telegram asked to
    wait, `migrate_to_chat_id` the new id of a group that became a supergroup.
    """

    def __init__(
        self,
        method: str,
        status: int,
        description: str,
        retry_after: float | None = None,
        migrate_to_chat_id: int | None = None,
    ) -> None:
        super().__init__(f"{method}: {status} {description}")
        self.method = method
        self.status = status
        self.description = description
        self.retry_after = retry_after
        self.migrate_to_chat_id = migrate_to_chat_id

    @property
    def is_temporary(self) -> bool:
        """Whether the same call may succeed later: no answer, too many requests, or a server error."""
        return self.status in (0, 429) or self.status >= 500


class StorageError(ExternalServiceError):
    """Supabase Storage refused a call or could not be reached.

    `status` is the HTTP status that the body names (0 when there was no answer), `code` its error code,
    for example "NoSuchKey" or "EntityTooLarge".
    """

    def __init__(self, operation: str, status: int, code: str, message: str) -> None:
        super().__init__(f"storage {operation}: {status} {code} {message}")
        self.status = status
        self.code = code

    @property
    def is_temporary(self) -> bool:
        """Whether the same call may succeed later: no answer, too many requests, or a server error."""
        return self.status in (0, 429) or self.status >= 500


class AIError(ExternalServiceError):
    """An AI provider failed. The message is for the log; `text_key` names the text for the user."""

    text_key = "ai_failed"


class AITimeout(AIError):
    """No usable answer came by the deadline."""

    text_key = "ai_timeout"


class AIRefused(AIError):
    """The provider refuses this content."""

    text_key = "ai_refused"


class AITooLong(AIError):
    """The conversation does not fit the model, even after the older half was left out."""

    text_key = "ai_too_long"


class AINoVision(AIError):
    """The model takes no pictures."""

    text_key = "ai_no_vision"


class AIPictureRefused(AIError):
    """The provider cannot read a picture."""

    text_key = "ai_picture_refused"


class AIUnavailable(AIError):
    """The provider does not serve us until the owner acts: key, permissions, model, region or network."""

    text_key = "ai_unavailable"


class AIOverloaded(AIError):
    """The rate limit is reached, or our account at the provider is out of credit."""

    text_key = "ai_overloaded"


_USER_API_KEY_TEXTS = {
    "refused": "user_api_key_refused",
    "access": "user_api_key_access",
    "credit": "user_api_key_credit",
    "rate": "user_api_key_rate",
    "model": "user_api_key_model",
}


class UserApiKeyError(AIError):
    """The provider rejects a user's own API key for a reason that only its user can resolve.

    `reason`: the key is invalid, it lacks permission, the account is out of credit, the rate limit is
    reached, or the model does not exist for this key.
    """

    def __init__(self, message: str, reason: Literal["refused", "access", "credit", "rate", "model"]) -> None:
        super().__init__(message)
        self.reason = reason
        self.text_key = _USER_API_KEY_TEXTS[reason]
