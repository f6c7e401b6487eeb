"""A backup pauses seven times as long as it works."""

from __future__ import annotations

import pytest

from tools.database.backups import pacing


def test_pauses_follow_the_work_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now, pauses = 0.0, []

    def work(seconds: float) -> bytes:
        nonlocal now
        now += seconds
        return b"row"

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds
        pauses.append(round(seconds, 3))

    monkeypatch.setattr(pacing.time, "monotonic", lambda: now)
    monkeypatch.setattr(pacing.time, "sleep", pause)
    took = (0.005, 0.005, 0.012, 0.5, 0.001)
    assert list(pacing.paced(work(one) for one in took)) == [b"row"] * 5
    assert pauses == [0.154, 3.5], "none for a short while of work"
