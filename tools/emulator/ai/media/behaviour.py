"""How the fake media providers answer the next request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class MediaBehaviour:
    """One request and the job that it starts. What is left out behaves well.

    files: the results; otherwise the fake server draws them.
    delay: seconds before anything is sent. hang: no answer until the caller gives up. drop: the connection
    closes without an answer, after the request has arrived.
    status, body, headers: this answer instead of the provider's own; a body that is not bytes is sent as
    JSON. With kie.ai, which answers 200 to everything, the code is in the body.
    refusal: one of the names in the provider's REFUSALS; refused at once, or at the end of a job.

    Of a job: reads: how many reads say that it is still running. seconds: it ends by itself after them, with
    its callbacks, and reads do not end it. ends: what its state says at the end instead
    of success (fields of the provider's own record). callbacks: how often its end is reported: 0 is a lost
    callback, 2 a repeated one. calls_early: it ends and calls back before the answer to its request.
    link_status: how the links to its files answer, as 404 once they expired.
    """

    files: tuple[bytes, ...] | None = None
    delay: float = 0.0
    hang: bool = False
    drop: bool = False
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    reads: int = 0
    seconds: float | None = None
    ends: dict[str, Any] | None = None
    callbacks: int = 1
    calls_early: bool = False
    link_status: int = 200
