"""The names of the secrets that a deployment can have; a test compares them with what the functions read.

They stand here once more because this tool runs before any package is installed.
"""

from __future__ import annotations

import difflib

DEPLOYMENT = (
    "DATABASE_ADMIN_URL",
    "DATABASE_URL",
    "BOT_TOKENS",
    "TELEGRAM_WEBHOOK_SECRET",
    "USER_HASH_KEY",
    "TOKEN_ENCRYPTION_KEYS",
    "SCHEDULER_SECRET",
)
AI = ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GITHUB_API_KEY")
PAYMENTS = (
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "YOOKASSA_SHOP_ID",
    "YOOKASSA_SECRET_KEY",
    "CLOUDPAYMENTS_PUBLIC_ID",
    "CLOUDPAYMENTS_API_SECRET",
    "PRODAMUS_URL",
    "PRODAMUS_SECRET_KEY",
    "PRODAMUS_SYS",
    "CRYPTO_PAY_TOKEN",
)
KNOWN = (*DEPLOYMENT, *AI, *PAYMENTS)


def unknown(name: str) -> str:
    """Return what to say about a name that is not known: the nearest one, and all."""
    close = difflib.get_close_matches(name.upper(), KNOWN, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"No function reads a secret {name}.{hint} The names are {', '.join(KNOWN)}."
