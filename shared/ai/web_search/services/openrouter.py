"""Web search of OpenRouter, for any model: the server tool `openrouter:web_search`.

https://openrouter.ai/docs/guides/features/server-tools/web-search; the plugin `web` and the suffix `:online`
are its deprecated forms, which always search once. Pages are annotations of the message, and the reported
cost includes the searches.
"""

from __future__ import annotations

from shared.ai.provider import ChatRequest
from shared.ai.providers import openrouter
from shared.ai.web_search.contract import Citations, SearchService, tool_requests, with_links_as_marks
from shared.core.json_types import JsonMapping, JsonObject

_PAGES = 5  # of one search


class Service(SearchService):
    """Chat completions with the server tool."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.provider = openrouter.Provider(key)

    def url(self, _model: str) -> str:
        """Return the URL."""
        return self.provider.url()

    def body(self, request: ChatRequest, searches: int) -> JsonObject:
        """Return the body of a request."""
        body = self.provider.body(request)
        body.pop("stream", None)
        parameters = {"max_results": _PAGES, "max_total_results": _PAGES * searches}
        return body | {"tools": [{"type": "openrouter:web_search", "parameters": parameters}]}

    def cite(self, event: JsonMapping, text: str) -> tuple[str, Citations]:
        """Return the text with marks, and its sources."""
        return with_links_as_marks(text, event["choices"][0]["message"].get("annotations"))

    def count(self, event: JsonMapping) -> int | None:
        """Return how many searches were done."""
        return tool_requests(event.get("usage"))
