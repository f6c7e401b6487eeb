"""`POST /<job>`: a job that Cloud Scheduler runs, handled by shared/scheduled/endpoint.py."""

import functions_framework
from flask import Request

from shared.core import startup
from shared.scheduled import endpoint

startup.complete("scheduled", endpoint.admits)


@functions_framework.http
def scheduled(request: Request) -> endpoint.Response:
    """Answer one call of Cloud Scheduler."""
    return endpoint.respond(request)
