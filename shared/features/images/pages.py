"""The pages of the user's pictures."""

from __future__ import annotations

from shared.features.common.media import gallery
from shared.features.common.media.kinds import IMAGE

pages = gallery.pages_of(IMAGE)
