"""Names of every environment variable that functions and tools read."""

from __future__ import annotations

from shared.ai import providers as ai
from shared.ai import transcription
from shared.ai.media import providers as media
from shared.core import config
from shared.payments import providers as payments
from tools.database import settings

_TOOLS = frozenset(
    {
        "DATABASE_ADMIN_URL", "DEVELOPMENT_DATABASE_URL", "BOT_BACKEND_PASSWORD", "ADMIN_EMAILS",
        "BACKUP_PLACE", "BACKUP_RECIPIENT", "BACKUP_STORAGE_KEY", "BACKUP_IDENTITY_FILE",
    }
)  # fmt: skip  # tools.database


def known() -> frozenset[str]:
    """Return the variables that are documented in .env.example and accepted by a deployment."""
    of_ai = {
        f"{key.upper()}_{what}"
        for key in {*ai.names(), *transcription.names()}
        for what in ("API_KEY", "BASE_URL")
    }
    short = {config.SHORT_BOT_TOKEN}
    of_providers = of_ai | media.variables() | payments.variables()
    return config.variables() | short | of_providers | settings.VARIABLES | _TOOLS
