"""How the fake AI providers answer the next request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AiBehaviour:
    """One answer. Seconds and counts; what is left out behaves well.

    text: what the model says; None lets the fake server find something fitting.
    delay: before anything is sent. chunks: the stream's pieces (default: words). chunk_delay: between two.
    status: other than 200 answers with an error body, retry_after then as header.
    cut_after: the connection closes after so many pieces of the stream (characters of a plain body).
    empty: an answer without content. error_in_200: an error's text (or body) inside HTTP 200, as OpenRouter
    does; in a stream it comes after the first piece. refusal: content is null and this is the refusal.
    reasoning: what a model thinks before it answers, in the provider's field for it (not in a stream).
    sources: the pages (title, address) that a search of the web finds; None: two examples.
    malformed: broken JSON, or a broken event in a stream. hang: no answer until the caller gives up.
    """

    text: str | None = None
    delay: float = 0.0
    status: int = 200
    chunks: list[str] | None = None
    chunk_delay: float = 0.0
    cut_after: int | None = None
    empty: bool = False
    error_in_200: str | dict[str, Any] | None = None
    refusal: str | None = None
    malformed: bool = False
    retry_after: int | None = None
    finish_reason: str = "stop"
    hang: bool = False
    error: dict[str, Any] | None = None
    reasoning: str | None = None
    sources: tuple[tuple[str, str], ...] | None = None


LONG_TEXT = "\n\n".join(
    f"## Part {number}\n\n"
    + "A **long** answer goes on and on, with `code`, _emphasis_ and plain words. " * 30
    for number in range(1, 46)
)

FAULTS: dict[str, AiBehaviour] = {
    "ok": AiBehaviour(),
    "slow": AiBehaviour(delay=8, chunk_delay=0.2),
    "error_429": AiBehaviour(status=429, retry_after=20),
    "error_500": AiBehaviour(status=500),
    "cut": AiBehaviour(cut_after=8),
    "empty": AiBehaviour(empty=True),
    "error_in_200": AiBehaviour(error_in_200="Provider returned error"),
    "refusal": AiBehaviour(refusal="I can't help with that."),
    "long": AiBehaviour(text=LONG_TEXT),
    "down": AiBehaviour(status=0),
}
