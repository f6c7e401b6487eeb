"""What a provider that searches the web offers, and what all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlsplit

import orjson

from shared.ai import reported_usage
from shared.ai.provider import (
    MAX_TEXT,
    ChatRequest,
    ErrorKind,
    Finish,
    PartialCompletion,
    Provider,
    ProviderError,
    Usage,
)
from shared.ai.single_request import HttpRequest, ProviderFailure, Result
from shared.ai.text_cleanup import is_visible, well_formed, without_control_tokens, without_reasoning
from shared.core.json_types import JsonMapping, JsonObject

SEARCH_PRICE = Decimal("0.015")  # US dollars: more than a search costs anywhere, for a call of unknown usage
_MOST_SOURCES = 10
_LONGEST_TITLE = 80  # characters
_LONGEST_URL = 2_048


@dataclass(frozen=True, slots=True)
class Source:
    """A page that an answer is from. Title and address are the page's words: never trusted."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Found:
    """An answer with marks such as [1] and [2], and the sources that they count."""

    text: str
    finish: Finish
    sources: tuple[Source, ...]
    usage: Usage


class Citations:
    """The sources of an answer in the order of their first mark."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.sources: list[Source] = []

    def mark(self, pages: Iterable[tuple[object, object]]) -> str:
        """Return the marks of pages (title, address), such as " [1][3]"; nothing for what is no web page."""
        numbers = dict.fromkeys(self._number(title, url) for title, url in pages)
        marks = "".join(f"[{number}]" for number in numbers if number)
        return f" {marks}" if marks else ""

    def _number(self, title: object, url: object) -> int:
        address = _address(url)
        if address is None:
            return 0
        if address not in self._numbers:
            if len(self.sources) == _MOST_SOURCES:
                return 0
            self._numbers[address] = len(self.sources) + 1
            self.sources.append(Source(_title(title, address), address))
        return self._numbers[address]


def _address(url: object) -> str | None:
    """Return a web address that may become a link, without the parameter that OpenAI adds; else None."""
    if not isinstance(url, str) or len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        return None
    for mark in ("?utm_source=openai", "&utm_source=openai"):
        url = url.removesuffix(mark)
    try:
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname and not parts.username else None
    except ValueError:
        return None


def _title(title: object, address: str) -> str:
    words = " ".join(well_formed(str(title or "")).split())
    words = "".join(one for one in words if one.isprintable())
    if not words:
        return urlsplit(address).hostname or address
    return words if len(words) <= _LONGEST_TITLE else words[: _LONGEST_TITLE - 1].rstrip() + "…"


class SearchService(ABC):
    """One provider that searches the web."""

    provider: Provider  # its headers, errors and key

    def __init__(self, key: str) -> None:
        self.key = key

    @abstractmethod
    def url(self, model: str) -> str:
        """Return the URL.

        Raises:
            ConfigError: the provider's base URL is malformed.
        """

    @abstractmethod
    def body(self, request: ChatRequest, searches: int) -> JsonObject:
        """Return the body of a request for an answer in one piece, with at most so many searches."""

    @abstractmethod
    def cite(self, event: JsonMapping, text: str) -> tuple[str, Citations]:
        """Return the text with marks, and its sources. Unexpected JSON may raise as in `Provider.read_event`.

        Args:
            event: the response.
            text: its text as `provider` reads it.
        """

    @abstractmethod
    def count(self, event: JsonMapping) -> int | None:
        """Return how many searches the provider bills; None where it does not say."""

    def request(self, request: ChatRequest, searches: int, secret: str) -> HttpRequest:
        """Return the request for an answer."""
        body = orjson.dumps(self.body(request, searches))
        return HttpRequest(self.url(request.model), self.provider.headers(secret), body)

    def read(self, body: bytes) -> Result[Found]:
        """Read the body of a response with status 200.

        Raises:
            ProviderFailure: it is an error, or has no visible text.
            LookupError, TypeError, ValueError, AttributeError: it is unreadable.
        """
        event = orjson.loads(body)
        event = event[0] if isinstance(event, list) else event
        partial = PartialCompletion()
        self.provider.read_event(event, partial)
        if partial.error is not None:
            raise ProviderFailure(partial.error)
        marked, citations = self.cite(event, partial.content.text())
        text = without_control_tokens(without_reasoning(well_formed(marked)))[:MAX_TEXT]
        if not is_visible(text):
            raise ProviderFailure(ProviderError(ErrorKind.EMPTY, 200, message=f"finish {partial.finish}"))
        usage = replace(partial.usage, searches=self.count(event))
        return Result(Found(text, partial.finish or "stop", tuple(citations.sources), usage), usage)


def with_links_as_marks(text: str, annotations: object) -> tuple[str, Citations]:
    """Return a text whose links to sources became marks, for annotations of OpenAI's form.

    An annotation names a page and the part of the text that cites it. Where that part is the link itself, as
    OpenAI writes it, the mark replaces it; else the mark follows it.
    """
    citations = Citations()
    found = [one for one in annotations if isinstance(one, Mapping)] if isinstance(annotations, list) else []
    spans = [_span(one, len(text)) for one in found if one.get("type") == "url_citation"]
    pieces, position = [], 0
    for start, end, title, url in sorted(spans, key=lambda span: span[:2]):
        if start < position:  # several pages of one part, or parts that overlap
            pieces.append(citations.mark([(title, url)]).lstrip())
            continue
        cited = text[start:end]
        is_link = isinstance(url, str) and url in cited
        pieces.append(text[position:start].rstrip(" ") if is_link else text[position:end])
        pieces.append(citations.mark([(title, url)]))
        position = end
    return "".join([*pieces, text[position:]]), citations


def _span(annotation: JsonMapping, length: int) -> tuple[int, int, object, object]:
    inner = annotation.get("url_citation")
    fields = inner if isinstance(inner, Mapping) else annotation
    start, end = fields.get("start_index"), fields.get("end_index")
    if type(start) is not int or type(end) is not int or not 0 <= start <= end <= length:
        start = end = length
    return start, end, fields.get("title"), fields.get("url")


def tool_requests(usage: object) -> int | None:
    """Return the count of `server_tool_use.web_search_requests`, as Anthropic and OpenRouter report it."""
    tools = usage.get("server_tool_use") if isinstance(usage, Mapping) else None
    return reported_usage.count(tools.get("web_search_requests")) if isinstance(tools, Mapping) else None
