"""A job as its worker has leased it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, Protocol

from shared.core import db, texts
from shared.core.json_types import JsonObject

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimGenerations, PostponeGeneration

LEASE_SECONDS = 240  # longer than all steps of one job together
State = Literal["reserved", "submitted", "copied", "succeeded", "failed", "expired"]


class BytesOfFile(Protocol):
    """A file that is here: a `shared.ai.media.contract.MediaFile`, or one that was read from Storage."""

    @property
    def data(self) -> bytes | None:
        """The content."""

    @property
    def mime(self) -> str | None:
        """The media type."""

    @property
    def width(self) -> int | None:
        """In pixels."""

    @property
    def height(self) -> int | None:
        """In pixels."""

    @property
    def duration_s(self) -> float | None:
        """Of a video."""


@dataclass(frozen=True)
class Job:
    """One leased job.

    Attributes:
        attempt: the number of the lease. Once another worker has taken over, every change is "superseded".
        state: the state in which it was claimed. failed, expired: a callback announces a late result.
        request: prompt, references and options.
        is_muted: the user has stopped waiting: what is sent makes no sound.
        files: what was stored of it, see public.generations.files.
        poll_seconds: between two reads of its state, where the catalogue says so for its model.
    """

    id: int
    attempt: int
    bot: str
    chat_id: int
    thread_id: int
    reply_to: int | None
    language: str | None
    language_code: str | None
    user_id: int
    telegram_id: int
    kind: Literal["image", "video"]
    provider: str
    model: str
    request: JsonObject
    token: str
    state: State
    provider_job_id: str | None
    submissions: int
    polls: int
    delivery_failures: int
    is_muted: bool
    files: Sequence[JsonObject]
    poll_seconds: float | None

    @property
    def is_late(self) -> bool:
        """Whether its price was released before the result came."""
        return self.state in ("failed", "expired")

    def keyboard(self, name: str, language: str) -> JsonObject:
        """Return the parameter with the buttons of a message about it; empty where it has none."""
        rows = (self.request.get("buttons") or {}).get(name)
        if not rows:
            return {}
        keyboard = [
            [
                {
                    "text": texts.text(language, one["key"]),
                    "callback_data": one["data"].replace("{id}", str(self.id)),
                }
                for one in row
            ]
            for row in rows
        ]
        return {"reply_markup": {"inline_keyboard": keyboard}}

    def postpone(self, seconds: float | None, error: str | None = None) -> None:
        """Give the lease back; the job is due again after `seconds`, with None not by itself."""
        self._postpone(seconds, error)

    def keep_waiting(self, seconds: float | None) -> PostponeGeneration:
        """Do what `postpone` does, because the provider still works on it; say whether to show that."""
        return self._postpone(seconds, None)

    def _postpone(self, seconds: float | None, error: str | None) -> PostponeGeneration:
        postponed: PostponeGeneration = db.call(
            "postpone_generation",
            p_id=self.id,
            p_attempt=self.attempt,
            p_seconds=seconds,
            p_error=error,
        )
        return postponed


def claim(providers: Sequence[str], limit: int) -> list[Job]:
    """Lease due jobs of these providers."""
    rows: list[ClaimGenerations] = db.call(
        "claim_generations",
        p_providers=list(providers),
        p_limit=limit,
        p_lease_seconds=LEASE_SECONDS,
    )
    names = {field.name for field in fields(Job)}
    return [
        Job(**{name: value for name, value in row.items() if name in names})  # type: ignore[arg-type]
        for row in rows
    ]
