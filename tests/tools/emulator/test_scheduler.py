"""When the emulator's scheduler calls a job: unix-cron as Cloud Scheduler reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.scheduled.jobs import JOBS
from tools.emulator.scheduler import is_due

SUNDAY = datetime(2026, 11, 22, 3, 17, tzinfo=UTC)


@pytest.mark.parametrize("schedule", [
    "* * * * *", "17 3 * * *", "15-20 * * * *", "2,17 * * * *", "10-20/7 3 * 11 *", "*/17 * * * *",
    "17 3 22 11 *", "17 3 * * 0", "17 3 1 * 0", "17 3 22 * 1", "17 3 */7 * *",
])  # fmt: skip
def test_it_is_due(schedule: str) -> None:
    assert is_due(schedule, SUNDAY)


@pytest.mark.parametrize("schedule", [
    "*/5 * * * *", "17 4 * * *", "18-30 * * * *", "17 3 1 * *", "17 3 1 * 1", "17 3 * 12 *", "17 3 * * 1-6",
])  # fmt: skip
def test_it_is_not_due(schedule: str) -> None:
    assert not is_due(schedule, SUNDAY)


def test_every_job_has_a_schedule_that_comes_within_a_month() -> None:
    minutes = [SUNDAY + timedelta(minutes=number) for number in range(31 * 24 * 60)]
    for job in JOBS.values():
        assert any(is_due(job.schedule, minute) for minute in minutes)
