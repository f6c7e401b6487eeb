"""The pages of broadcasts and sequences, for admins, and the links that count clicks."""

from __future__ import annotations

from shared.features.broadcasts.pages import (
    actions,
    consent,
    editor,
    following,
    listing,
    media,
    result,
    sequences,
)

pages = (
    *listing.pages,
    *sequences.pages,
    *editor.pages,
    *media.pages,
    *actions.pages,
    *result.pages,
    *following.pages,
    *consent.pages,
)
