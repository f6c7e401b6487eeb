"""Limits access to the emulator to programs of this machine and its own page in a browser.

A web page somewhere else can make a browser send requests to 127.0.0.1, directly or through a name that it
lets point there (DNS rebinding). Neither may reach users' chats or the buttons that break things.
"""

from __future__ import annotations

from tools.emulator.web import Request, Response, json_response

HOSTS = ("127.0.0.1", "localhost", "[::1]")


def check_host(request: Request, port: int) -> Response | None:
    """Refuse a request that was not addressed to this machine."""
    if request.headers.get("host", "").lower() in {f"{host}:{port}" for host in HOSTS}:
        return None
    return json_response({"error": f"Open the emulator as http://127.0.0.1:{port}."}, 421)


def check_page(request: Request) -> Response | None:
    """Refuse a request from a page that is not the emulator's own."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    own = f"http://{request.headers.get('host', '')}"
    if (origin is not None and origin != own) or site not in ("same-origin", "none"):
        return json_response({"error": "Only the emulator's own page may do this."}, 403)
    return None


def check_origin(request: Request) -> Response | None:
    """Refuse a request to the JSON API from another page, or with a body that a form could send."""
    refusal = check_page(request)
    if refusal is not None:
        return refusal
    # A form of another page cannot send this type without asking first.
    if request.method == "POST" and not request.headers.get("content-type", "").startswith(
        "application/json"
    ):
        return json_response({"error": "The body must be application/json."}, 415)
    return None
