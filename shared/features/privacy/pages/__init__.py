"""The pages about the user's data: what is stored, the download, the erasure."""

from __future__ import annotations

from shared.features.privacy.pages import data, erasure

pages = (*data.pages, *erasure.pages)
