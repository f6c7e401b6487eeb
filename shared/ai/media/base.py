"""What all media providers share: checks of a request, files from bytes, downloads, log lines."""

from __future__ import annotations

import base64
import binascii
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import ClassVar

from shared.ai.media import download, keys, wire
from shared.ai.media.contract import (
    OWNER_CAUSES,
    Cause,
    DownloadError,
    Failed,
    InvalidCallback,
    Kind,
    MediaFile,
    MediaOptions,
    MediaRequest,
    OpenFile,
    Outcome,
    Reference,
    Refused,
    Submitted,
)
from shared.ai.media.log_text import clean
from shared.ai.media.sniff import sniff
from shared.core import log
from shared.core.config import settings
from shared.core.errors import ConfigError

REFERENCE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp"})
MAX_REFERENCES_SIZE = 30_000_000  # bytes of all references: base64 makes a third more of them
_JOB_ID = re.compile(r"[A-Za-z0-9_.:/~=+-]{1,300}")
_NO_OPTIONS = MediaOptions()
_ADVICE: Mapping[Cause, str] = {
    Cause.INVALID_KEY: "{key} rejects our API key: put a valid one into {KEY}_API_KEY",
    Cause.PERMISSION_DENIED: "{key} denies our key access to {model}: check its permissions and models",
    Cause.NO_CREDIT: "our account at {key} is out of credit or quota: top it up or raise its limit",
    Cause.MODEL_NOT_FOUND: "{key} has no model {model}: take it off the catalogue or correct its name",
    Cause.UNSUPPORTED_REGION: "{key} does not serve the country of our server",
    Cause.BLOCKED: "a web page or firewall answers instead of {key}: check {KEY}_BASE_URL",
    Cause.INVALID_REQUEST: "{key} rejects the options of {model}: correct the catalogue",
}


# What the owner has to mend although the job used the key of its user.
_ALSO_OURS = frozenset({Cause.UNSUPPORTED_REGION, Cause.BLOCKED, Cause.INVALID_REQUEST})


class BaseProvider(ABC):
    """One media provider. A subclass sends requests and maps what comes back, without waiting and retries."""

    BASE_URL: ClassVar[str]  # of its API, without a slash at the end
    KINDS: ClassVar[frozenset[Kind]]
    # The options of `MediaOptions` that can be sent; `count` is checked against MAX_COUNT.
    OPTIONS: ClassVar[Mapping[Kind, frozenset[str]]]
    MAX_COUNT: ClassVar[int] = 1  # pictures of one request
    POLL_SECONDS: ClassVar[float] = 10.0  # between two reads of a job's state
    REFERENCES_BY_ADDRESS: ClassVar[bool] = False  # see `MediaProvider.references_by_address`
    SIGNS_CALLBACKS: ClassVar[bool] = False  # with the secret <KEY>_WEBHOOK_SECRET
    HAS_PROJECT_WEBHOOK: ClassVar[bool] = False  # see `MediaProvider.has_project_webhook`

    def __init__(self, key: str) -> None:
        self.key = key
        self.kinds = self.KINDS
        self.references_by_address = self.REFERENCES_BY_ADDRESS
        self.signs_callbacks = self.SIGNS_CALLBACKS
        self.has_project_webhook = self.HAS_PROJECT_WEBHOOK

    def submit(self, request: MediaRequest, deadline: float) -> Outcome:
        """Send a request, once; see `MediaProvider.submit`."""
        outcome = self._problem(request) or self.send(request, deadline)
        return self._logged(outcome, request.model, request.job, request.prompt)

    def read(self, provider_job_id: str, deadline: float) -> Outcome:
        """Read the state of a job; see `MediaProvider.read`."""
        outcome = self.read_job(provider_job_id, deadline)
        if isinstance(outcome, Failed) and outcome.may_retry:
            self._log_failure(outcome, "", provider_job_id, "", is_read=True)
            return Submitted(provider_job_id, self.poll_seconds())
        return self._logged(outcome, "", provider_job_id)

    def download(self, file: MediaFile, deadline: float) -> MediaFile:
        """Return the file with its bytes; see `MediaProvider.download`."""
        if file.data is not None:
            return file
        data = download.download(file.url or "", self.base_url(), self.headers(), deadline)
        found = file_of(data)
        if found is None:
            raise DownloadError("the file is no picture or video", is_gone=False)
        return replace(found, url=file.url)

    def open(self, file: MediaFile, deadline: float) -> OpenFile:
        """Begin to read a file piece by piece; see `MediaProvider.open`."""
        return download.open_url(file.url or "", self.base_url(), self.headers(), deadline)

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the job that an authentic callback names; see `MediaProvider.verify_callback`."""
        if not self.SIGNS_CALLBACKS:
            raise InvalidCallback(f"{self.key} sends no callbacks")
        secrets = settings().webhook_secrets(self.key)
        if not secrets:
            raise ConfigError(f"{self.key.upper()}_WEBHOOK_SECRET is missing: callbacks cannot be verified")
        job = self.authentic_job(headers, body, secrets)
        if not is_job_id(job):
            raise InvalidCallback("the callback names no job")
        return job

    @abstractmethod
    def headers(self) -> dict[str, str]:
        """Return the headers with our API key."""

    @abstractmethod
    def send(self, request: MediaRequest, deadline: float) -> Outcome:
        """Send a request that passed the checks, once."""

    def read_job(self, provider_job_id: str, deadline: float) -> Outcome:
        """Read the state of a job: `unread` when that is not possible at present.

        Providers that answer in one piece have none.
        """
        raise NotImplementedError(f"{self.key} has no jobs")

    def authentic_job(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> str:
        """Verify a callback with the secrets and return the job that it names; only with SIGNS_CALLBACKS."""
        raise InvalidCallback(f"{self.key} sends no callbacks")

    def base_url(self) -> str:
        """Return the base URL of the API.

        Raises:
            ConfigError: `<KEY>_BASE_URL` is malformed.
        """
        return settings().base_url(self.key, self.BASE_URL)

    def callback_url(self, request: MediaRequest) -> str | None:
        """Return the callback URL to send; None where callbacks could not be verified."""
        return request.callback_url if settings().webhook_secrets(self.key) else None

    def poll_seconds(self) -> float:
        """Return the seconds between two reads of a job's state."""
        return self.POLL_SECONDS

    def _problem(self, request: MediaRequest) -> Failed | None:
        """Return what the provider would reject; None when nothing is known."""
        if request.kind not in self.kinds:
            return _invalid(f"{self.key} makes no {request.kind}")
        if not 1 <= request.options.count <= self.MAX_COUNT:
            return _invalid(f"{self.key} makes at most {self.MAX_COUNT} in one request")
        for option in fields(MediaOptions):
            is_given = getattr(request.options, option.name) != getattr(_NO_OPTIONS, option.name)
            if is_given and option.name not in self.OPTIONS[request.kind] | {"count"}:
                return _invalid(f"{self.key} has no option {option.name} for {request.kind}")
        return _reference_problem(request)

    def _logged(self, outcome: Outcome, model: str, job: str, prompt: str = "") -> Outcome:
        if isinstance(outcome, Failed):
            outcome = replace(outcome, message=clean(outcome.message, prompt))
            self._log_failure(outcome, model, job, prompt)
        elif isinstance(outcome, Refused):
            log.info(
                f"{self.key} refuses the content", action="media_refused", provider=self.key, model=model,
                job=job, kind=outcome.kind,
            )  # fmt: skip
        return outcome

    def _log_failure(
        self, problem: Failed, model: str, job: str, prompt: str, *, is_read: bool = False
    ) -> None:
        is_ours = not keys.is_users(self.key) or problem.cause in _ALSO_OURS
        advice = _ADVICE[problem.cause] if problem.cause in OWNER_CAUSES and is_ours else ""
        write = log.alert if advice else log.warning
        text = f"{self.key} " + ("does not say how a job is" if is_read else "made nothing")
        write(
            advice.format(key=self.key, KEY=self.key.upper(), model=model or "the model") if advice else text,
            action="media_error", provider=self.key, model=model, job=job, cause=problem.cause,
            spent=problem.spent, error=clean(problem.message, prompt),
        )  # fmt: skip


def is_job_id(text: str) -> bool:
    """Whether a text can be a provider's id of a job, to be stored and put into a URL."""
    return bool(_JOB_ID.fullmatch(text)) and ".." not in text


def media_type(reference: Reference) -> str:
    """Return the media type of a reference from its bytes, an empty text when they are no picture."""
    facts = sniff(reference.data)
    return facts.mime if facts else ""


def data_url(reference: Reference) -> str:
    """Return a reference as a data URL."""
    return f"data:{media_type(reference)};base64,{in_base64(reference)}"


def in_base64(reference: Reference) -> str:
    """Return the bytes of a reference as base64."""
    return base64.b64encode(reference.data).decode()


def file_of(data: bytes) -> MediaFile | None:
    """Return a picture or video with what its bytes say; None when they are neither."""
    facts = sniff(data)
    if facts is None:
        return None
    return MediaFile(
        data=data, mime=facts.mime, width=facts.width, height=facts.height, duration_s=facts.duration_s
    )


def decode(text: object) -> MediaFile | None:
    """Return the file in base64, with or without the head of a data URL; None when it is none."""
    if not isinstance(text, str):
        return None
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return file_of(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return None


def invalid_reference(message: str) -> Failed:
    """Return the failure of a request whose reference cannot be used. Nothing was sent."""
    return Failed(Cause.INVALID_REFERENCE, may_retry=False, spent=False, message=message)


def unreadable(answer: wire.Answer, what: str) -> Failed:
    """Return the failure of a success that holds no usable result; the log gets its beginning."""
    message = f"{what}: {str(dict(answer.body))[:300]}"
    return Failed(Cause.INVALID_RESPONSE, may_retry=False, spent=None, message=message)


def _reference_problem(request: MediaRequest) -> Failed | None:
    for reference in request.references:
        if request.kind == "image" and reference.role != "reference":
            return _invalid(f"a picture has no {reference.role}")
        if media_type(reference) not in REFERENCE_TYPES:
            return invalid_reference("a reference is no PNG, JPEG or WebP")
    if sum(len(reference.data) for reference in request.references) > MAX_REFERENCES_SIZE:
        return invalid_reference("the references are too large together")
    return None


def unread(problem: Outcome) -> Failed:
    """Return that the state of a job cannot be read at present, because of `problem`."""
    cause, message = Cause.INVALID_RESPONSE, "no state in the answer"
    if isinstance(problem, Failed):
        cause, message = problem.cause, problem.message
    return Failed(cause, may_retry=True, spent=None, message=message)


def _invalid(message: str) -> Failed:
    return Failed(Cause.INVALID_REQUEST, may_retry=False, spent=False, message=message)
