"""`POST /<provider>[/<kind>]`: a payment provider calls. Decided in shared/payments/webhook.py."""

import functions_framework
from flask import Request

from shared.core import process
from shared.payments import webhook

process.started("payments", webhook.admits)


@functions_framework.http
def payments(request: Request) -> webhook.Response:
    """Answer one callback of a payment provider."""
    return webhook.respond(request)
