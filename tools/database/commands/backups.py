"""Commands on backups: backup, restore."""

from __future__ import annotations

import argparse

import psycopg

from tools.database import bookkeeping, connections, environments, identity, runs, syncing
from tools.database.backups import expiry, keeping
from tools.database.errors import BackupError
from tools.database.output import counted, progress, size


def backup(arguments: argparse.Namespace) -> int:
    """Back up an environment in one snapshot, compressed and sealed.

    --check restores it on trial before it is stored. Then delete those that are no longer kept.
    """
    environment = environments.choose(arguments.on, environments.read())
    taken = keeping.take(environment, "daily", arguments.to, progress if arguments.check else None)
    checked = ", restored and equal" if arguments.check else ""
    print(f"{taken.place}: {size(taken.bytes)} in {taken.seconds:.1f} s, version {taken.version}{checked}")
    for place in expiry.expire(environment):
        print(f"deleted {place}")
    return 0


def restore(arguments: argparse.Namespace) -> int:
    """Try a backup on a scratch server, or fill an empty environment from it.

    Without --into every table is compared on a scratch server; --into NAME fills that environment.
    """
    known, secret = environments.read(), keeping.secret_identity()
    with keeping.fetched(arguments.file) as path:
        if arguments.into == "scratch":
            reader = keeping.verify(path, secret, progress)
            rows, version = sum(one.rows for one in reader.contents), reader.header["version"]
            what = f"{counted(len(reader.tables), 'table')}, {counted(rows, 'row')}, of version {version}"
            print(f"Restored and equal: {what}.")
            environment = known.get(str(reader.header["environment"]))
            if environment is not None and environment.url:
                with connections.connect(environment.require_url(), "restore") as connection:
                    identity.require(connection, environment)
                    keeping.mark_verified(connection, path)
            return 0
        environment = environments.choose(arguments.into, known)
        syncing.require_name(environment, arguments.confirm)
        url, counts = environment.require_url(), [0, 0]
        erased = _erased(arguments, known, keeping.taken_at(path, secret))
        with connections.connect(url, "restore") as connection:
            identity.refuse_another(connection, environment)

        def settle(connection: psycopg.Connection) -> None:
            counts[:] = keeping.erase_again(connection, erased), keeping.discard_outbox(connection)
            keeping.settle_records(connection)
            syncing.finish(connection, environment, True)
            version = bookkeeping.applied_versions(connection)[-1]
            runs.record_restore(connection, version, arguments.file)

        reader = keeping.restore(path, secret, url, url, progress, settle)
    rows = sum(one.rows for one in reader.contents)
    print(f"Restored: {counted(rows, 'row')}. Erased again: {counted(counts[0], 'user')}.")
    waiting = counted(counts[1], "message")
    print(f"Not sent: {waiting} that waited at the time of the backup; most were sent since then.")
    print(f"Next: ./switchboard database sync --on {environment.name}")
    return 0


def _erased(
    arguments: argparse.Namespace, known: dict[str, environments.Environment], since: str
) -> list[tuple[int, str | None]]:
    """Return who was erased since the backup.

    Raises BackupError unless the caller says where that is known.
    """
    if arguments.erased_in:
        source = environments.choose(arguments.erased_in, known)
        with connections.connect(source.require_url(), "restore") as connection:
            identity.require(connection, source)
            return keeping.erasures(connection, since)
    if arguments.erased_ids is not None:
        try:
            return [(int(number), None) for number in arguments.erased_ids.split(",") if number.strip()]
        except ValueError:
            raise BackupError("--erased-ids takes numbers of users: 12,345") from None
    raise BackupError(
        "Users who were erased after the backup must not come back. Say where that is known: --erased-in"
        " NAME (an environment whose database still answers), or --erased-ids 12,345 (from the log lines"
        ' "user erased"; "" for none).'
    )
