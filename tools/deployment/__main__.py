"""Check what a deployment is given; the steps of deploy.yaml run these.

    python -m tools.deployment settings   the substitutions: settings, admins, payment providers
    python -m tools.deployment database   DATABASE_ADMIN_URL: may this deployment sell what is on sale?

The exit status is 0, or 1 with one line that says what to do. Needs the packages of requirements.txt alone.
"""

from __future__ import annotations

import os
import sys

from shared.core.errors import ConfigError
from tools.database.errors import DatabaseToolError
from tools.deployment import sales, substitutions

USAGE = "usage: python -m tools.deployment settings | database"


def main(arguments: list[str]) -> int:
    """Run one check."""
    try:
        match arguments:
            case ["settings"]:
                providers = substitutions.check(os.environ)
                print("Payment providers:", ", ".join(providers))
            case ["database"]:
                sales.check(os.environ["DATABASE_ADMIN_URL"], os.environ)
                has_contact = sales.has_contact(os.environ)
                print("Buyers have a contact." if has_contact else "Buyers need no contact yet.")
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except (ConfigError, DatabaseToolError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
