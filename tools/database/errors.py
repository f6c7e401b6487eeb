"""Errors of the tools for the database; each message says what to do next."""


class DatabaseToolError(Exception):
    """Printed on the terminal as one line, without a traceback."""

    exit_status = 1


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
    """The comment above an SQL function does not follow the notation of tools/database/shapes.py."""


class AddressError(DatabaseToolError):
    """The address of a database cannot be read beyond doubt; the message does not repeat it."""


class EnvironmentFileError(DatabaseToolError):
    """supabase/environments.toml is malformed, or an address does not fit it."""


class UnknownEnvironment(EnvironmentFileError):
    """A name that supabase/environments.toml does not have."""


class WrongDatabase(DatabaseToolError):
    """The database says that it is another environment than the named one."""


class StatementError(DatabaseToolError):
    """A migration that Postgres could not read, or that cannot be one transaction."""


class RollbackError(DatabaseToolError):
    """A migration cannot be taken back, or only with a loss that was not accepted."""


class OutsideWindow(DatabaseToolError):
    """A statement works on a whole large table, and it is not the time for that."""


class NotConfirmed(DatabaseToolError):
    """A protected environment must be confirmed by its name."""


class Edited(MigrationError):
    """An applied migration was edited, or the database has one that is unknown here."""

    exit_status = 4


class Drifted(DatabaseToolError):
    """The database was changed by hand since the last run."""

    exit_status = 5


class HalfDone(DatabaseToolError):
    """A migration without a transaction stopped between its statements."""

    exit_status = 6


class Unreachable(DatabaseToolError):
    """The server does not answer, or refuses the login."""

    exit_status = 7


class BackupError(DatabaseToolError):
    """A backup cannot be written, found, opened or read, or is not what was written."""


class Locked(DatabaseToolError):
    """Another run, or another session, holds what is needed."""

    exit_status = 9
