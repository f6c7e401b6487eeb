"""End jobs without a result: the price is released, and the user reads that nothing was charged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.ai.media.contract import RefusalKind
from shared.core import db, log
from shared.generations import user_keys
from shared.generations.job import Job
from shared.telegram import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from shared.ai.media.contract import Finished, Refused
    from shared.core.sql_types import (
        DeleteGenerations,
        EndGeneration,
        ExpireGenerations,
        SwitchGeneration,
    )

BATCH = 100  # jobs of one statement


def fail(job: Job, cause: str, error: str, made: Finished | None = None) -> None:
    """End a job that has failed.

    Args:
        made: the result that cannot be sent, which cost what it cost.
    """
    cause = user_keys.cause_of(job, cause)
    log.warning(
        "a job has failed",
        action="generation_failed",
        job=job.id,
        provider=job.provider,
        cause=cause,
        error=error,
    )
    if made is None:
        return _end(job, "failed", str(cause), error)
    return _end(job, "failed", str(cause), error, _cost(made.cost_usd), usage(made.usage))


def switch(job: Job, error: str) -> bool:
    """Hand a job whose provider failed to its next one; return False where there is none."""
    if not job.request.get("fallbacks"):
        return False
    switched: SwitchGeneration = db.call(
        "switch_generation", p_id=job.id, p_attempt=job.attempt, p_error=error
    )
    if switched["outcome"] == "none":
        return False
    log.warning(
        "another provider takes over",
        action="generation_switched",
        job=job.id,
        provider=job.provider,
        error=error,
    )
    return True


def refuse(job: Job, outcome: Refused) -> None:
    """End a job whose content the provider refuses. It is neither repeated nor sent to another provider."""
    is_answer = outcome.kind is RefusalKind.ANSWERED_IN_TEXT and outcome.text
    cause = (
        str(outcome.kind) if is_answer or outcome.kind is not RefusalKind.ANSWERED_IN_TEXT else "no_result"
    )
    _end(
        job, "refused", cause, outcome.text if is_answer else None,
        _cost(outcome.cost_usd), usage(outcome.usage),
    )  # fmt: skip


def expire() -> int:
    """End jobs whose deadline has passed, and return their number."""
    count = 0
    while True:
        result: ExpireGenerations = db.call("expire_generations", p_limit=BATCH)
        outbox.deliver_outgoing(result["outgoing"])
        count += result["expired"]
        if result["expired"] < BATCH:
            return count


def delete_old() -> int:
    """Delete jobs whose retention has ended, and return their number."""
    result: DeleteGenerations = db.call("delete_generations", p_limit=BATCH * 10)
    return result["deleted"]


def usage(reported: Mapping[str, int]) -> dict[str, int]:
    """Return what a provider counted, in the words of public.api_usage."""
    names = {
        "tokens_in": ("input_tokens", "prompt_tokens", "promptTokenCount"),
        "tokens_out": ("output_tokens", "completion_tokens", "candidatesTokenCount"),
    }
    found = {
        ours: next((reported[name] for name in theirs if name in reported), None)
        for ours, theirs in names.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def _cost(dollars: Decimal | None) -> str | None:
    return None if dollars is None else str(dollars)


def _end(
    job: Job,
    state: str,
    cause: str,
    error: str | None,
    cost: str | None = None,
    used: Mapping[str, int] | None = None,
) -> None:
    result: EndGeneration = db.call(
        "end_generation",
        p_id=job.id,
        p_attempt=job.attempt,
        p_state=state,
        p_cause=cause,
        p_error=error,
        p_cost=cost,
        p_usage=used,
    )
    outbox.deliver_outgoing(result.get("outgoing", []))
