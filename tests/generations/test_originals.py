"""How many originals a function holds in memory at once."""

from __future__ import annotations

from threading import BoundedSemaphore

import pytest

from shared.generations import originals
from tests.generations.conftest import Customer
from tests.generations.painter import Painter
from tests.generations.test_crashes import Order, Run
from tests.supabase.generations.jobs import Job


def send(anna: Customer, job: Job) -> str:
    return originals.send_originals("assistant", anna.telegram_id, 0, job.row["files"])


def test_a_file_without_a_place_is_sent_later(
    anna: Customer, painter: Painter, order: Order, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = order()
    run()
    places = BoundedSemaphore(1)
    monkeypatch.setattr(originals, "_places", places)
    monkeypatch.setattr(originals, "WAIT", 0)
    with places:
        assert send(anna, job) == "later"
    assert anna.received("document") == []
    assert [send(anna, job), send(anna, job)] == ["sent", "sent"]  # each has freed its place
    (first, second) = anna.received("document")
    assert first.data["document"]["file_size"] == second.data["document"]["file_size"] == len(painter.data)
