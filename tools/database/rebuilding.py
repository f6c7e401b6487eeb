"""Builds what migrations make on a scratch server, as the judge over a database in use."""

import psycopg

from tools.database import applying, connections, owners, prepare, schema_drift, snapshots
from tools.database.migration_files import Migration
from tools.database.snapshots import Change


def differences(connection: psycopg.Connection, upto: list[Migration]) -> list[Change]:
    """Return how the database differs from one that has had exactly these migrations."""
    with schema_drift.scratch() as server, connections.connect(server.url()) as built:
        prepare.prepare(built)
        apply = applying.Applying(built, server.url(), upto)
        for migration in upto:
            apply(migration)
        wanted, found = (
            owners.comparable(snapshots.describe(one), prepare.owner(one)) for one in (built, connection)
        )
        return snapshots.compare(wanted, found)
