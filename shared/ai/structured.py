"""Request a structured answer: an object of a pydantic model, or an exception of the same kinds as a chat.

    labels = ask_structured(Labels, messages, model=…, provider=…, deadline=…, kind="classification")

The provider enforces the schema where it can. Where a model rejects the schema (400: nothing was spent), the
next weaker form is tried and, once it has answered, remembered. Whatever the form, the answer is read by the
same rules (`answer_reader`); one that breaks them is paid for and not requested again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

import orjson

from shared.ai import error_handling, native
from shared.ai.answer_reader import InvalidAnswer, read_answer
from shared.ai.answer_schema import schema_of
from shared.ai.call_records import Kind, Record
from shared.ai.chat import MIN_RETRY_SECONDS, Call
from shared.ai.models import count_characters, fit_context
from shared.ai.provider import (
    AnswerForm,
    AnswerSchema,
    ChatRequest,
    ErrorKind,
    PartialCompletion,
    Provider,
    ProviderError,
)
from shared.ai.text_cleanup import is_visible
from shared.core.json_types import JsonObject

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

_INSTRUCTION = (
    "Answer with one JSON object and nothing else: no code fence, no words before or after it. "
    "It must be valid against this JSON schema:\n"
)

# (provider, model) → parameters that it rejected for structured answers. They are not those of chats: for a
# structured answer OpenRouter looks for a host that takes every parameter, in a chat it ignores some.
_unsupported_params: dict[tuple[str, str], frozenset[str]] = {}
# (provider, model, schema) → the form that it answers.
_forms: dict[tuple[str, str, str], AnswerForm] = {}


def ask_structured(
    answer: type[M],
    messages: list[dict[str, str]],
    *,
    model: str,
    provider: str,
    deadline: float,
    kind: Kind,
    max_tokens: int = 1_000,
    temperature: float | None = 0.0,
    effort: str | None = None,
    user_reference: str | None = None,
    api_key: str | None = None,
    record: Record | None = None,
) -> M:
    """Request an object and return it, by the deadline at the latest. Nothing paid is requested twice.

    Args:
        answer: the pydantic model; `answer_schema` says what it may contain.
        messages: {role, content}, the oldest first. Put a user's text into a JSON string of the user message.
        model: the model's name at the provider.
        provider: the name of a file in `providers/`.
        deadline: `time.monotonic()` at which there is no answer.
        kind: what the calls are recorded as.
        max_tokens: the limit of the answer, silent reasoning included.
        temperature: left out for models that reject it.
        effort: the reasoning effort in the provider's words; left out for models that reject it.
        user_reference: a pseudonymous id of the user for the provider's abuse checks.
        api_key: the user's own key at the provider, instead of ours.
        record: called with each attempt, failed ones included.

    Raises:
        TypeError: `answer` cannot be required from every provider.
        AITimeout: no answer came in time.
        AIRefused: the provider or the model refuses this content.
        AITooLong: the messages do not fit the model's context.
        AIUnavailable: the owner must act first.
        AIOverloaded: the rate limit is reached, or our account is out of credit.
        UserApiKeyError: the provider rejects `api_key` for a reason its user can resolve.
        AIError: no answer, or one that does not fit.
        ConfigError: no such provider, or no usable key of ours.
    """
    schema = schema_of(answer)
    service = native.load(provider)
    form = _forms.get((provider, model, schema.name), service.ANSWER_FORMS[0])
    call = _StructuredCall(service, model, deadline, api_key, record, answer, kind)
    request = ChatRequest(
        fit_context(messages, provider, model),
        model,
        user_reference,
        temperature,
        effort,
        _unsupported_params.get((provider, model), frozenset()),
        replace(schema, form=form),
        max_tokens,
    )
    while True:
        partial = call.attempt(request)
        if call.value is not None:
            _remember_form(provider, request)
            return call.value
        error = partial.error or ProviderError(ErrorKind.EMPTY)
        retry = None if call.is_paid else call.retry_request(request, error)
        if retry is None:
            raise error_handling.exception_for(error, provider, is_user_api_key=api_key is not None)
        request = retry


def _remember_form(provider: str, request: ChatRequest) -> None:
    if request.answer_schema is not None:
        _forms[provider, request.model, request.answer_schema.name] = request.answer_schema.form


class _StructuredCall(Call, Generic[M]):
    """One question that is answered by an object. `value` is the answer once there is one."""

    def __init__(
        self,
        service: Provider,
        model: str,
        deadline: float,
        user_api_key: str | None,
        record: Record | None,
        answer: type[M],
        kind: Kind,
    ) -> None:
        super().__init__(service, model, deadline, user_api_key, record)
        self.kind = kind
        self.value: M | None = None
        self._answer = answer

    def retry_request(self, request: ChatRequest, error: ProviderError) -> ChatRequest | None:
        """Return the request to send next; None when no retry can help.

        A request that is rejected goes out again without the parameters that the error names, then in the
        next weaker form: rejecting costs nothing, and Google often says no more than "invalid argument".
        """
        if error.kind is not ErrorKind.INVALID_REQUEST:
            return super().retry_request(request, error)
        if self._time_left() < MIN_RETRY_SECONDS:
            return None
        return self._without_unsupported_params(request, error) or self._in_weaker_form(request)

    def _in_weaker_form(self, request: ChatRequest) -> ChatRequest | None:
        answer, forms = request.answer_schema, self._service.ANSWER_FORMS
        if answer is None or answer.form == forms[-1]:
            return None
        return replace(request, answer_schema=replace(answer, form=forms[forms.index(answer.form) + 1]))

    def _url_and_fields(self, request: ChatRequest) -> tuple[str, JsonObject]:
        answer = request.answer_schema
        if answer is not None and answer.form != "json_schema":
            request = replace(request, messages=_instructed(request, answer))
        return self._service.structured_url(request.model), self._service.structured_body(request)

    def _characters(self, request: ChatRequest) -> int:
        schema = request.answer_schema.schema if request.answer_schema else {}
        return count_characters(request.messages) + len(_INSTRUCTION) + len(orjson.dumps(schema))

    def _remember(self, request: ChatRequest, unsupported: frozenset[str]) -> None:
        _unsupported_params[self._service.key, request.model] = unsupported

    def _decide_outcome(self, partial: PartialCompletion, status: int) -> None:
        """Decide whether an attempt is an answer: a part of one never is."""
        if partial.error is None:
            partial.error = self._read(partial, status)
        if partial.error is not None:
            self._report(partial.error)

    def _read(self, partial: PartialCompletion, status: int) -> ProviderError | None:
        """Read the answer into `value`; return why it cannot be one."""
        text = partial.content.text()
        if not text.lstrip().startswith("{"):
            text = partial.text()  # without the reasoning before it
        if not is_visible(text):
            return ProviderError(ErrorKind.EMPTY, status, message=f"finish {partial.finish}")
        try:
            self.value = read_answer(text, self._answer)
        except InvalidAnswer as error:
            code = "max_tokens" if partial.finish == "length" else "invalid_answer"
            return ProviderError(ErrorKind.INCOMPLETE, status, code, str(error))
        return None


def _instructed(request: ChatRequest, answer: AnswerSchema) -> list[dict[str, str]]:
    """Return the messages with the schema at the end of the system prompt."""
    schema = orjson.dumps(answer.schema).decode()
    messages = [dict(message) for message in request.messages]
    if messages and messages[0]["role"] == "system":
        messages[0]["content"] += f"\n\n{_INSTRUCTION}{schema}"
        return messages
    return [{"role": "system", "content": _INSTRUCTION + schema}, *messages]
