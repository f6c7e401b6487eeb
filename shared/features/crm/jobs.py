"""The job of the CRM: reminds of next actions, and qualifies leads where the owner switched that on."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.core.config import settings
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimQualification, EnqueueDueActions, SaveQualification

TIME = 45.0  # seconds of one run; the next run continues
_ONE = 20.0  # seconds for one conversation
_LEASE = 60  # seconds


def crm() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: a conversation is claimed by one run.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    done = {"reminded": _remind(), "qualified": 0, "failed": 0}
    _qualify(done)
    if any(done.values()):
        log.info("CRM finished", action="crm_job", **done)
    return done


def _remind() -> int:
    site = settings().console_url
    due: EnqueueDueActions = db.call(
        "enqueue_due_actions", p_site=site if site.startswith("https://") else None
    )
    outbox.deliver_outgoing(due["outgoing"])
    return len(due["outgoing"])


def _qualify(done: dict[str, int]) -> None:
    from shared.features.crm import qualification

    deadline = monotonic() + TIME
    cost = qualification.cost()
    while deadline - monotonic() >= _ONE / 2:
        claim: ClaimQualification | None = db.call("claim_qualification", p_cost=cost, p_seconds=_LEASE)
        if claim is None:
            return
        result, calls = qualification.qualify(claim, min(_ONE, deadline - monotonic()))
        saved: SaveQualification = db.call(
            "save_qualification", p_id=claim["id"], p_claim=claim["claim"], p_result=result, p_usage=calls
        )
        done["qualified" if saved["saved"] else "failed"] += 1
