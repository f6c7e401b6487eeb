"""Web search of Claude: the server tool `web_search` of the Messages API.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool. Each block of text names the
pages that it is from. Words before the last search announce it, and are no part of the answer.
"""

from __future__ import annotations

from shared.ai.native import anthropic
from shared.ai.provider import ChatRequest
from shared.ai.web_search.contract import Citations, SearchService, tool_requests
from shared.core.json_types import JsonMapping, JsonObject

_TOOL = "web_search_20250305"


class Service(SearchService):
    """Messages of Claude with its tool."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.provider = anthropic.Provider(key)

    def url(self, model: str) -> str:
        """Return the URL."""
        return self.provider.structured_url(model)

    def body(self, request: ChatRequest, searches: int) -> JsonObject:
        """Return the body of a request."""
        tool = {"type": _TOOL, "name": "web_search", "max_uses": searches}
        return self.provider.structured_body(request) | {"tools": [tool]}

    def cite(self, event: JsonMapping, text: str) -> tuple[str, Citations]:
        """Return the text with marks, and its sources."""
        blocks, citations = event["content"], Citations()
        searches = [place for place, one in enumerate(blocks) if one.get("type") == "web_search_tool_result"]
        after = blocks[searches[-1] + 1 :] if searches else blocks
        pieces = []
        for block in after:
            if block.get("type") == "text":
                pages = [(one.get("title"), one.get("url")) for one in block.get("citations") or ()]
                pieces += [block["text"], citations.mark(pages)]
        return ("".join(pieces), citations) if pieces else (text, citations)

    def count(self, event: JsonMapping) -> int | None:
        """Return how many searches were done."""
        return tool_requests(event.get("usage"))
