"""Commands for the keys that encrypt users' API keys (docs/user_api_keys.md).

    ./switchboard keys new       print a fresh entry for TOKEN_ENCRYPTION_KEYS
    ./switchboard keys rotate    encrypt every stored key anew with the first of TOKEN_ENCRYPTION_KEYS

`rotate` needs TOKEN_ENCRYPTION_KEYS, the newest first and with the older ones still in it, and the database's
owner in --url or DATABASE_ADMIN_URL.
"""

import argparse
import os
import sys

from tools.keys.new import new_key


def main() -> int:
    """Run one command; its exit status is 0, or 1 with one line that says what to do."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="./switchboard keys", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    commands.add_parser("new", help=_new.__doc__).set_defaults(command=_new)
    rotating = commands.add_parser("rotate", help=_rotate.__doc__)
    rotating.add_argument("--url", default=os.environ.get("DATABASE_ADMIN_URL"))
    rotating.set_defaults(command=_rotate)
    arguments = parser.parse_args()
    return int(arguments.command(arguments))


def _new(_arguments: argparse.Namespace) -> int:
    """Print a fresh entry for TOKEN_ENCRYPTION_KEYS."""
    # Needs no package, so it works before anything is installed.
    print(new_key())
    return 0


def _rotate(arguments: argparse.Namespace) -> int:
    """Encrypt every stored key anew with the first of TOKEN_ENCRYPTION_KEYS."""
    import psycopg

    from tools.database.errors import DatabaseToolError

    try:
        return _rotate_all(arguments.url)
    except (DatabaseToolError, ValueError) as error:
        print(error, file=sys.stderr)
    except psycopg.Error as error:
        # Its text can hold rows; what was done until then is done.
        print(
            f"Postgres: {type(error).__name__}. Run it again: it goes on where it stopped.", file=sys.stderr
        )
    return 1


def _rotate_all(url: str | None) -> int:
    from shared.core.setting_values import encryption_keys
    from tools.database.errors import DatabaseToolError
    from tools.keys import rotate

    if not url:
        raise DatabaseToolError("Which database? Give --url DSN or set DATABASE_ADMIN_URL.")
    text = os.environ.get("TOKEN_ENCRYPTION_KEYS", "").strip()
    if not text:
        raise DatabaseToolError(
            "TOKEN_ENCRYPTION_KEYS is missing: the newest key first, then the older ones."
        )
    try:
        keys = encryption_keys(text)
    except ValueError as error:
        raise DatabaseToolError(f"TOKEN_ENCRYPTION_KEYS is malformed: {error}") from None
    return rotate.report(rotate.rotate(url, keys, print), keys)


if __name__ == "__main__":
    sys.exit(main())
