"""The record of a call to an AI provider, as `finish_update` stores it in the table api_usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NotRequired, TypedDict

# api_usage has one kind for text: it stores structured answers as "chat".
Kind = Literal["chat", "image", "video", "transcription", "speech", "classification", "evaluation"]


class AiCall(TypedDict):
    """One attempt to get something from a provider.

    `status` is `ok`, `part` for an incomplete answer, otherwise an `ErrorKind`. Bytes count the bodies. None
    means that the provider did not report a value. `tokens_cached` are part of `tokens_in`. `cost` is US
    dollars as text: None when nothing was spent, an upper bound where the provider reports no usage.
    `is_estimate`: the provider did not report the cost, and `finish_update` takes the prices of the catalogue
    where it has them. `searches` of the web are billed beside the tokens.
    `reason` is set where the call is not for a request of the user, such as `qualification`.
    """

    provider: str
    model: str
    kind: Kind
    status: str
    ms: int
    request_bytes: int
    response_bytes: int
    tokens_in: int | None
    tokens_out: int | None
    tokens_cached: int | None
    cost: str | None
    is_estimate: bool
    is_user_api_key: bool
    searches: NotRequired[int]
    reason: NotRequired[str]


Record = Callable[[AiCall], None]
