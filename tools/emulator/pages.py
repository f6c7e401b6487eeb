"""The files of the page."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from tools.emulator.web import Request, Response

FOLDER = Path(__file__).parent / "page"
# The page loads only its own files, except pictures, which bots may reference at any address.
POLICY = (
    "default-src 'self'; img-src 'self' https: data:; media-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)


def handle(request: Request) -> Response | None:
    """Return a file of the page; None when there is none of this name."""
    if request.method not in ("GET", "HEAD"):
        return None
    file = (FOLDER / (request.path.lstrip("/") or "index.html")).resolve()
    if not file.is_relative_to(FOLDER.resolve()) or not file.is_file():
        return None
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind.endswith(("javascript", "svg+xml"))
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(200, file.read_bytes(), f"{kind}; charset=utf-8" if text else kind, headers)
