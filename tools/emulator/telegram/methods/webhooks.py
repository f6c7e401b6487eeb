"""The webhook: setting, deleting and inspecting it, and getUpdates."""

from __future__ import annotations

import re

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import ApiError, bad_request
from tools.emulator.telegram.model import UPDATE_KINDS, Json, Webhook

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
MAX_UPDATES = 100
MAX_POLL_SECONDS = 50
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
OTHER_POLL = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
LOCAL = ("http://127.0.0.1", "http://localhost", "http://[::1]")


@method(
    "setWebhook",
    "url", "max_connections", "allowed_updates", "drop_pending_updates", "secret_token",
    note="Takes plain HTTP to this machine.",
)  # fmt: skip
def set_webhook(call: Call) -> bool:
    """Set where updates go. Without `allowed_updates` the old list stays; an empty one is the default."""
    url = call.text("url")
    if not url:
        return delete_webhook(call)
    # Telegram takes HTTPS only; addresses of this machine are the emulator's exception.
    if not url.startswith(("https://", *LOCAL)):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    secret = call.text("secret_token")
    if secret and not SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    connections = call.integer("max_connections", 40) or 40
    call.bot.webhook = Webhook(url, secret, min(100, max(1, connections)), _allowed(call))
    _drop(call)
    call.updates.release(call.bot)
    return True


@method("deleteWebhook", "drop_pending_updates")
def delete_webhook(call: Call) -> bool:
    """Remove the webhook; updates wait until they are fetched."""
    call.bot.webhook = Webhook(allowed_updates=call.bot.webhook.allowed_updates)
    _drop(call)
    call.updates.release(call.bot)
    return True


@method("getWebhookInfo")
def get_webhook_info(call: Call) -> Json:
    """Return the state of the delivery."""
    hook = call.bot.webhook
    info: Json = {
        "url": hook.url,
        "has_custom_certificate": False,
        "pending_update_count": call.updates.queues_of(call.bot).pending(),
    }
    if hook.url:
        info |= {"max_connections": hook.max_connections, "ip_address": "127.0.0.1"}
    if hook.allowed_updates:
        info["allowed_updates"] = hook.allowed_updates
    if hook.last_error_date:
        info |= {"last_error_date": hook.last_error_date, "last_error_message": hook.last_error_message}
    return info


@method("getUpdates", "offset", "limit", "timeout", "allowed_updates")
def get_updates(call: Call) -> list[Json]:
    """Fetch updates instead of a webhook, waiting for the first."""
    if call.bot.webhook.url:
        raise ApiError(409, WEBHOOK_ACTIVE)
    call.bot.webhook.allowed_updates = _allowed(call)
    limit = min(MAX_UPDATES, max(1, call.integer("limit", MAX_UPDATES) or MAX_UPDATES))
    timeout = min(MAX_POLL_SECONDS, max(0, call.integer("timeout", 0) or 0))
    updates = call.updates.fetch(call.bot, call.integer("offset", 0) or 0, limit, timeout)
    if updates is None:
        raise ApiError(409, OTHER_POLL)
    for update in updates:
        call.updates.progress.fetched(update)
    return [update.body | {"update_id": update.update_id} for update in updates]


def _allowed(call: Call) -> list[str]:
    given = call.json("allowed_updates", "allowed_updates")
    if given is None:
        return call.bot.webhook.allowed_updates
    if not isinstance(given, list):
        raise bad_request("can't parse allowed updates JSON object")
    return [kind for kind in given if kind in UPDATE_KINDS]


def _drop(call: Call) -> None:
    if call.boolean("drop_pending_updates"):
        call.updates.queues_of(call.bot).clear()
