"""`GET /<page>`: a page for a browser, handled by shared/console/endpoint.py."""

import functions_framework
from flask import Request, Response

from shared.core import startup  # isort: skip -- before any other module of shared
from shared.console import endpoint

startup.complete("console", endpoint.admits)


@functions_framework.http
def console(request: Request) -> Response:
    """Answer one request of a browser."""
    return endpoint.respond(request)
