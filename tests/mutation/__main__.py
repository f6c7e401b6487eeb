"""`./switchboard mutate`: changes each comparison, constant and conflict clause of SQL functions once.

    ./switchboard mutate              # all areas: about an hour
    ./switchboard mutate xp           # one of: xp, quota, money
    ./switchboard mutate xp --only award_xp

A mutant with which all tests pass survives. tests/mutation/survivors.toml gives the reason for each; one
without a reason, and a reason without a survivor, make the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.areas import AREAS, FUNCTIONS, ROOT

REASONS = Path(__file__).parent / "survivors.toml"


def main() -> int:
    """Run and print; 1 when a survivor has no reason, or a reason no survivor."""
    parser = argparse.ArgumentParser(
        prog="./switchboard mutate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="WORD",
        help="functions whose file name has one of these in it",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.areas) - set(AREAS):
        parser.error(f"no such area: {', '.join(sorted(unknown))}")
    survivors: list[str] = []
    for area in arguments.areas or AREAS:
        survivors += _run(area, arguments.only)
    reasons = explained(arguments.areas or list(AREAS), arguments.only)
    unexplained = [name for name in survivors if name not in reasons]
    dead = [name for name in reasons if name not in survivors]
    for title, names in (("Survivors without a reason", unexplained), ("Reasons without a survivor", dead)):
        if names:
            _say("", f"{title}:", *(f"  {name}" for name in names))
    _say("", f"{len(survivors)} survivors, {len(survivors) - len(unexplained)} of them with a reason.")
    return 1 if unexplained or dead else 0


def explained(areas: list[str], only: Sequence[str] = ()) -> dict[str, str]:
    """Return the reasons for survivors of these areas by the mutants' names."""
    listed = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    files = {str(file.relative_to(FUNCTIONS)) for area in areas for file in AREAS[area].files(only)}
    return {
        one["mutant"]: one["reason"]
        for one in listed.get("survivor", [])
        if one["mutant"].partition(":")[0] in files
    }


def _run(area: str, only: Sequence[str]) -> list[str]:
    """Run the mutants of an area; return the names of the survivors."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = os.environ | {
            "MUTATION_AREA": area,
            "MUTATION_ONLY": " ".join(only),
            "MUTATION_REPORT": str(report),
        }
        # A mutant may make a test wait; statements end after their own time.
        command = [
            *(sys.executable, "-m", "pytest", "-p", "tests.mutation.plugin", "-n0", "--tb=no"),
            *("-o", "faulthandler_timeout=0", "-m", "not slow and not browser", *AREAS[area].tests),
        ]
        subprocess.run(command, cwd=ROOT, env=environment, check=False)
        if not report.exists():
            raise SystemExit(f"The tests of {area} fail without any mutant.")
        found = json.loads(report.read_text(encoding="utf-8"))
    _say(f"{area}: {found['mutants']} mutants, {len(found['survivors'])} survived")
    return [one["name"] for one in found["survivors"]]


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
