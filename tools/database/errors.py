"""Errors of the tools for the database; each message says what to do next.

DatabaseToolError
├── ServerError         the local Postgres cannot run
├── PrepareError        a plain Postgres lacks something only its superuser can make
├── MigrationError      the database and supabase/migrations do not fit together
├── SettingError        a value of the environment that private.settings must not hold
├── HeaderError         the comment above an SQL function does not follow its notation
├── NotOurs             the database does not bear the emulator's marker
└── CheckError          a program that a check needs is missing, or answered with an error
"""


class DatabaseToolError(Exception):
    """Printed on the terminal as one line, without a traceback."""


class ServerError(DatabaseToolError):
    """The local Postgres cannot be made, started or stopped."""


class PrepareError(DatabaseToolError):
    """A plain Postgres lacks an object that only its superuser can create."""


class MigrationError(DatabaseToolError):
    """The database and supabase/migrations do not fit together."""


class SettingError(DatabaseToolError):
    """A value of the environment that must not reach private.settings."""


class NotOurs(DatabaseToolError):
    """The database does not bear the emulator's marker, so nothing is deleted."""


class CheckError(DatabaseToolError):
    """A program that a check needs is missing, or answered with an error."""


class HeaderError(DatabaseToolError):
    """The comment above an SQL function does not follow the notation of tools/database/headers.py."""
