"""What is kept of each call to a provider (the table api_usage), whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypedDict

Kind = Literal["chat", "image", "video"]


class AiCall(TypedDict):
    """One try to get something of a provider.

    `status` is `ok`, `part` when only the beginning of an answer came, or else what went wrong (a `Trouble`).
    Bytes are those of the bodies. None is what the provider did not say. `cost` is US dollars, as text: None
    when nothing was spent, an upper bound where the provider does not say.
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
    cost: str | None
    is_user_api_key: bool


Record = Callable[[AiCall], None]
