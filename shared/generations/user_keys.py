"""The key of the user who ordered a job, where it pays for the job."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from shared.ai.media import keys
from shared.ai.media.contract import Cause
from shared.ai.user_keys import encryption
from shared.core import db, log

if TYPE_CHECKING:
    from shared.core.sql_types import ActiveUserToken, RefuseUserToken
    from shared.generations.job import Job

GONE = "user_key_gone"
# Failures that users can resolve for their own keys; the texts are generation_<cause>.
_CAUSES: Mapping[str, str] = {
    Cause.INVALID_KEY: "user_key_refused",
    Cause.PERMISSION_DENIED: "user_key_access",
    Cause.MODEL_NOT_FOUND: "user_key_access",
    Cause.NO_CREDIT: "user_key_credit",
    Cause.RATE_LIMITED: "user_key_rate",
}
_ciphertext: ContextVar[str | None] = ContextVar("ciphertext", default=None)  # of the key that is in use


@contextmanager
def use(job: Job) -> Iterator[bool]:
    """Use the user's key for a job, in this thread; False where it is used no more, or unreadable."""
    found: ActiveUserToken = db.call("active_user_token", p_user_id=job.user_id)
    key = found["key"]
    if key is None or key["provider"] != job.provider:
        yield False
        return
    encrypted = encryption.EncryptedKey(key["key_id"], base64.b64decode(key["ciphertext"]))
    try:
        secret = encryption.decrypt(encrypted, telegram_id=job.telegram_id, provider=job.provider)
    except encryption.DecryptionError as error:
        log.alert(
            f"an own key cannot be opened: {error}", action="user_api_key_unreadable", provider=job.provider
        )
        yield False
        return
    token = _ciphertext.set(key["ciphertext"])
    try:
        with keys.use(job.provider, secret):
            yield True
    finally:
        _ciphertext.reset(token)


def cause_of(job: Job, cause: str) -> str:
    """Return why a job failed: with the user's own key, what the user can resolve.

    A key that the provider rejected is turned off, as in the chat.
    """
    ciphertext = _ciphertext.get()
    if ciphertext is None:
        return cause
    if cause == Cause.INVALID_KEY:
        refused: RefuseUserToken = db.call(
            "refuse_user_token", p_user_id=job.user_id, p_provider=job.provider, p_ciphertext=ciphertext
        )
        log.info(
            f"a user's key was rejected: {refused['outcome']}",
            action="user_api_key_refused",
            provider=job.provider,
        )
    return _CAUSES.get(cause, cause)
