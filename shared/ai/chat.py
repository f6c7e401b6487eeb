"""An answer in words, within a deadline, or an error that says what to tell the user.

The answer is asked for as a stream. Not to show it while it grows, but so that a slow model is cut off with
what it has said so far, instead of being waited for in vain.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import orjson

from shared.ai import providers
from shared.ai.call_records import AiCall, Record
from shared.ai.models import cost_of, count_characters, fit_context
from shared.ai.provider import Draft, Finish, Problem, Provider, Question, Trouble, Usage
from shared.ai.response_reader import receive
from shared.ai.text_cleanup import is_visible
from shared.core import http, log
from shared.core.errors import (
    AIError,
    AIOverloaded,
    AIRefused,
    AITimeout,
    AITooLong,
    AIUnavailable,
    ConfigError,
    UserApiKeyError,
)
from shared.core.redaction import REDACTED

__all__ = ["ChatAnswer", "Finish", "Usage", "complete"]

_PAUSE = 0.3  # seconds before a second try, where the provider asks for none
_LONGEST_PAUSE = 2.0  # seconds; asked for more, the user is told instead
_WORTHWHILE = 2.0  # seconds that must be left for a second try to make sense
_LONGEST_MESSAGE = 500  # characters of a provider's own text that reach the log


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What the model said, and what it took.

    `finish` is `stop` for a whole answer, `length` when the model or `provider.MAX_TEXT` ended it, `cut` when
    our deadline did, `broken` when the connection or the provider failed after some text had come. `model` is
    the one that was asked. Milliseconds and bytes (of the bodies) are those of all tries together.
    """

    text: str
    finish: Finish
    model: str
    provider: str
    usage: Usage
    milliseconds: int
    request_bytes: int
    response_bytes: int
    is_user_api_key: bool = False  # paid by the user's own account there


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a trouble means for us.

    `advice` tells the owner what to do; without it there is nothing to do. `is_ours` marks what the owner
    must mend also where a user's own key was used.
    """

    error: type[AIError]
    is_retried: bool = False
    advice: str = ""
    is_ours: bool = False


_RULES: Mapping[Trouble, _Rule] = {
    Trouble.KEY: _Rule(
        AIUnavailable, advice="{provider} rejects our API key: put a valid one into {key}_API_KEY"
    ),
    Trouble.ACCESS: _Rule(
        AIUnavailable,
        advice="{provider} denies our key access to {model}: check the key's permissions, project and "
        "allowed IP addresses, and whether the organization is verified",
    ),
    Trouble.CREDIT: _Rule(
        AIOverloaded,
        advice="our account at {provider} is out of credit or quota: top it up or raise its limit",
    ),
    Trouble.SETTINGS: _Rule(
        AIUnavailable,
        advice="{provider} has no model {model} at this address: check the model and {key}_BASE_URL",
    ),
    Trouble.REGION: _Rule(
        AIUnavailable,
        advice="{provider} does not serve the country of our server: deploy to a supported region, or use "
        "another provider",
        is_ours=True,
    ),
    Trouble.BLOCKED: _Rule(
        AIUnavailable,
        advice="a web page or firewall answers instead of {provider}: check {key}_BASE_URL and whether our "
        "server's address is blocked there",
        is_ours=True,
    ),
    Trouble.NO_STREAM: _Rule(AIError),
    Trouble.RATE: _Rule(AIOverloaded, is_retried=True),
    Trouble.REFUSED: _Rule(AIRefused),
    Trouble.TOO_LONG: _Rule(AITooLong),
    Trouble.INVALID: _Rule(AIError),
    Trouble.TEMPORARY: _Rule(AIError, is_retried=True),
    Trouble.SLOW: _Rule(AITimeout, is_retried=True),
    Trouble.LATE: _Rule(AITimeout),
    Trouble.UNREACHED: _Rule(AIError, is_retried=True),
    Trouble.BROKEN: _Rule(AIError),
    Trouble.EMPTY: _Rule(AIError),
}

# What of these the user can mend whose own key it is.
_USER_API_KEY: Mapping[Trouble, Literal["refused", "access", "credit", "rate", "model"]] = {
    Trouble.KEY: "refused",
    Trouble.ACCESS: "access",
    Trouble.CREDIT: "credit",
    Trouble.RATE: "rate",
    Trouble.SETTINGS: "model",
}

_STREAM = frozenset({"stream", "stream_options"})

# Parameters that a provider's model refused, so that only the first user waits for a second try.
_refused: dict[tuple[str, str], frozenset[str]] = {}


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
) -> ChatAnswer:
    """Ask a model and return its answer, by the deadline at the latest.

    Args:
        messages: {role, content}, the oldest first: the system prompt, the history, the new message.
        provider: the name of a file in `providers/`.
        deadline: `time.monotonic()` at which what has come so far is the answer.
        user_reference: who asks, in a form that says nothing to others (64 characters at most).
        temperature: None for the model's own, the only one reasoning models take.
        effort: how hard a reasoning model is to think, in the provider's words; None for its own measure.
        api_key: a user's own key there, instead of ours.
        record: is told of every try, also of those that failed.

    Raises:
        AITimeout: no word came in time.
        AIRefused: the provider will not answer this content.
        AITooLong: the conversation does not fit the model.
        AIUnavailable: the owner must act first.
        AIOverloaded: too many requests there, or our account is out of credit.
        UserApiKeyError: the provider will not work for `api_key`.
        AIError: no answer for another reason.
        ConfigError: no such provider, or no usable key of ours there.
    """
    call = _Call(providers.load(provider), model, deadline, api_key, record)
    known = _refused.get((provider, model), frozenset())
    question = Question(fit_context(messages, model), model, user_reference, temperature, effort, known)
    while True:
        draft = call.ask(question)
        if draft.problem is None:
            return call.answer(draft)
        again = None if call.is_paid else call.second_try(question, draft.problem)
        if again is None:
            raise _error(provider, draft.problem, is_user_api_key=api_key is not None)
        question = again


class _Call:
    """One question on its way: its tries, its time, and what they took together."""

    def __init__(
        self, service: Provider, model: str, deadline: float, user_api_key: str | None, record: Record | None
    ) -> None:
        self._service = service
        self._model = model
        self._deadline = deadline
        self._user_api_key = user_api_key
        self._record = record
        self._secret = user_api_key or service.secret()
        if not (self._secret.isascii() and self._secret.isprintable()):
            # It cannot stand in a header, and http.client would say so by repeating it.
            if user_api_key:
                raise UserApiKeyError(f"{service.key}: malformed key", "refused")
            raise ConfigError(f"{service.key.upper()}_API_KEY is malformed: it must be plain ASCII")
        self._started = time.monotonic()
        self._remedies: set[str] = set()  # each is tried once
        self._request_bytes = 0
        self._response_bytes = 0
        self._text = ""  # of the latest try
        self.is_paid = False  # whether the provider did work that costs

    def ask(self, question: Question) -> Draft:
        """Try once. A draft without a problem is an answer."""
        started, draft = time.monotonic(), Draft()
        sent, received = self._request_bytes, self._response_bytes
        status = self._exchange(question, draft)
        characters, ended = count_characters(question.messages), draft.problem
        self._settle(draft, status)
        cost = cost_of(self._model, draft.usage, characters) if _is_paid(draft, ended, status) else None
        self.is_paid = self.is_paid or cost is not None
        seconds = time.monotonic() - started
        self._log(draft, status, seconds)
        if self._record is not None:
            self._record(
                self._entry(draft, cost, seconds, self._request_bytes - sent, self._response_bytes - received)
            )
        return draft

    def answer(self, draft: Draft) -> ChatAnswer:
        """Make an answer of a draft."""
        return ChatAnswer(
            text=self._text,
            finish=draft.finish or "stop",
            model=self._model,
            provider=self._service.key,
            usage=draft.usage,
            milliseconds=round((time.monotonic() - self._started) * 1000),
            request_bytes=self._request_bytes,
            response_bytes=self._response_bytes,
            is_user_api_key=self._user_api_key is not None,
        )

    def second_try(self, question: Question, problem: Problem) -> Question | None:
        """Return what to ask next, after the pause it takes, or None when nothing more would help."""
        if self._left() < _WORTHWHILE:
            return None
        if problem.trouble is Trouble.TOO_LONG:
            return question.shorter() if self._is_new("shorter") else None
        if problem.trouble is Trouble.NO_STREAM:
            return self._unstreamed(question) if self._is_new("unstreamed") else None
        if problem.trouble is Trouble.INVALID:
            return self._plainer(question, problem) if self._is_new("plainer") else None
        pause = _pause(problem)
        if pause is None or self._left() - pause < _WORTHWHILE or not self._is_new("again"):
            return None
        time.sleep(pause)
        return question

    def _exchange(self, question: Question, draft: Draft) -> int:
        """Ask and read what comes into the draft; return the HTTP status, 0 without an answer."""
        status = 0
        try:
            answer = self._post(question)
            status = answer.status
            try:
                receive(answer, self._service, draft, self._deadline)
            finally:
                self._response_bytes += answer.received
                answer.close()
        except http.RequestError as error:
            if draft.finish is None:  # after the model's last word nothing is missing but the count of tokens
                draft.problem = _connection_problem(error, status)
        return status

    def _post(self, question: Question) -> http.Stream:
        fields = self._service.body(question)
        for name in question.without:
            fields.pop(name, None)
        body = orjson.dumps(fields)
        self._request_bytes += len(body)
        return http.stream(
            "POST", self._service.address(), body, self._service.headers(self._secret), self._deadline
        )

    def _plainer(self, question: Question, problem: Problem) -> Question | None:
        """Return the question without the parameters that the provider's error names."""
        words = set(re.findall(r"\w+", problem.message))
        named = words.intersection(self._service.SPARE) - question.without
        if not named:
            return None
        without = question.without | named
        _refused[self._service.key, question.model] = without
        return replace(question, without=without)

    def _unstreamed(self, question: Question) -> Question:
        """Return the question for an answer in one piece.

        OpenAI streams some models only to verified organizations and answers everybody else in one piece.
        This depends on the account, so it is remembered for our own key alone.
        """
        without = question.without | _STREAM
        if self._user_api_key is None:
            _refused[self._service.key, question.model] = without
        return replace(question, without=without)

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _is_new(self, remedy: str) -> bool:
        if remedy in self._remedies:
            return False
        self._remedies.add(remedy)
        return True

    def _settle(self, draft: Draft, status: int) -> None:
        """Decide what a draft is worth: text that has come outweighs whatever happened after it."""
        if draft.is_full:
            draft.finish = "length"
        self._text = draft.text()
        has_text = is_visible(self._text)
        if not has_text and draft.problem is None:
            draft.problem = Problem(Trouble.EMPTY, status, message=f"finish {draft.finish}")
        if draft.problem is None:
            return
        self._report(draft.problem)
        if has_text and draft.problem.trouble is not Trouble.REFUSED:
            if draft.finish is None:  # after the model's last word an error takes nothing away
                draft.finish = "cut" if draft.problem.trouble is Trouble.LATE else "broken"
            draft.problem = None

    def _report(self, problem: Problem) -> None:
        """Tell the log, and the owner where only the owner can help."""
        provider, rule = self._service.key, _RULES[problem.trouble]
        # Only its user can do anything about an own key.
        advice = rule.advice if rule.is_ours or not self._user_api_key else ""
        # Hidden before it is cut, or half a secret would slip through at the end.
        text = log.redact_secrets(problem.message.replace(self._secret, REDACTED))
        write = log.alert if advice else log.warning
        write(
            advice.format(provider=provider, key=provider.upper(), model=self._model)
            if advice
            else f"no whole answer from {provider}",
            action="ai_trouble",
            provider=provider,
            model=self._model,
            status=problem.status,
            trouble=problem.trouble,
            code=problem.code,
            is_user_api_key=self._user_api_key is not None,
            error=text[:_LONGEST_MESSAGE],
        )

    def _entry(self, draft: Draft, cost: Decimal | None, seconds: float, sent: int, received: int) -> AiCall:
        if draft.problem is not None:
            status = str(draft.problem.trouble)
        else:
            status = "part" if draft.finish in ("cut", "broken") else "ok"
        return AiCall(
            provider=self._service.key,
            model=self._model,
            kind="chat",
            status=status,
            ms=round(seconds * 1000),
            request_bytes=sent,
            response_bytes=received,
            tokens_in=draft.usage.tokens_in,
            tokens_out=draft.usage.tokens_out,
            cost=None if cost is None else f"{cost:f}",
            is_user_api_key=self._user_api_key is not None,
        )

    def _log(self, draft: Draft, status: int, seconds: float) -> None:
        if not log.is_debug():
            return
        log.debug(
            f"asked {self._service.key}",
            action="ai_call",
            provider=self._service.key,
            model=self._model,
            ms=round(seconds * 1000, 1),
            status=status,
            tokens_in=draft.usage.tokens_in,
            tokens_out=draft.usage.tokens_out,
            cost=draft.usage.cost,
            finish=draft.problem.trouble if draft.problem else draft.finish,
        )


# After these the provider has read the question, and bills what it read and wrote.
_PAID_ENDINGS = frozenset({Trouble.LATE, Trouble.REFUSED, Trouble.BROKEN, Trouble.EMPTY})


def _connection_problem(error: http.RequestError, status: int) -> Problem:
    """Return what a failed connection means; only a request that cannot have been processed is retried."""
    if isinstance(error, http.Timeout):
        trouble = Trouble.LATE
    else:
        trouble = Trouble.BROKEN if error.maybe_processed else Trouble.UNREACHED
    return Problem(trouble, status, message=str(error), maybe_processed=error.maybe_processed)


def _is_paid(draft: Draft, ended: Problem | None, status: int) -> bool:
    """Return whether the provider did, or may have done, work that it bills.

    An error status costs nothing. Once a response began (status 200), the request was read. Without a
    response (status 0) the provider may be working on a request that it received.
    """
    if ended is not None and status == 0:
        return ended.maybe_processed
    if not 200 <= status < 300:
        return False
    if ended is None or ended.trouble in _PAID_ENDINGS:
        return True
    return is_visible(draft.text()) or bool(draft.usage.tokens_out)


def _error(provider: str, problem: Problem, *, is_user_api_key: bool) -> AIError:
    reason = f"{provider}: {problem.status} {problem.trouble} {problem.code}"
    if is_user_api_key and problem.trouble in _USER_API_KEY:
        return UserApiKeyError(reason.rstrip(), _USER_API_KEY[problem.trouble])
    return _RULES[problem.trouble].error(reason.rstrip())


def _pause(problem: Problem) -> float | None:
    """Return how long to wait before the same question, in seconds, or None when it is not to be repeated.

    A provider that counts our requests must say how soon it will take the next; guessing makes it worse.
    """
    if problem.is_final or not _RULES[problem.trouble].is_retried:
        return None
    if problem.retry_after is not None:
        return problem.retry_after if problem.retry_after <= _LONGEST_PAUSE else None
    return None if problem.trouble is Trouble.RATE and not problem.is_inside else _PAUSE
