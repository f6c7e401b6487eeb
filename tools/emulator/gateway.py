"""The functions' common address: /<function>/<path> reaches the function without its name.

That is what cloudfunctions.net does as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import urllib3
from urllib3.util import Timeout

from tools.emulator.functions import Function
from tools.emulator.web import Drop, Request, Response, json_response

# Longer than any sender waits, so that the sender decides about timeouts.
TIMEOUT_SECONDS = 300.0
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "host",
    }
)


class Gateway:
    """Forwards to the functions that exist when the request comes."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions
        self._pool = urllib3.PoolManager(num_pools=20, maxsize=100, block=False, retries=False)

    def handle(self, request: Request) -> Response | None:
        """Return the function's response; 503 when it does not run, None when no function has this name."""
        name, _, path = request.path.lstrip("/").partition("/")
        function = self._functions.get(name)
        if function is None:
            return None
        headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
        headers |= {"x-forwarded-proto": "http", "x-forwarded-host": request.headers.get("host", "")}
        headers["x-forwarded-for"] = request.headers.get("x-forwarded-for", "127.0.0.1")
        url = f"{function.url}/{path}" + (f"?{request.query}" if request.query else "")
        try:
            answer = self._pool.request(
                request.method,
                url,
                body=request.body,
                headers=headers,
                redirect=False,
                retries=False,
                timeout=Timeout(connect=5, read=TIMEOUT_SECONDS),
                decode_content=False,
            )
        except urllib3.exceptions.ProtocolError:
            # The instance died during the request: drop the connection, as the caller would see it.
            raise Drop from None
        except urllib3.exceptions.HTTPError:
            return json_response({"error": f"The function {name} is not running."}, 503)
        return Response(
            answer.status,
            answer.data,
            answer.headers.get("content-type", ""),
            _kept(answer.headers),
            tuple(answer.headers.getlist("set-cookie")),
        )


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in HOP_BY_HOP | {"content-type", "set-cookie"}
    }
