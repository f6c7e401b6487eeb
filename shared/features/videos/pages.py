"""The pages of the user's videos."""

from __future__ import annotations

from shared.features.common.media import gallery
from shared.features.common.media.kinds import VIDEO

pages = gallery.pages_of(VIDEO)
