"""Send a reserved job to its provider, once.

The state "submitting" is committed before the request. No provider has an idempotency key, so a request whose
outcome is unknown is not repeated: the job fails and its price is released; a callback that still comes
delivers it.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from shared.ai.media.contract import (
    Failed,
    Finished,
    MediaOptions,
    MediaRequest,
    Reference,
    Refused,
    Submitted,
)
from shared.ai.media.sniff import sniff
from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import ConfigError, StorageError, TelegramError
from shared.core.signatures import hmac_sha256
from shared.generations import copying, ending
from shared.generations.job import Job
from shared.generations.polling import pause
from shared.telegram import api

if TYPE_CHECKING:
    from shared.ai.media.contract import MediaProvider, Outcome
    from shared.core.sql_types import BeginSubmission, RecordSubmission

SUBMIT_TIME = 90.0  # seconds; a picture that the provider makes at once takes up to a minute
MAX_SUBMISSIONS = 3
RETRY_SECONDS = 5
MAX_RETRY_SECONDS = 60
ADDRESS_SECONDS = 3600


def submit(provider: MediaProvider, job: Job) -> None:
    """Send a job that was claimed as reserved, and go on with what comes back."""
    try:
        request = _request(provider, job)
    except TelegramError as error:
        return _reference_lost(job, error)
    except StorageError as error:  # until the deadline
        return job.postpone(RETRY_SECONDS, str(error))
    begun: BeginSubmission = db.call("begin_submission", p_id=job.id, p_attempt=job.attempt)
    if begun["outcome"] != "begun":
        return job.postpone(None)
    try:
        outcome = provider.submit(request, monotonic() + SUBMIT_TIME)
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return None if ending.switch(job, str(error)) else ending.fail(job, "config_error", str(error))
    return _handle(provider, job, outcome)


def _handle(provider: MediaProvider, job: Job, outcome: Outcome) -> None:
    match outcome:
        case Submitted():
            _record(job, outcome)
        case Finished():
            copying.copy(provider, job, outcome)
        case Refused():
            ending.refuse(job, outcome)
        case Failed(may_retry=True) if job.submissions + 1 < MAX_SUBMISSIONS:
            seconds = min(outcome.retry_after_s or RETRY_SECONDS, MAX_RETRY_SECONDS)
            db.call(
                "retry_submission",
                p_id=job.id,
                p_attempt=job.attempt,
                p_seconds=int(seconds) + 1,
                p_error=outcome.message,
            )
        case Failed(spent=False) if ending.switch(job, outcome.message):
            return
        case Failed():
            # Whether the provider works on it is unknown: a callback may still bring the result.
            is_unknown = outcome.spent is None and not outcome.may_retry
            ending.fail(job, "unanswered" if is_unknown else outcome.cause, outcome.message)


def _record(job: Job, outcome: Submitted) -> None:
    recorded: RecordSubmission = db.call(
        "record_submission",
        p_id=job.id,
        p_provider_job_id=outcome.provider_job_id,
        p_seconds=pause(0, job.poll_seconds or outcome.poll_after_s),
    )
    if recorded["outcome"] == "conflict":
        log.alert(
            "a provider gave the name of a job to another one",
            action="generation_conflict",
            provider=job.provider,
            job=job.id,
        )
        ending.fail(job, "conflict", "the provider's name of the job belongs to another job")


def _reference_lost(job: Job, error: TelegramError) -> None:
    """A picture that the user sent cannot be fetched from Telegram now, or ever."""
    if error.is_temporary and job.submissions < MAX_SUBMISSIONS:
        job.postpone(RETRY_SECONDS, str(error))
    else:
        ending.fail(job, "invalid_reference", str(error))


def _request(provider: MediaProvider, job: Job) -> MediaRequest:
    options = {name: value for name, value in job.request.get("options", {}).items() if value is not None}
    return MediaRequest(
        kind=job.kind,
        model=job.model,
        prompt=job.request.get("prompt", ""),
        references=tuple(
            _reference(provider, job, number, one)
            for number, one in enumerate(job.request.get("references", []))
        ),
        options=MediaOptions(**options),
        user_hash=hmac_sha256(settings().user_hash_key, b"media:%d" % job.telegram_id).hex(),
        job=str(job.id),
        callback_url=_callback_url(job),
    )


def _callback_url(job: Job) -> str | None:
    """Return where the provider reports that the job is finished; None without a public address.

    The token is known to the provider alone; a job that is handed to another provider gets a new one.
    """
    base = settings().public_url
    return f"{base}/generations/{job.provider}?token={job.token}" if base else None


def _reference(provider: MediaProvider, job: Job, number: int, stored: dict[str, str]) -> Reference:
    """Fetch a picture that the user sent: {file_id, mime, role}.

    The link to it holds the bot's token, so a provider that needs an address gets one of Storage.
    """
    found = api.call(job.bot, "getFile", {"file_id": stored["file_id"]})
    data = api.download(job.bot, found["file_path"])
    role = stored.get("role", "reference")
    seen = sniff(data)  # what Telegram says of a document is what its sender said
    mime = seen.mime if seen is not None else stored.get("mime", "image/jpeg")
    url = _address(job, number, data, mime) if provider.references_by_address else None
    return Reference(data, mime, url, role=role)  # type: ignore[arg-type]


def _address(job: Job, number: int, data: bytes, mime: str) -> str | None:
    """Store a picture and return an address that ends after the job; None without a storage."""
    from shared.storage import store_file

    name = uuid5(UUID(job.token), f"reference {number}")
    stored = store_file(job.user_id, job.bot, kind="references", name=name, data=data, mime_type=mime)
    return stored.signed_url(ADDRESS_SECONDS) if stored is not None else None
