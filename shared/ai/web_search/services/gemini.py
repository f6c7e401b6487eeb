"""Web search of Gemini: the tool `google_search` of generateContent.

https://ai.google.dev/gemini-api/docs/google-search. Google's compatible interface has no such tool. Offsets
of `groundingSupports` count bytes of UTF-8. Addresses are redirects of Google, titles the hosts of the pages.
"""

from __future__ import annotations

from shared.ai.native import gemini
from shared.ai.provider import ChatRequest
from shared.ai.web_search.contract import Citations, SearchService
from shared.core.errors import ConfigError
from shared.core.json_types import JsonMapping, JsonObject


class Service(SearchService):
    """Content of Gemini with its tool."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.provider: gemini.Provider = gemini.Provider(key)

    def url(self, model: str) -> str:
        """Return the URL.

        Raises:
            ConfigError: GEMINI_BASE_URL names a gateway without Google's own interface.
        """
        if not self.provider.is_offered():
            raise ConfigError("GEMINI_BASE_URL has only the compatible interface, which does not search")
        return self.provider.structured_url(model)

    def body(self, request: ChatRequest, _searches: int) -> JsonObject:
        """Return the body of a request. Google has no limit of searches."""
        return self.provider.structured_body(request) | {"tools": [{"google_search": {}}]}

    def cite(self, event: JsonMapping, text: str) -> tuple[str, Citations]:
        """Return the text with marks, and its sources."""
        citations, grounding = Citations(), _grounding(event)
        pages = [
            ((chunk.get("web") or {}).get("title"), (chunk.get("web") or {}).get("uri"))
            for chunk in grounding.get("groundingChunks") or ()
        ]
        encoded, position, pieces = text.encode(), 0, []
        for support in sorted(grounding.get("groundingSupports") or (), key=_end):
            end = _end(support)
            if not position <= end <= len(encoded):
                continue
            numbers = support.get("groundingChunkIndices") or ()
            cited = [pages[number] for number in numbers if type(number) is int and 0 <= number < len(pages)]
            pieces += [encoded[position:end].decode("utf-8", "ignore"), citations.mark(cited)]
            position = end
        return "".join([*pieces, encoded[position:].decode("utf-8", "ignore")]), citations

    def count(self, event: JsonMapping) -> int | None:
        """Return how many searches were done: Google bills each query once."""
        return len({query for query in _grounding(event).get("webSearchQueries") or () if query})


def _grounding(event: JsonMapping) -> JsonMapping:
    candidates = event.get("candidates") or [{}]
    found: JsonMapping = candidates[0].get("groundingMetadata") or {}
    return found


def _end(support: JsonMapping) -> int:
    end = (support.get("segment") or {}).get("endIndex")
    return end if type(end) is int else -1
