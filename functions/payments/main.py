"""`POST /<provider>[/<kind>]`: a payment provider calls. Decided in shared/payments/recording.py."""

import functions_framework
from flask import Request

from shared.core import process
from shared.payments import recording

process.started("payments", recording.admits)


@functions_framework.http
def payments(request: Request) -> recording.Response:
    """Answer one callback of a payment provider."""
    return recording.respond(request)
