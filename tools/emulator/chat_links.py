"""Links of web pages to a bot: the chat opens on the emulator's page instead of in Telegram."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from tools.emulator.web import Request, Response

BASE = "/t.me"
_PATH = re.compile(rf"{re.escape(BASE)}/(\w{{1,32}})")


def handle(request: Request) -> Response | None:
    """Lead to the page with the chat of a bot; None for other addresses. `?start=` is sent there."""
    found = _PATH.fullmatch(request.path)
    if found is None or request.method not in ("GET", "HEAD"):
        return None
    start = request.arguments().get("start", "")
    query = urlencode({"chat": found[1], **({"start": start} if start else {})})
    return Response(302, b"", "text/plain", {"Location": f"/?{query}"})
