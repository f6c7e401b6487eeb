"""`POST /<bot>`: an update that Telegram delivers, handled by shared/telegram/webhook.py."""

import functions_framework
from flask import Request

from shared.core import startup
from shared.telegram import webhook

startup.complete("telegram", webhook.admits)


@functions_framework.http
def telegram(request: Request) -> webhook.Response:
    """Answer one webhook call of Telegram."""
    return webhook.respond(request)
