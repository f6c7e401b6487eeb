"""What one AI provider must be able to do, and the words it says it in.

A provider turns a `Question` into the body of a request, and every event of the answer into the `Draft`. It
knows nothing of connections, deadlines or second tries. Its own words for what went wrong become one of ours
here, at the border.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Literal, TypeVar

from shared.ai.deltas import Deltas
from shared.ai.text_cleanup import well_formed, without_control_tokens, without_reasoning
from shared.core.config import settings

Finish = Literal["stop", "length", "cut", "broken"]
Message = TypeVar("Message", bound=Mapping[str, str])  # {role, content}

# Far above what one answer needs (25 full Telegram messages are 100,000), and little enough for memory.
MAX_TEXT = 400_000  # characters
NOT_JSON = "not_json"  # the key under which `Provider.problem` gets a body that is no JSON object
MAX_BYTES = 4_000_000  # of one event, or of a whole answer: such a text with each character escaped fits


class Trouble(StrEnum):
    """Why there is no whole answer, in our words."""

    KEY = "key"  # the provider says that the key is wrong
    ACCESS = "access"  # the key is good, but not allowed to do this
    CREDIT = "credit"  # the account is out of money or quota
    SETTINGS = "settings"  # no such model or address
    REGION = "region"  # not for callers from our server's country
    BLOCKED = "blocked"  # a web page or a firewall answered instead of the API
    NO_STREAM = "no_stream"  # answers only without streaming
    RATE = "rate"  # too many requests
    REFUSED = "refused"  # will not answer this content
    TOO_LONG = "too_long"  # the conversation does not fit the model
    INVALID = "invalid"  # they do not understand our request
    TEMPORARY = "temporary"  # their fault, may work at once
    SLOW = "slow"  # they gave up waiting for the model
    LATE = "late"  # our deadline
    UNREACHED = "unreached"  # no answer began
    BROKEN = "broken"  # the answer broke off, or cannot be read
    EMPTY = "empty"  # an answer without a word


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took. None where the provider does not say, as for an answer that was cut off.

    `cost` is in US dollars.
    """

    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with one call. `message` is the provider's own text: for the log, never for users."""

    trouble: Trouble
    status: int = 0
    code: str = ""
    message: str = ""
    retry_after: float | None = None  # seconds
    is_final: bool = False  # they say that trying again is of no use
    is_inside: bool = False  # it came inside an HTTP 200, which has no header for when to try again
    maybe_processed: bool = False  # no response came, and the provider may work on the request nevertheless


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: messages of {role, content}, the oldest first, and how to answer them."""

    messages: Sequence[Mapping[str, str]]
    model: str
    user_reference: str | None = None
    temperature: float | None = None
    effort: str | None = None  # of a reasoning model; None is its own
    without: frozenset[str] = frozenset()  # parameters this model is known to refuse

    def shorter(self) -> Question | None:
        """Return the question without the older half of the history, or None when there is no history."""
        system = [message for message in self.messages[:1] if message["role"] == "system"]
        history = self.messages[len(system) : -1]
        if not history:
            return None
        newer = from_user(history[(len(history) + 1) // 2 :])
        return replace(self, messages=[*system, *newer, self.messages[-1]])


def from_user(history: Sequence[Message]) -> Sequence[Message]:
    """Return a history from its first message of the user on: many models refuse any other beginning."""
    start = next((i for i, message in enumerate(history) if message["role"] == "user"), len(history))
    return history[start:]


@dataclass(slots=True)
class Draft:
    """An answer while it comes in."""

    said: Deltas = field(default_factory=Deltas)
    choice: object = None  # the index of the first choice; other choices are other answers
    finish: Finish | None = None  # as the model said; None until it did
    usage: Usage = Usage()
    problem: Problem | None = None

    @property
    def is_full(self) -> bool:
        """Whether there is more text than anyone should be sent."""
        return self.said.length > MAX_TEXT

    def text(self) -> str:
        """Return what the model has said so far: without its reasoning, and text that can be stored."""
        return without_control_tokens(without_reasoning(well_formed(self.said.text())))[:MAX_TEXT]


class Provider(ABC):
    """One AI provider.

    Its key is the name of its file; `<KEY>_API_KEY` and `<KEY>_BASE_URL` follow from it.
    """

    NAME: ClassVar[str]  # as users know it
    BASE_URL: ClassVar[str]  # its own address, without a slash at the end
    PATH: ClassVar[str]  # what is asked there
    MODEL: ClassVar[str]  # who answers on a user's own key (USER_API_KEY_MODELS names another)
    KEYS_PAGE: ClassVar[str]  # where users make their keys
    KEY_PATTERN: ClassVar[str]  # what its keys look like, as a regular expression
    CHECK_PATH: ClassVar[str | None] = None  # what answers a key at once and for nothing; None: nothing does
    IS_CLOSED: ClassVar[bool] = False  # nobody answers at BASE_URL any more
    SPARE: ClassVar[tuple[str, ...]] = ()  # parameters a model may refuse and we can do without

    def __init__(self, key: str) -> None:
        self.key = key

    def address(self) -> str:
        """Return where questions go.

        Raises:
            ConfigError: the variable with another address is malformed.
        """
        return settings().base_url(self.key, self.BASE_URL) + self.PATH

    def check_address(self) -> str | None:
        """Return where a key is tried, or None when nothing there tells a good key from a bad one.

        Raises:
            ConfigError: the variable with another address is malformed.
        """
        return self.CHECK_PATH and settings().base_url(self.key, self.BASE_URL) + self.CHECK_PATH

    def check_headers(self, secret: str) -> dict[str, str]:
        """Return the headers with which a key is tried."""
        return self.headers(secret)

    def accepts_user_api_keys(self) -> bool:
        """Whether users may bring a key of their own: somebody must be there to answer it."""
        return not self.IS_CLOSED or settings().base_url(self.key, self.BASE_URL) != self.BASE_URL

    def user_api_key_model(self) -> str:
        """Return the model that answers on a user's own key."""
        return settings().user_api_key_models.get(self.key, self.MODEL)

    def secret(self) -> str:
        """Return our key there.

        Raises:
            ConfigError: the variable is missing or empty.
        """
        return settings().api_key(self.key)

    @abstractmethod
    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a request."""

    @abstractmethod
    def body(self, question: Question) -> dict[str, Any]:
        """Return the body of a request, asking for a stream."""

    @abstractmethod
    def take(self, event: Mapping[str, Any], draft: Draft) -> None:
        """Read one event of a stream, or a whole answer, into the draft.

        A shape that makes no sense may raise LookupError, TypeError, ValueError or AttributeError. Figures
        and other things the answer can do without never do.
        """

    @abstractmethod
    def problem(self, status: int, body: Mapping[str, Any]) -> Problem:
        """Put an error into our words. `status` is that of HTTP, or 0 inside a stream."""
