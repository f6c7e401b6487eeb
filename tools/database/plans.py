"""What a sync would do, with a hash: what was reviewed is what runs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tools.database import output, statements
from tools.database.environments import Environment
from tools.database.errors import MigrationError
from tools.database.migration_files import Migration
from tools.database.states import State

HASH_LENGTH = 12
CURRENT = "current"  # accepts whatever the plan is; for a build, whose commit was reviewed


@dataclass(frozen=True)
class Part:
    """A migration of a plan; `alone` are its statements that no transaction can hold."""

    migration: Migration
    statements: int
    alone: Sequence[str]


@dataclass(frozen=True)
class Plan:
    """The migrations that a sync would apply to an environment, in their order."""

    environment: Environment
    version: str | None
    parts: Sequence[Part]

    @property
    def hash(self) -> str:
        """Return the digest of the environment, where it is now, and all that would be applied."""
        digest = hashlib.sha256(f"{self.environment.name}\0{self.version or ''}\0".encode())
        for part in self.parts:
            digest.update(f"{part.migration}\0{statements.checksum(part.migration.text)}\0".encode())
        return digest.hexdigest()[:HASH_LENGTH]


def make(environment: Environment, state: State, to_version: str | None = None) -> Plan:
    """Return the plan for an environment in that state.

    Raises MigrationError for a file that is older than what is applied, and StatementError for one that
    cannot run.
    """
    if state.late:
        first = state.late[0]
        raise MigrationError(
            f"{environment.name} is at {state.version}, past {', '.join(str(one) for one in state.late)},"
            " which it has not: a file that is merged later gets a later time: ./switchboard database rename"
            f" {first.version}"
        )
    parts = []
    for migration in state.pending:
        if to_version is None or migration.version <= to_version:
            found = statements.read(migration)
            parts.append(Part(migration, len(found), [one.alone for one in found if one.alone]))
    return Plan(environment, state.version, parts)


def lines(plan: Plan) -> list[str]:
    """Return the plan for a reader."""
    if not plan.parts:
        return [f"{plan.environment.name}: nothing to apply; the newest is {plan.version}."]
    found = [f"{plan.environment.name}: {len(plan.parts)} to apply, plan {plan.hash}"]
    for number, part in enumerate(plan.parts, 1):
        kind = ", ".join(sorted(set(part.alone))) + ", one by one" if part.alone else "one transaction"
        count = output.counted(part.statements, "statement")
        found.append(f"  {number}/{len(plan.parts)} {part.migration}   {count}, {kind}")
    return found
