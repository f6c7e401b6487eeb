"""Web search of OpenAI: the tool `web_search` of the Responses API.

https://developers.openai.com/api/docs/guides/tools-web-search. In chat completions only special models search
(`gpt-5-search-api`), which OpenAI keeps for existing integrations. `store: false`: OpenAI keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shared.ai import reported_usage
from shared.ai.provider import ChatRequest, ErrorKind, PartialCompletion, ProviderError, Usage
from shared.ai.providers import openai
from shared.ai.web_search.contract import Citations, SearchService, with_links_as_marks
from shared.core.config import settings
from shared.core.json_types import JsonMapping, JsonObject


class _Responses(openai.Provider):
    """A response in one piece."""

    PATH = "/responses"

    def read_event(self, event: JsonMapping, partial: PartialCompletion) -> None:
        """Read a whole response."""
        if event.get("error"):
            partial.error = self.parse_error(0, event)
            return
        parts = list(_parts(event))
        partial.content.put("".join(part["text"] for part in parts if part.get("type") == "output_text"))
        refusal = next((str(part.get("refusal")) for part in parts if part.get("type") == "refusal"), None)
        reason = str((event.get("incomplete_details") or {}).get("reason") or "")
        if refusal is not None or reason == "content_filter":
            partial.error = ProviderError(
                ErrorKind.CONTENT_REFUSED, code="refusal", message=refusal or reason
            )
        partial.finish = "length" if reason == "max_output_tokens" else "stop"
        if isinstance(usage := event.get("usage"), Mapping):
            details = usage.get("input_tokens_details")
            cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
            partial.usage = Usage(
                reported_usage.count(usage.get("input_tokens")),
                reported_usage.count(usage.get("output_tokens")),
                tokens_cached=reported_usage.count(cached),
            )


def _parts(event: JsonMapping) -> Iterator[JsonMapping]:
    """Yield the parts of the response's messages."""
    for item in event["output"]:
        if item.get("type") == "message":
            yield from item["content"]


class Service(SearchService):
    """The Responses API with its tool."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.provider = _Responses(key)

    def url(self, _model: str) -> str:
        """Return the URL."""
        return self.provider.url()

    def body(self, request: ChatRequest, searches: int) -> JsonObject:
        """Return the body of a request."""
        system = "\n\n".join(one["content"] for one in request.messages if one["role"] == "system")
        body: JsonObject = {
            "model": request.model,
            "input": [dict(one) for one in request.messages if one["role"] != "system"],
            "tools": [{"type": "web_search"}],
            "max_tool_calls": searches,
            "max_output_tokens": settings().chat_max_tokens,
            "store": False,
        }
        if system:
            body["instructions"] = system
        if request.user_reference:
            body |= {"safety_identifier": request.user_reference, "prompt_cache_key": request.user_reference}
        return body

    def cite(self, event: JsonMapping, _text: str) -> tuple[str, Citations]:
        """Return the text with marks, and its sources."""
        text, annotations = "", []
        for part in _parts(event):
            if part.get("type") != "output_text":
                continue
            annotations += [_moved(one, len(text)) for one in part.get("annotations") or ()]
            text += part["text"]
        return with_links_as_marks(text, annotations)

    def count(self, event: JsonMapping) -> int | None:
        """Return how many searches were done; opening a page that was found is not billed."""
        calls = [item for item in event["output"] if item.get("type") == "web_search_call"]
        return len([one for one in calls if (one.get("action") or {}).get("type", "search") == "search"])


def _moved(annotation: JsonObject, offset: int) -> JsonObject:
    """Return an annotation of a part as one of the text whose parts before it have `offset` characters."""
    places = {name: annotation.get(name) for name in ("start_index", "end_index")}
    return annotation | {name: place + offset for name, place in places.items() if type(place) is int}
