"""The HTTP response to a webhook call; its status decides whether Telegram delivers the update again."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.json_types import JsonObject

# Limits of Retry-After in seconds. The lower one must exceed fallback.FIRST_DELIVERY_SECONDS: a redelivery
# must never count as a first delivery, or the fallback would answer an update that another instance has
# stored.
SHORTEST_PAUSE = 4
LONGEST_PAUSE = 5  # the chat is blocked meanwhile


@dataclass(frozen=True)
class WebhookResponse:
    """A webhook response. `body` is one Bot API call {"method", …parameters}, which Telegram executes."""

    status: int = 200
    body: JsonObject | None = None
    retry_after: int | None = None  # seconds


DONE = WebhookResponse()


def retry_later(seconds: float = SHORTEST_PAUSE) -> WebhookResponse:
    """Return a 503 that makes Telegram deliver the update again after `seconds`, within the two limits."""
    return WebhookResponse(503, retry_after=max(SHORTEST_PAUSE, min(int(seconds), LONGEST_PAUSE)))
