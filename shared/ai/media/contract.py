"""The contract of media providers: what a worker asks for and what can come back.

    submit ──▶ Submitted ──▶ read ──▶ Submitted │ Finished │ Refused │ Failed
           └─▶ Finished │ Refused │ Failed (providers that answer in one piece)

No provider has an idempotency key: a request that is sent again is a second paid job. So `submit` is called
once per job, and again only after `Failed.may_retry`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from shared.core.errors import ExternalServiceError, SwitchboardError

Kind = Literal["image", "video"]
Role = Literal["reference", "first_frame", "last_frame"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture that the model works from.

    `url` is an https address of the same picture, where the provider can fetch it until the job ends; kie.ai
    accepts nothing else. `role` places it in a video; pictures are made from "reference" alone.
    """

    data: bytes = field(repr=False)
    mime: str
    url: str | None = field(default=None, repr=False)
    role: Role = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaOptions:
    """What the catalogue offers for a model, by its names there. None leaves it to the model's default.

    Providers reject options that a model does not know: nothing is dropped or rounded here.
    """

    count: int = 1  # pictures of one request
    aspect_ratio: str | None = None  # "16:9"
    size: str | None = None  # of a picture: "1K", "1024x1024", in the provider's words
    resolution: str | None = None  # of a video: "720p", in the provider's words
    quality: str | None = None  # "low", "pro": in the provider's words
    duration: int | None = None  # of a video, in seconds
    sound: bool | None = None  # of a video


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRequest:
    """One picture or video to make.

    `user_hash` identifies the user to the provider's abuse control and must not be traceable. `job` is our
    own id of the job. `callback_url` is https and holds an unguessable token; it reaches the provider only
    where it can sign its callbacks and the secret is set.
    """

    kind: Kind
    model: str
    prompt: str = field(repr=False)
    references: tuple[Reference, ...] = ()
    options: MediaOptions = MediaOptions()
    user_hash: str
    job: str
    callback_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A result: its bytes, or an address that `MediaProvider.download` fetches them from.

    `mime`, `width` and `height` are read from the bytes; None while there are none, or where they do not say.
    `url` may be a secret and may stop working: download it at once.
    """

    data: bytes | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider works on it. Call `read` again after `poll_after_s` seconds.

    `read` also returns it when the state cannot be read at present (an outage, a rejected key, a job that is
    not found yet): the job may still end well, so only the worker's own limit of waiting gives it up.
    """

    provider_job_id: str
    poll_after_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """At least one file. `cost_usd` is what the provider reports, None where it reports only `usage`."""

    files: tuple[MediaFile, ...]
    cost_usd: Decimal | None = None
    usage: Mapping[str, int] = field(default_factory=dict)  # counts in the provider's words


class RefusalKind(StrEnum):
    """Why the provider does not want to make it."""

    INPUT = "input"  # the prompt or a reference
    OUTPUT = "output"  # the result was made and withheld
    MINOR = "minor"  # a child in the prompt, a reference or the result
    PERSON = "person"  # a prominent or real person
    COPYRIGHT = "copyright"  # too close to a protected work
    ANSWERED_IN_TEXT = "answered_in_text"  # the model answered with `text` instead, for the user to read
    NO_RESULT = "no_result"  # the model made nothing and gives no reason
    POLICY = "policy"  # a content policy, without a reason


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider refuses the content. Neither retry it nor send it to another provider.

    `text` is what the model says to the user, only for ANSWERED_IN_TEXT. `cost_usd` is what it cost
    nevertheless, None where that is unknown.
    """

    kind: RefusalKind
    text: str | None = field(default=None, repr=False)
    cost_usd: Decimal | None = None
    usage: Mapping[str, int] = field(default_factory=dict)


class Cause(StrEnum):
    """Why a job failed."""

    INVALID_KEY = "invalid_key"  # the provider rejects the key
    PERMISSION_DENIED = "permission_denied"  # the key is valid, but not allowed to do this
    NO_CREDIT = "no_credit"  # the account is out of money or quota
    MODEL_NOT_FOUND = "model_not_found"  # no such model or address, or it was shut down
    UNSUPPORTED_REGION = "unsupported_region"  # not available in our server's country
    BLOCKED = "blocked"  # a web page or a firewall answered instead of the API
    RATE_LIMITED = "rate_limited"  # too many requests
    UNAVAILABLE = "unavailable"  # overloaded or in maintenance
    INVALID_REQUEST = "invalid_request"  # the provider rejects an option, or our request
    INVALID_REFERENCE = "invalid_reference"  # a reference has the wrong format or size, or cannot be fetched
    SERVER_ERROR = "server_error"  # the provider's fault
    GENERATION_FAILED = "generation_failed"  # the provider gave the job up
    PROVIDER_TIMEOUT = "provider_timeout"  # the provider gave up waiting for the model
    DEADLINE_EXCEEDED = "deadline_exceeded"  # our deadline
    UNREACHABLE = "unreachable"  # the request cannot have been processed
    CONNECTION_LOST = "connection_lost"  # the response did not arrive
    INVALID_RESPONSE = "invalid_response"  # the response cannot be read
    EMPTY = "empty"  # a success without a file
    CANCELLED = "cancelled"  # by the provider or in its console
    EXPIRED = "expired"  # the job or its result is no longer kept


# Causes that only the owner can resolve.
OWNER_CAUSES = frozenset(
    {
        Cause.INVALID_KEY,
        Cause.PERMISSION_DENIED,
        Cause.NO_CREDIT,
        Cause.MODEL_NOT_FOUND,
        Cause.UNSUPPORTED_REGION,
        Cause.BLOCKED,
        Cause.INVALID_REQUEST,
    }
)


@dataclass(frozen=True, slots=True)
class Failed:
    """There will be no result.

    `may_retry`: the provider provably did not begin, so that the same request may be submitted again, after
    `retry_after_s` where it names a delay. `spent`: whether it cost something; None is unknown. `message` is
    the provider's own text without secrets: for the log and the owner, never for users.
    """

    cause: Cause
    may_retry: bool
    spent: bool | None
    message: str
    retry_after_s: float | None = None


Outcome = Submitted | Finished | Refused | Failed


class InvalidCallback(SwitchboardError):
    """A callback is not authentic or names no job. The message never repeats what was sent."""


class DownloadError(ExternalServiceError):
    """A result cannot be fetched. `is_gone`: it never will be, because the provider no longer keeps it."""

    def __init__(self, message: str, *, is_gone: bool) -> None:
        super().__init__(message)
        self.is_gone = is_gone


class TooLarge(DownloadError):
    """A result is larger than a bot can send; `MediaProvider.open` reads it piece by piece."""

    def __init__(self, message: str = "the file is too large to be sent") -> None:
        super().__init__(message, is_gone=False)


class OpenFile(Protocol):
    """A file that is being read."""

    @property
    def size(self) -> int | None:
        """In bytes, as announced; None when it is not."""

    def read(self) -> bytes:
        """Return the next bytes as soon as there are any; nothing at the end.

        Raises:
            DownloadError: the rest did not arrive.
        """

    def close(self) -> None:
        """End the transfer."""


class MediaProvider(Protocol):
    """A provider of pictures, videos or both. Deadlines are values of `time.monotonic()`."""

    key: str  # the name of its package; `<KEY>_API_KEY` and `<KEY>_BASE_URL` follow from it
    kinds: frozenset[Kind]
    references_by_address: bool  # it fetches references from `Reference.url`, and takes no bytes
    signs_callbacks: bool  # with `<KEY>_WEBHOOK_SECRET`; without it, or the secret, jobs are only polled
    has_project_webhook: bool  # one address for all jobs, set up at the provider; it signs the job's name

    def submit(self, request: MediaRequest, deadline: float) -> Outcome:
        """Send a request, once.

        Raises:
            ConfigError: a setting is missing or malformed. Nothing was sent.
        """

    def read(self, provider_job_id: str, deadline: float) -> Outcome:
        """Read the state of a job that `submit` returned as `Submitted`. Costs nothing.

        `Failed.may_retry` is false here.

        Raises:
            ConfigError: a setting is missing or malformed.
        """

    def download(self, file: MediaFile, deadline: float) -> MediaFile:
        """Return the file with its bytes and what they say about it. A file that has them is returned as is.

        Raises:
            DownloadError: it cannot be fetched, or is no picture or video. TooLarge: a bot cannot send it.
            ConfigError: a setting is missing or malformed.
        """

    def open(self, file: MediaFile, deadline: float) -> OpenFile:
        """Begin to read a file without its bytes in memory.

        Raises:
            DownloadError: it cannot be fetched.
            ConfigError: a setting is missing or malformed.
        """

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the provider's id of the job that an authentic callback names. Names are in lower case.

        A callback only says that it is time to `read`: not every provider signs the body.

        Raises:
            InvalidCallback: it is not authentic, too old, or names no job.
            ConfigError: the secret that signs callbacks is missing.
        """
