"""check_generations finds each contradiction between jobs, what they took, ledger and quota."""

from __future__ import annotations

import pytest

from tests.supabase.generations.jobs import Call, Painter, Sql

# The state of the job, the damage, and what is found.
DAMAGES = [
    ("reserved", "delete from generation_effects", "nothing was reserved"),
    (
        "delivered",
        "update generation_effects set plan_requests = -9 where effect = 'settled'",
        "less than nothing",
    ),
    ("failed", "delete from generation_effects where effect = 'released'", "its price is not released"),
    (
        "reserved",
        "update generations set state = 'failed', cause = 'x', slot = null",
        "its price is not released",
    ),
    (
        "failed",
        "update generations set state = 'submitted', cause = null",
        "in progress and was settled or released",
    ),
    ("delivered", "delete from generation_effects where effect = 'settled'", "not settled, or was released"),
    ("delivered", "update generations set is_late = true", "a late result was charged"),
    ("delivered", "update generations set slot = 1", "holds a slot"),
    ("delivered", "update generation_effects set amount = -1 where effect = 'settled'", "ledger differs"),
    ("reserved", "update daily_usage set requests = 1", "fewer than its jobs hold"),
]


@pytest.fixture
def consistent() -> None:
    """These tests leave contradictions."""


@pytest.mark.parametrize(("state", "damage", "found"), DAMAGES)
def test_a_contradiction_is_found(
    anna: Painter, sql: Sql, call: Call, boss: str, state: str, damage: str, found: str
) -> None:
    job = anna.job(p_requests=4)
    if state != "reserved":
        job.submit()
    if state == "delivered":
        job.finish()
    if state == "failed":
        job.make_due()
        job.claim()
        job.end()
    assert call("admin_check", boss)["generations"] == 0
    sql(damage)
    shown = call("admin_check", boss)
    assert shown["generations"] >= 1
    assert any(found in one["wrong"] and one["generation"] == job.id for one in shown["wrong_generations"])


def test_a_ledger_entry_without_effect_is_found(anna: Painter, sql: Sql, call: Call, boss: str) -> None:
    job = anna.job(p_requests=0, p_amount="5")
    call("adjust_balance", anna.telegram_id, "-5", "generation", f"generations:{job.id}:again")
    wrong = call("admin_check", boss)["wrong_generations"]
    assert wrong == [{"generation": job.id, "wrong": "the ledger has an entry that was not taken"}]


def test_requests_that_an_admin_has_reset_are_no_contradiction(anna: Painter, call: Call, boss: str) -> None:
    anna.job(p_requests=4)
    call("admin_reset_user_usage", anna.user_id, boss)
    assert call("admin_check", boss)["generations"] == 0
