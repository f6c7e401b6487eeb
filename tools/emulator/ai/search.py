"""Web searches of the fake AI providers: pages, and how each dialect says that an answer is from them.

An answer names its pages after its text. Every search finds the pages of the script (`AiBehaviour.sources`).
"""

from __future__ import annotations

import secrets
from typing import Any

from tools.emulator.ai.behaviour import AiBehaviour

Json = dict[str, Any]
Pages = tuple[tuple[str, str], ...]

EXAMPLES: Pages = (
    ("Example Domain", "https://example.com/"),
    ("Example Domains", "https://www.iana.org/help/example-domains"),
)


def pages(behaviour: AiBehaviour) -> Pages:
    """Return the pages that a search finds."""
    return EXAMPLES if behaviour.sources is None else behaviour.sources


def searches_openrouter(body: Json) -> bool:
    """Return whether a chat completion has OpenRouter's search tool."""
    return any(tool.get("type") == "openrouter:web_search" for tool in body.get("tools") or ())


def with_links(text: str, found: Pages) -> tuple[str, list[Json]]:
    """Return a text that ends with a link to each page, and OpenAI's annotations of these links."""
    annotations = []
    for title, url in found:
        link = f"([{title}]({url}))"
        start = len(text) + 1
        text = f"{text} {link}"
        annotations.append(
            {
                "type": "url_citation",
                "start_index": start,
                "end_index": start + len(link),
                "url": url,
                "title": title,
            }
        )
    return text, annotations


def response(model: str, behaviour: AiBehaviour, text: str, usage: Json) -> Json:
    """Return a response of OpenAI's Responses API."""
    text, annotations = with_links(text, pages(behaviour))
    part: Json = {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}
    if behaviour.refusal is not None:
        part = {"type": "refusal", "refusal": behaviour.refusal}
    message = {
        "id": "msg_" + secrets.token_hex(12),
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [] if behaviour.empty else [part],
    }
    search = {
        "id": "ws_" + secrets.token_hex(12),
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "what was asked"},
    }
    opened = {"type": "open_page", "url": "https://example.com/"}
    is_cut = behaviour.finish_reason == "length"
    return {
        "id": "resp_" + secrets.token_hex(12),
        "object": "response",
        "status": "incomplete" if is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "error": None,
        "model": model,
        "output": [search, {**search, "action": opened}, message],
        "usage": usage,
    }


def claude_blocks(text: str, found: Pages) -> list[Json]:
    """Return the blocks of a message of Claude that searched once."""
    number = "srvtoolu_" + secrets.token_hex(8)
    results = [
        {"type": "web_search_result", "url": url, "title": title, "encrypted_content": "x", "page_age": None}
        for title, url in found
    ]
    citations = [
        {
            "type": "web_search_result_location",
            "url": url,
            "title": title,
            "encrypted_index": "x",
            "cited_text": "words of the page",
        }
        for title, url in found
    ]
    return [
        {"type": "text", "text": "I'll search for that."},
        {"type": "server_tool_use", "id": number, "name": "web_search", "input": {"query": "what was asked"}},
        {"type": "web_search_tool_result", "tool_use_id": number, "content": results},
        {"type": "text", "text": text, "citations": citations},
    ]


def grounding(text: str, found: Pages) -> Json:
    """Return the metadata of Gemini for an answer after one search."""
    segment = {"startIndex": 0, "endIndex": len(text.encode()), "text": text}
    return {
        "webSearchQueries": ["what was asked"],
        "searchEntryPoint": {"renderedContent": "<div></div>"},
        "groundingChunks": [{"web": {"uri": url, "title": title}} for title, url in found],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": list(range(len(found)))}],
    }
