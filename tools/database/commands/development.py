"""Commands for work on the SQL, which need the packages of requirements-dev.txt, and two on its data."""

from __future__ import annotations

import argparse
import os

from tools.database import admins, connections, environments, identity, migration_files, schemas
from tools.database import reset as resetting
from tools.database import settings as settings_table
from tools.database.errors import DatabaseToolError
from tools.database.migration_files import SUPABASE
from tools.database.output import counted


def settings(arguments: argparse.Namespace) -> int:
    """Write the settings and admins that the environment variables name."""
    environment = environments.choose(arguments.on, environments.read())
    url = environment.require_url()
    with connections.connect(url, "settings") as connection:
        identity.require(connection, environment)
    changed = settings_table.write(url, os.environ)
    for key, value in changed.items():
        print(f"{key} = {value}")
    print(f"{counted(len(changed), 'setting')} changed.")
    emails = admins.write(url, os.environ)
    print("Admins are left as they are." if emails is None else f"Admins: {', '.join(emails)}")
    return 0


def reset(arguments: argparse.Namespace) -> int:
    """Empty the emulator's database; no other one, and none that is protected."""
    environment = environments.choose(arguments.on, environments.read())
    if environment.is_protected:
        raise DatabaseToolError(f"{environment.name} is protected: it is never emptied.")
    resetting.reset(environment.require_url())
    print("The database is as new.")
    return 0


def seed(arguments: argparse.Namespace) -> int:
    """Add the example data that environments.toml names, products and users, to a development database."""
    environment = environments.choose(arguments.on, environments.read())
    if not environment.rules.seed:
        raise DatabaseToolError(f"supabase/environments.toml names no `seed` for {environment.name}.")
    url = environment.require_url()
    with connections.connect(url, "seed") as connection:
        identity.require(connection, environment)
        for name in environment.rules.seed:
            with connections.as_owner(connection):
                connection.execute(schemas.seed_file(name).read_bytes())
            print(f"{name}: done")
    return 0


def migration(arguments: argparse.Namespace) -> int:
    """Write the next migration from the changes in supabase/schemas."""
    from tools.database import migration_writer

    written = migration_writer.write(arguments.name)
    if written is None:
        print("Nothing to write: migrations and schemas make the same database.")
        return 0
    print(f"Written: {written.path.relative_to(SUPABASE.parent)}")
    if written.leftover:
        print("It does not make the same database as supabase/schemas yet; add this by hand, then run check:")
        print(*written.leftover, sep="\n")
        return 1
    print("With it, migrations and schemas make the same database. Read it before you commit it.")
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Say whether migrations and schemas make the same database."""
    from tools.database import schema_drift

    differences = schema_drift.compare()
    if not differences:
        print("Migrations and schemas make the same database.")
        return 0
    print(*differences, sep="\n")
    print(f"{counted(len(differences), 'difference')}: run ./switchboard migration what_changed.")
    return 1


def freeze(arguments: argparse.Namespace) -> int:
    """Write the hashes of all migrations; a test keeps them from then on. Run after editing the newest."""
    print(f"Written: {migration_files.freeze().relative_to(SUPABASE.parent)}")
    return 0


def generate(arguments: argparse.Namespace) -> int:
    """Write the types of results and the description of the schema anew."""
    from tools.database import result_types, schema_page

    for path in (result_types.write(), schema_page.write()):
        print(f"Written: {path.relative_to(SUPABASE.parent)}")
    return 0


def lint(arguments: argparse.Namespace) -> int:
    """Run everything CI asks of the SQL."""
    from tools.database import lint

    return lint.run()
