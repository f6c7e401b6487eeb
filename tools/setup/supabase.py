"""The Supabase CLI, where it is installed and logged in: names the projects, so that less must be typed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

DEADLINE = 30  # seconds
JSON_OPTIONS = ("--output-format", "--output")  # of version 3, and of those before it


@dataclass(frozen=True)
class Project:
    """A project of the owner's."""

    reference: str
    name: str
    region: str


def projects(show: Callable[[str], None]) -> list[Project]:
    """Return the owner's projects; none where the CLI is missing or not logged in."""
    for option in JSON_OPTIONS:
        command = [os.environ.get("SUPABASE_CLI") or "supabase", "projects", "list", option, "json"]
        show(f"? {' '.join(command)}")
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=DEADLINE,
            )
            if done.returncode == 0:
                return list(_read(json.loads(done.stdout)))
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return []
        if "flag" not in done.stderr:
            return []
    return []


def poolers(project: Project) -> list[str]:
    """Return the hosts that may serve a project: newer projects are on aws-1, older ones on aws-0."""
    return [f"aws-{number}-{project.region}.pooler.supabase.com" for number in (0, 1)]


def _read(found: Any) -> Iterator[Project]:
    """Find the projects in what the CLI printed: a list, alone or inside an object."""
    for one in found if isinstance(found, list) else list(found.values()) if isinstance(found, dict) else []:
        if isinstance(one, dict) and isinstance(one.get("region"), str):
            reference = one.get("ref") or one.get("id")
            if isinstance(reference, str):
                yield Project(reference, str(one.get("name") or reference), one["region"])
        elif isinstance(one, list | dict):
            yield from _read(one)
