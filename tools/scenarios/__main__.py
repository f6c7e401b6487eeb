"""Check the trainer's scenarios: the format of their files, and that every rank and badge can be reached.

./switchboard scenarios check    exit status 1 when something is wrong
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from shared.features.trainer import library
from tools.scenarios.reachability import unreachable

_CALLBACK_LIMIT = 64  # bytes of a button's data in Telegram
_LONGEST_CHOICE = ":d7:m:r"  # what follows the case in the data of the last button


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all scenarios; the exit status is 0, or 1 with a line for each fault."""
    parser = argparse.ArgumentParser(prog="./switchboard scenarios", description=__doc__)
    parser.add_argument("command", choices=["check"])
    parser.parse_args(arguments)
    faults = [fault for name in library.names() for fault in check(name)]
    for fault in faults:
        print(fault, file=sys.stderr)
    for name in library.names():
        print(f"{name}: {len(library.case_names(name))} cases")
    return int(bool(faults))


def check(name: str) -> list[str]:
    """Return the faults of a scenario and its cases."""
    try:
        scenario = library.load(name)
        cases = [library.load_case(name, case) for case in library.case_names(name)]
    except library.InvalidScenario as error:
        return [str(error)]
    faults = [
        f"{name}/scenario.toml: {missing} cannot be reached" for missing in unreachable(scenario, cases)
    ]
    faults += [
        f"{name}/cases/{case.id}.toml: the id is too long for a button"
        for case in cases
        if len(f"play:{name}:{case.id}{_LONGEST_CHOICE}") > _CALLBACK_LIMIT
    ]
    return faults


if __name__ == "__main__":
    sys.exit(main())
