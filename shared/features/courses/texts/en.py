"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {}
