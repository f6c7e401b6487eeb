"""Supabase Storage: keeps media that providers generated, and media of users that providers need.

    if stored := store_file(user_id, bot, kind="images", name=job_id, data=png, mime_type="image/png"):
        url = stored.signed_url(600)

Without SUPABASE_URL and SUPABASE_SECRET_KEY nothing is stored and callers deliver media directly. Import
this package where a file is stored or sent, never with a module: its library costs as much as everything else
on the path of an update (docs/storage.md).
"""

from __future__ import annotations

from shared.storage.client import MAX_LARGE_BYTES, Storage, storage
from shared.storage.files import StoredFile, store_file
from shared.storage.reader import reader

__all__ = ["MAX_LARGE_BYTES", "Storage", "StoredFile", "reader", "storage", "store_file"]
