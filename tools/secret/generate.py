"""Makes the secrets that are random, each in the form its reader expects."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from tools.keys.new import new_key


def _hex() -> str:
    return secrets.token_hex(32)


# By the name of the variable that the secret becomes.
GENERATORS: dict[str, Callable[[], str]] = {
    "TELEGRAM_WEBHOOK_SECRET": _hex,
    "USER_HASH_KEY": _hex,
    "SCHEDULER_SECRET": _hex,
    "TOKEN_ENCRYPTION_KEYS": new_key,
}
