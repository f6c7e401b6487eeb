"""Origins of video players that pages may show in a frame, and of files in Storage."""

from __future__ import annotations

from shared.core.config import settings
from shared.web import addresses

YOUTUBE = "https://www.youtube-nocookie.com"
KINESCOPE = "https://kinescope.io"


def sources() -> list[tuple[str, str]]:
    """Return what a page that shows any other page allows: directive and origin."""
    found = [("frame-src", YOUTUBE), ("frame-src", KINESCOPE), ("media-src", "blob:")]
    if settings().supabase_url:
        storage = addresses.origin(settings().supabase_url)
        found += [("media-src", storage), ("img-src", storage)]
    return found
