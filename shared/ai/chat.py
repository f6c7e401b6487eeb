"""Request a chat completion: an answer by the deadline, or an exception that names the text for the user.

The completion is requested as a stream, to have what a slow model has written so far when the deadline comes,
and to show a long answer while it grows (`progress`).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from decimal import Decimal

import orjson

from shared.ai import error_handling, providers
from shared.ai.call_records import AiCall, Kind, Record
from shared.ai.models import PICTURE_TOKENS, cost_of, count_characters, fit_context
from shared.ai.progress import Progress
from shared.ai.provider import (
    ChatRequest,
    ErrorKind,
    Finish,
    PartialCompletion,
    Picture,
    Provider,
    ProviderError,
    Usage,
)
from shared.ai.response_reader import receive
from shared.ai.text_cleanup import is_visible
from shared.core import http, log
from shared.core.config import settings
from shared.core.errors import ConfigError, UserApiKeyError
from shared.core.json_types import JsonObject

__all__ = ["ChatAnswer", "Finish", "Usage", "complete"]

MIN_RETRY_SECONDS = 2.0  # seconds that must be left before the deadline for a retry
_STREAM_PARAMS = frozenset({"stream", "stream_options"})

# (provider, model) → parameters that it rejected, so that only the first user waits for a retry.
_unsupported_params: dict[tuple[str, str], frozenset[str]] = {}


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A model's answer and what it took.

    `finish` is `stop` for a whole answer, `length` when the model or `provider.MAX_TEXT` ended it, `cut` when
    our deadline did, `broken` when the connection or the provider failed after some text had come, `stopped`
    when the user did, perhaps before the first word. `model` is the requested one. Milliseconds and bytes (of
    the bodies) are the sums over all attempts.
    """

    text: str
    finish: Finish
    model: str
    provider: str
    usage: Usage
    milliseconds: int
    request_bytes: int
    response_bytes: int
    is_user_api_key: bool = False  # the user's own account pays
    sources: tuple[tuple[str, str], ...] = ()  # title and address of the pages that it is from


def complete(
    messages: list[dict[str, str]],
    *,
    model: str,
    provider: str,
    deadline: float,
    user_reference: str | None,
    temperature: float | None = None,
    effort: str | None = None,
    api_key: str | None = None,
    record: Record | None = None,
    pictures: tuple[Picture, ...] = (),
    progress: Progress | None = None,
) -> ChatAnswer:
    """Request a completion and return it, by the deadline at the latest. Nothing paid is requested twice.

    Args:
        messages: {role, content}, the oldest first: the system prompt, the history, the new message.
        provider: the name of a file in `providers/`.
        deadline: `time.monotonic()` at which the text so far becomes the answer.
        user_reference: a pseudonymous id of the user (at most 64 characters) for the provider's abuse checks.
        temperature: None for the model's default, the only one reasoning models accept.
        effort: the reasoning effort in the provider's words; None for the model's default.
        api_key: the user's own key at the provider, instead of ours.
        record: called with each attempt, failed ones included.
        pictures: of the new message.
        progress: lets another thread read the text so far, and stop the answer.

    Raises:
        AITimeout: no text came in time.
        AIRefused: the provider refuses this content.
        AITooLong: the conversation does not fit the model's context.
        AINoVision: the model takes no pictures.
        AIPictureRefused: the provider cannot read a picture.
        AIUnavailable: the owner must act first.
        AIOverloaded: the rate limit is reached, or our account is out of credit.
        UserApiKeyError: the provider rejects `api_key` for a reason its user can resolve.
        AIError: no answer for another reason.
        ConfigError: no such provider, or no usable key of ours.
    """
    call = Call(providers.load(provider), model, deadline, api_key, record, progress)
    known = _unsupported_params.get((provider, model), frozenset())
    fitting = fit_context(messages, provider, model, len(pictures))
    request = ChatRequest(fitting, model, user_reference, temperature, effort, known, pictures=pictures)
    while True:
        partial = call.attempt(request)
        if partial.error is None:
            return call.to_answer(partial)
        retry = None if call.is_paid else call.retry_request(request, partial.error)
        if retry is None:
            raise error_handling.exception_for(partial.error, provider, is_user_api_key=api_key is not None)
        request = retry


class Call:
    """One question to a model: its attempts, and what they took together."""

    kind: Kind = "chat"

    def __init__(
        self,
        service: Provider,
        model: str,
        deadline: float,
        user_api_key: str | None,
        record: Record | None,
        progress: Progress | None = None,
    ) -> None:
        self._service = service
        self._model = model
        self._deadline = deadline
        self._user_api_key = user_api_key
        self._record = record
        self._progress = progress
        self._secret = user_api_key or service.api_key()
        if not (self._secret.isascii() and self._secret.isprintable()):
            # A header cannot hold it, and the HTTP client's error could repeat it.
            if user_api_key:
                raise UserApiKeyError(f"{service.key}: malformed key", "refused")
            raise ConfigError(f"{service.key.upper()}_API_KEY is malformed: it must be plain ASCII")
        self._started = time.monotonic()
        self._remedies: set[str] = set()  # changes of the request that were tried: each only once
        self._request_bytes = 0
        self._response_bytes = 0
        self._text = ""  # of the latest attempt
        self.is_paid = False  # whether the provider did work that costs, or may have

    def attempt(self, request: ChatRequest) -> PartialCompletion:
        """Send the request once. The result is an answer unless it has an `error`."""
        started, partial = time.monotonic(), PartialCompletion()
        sent, received = self._request_bytes, self._response_bytes
        status = self._send_and_receive(request, partial)
        if request.pictures and partial.error is not None:
            from shared.ai.error_patterns import about_pictures

            partial.error = about_pictures(partial.error)
        first_error = partial.error
        self._decide_outcome(partial, status)
        cost = None
        if _is_paid(partial, first_error, status):
            usage = self._usage_of_stopped(partial, request) if partial.finish == "stopped" else partial.usage
            characters = self._characters(request)
            cost = cost_of(self._service.key, self._model, usage, characters, request.max_tokens)
            self.is_paid = True
        seconds = time.monotonic() - started
        self._log(partial, status, seconds)
        if self._record is not None:
            sizes = self._request_bytes - sent, self._response_bytes - received
            self._record(self._call_record(partial, cost, seconds, *sizes))
        return partial

    def to_answer(self, partial: PartialCompletion) -> ChatAnswer:
        """Return a completion without an error as the answer."""
        return ChatAnswer(
            text=self._text,
            finish=partial.finish or "stop",
            model=self._model,
            provider=self._service.key,
            usage=partial.usage,
            milliseconds=round((time.monotonic() - self._started) * 1000),
            request_bytes=self._request_bytes,
            response_bytes=self._response_bytes,
            is_user_api_key=self._user_api_key is not None,
        )

    def retry_request(self, request: ChatRequest, error: ProviderError) -> ChatRequest | None:
        """Return the request to send next, after a delay where one is due; None when no retry can help."""
        if self._time_left() < MIN_RETRY_SECONDS:
            return None
        if error.kind is ErrorKind.CONTEXT_TOO_LONG:
            return request.without_older_half() if self._is_new("shorter") else None
        if error.kind is ErrorKind.NO_STREAMING:
            return self._without_streaming(request) if self._is_new("without streaming") else None
        if error.kind is ErrorKind.INVALID_REQUEST:
            return self._without_unsupported_params(request, error) if self._is_new("fewer params") else None
        delay = error_handling.retry_delay(error)
        if delay is None or self._time_left() - delay < MIN_RETRY_SECONDS or not self._is_new("unchanged"):
            return None
        time.sleep(delay)
        return request

    def _send_and_receive(self, request: ChatRequest, partial: PartialCompletion) -> int:
        """Send the request and read the response into `partial`; return the HTTP status, 0 without one."""
        status = 0
        try:
            response = self._post(request)
            status = response.status
            if self._progress is not None:
                self._progress.begin(partial, response)
            try:
                receive(response, self._service, partial, self._deadline)
            finally:
                self._response_bytes += response.received
                response.close()
        except http.RequestError as error:
            if partial.finish is not None:  # after the model's last word only the count of tokens is missing
                return status
            if self._progress is not None and self._progress.is_stopped:
                partial.finish = "stopped"
            else:
                partial.error = _connection_error(error, status)
        return status

    def _usage_of_stopped(self, partial: PartialCompletion, request: ChatRequest) -> Usage:
        """Return the usage of a stopped answer: a provider reports none to a connection that is gone.

        It counts one token for each character, three times what was written, which leaves room for reasoning.
        """
        most = request.max_tokens or settings().chat_max_tokens
        tokens_out = partial.usage.tokens_out
        return replace(
            partial.usage, tokens_out=min(len(self._text), most) if tokens_out is None else tokens_out
        )

    def _post(self, request: ChatRequest) -> http.Stream:
        url, fields = self._url_and_fields(request)
        for name in request.unsupported_params:
            fields.pop(name, None)
        body = orjson.dumps(fields)
        self._request_bytes += len(body)
        return http.stream("POST", url, body, self._service.headers(self._secret), self._deadline)

    def _url_and_fields(self, request: ChatRequest) -> tuple[str, JsonObject]:
        return self._service.url(), self._service.body(request)

    def _characters(self, request: ChatRequest) -> int:
        return count_characters(request.messages) + len(request.pictures) * PICTURE_TOKENS

    def _without_unsupported_params(self, request: ChatRequest, error: ProviderError) -> ChatRequest | None:
        """Return the request without the optional parameters that the provider's error names."""
        words = set(re.findall(r"\w+", error.message))
        named = words.intersection(self._service.OPTIONAL_PARAMS) - request.unsupported_params
        if not named:
            return None
        unsupported = request.unsupported_params | named
        self._remember(request, unsupported)
        return replace(request, unsupported_params=unsupported)

    def _remember(self, request: ChatRequest, unsupported: frozenset[str]) -> None:
        _unsupported_params[self._service.key, request.model] = unsupported

    def _without_streaming(self, request: ChatRequest) -> ChatRequest:
        """Return the request for an answer in one piece.

        OpenAI streams some models only to verified organizations and answers all others in one piece. This
        depends on the account, so it is remembered for our own key only.
        """
        unsupported = request.unsupported_params | _STREAM_PARAMS
        if self._user_api_key is None:
            self._remember(request, unsupported)
        return replace(request, unsupported_params=unsupported)

    def _time_left(self) -> float:
        return self._deadline - time.monotonic()

    def _is_new(self, remedy: str) -> bool:
        """Whether a change of the request was not tried yet; notes that it is tried now."""
        if remedy in self._remedies:
            return False
        self._remedies.add(remedy)
        return True

    def _decide_outcome(self, partial: PartialCompletion, status: int) -> None:
        """Decide whether an attempt is an answer: visible text outweighs any error after it but a refusal."""
        if partial.is_full:
            partial.finish = "length"
        self._text = partial.text()
        has_text = is_visible(self._text)
        if not has_text and partial.error is None and partial.finish != "stopped":
            partial.error = ProviderError(ErrorKind.EMPTY, status, message=f"finish {partial.finish}")
        error = partial.error
        if error is None:
            return
        self._report(error)
        if has_text and error.kind is not ErrorKind.CONTENT_REFUSED:
            if partial.finish is None:  # after the model's last word an error takes nothing away
                partial.finish = "cut" if error.kind is ErrorKind.DEADLINE_EXCEEDED else "broken"
            partial.error = None

    def _report(self, error: ProviderError) -> None:
        is_user_api_key = self._user_api_key is not None
        error_handling.report(
            error, self._service, self._model, self._secret, is_user_api_key=is_user_api_key
        )

    def _call_record(
        self, partial: PartialCompletion, cost: Decimal | None, seconds: float, sent: int, received: int
    ) -> AiCall:
        if partial.error is not None:
            status = str(partial.error.kind)
        else:
            status = "part" if partial.finish in ("cut", "broken", "stopped") else "ok"
        return AiCall(
            provider=self._service.key,
            model=self._model,
            kind=self.kind,
            status=status,
            ms=round(seconds * 1000),
            request_bytes=sent,
            response_bytes=received,
            tokens_in=partial.usage.tokens_in,
            tokens_out=partial.usage.tokens_out,
            tokens_cached=partial.usage.tokens_cached,
            cost=None if cost is None else f"{cost:f}",
            is_estimate=cost is not None and partial.usage.cost is None,
            is_user_api_key=self._user_api_key is not None,
        )

    def _log(self, partial: PartialCompletion, status: int, seconds: float) -> None:
        if not log.is_debug():
            return
        log.debug(
            f"requested a completion from {self._service.key}",
            action="ai_call",
            provider=self._service.key,
            model=self._model,
            ms=round(seconds * 1000, 1),
            status=status,
            tokens_in=partial.usage.tokens_in,
            tokens_out=partial.usage.tokens_out,
            cost=partial.usage.cost,
            finish=partial.error.kind if partial.error else partial.finish,
        )


# After these the provider has read the request, and bills what it read and wrote.
_PAID_ENDINGS = frozenset(
    {ErrorKind.DEADLINE_EXCEEDED, ErrorKind.CONTENT_REFUSED, ErrorKind.INCOMPLETE, ErrorKind.EMPTY}
)


def _connection_error(error: http.RequestError, status: int) -> ProviderError:
    """Return what a failed connection means; only a request that cannot have been processed is retried."""
    if isinstance(error, http.Timeout):
        kind = ErrorKind.DEADLINE_EXCEEDED
    else:
        kind = ErrorKind.INCOMPLETE if error.maybe_processed else ErrorKind.UNREACHABLE
    return ProviderError(kind, status, message=str(error), maybe_processed=error.maybe_processed)


def _is_paid(partial: PartialCompletion, error: ProviderError | None, status: int) -> bool:
    """Return whether the provider did, or may have done, work that it bills.

    An error status costs nothing. Once a response began (status 200), the request was read. Without a
    response (status 0) the provider may be working on a request that it received.

    Args:
        error: the error that ended the attempt, also where its text is an answer nevertheless.
        status: the HTTP status, 0 without a response.
    """
    if error is not None and status == 0:
        return error.maybe_processed
    if not 200 <= status < 300:
        return False
    if error is None or error.kind in _PAID_ENDINGS:
        return True
    return is_visible(partial.text()) or bool(partial.usage.tokens_out)
