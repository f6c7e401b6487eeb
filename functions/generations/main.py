"""`POST /<provider>?token=…`: a callback of an AI provider, handled by shared/generations/webhook.py."""

import functions_framework
from flask import Request

from shared.core import startup
from shared.generations import webhook

startup.complete("generations", webhook.admits)


@functions_framework.http
def generations(request: Request) -> webhook.Response:
    """Answer one callback of an AI provider."""
    return webhook.respond(request)
