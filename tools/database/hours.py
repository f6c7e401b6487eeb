"""Hours of a day in a time zone: `01:00-05:00 Europe/Moscow`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) (\S+)")


@dataclass(frozen=True)
class Window:
    """Hours of a day in a time zone; from 23:00 to 02:00 is over midnight."""

    begins: time
    ends: time
    zone: ZoneInfo

    def contains(self, now: datetime) -> bool:
        """Whether a moment is within."""
        local = now.astimezone(self.zone).time()
        if self.begins <= self.ends:
            return self.begins <= local < self.ends
        return local >= self.begins or local < self.ends


def read(text: str) -> Window:
    """Return the window that `01:00-05:00 Europe/Moscow` means. Raises ValueError."""
    found = _FORM.fullmatch(text)
    if not found or found[1] + found[2] == found[3] + found[4]:
        raise ValueError("a window is like 01:00-05:00 Europe/Moscow")
    try:
        zone = ZoneInfo(found[5])
    except (KeyError, OSError, ValueError):
        raise ValueError(f"no time zone is called {found[5]!r}") from None
    first, second, third, fourth = (int(part) for part in found.groups()[:4])
    return Window(time(first, second), time(third, fourth), zone)
