"""The report of an adoption, for the terminal and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tools.adopt.adoption import Outcome
from tools.adopt.source import Blocker, Surroundings

SHOWN = 20


def lines(outcome: Outcome, moved: Sequence[Blocker], surroundings: Surroundings) -> list[str]:
    """Return the report in lines."""
    found = [
        f"Table {outcome.table}, for the bot {outcome.bot}",
        *_columns(outcome),
        *_moves(outcome, moved),
        *_surroundings(surroundings),
        *_figures(outcome),
        *_refused(outcome),
        *_end(outcome),
    ]
    return [printable(line) for line in found]


def printable(text: str) -> str:
    """Return a text for the terminal: names of tables and columns may hold escape sequences and line ends."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def as_json(outcome: Outcome, moved: Sequence[Blocker], surroundings: Surroundings) -> dict[str, Any]:
    """Return the report for programs, with every refused row."""
    columns = outcome.columns
    return {
        "table": outcome.table,
        "bot": outcome.bot,
        "applied": outcome.is_applied,
        "columns": {
            "recognized": columns.fields,
            "statistics": columns.stats,
            "left": columns.left,
            "unknown": columns.unknown,
        },
        "moved": [f"{one.kind} {one.name}" for one in moved],
        "refers": vars(surroundings),
        "rows": outcome.rows,
        "counts": dict(outcome.counts),
        "notes": dict(outcome.notes),
        "refused": [
            {"row": one.line, "telegram_id": one.telegram_id or None, "reason": one.refusal}
            for one in outcome.refused
        ],
        "erased": outcome.erased,
        "old": {"xp": outcome.xp, "balance": str(outcome.balance), "plans": outcome.plans},
        "given": {
            "xp": outcome.given_xp,
            "balance": str(outcome.given_balance),
            "plans": outcome.given_plans,
        },
        "differences": outcome.differences,
    }


def _columns(outcome: Outcome) -> list[str]:
    columns = outcome.columns
    pairs = [f"{column} → {ours}" for ours, column in columns.fields.items()]
    pairs += [f"{column} → statistics" for column in columns.stats.values()]
    found = [f"  columns: {', '.join(pairs)}"]
    if columns.left:
        found.append("  left: " + ", ".join(f"{name} ({why})" for name, why in columns.left.items()))
    if columns.unknown:
        found.append(f"  not understood, kept in the old table only: {', '.join(columns.unknown)}")
    return found


def _moves(outcome: Outcome, moved: Sequence[Blocker]) -> list[str]:
    if not moved:
        return []
    verb = "moved" if outcome.is_applied else "to move"
    return [f"  {verb} into schema legacy: {', '.join(f'{one.kind} {one.name}' for one in moved)}"]


def _surroundings(surroundings: Surroundings) -> list[str]:
    found = []
    if surroundings.keys:
        found.append(f"  foreign keys that go on referring to it: {', '.join(surroundings.keys)}")
    if surroundings.views:
        found.append(f"  views that go on reading it: {', '.join(surroundings.views)}")
    if surroundings.functions:
        found.append(
            "  functions that name it in their text, check them yourself: "
            + ", ".join(surroundings.functions)
        )
    return found


def _figures(outcome: Outcome) -> list[str]:
    counts = outcome.counts
    if not outcome.is_applied:
        return [
            f"  {outcome.rows} rows: {counts['ok']} ok, {counts['refused']} refused",
            f"  to take over: XP {outcome.xp}, balance {outcome.balance}, plans {outcome.plans}",
            *_notes(outcome),
        ]
    return [
        f"  {outcome.rows} rows: {counts['created']} created, {counts['changed']} changed, "
        f"{counts['unchanged']} unchanged, {counts['erased']} erased before, {counts['refused']} refused",
        f"  in the old table: XP {outcome.xp}, balance {outcome.balance}, plans {outcome.plans}",
        f"  given now: XP {outcome.given_xp}, balance {outcome.given_balance}, plans {outcome.given_plans}",
        *_notes(outcome),
    ]


def _notes(outcome: Outcome) -> list[str]:
    return [f"  left out, {what}: {count} users" for what, count in sorted(outcome.notes.items())]


def _refused(outcome: Outcome) -> list[str]:
    reasons = Counter(one.refusal for one in outcome.refused)
    found = [f"  refused, {reason}: {count}" for reason, count in reasons.most_common()]
    found += [
        f"    row {one.line}, Telegram id {one.telegram_id or '–'}: {one.refusal}"
        for one in outcome.refused[:SHOWN]
    ]
    if len(outcome.refused) > SHOWN:
        found.append(f"    … and {len(outcome.refused) - SHOWN} more: --report FILE lists all")
    if outcome.erased:
        found.append(
            f"  {len(outcome.erased)} users had their data erased here; their rows in {outcome.table} "
            "remain: delete them (--report FILE lists their ids)"
        )
    return found


def _end(outcome: Outcome) -> list[str]:
    if not outcome.is_applied:
        return ["Nothing was written. Add --apply to adopt the table."]
    if outcome.differences:
        return [f"DIFFERS {one}" for one in outcome.differences]
    return ["Both sides agree: XP and balance of the adopted users are those of the old table."]
