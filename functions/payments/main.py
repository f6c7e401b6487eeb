"""`POST /<provider>[/<kind>]`: a callback of a payment provider, handled by shared/payments/webhook.py."""

import functions_framework
from flask import Request

from shared.core import startup
from shared.payments import webhook

startup.complete("payments", webhook.admits)


@functions_framework.http
def payments(request: Request) -> webhook.Response:
    """Answer one callback of a payment provider."""
    return webhook.respond(request)
