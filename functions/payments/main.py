"""`POST /<provider>[/<kind>]`: a payment provider calls. Decided in shared/payments/endpoint.py."""

import functions_framework
from flask import Request

from shared.core import process
from shared.payments import endpoint

process.started("payments", endpoint.admits)


@functions_framework.http
def payments(request: Request) -> endpoint.Response:
    """Answer one callback of a payment provider."""
    return endpoint.respond(request)
