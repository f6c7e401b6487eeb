"""The interface of an AI provider and the types it speaks.

A provider turns a `ChatRequest` into a request body, adds each event of the response to a `PartialCompletion`
and maps its own errors to an `ErrorKind`. It does not handle connections, deadlines and retries.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Literal, TypeVar

from shared.ai.deltas import Deltas
from shared.ai.text_cleanup import well_formed, without_control_tokens, without_reasoning
from shared.core.config import settings
from shared.core.json_types import JsonMapping, JsonObject

Finish = Literal["stop", "length", "cut", "broken", "stopped"]
Message = TypeVar("Message", bound=Mapping[str, str])  # {role, content}

# Far above what one answer needs (25 full Telegram messages are 100,000), and little enough for memory.
MAX_TEXT = 400_000  # characters
NOT_JSON = "not_json"  # the key under which `Provider.parse_error` gets a body that is not a JSON object
MAX_BYTES = 4_000_000  # of one event, or of a whole answer: MAX_TEXT with every character escaped fits


class ErrorKind(StrEnum):
    """Why there is no complete answer."""

    INVALID_KEY = "invalid_key"  # the provider rejects the key
    PERMISSION_DENIED = "permission_denied"  # the key is valid, but not allowed to do this
    NO_CREDIT = "no_credit"  # the account is out of money or quota
    MODEL_NOT_FOUND = "model_not_found"  # no such model or address
    UNSUPPORTED_REGION = "unsupported_region"  # the provider does not serve our server's country
    BLOCKED = "blocked"  # a web page or a firewall answered instead of the API
    NO_STREAMING = "no_streaming"  # the model or account cannot stream
    RATE_LIMITED = "rate_limited"  # too many requests
    CONTENT_REFUSED = "content_refused"  # moderation, or the model refused
    CONTEXT_TOO_LONG = "context_too_long"  # the conversation does not fit the model
    INVALID_REQUEST = "invalid_request"  # the provider does not accept a parameter or the format
    SERVER_ERROR = "server_error"  # the provider's fault; a retry may succeed
    PROVIDER_TIMEOUT = "provider_timeout"  # the provider gave up waiting for the model
    DEADLINE_EXCEEDED = "deadline_exceeded"  # our deadline
    UNREACHABLE = "unreachable"  # the request cannot have been processed
    INCOMPLETE = "incomplete"  # the response ended early or cannot be read
    EMPTY = "empty"  # an answer without visible text
    NO_VISION = "no_vision"  # the model does not take pictures
    INVALID_PICTURE = "invalid_picture"  # the provider cannot read a picture


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and cost of an answer. None where the provider does not report it, as for a cut answer.

    `cost` is in US dollars. `tokens_cached` are those of `tokens_in` that came from the prompt cache.
    `searches` are searches of the web that are billed beside the tokens.
    """

    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: Decimal | None = None
    tokens_cached: int | None = None
    searches: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderError:
    """The error of one attempt. `message` is the provider's own text: for the log, never for users."""

    kind: ErrorKind
    status: int = 0
    code: str = ""
    message: str = ""
    retry_after: float | None = None  # seconds
    is_permanent: bool = False  # the provider says that a retry cannot help
    is_in_body: bool = False  # it came inside an HTTP 200, which has no Retry-After
    maybe_processed: bool = False  # no response, but the provider may be working on the request


# How a structured answer is requested, the strongest form first: the provider enforces the schema, or that
# the answer is JSON (with the schema in the prompt), or the prompt alone asks for it.
AnswerForm = Literal["json_schema", "json_object", "prompt"]


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """The JSON schema of a structured answer (see `answer_schema.schema_of`) and how it is requested.

    `name`: at most 64 of A-Z a-z 0-9 _ and -, OpenAI's rule.
    """

    name: str
    schema: JsonObject
    form: AnswerForm = "json_schema"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a question: JPEG, PNG, WebP or GIF, see `pictures.prepare`."""

    data: bytes
    mime_type: str

    def data_url(self) -> str:
        """Return the picture as an address that holds all of it."""
        return f"data:{self.mime_type};base64,{b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Messages of {role, content}, the oldest first, and the parameters of the completion.

    `pictures` belong to the last message.
    """

    messages: Sequence[Mapping[str, str]]
    model: str
    user_reference: str | None = None
    temperature: float | None = None
    effort: str | None = None  # of a reasoning model; None is its default
    unsupported_params: frozenset[str] = frozenset()  # which this model is known to reject
    answer_schema: AnswerSchema | None = None  # of a structured answer; None for an ordinary chat
    max_tokens: int | None = None  # of a structured answer; None is the setting CHAT_MAX_TOKENS
    pictures: tuple[Picture, ...] = ()

    def without_older_half(self) -> ChatRequest | None:
        """Return the request without the older half of the history, or None when there is no history."""
        system = [message for message in self.messages[:1] if message["role"] == "system"]
        history = self.messages[len(system) : -1]
        if not history:
            return None
        newer = from_user(history[(len(history) + 1) // 2 :])
        return replace(self, messages=[*system, *newer, self.messages[-1]])


def from_user(history: Sequence[Message]) -> Sequence[Message]:
    """Return a history from its first user message on: many models reject any other beginning."""
    start = next((i for i, message in enumerate(history) if message["role"] == "user"), len(history))
    return history[start:]


@dataclass(slots=True)
class PartialCompletion:
    """A completion while its events arrive."""

    content: Deltas = field(default_factory=Deltas)
    choice: object = None  # the index of the first choice; other choices are other answers
    finish: Finish | None = None  # as the model reports it; None until then
    usage: Usage = Usage()
    error: ProviderError | None = None

    @property
    def is_full(self) -> bool:
        """Whether there is more text than a user should get."""
        return self.content.length > MAX_TEXT

    def text(self) -> str:
        """Return the text so far, without reasoning and control tokens, fit to be stored."""
        return without_control_tokens(without_reasoning(well_formed(self.content.text())))[:MAX_TEXT]


class Provider(ABC):
    """One AI provider.

    Its key is the name of its file; `<KEY>_API_KEY` and `<KEY>_BASE_URL` follow from it.
    """

    NAME: ClassVar[str]  # shown to users
    BASE_URL: ClassVar[str]  # of its API, without a slash at the end
    PATH: ClassVar[str]  # of chat completions
    MODEL: ClassVar[str]  # unless CHAT_MODEL or, for users' own keys, USER_API_KEY_MODELS names another
    KEYS_PAGE: ClassVar[str]  # where users create keys
    KEY_PATTERN: ClassVar[str]  # a regular expression for its keys
    KEY_CHECK_PATH: ClassVar[str | None] = None  # a free GET that needs a valid key; None: there is none
    IS_DISCONTINUED: ClassVar[bool] = False  # BASE_URL no longer answers
    OPTIONAL_PARAMS: ClassVar[tuple[str, ...]] = ()  # left out when a model rejects them
    ANSWER_FORMS: ClassVar[tuple[AnswerForm, ...]] = ("prompt",)  # of structured answers, the strongest first

    def __init__(self, key: str) -> None:
        self.key = key

    def url(self) -> str:
        """Return the URL of chat completions.

        Raises:
            ConfigError: `<KEY>_BASE_URL` is malformed.
        """
        return settings().base_url(self.key, self.BASE_URL) + self.PATH

    def key_check_url(self) -> str | None:
        """Return the URL that tells a valid key from an invalid one at no cost; None when there is none.

        Raises:
            ConfigError: `<KEY>_BASE_URL` is malformed.
        """
        return self.KEY_CHECK_PATH and settings().base_url(self.key, self.BASE_URL) + self.KEY_CHECK_PATH

    def key_check_headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a key check."""
        return self.headers(secret)

    def accepts_user_api_keys(self) -> bool:
        """Whether users may add a key: not for a discontinued service unless `<KEY>_BASE_URL` replaces it."""
        return not self.IS_DISCONTINUED or settings().base_url(self.key, self.BASE_URL) != self.BASE_URL

    def user_api_key_model(self) -> str:
        """Return the model that answers requests with a user's own key."""
        return settings().user_api_key_models.get(self.key, self.MODEL)

    def api_key(self) -> str:
        """Return our own API key.

        Raises:
            ConfigError: the variable is missing or empty.
        """
        return settings().api_key(self.key)

    @abstractmethod
    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a request."""

    @abstractmethod
    def body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request for a stream."""

    def structured_url(self, _model: str) -> str:
        """Return the URL of structured answers.

        Raises:
            ConfigError: `<KEY>_BASE_URL` is malformed.
        """
        return self.url()

    @abstractmethod
    def structured_body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request for a structured answer in one piece, as `answer_schema` says."""

    @abstractmethod
    def read_event(self, event: JsonMapping, partial: PartialCompletion) -> None:
        """Add one event of a stream, or a whole answer, to `partial`.

        Unexpected JSON may raise LookupError, TypeError, ValueError or AttributeError. Unexpected values of
        usage and other optional fields must not raise: the text counts without them.
        """

    @abstractmethod
    def parse_error(self, status: int, body: JsonMapping) -> ProviderError:
        """Map an error body to our ErrorKind. `status` is the HTTP status, or 0 inside a stream."""
