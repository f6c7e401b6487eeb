"""The key of the user who ordered a job, where it pays for the job."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from shared.ai.user_keys import encryption
from shared.core import db, log

if TYPE_CHECKING:
    from shared.core.sql_types import ActiveUserToken
    from shared.generations.job import Job


def secret_of(job: Job) -> str | None:
    """Return the user's key for a job's provider; None where it is used no more, or unreadable."""
    found: ActiveUserToken = db.call("active_user_token", p_user_id=job.user_id)
    key = found["key"]
    if key is None or key["provider"] != job.provider:
        return None
    encrypted = encryption.EncryptedKey(key["key_id"], base64.b64decode(key["ciphertext"]))
    try:
        return encryption.decrypt(encrypted, telegram_id=job.telegram_id, provider=job.provider)
    except encryption.DecryptionError as error:
        log.alert(
            f"an own key cannot be opened: {error}", action="user_api_key_unreadable", provider=job.provider
        )
        return None
