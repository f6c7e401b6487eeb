"""Says for a reader and for programs what `verify` found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.database.output import coloured, counted
from tools.database.plans import Plan
from tools.database.tracing import NOTHING, Step
from tools.database.verifying import Report, Verified

SLOW = 0.05  # seconds from which a statement is shown by itself
SHOWN = 70  # characters of a statement
MOST_DIFFERENCES = 20


def lines(report: Report, plan: Plan | None) -> Iterator[str]:
    """Yield the report for a reader: each migration with what it blocks, and the statements that do so."""
    name, named = report.state.environment, f", plan {plan.hash}" if plan else ""
    rows = (
        f"rows of the backup at {report.backup}" if report.backup else "no rows; --from-backup FILE fills it"
    )
    if report.parts:
        yield f"{name}: {len(report.parts)} to apply{named}. Run on a scratch server ({rows}):"
    else:
        yield f"{name}: nothing to apply; the newest is {report.state.version}."
    for number, part in enumerate(report.parts, 1):
        yield from _part(part, f"{number}/{len(report.parts)}", report)
    yield from report.notes
    if report.differences is None:
        yield _bad("A migration failed, so the result was not compared with supabase/schemas.")
    elif report.differences:
        yield _bad(f"{counted(len(report.differences), 'difference')} from supabase/schemas:")
        yield from (f"  {one}" for one in report.differences[:MOST_DIFFERENCES])
    else:
        what = "With them, the" if report.parts else "The"
        yield f"{_good()} {what} database is what supabase/schemas makes. {report.seconds:.1f} s."


def _part(part: Verified, number: str, report: Report) -> Iterator[str]:
    mark = _good() if part.is_good else coloured("✘", "bad")
    count = counted(part.count, "statement")
    yield f"{mark} {number} {part.migration}   {count}, {_seconds(part.trace.seconds)}, {_blocked(part)}"
    if part.failure:
        where = f"statement {part.failure.statement}: " if part.failure.statement else ""
        state = f" (SQLSTATE {part.failure.sqlstate})" if part.failure.sqlstate else ""
        yield f"      {where}{part.failure.message}{state}"
    for step in part.trace.steps:
        yield from _step(step, report)
    for finding in part.findings:
        yield f"      line {finding}"
    if part.down is None:
        yield "      no down is written: after it, roll forward or restore"
    elif part.down:
        yield f"      its down does not lead back: {counted(len(part.down), 'difference')}"
        yield from (f"        {line}" for one in part.down[:MOST_DIFFERENCES] for line in one.lines())
    else:
        yield "      its down went back and forth: equal"


def _step(step: Step, report: Report) -> Iterator[str]:
    blocking = [lock for lock in step.locks if lock.blocks != NOTHING]
    scans = [name for name in step.read if name in report.rows]
    if not (blocking or step.rewritten or step.rebuilt or scans or step.seconds >= SLOW):
        return
    text = " ".join(step.statement.text.split())
    yield f"      {step.number}: {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}   {_seconds(step.seconds)}"
    yield from (f"           {lock}" for lock in blocking)
    for word, names in (
        ("rewrites", step.rewritten),
        ("builds anew", step.rebuilt),
        ("reads all of", scans),
    ):
        yield from (f"           {word} {name}{_rows(name, report)}" for name in names)


def _blocked(part: Verified) -> str:
    held = part.trace.held()
    if not held:
        return "blocks nothing"
    first = [
        f"{one.blocks} of {one.relation} for {_seconds(one.seconds)}" for one in held[:3]
    ]  # fmt: skip
    more = f" and of {len(held) - 3} more" if len(held) > 3 else ""
    return f"blocks {', '.join(first)}{more}"


def _rows(name: str, report: Report) -> str:
    count = report.rows.get(name)
    return f" (about {counted(count, 'row')} in {report.state.environment})" if count else ""


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _good() -> str:
    return coloured("✔", "good")


def _bad(text: str) -> str:
    return f"{coloured('✘', 'bad')} {text}"


def as_json(report: Report, plan: Plan | None) -> dict[str, Any]:
    """Return the report for programs; times are milliseconds; without a hash where a file cannot be read."""
    return {
        "environment": report.state.environment, "version": report.state.version,
        "hash": plan.hash if plan else None,
        "exit_status": report.exit_status, "backup": report.backup, "notes": list(report.notes),
        "milliseconds": round(report.seconds * 1000),
        "migrations": [_part_json(part, report) for part in report.parts],
        "differences": None if report.differences is None else [str(one) for one in report.differences],
    }  # fmt: skip


def _part_json(part: Verified, report: Report) -> dict[str, Any]:
    failure = part.failure
    return {
        "name": str(part.migration), "statements": part.count, "is_good": part.is_good,
        "milliseconds": round(part.trace.seconds * 1000, 1),
        "blocks": [
            {"relation": one.relation, "blocks": one.blocks, "milliseconds": round(one.seconds * 1000, 1)}
            for one in part.trace.held()
        ],
        "failure": None if failure is None else {
            "statement": failure.statement, "sqlstate": failure.sqlstate, "message": failure.message,
        },
        "findings": [{"line": one.line, "rule": one.rule, "message": one.message} for one in part.findings],
        "down": None if part.down is None else [str(one) for one in part.down],
        "steps": [_step_json(step, report) for step in part.trace.steps],
    }  # fmt: skip


def _step_json(step: Step, report: Report) -> dict[str, Any]:
    touched = {*step.rewritten, *step.read}
    return {
        "statement": step.number, "line": step.statement.line, "milliseconds": round(step.seconds * 1000, 1),
        "locks": [{"relation": one.relation, "mode": one.mode, "blocks": one.blocks} for one in step.locks],
        "rewritten": list(step.rewritten), "rebuilt": list(step.rebuilt), "read": list(step.read),
        "rows": {name: report.rows[name] for name in sorted(touched) if name in report.rows},
    }  # fmt: skip
