"""Error responses of the Bot API."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refusal with Telegram's own words; `description` already carries the "Bad Request: " prefix."""

    def __init__(
        self,
        status: int,
        description: str,
        retry_after: int | None = None,
        migrate_to_chat_id: int | None = None,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.retry_after = retry_after
        self.migrate_to_chat_id = migrate_to_chat_id

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        given = {"retry_after": self.retry_after, "migrate_to_chat_id": self.migrate_to_chat_id}
        parameters = {name: value for name, value in given.items() if value is not None}
        return body | ({"parameters": parameters} if parameters else {})


def bad_request(what: str) -> ApiError:
    """Return a 400 "Bad Request: …"."""
    return ApiError(400, f"Bad Request: {what}")


def forbidden(what: str) -> ApiError:
    """Return a 403 "Forbidden: …"."""
    return ApiError(403, f"Forbidden: {what}")
