"""Checks of this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools.doctor.finding import Finding
from tools.launcher import environment, ports, running
from tools.setup import checks

ROOT = Path(__file__).resolve().parents[2]
FREE_GIGABYTES = 2
SECONDS = 10


def python(_root: Path) -> Finding:
    """Check the Python and the packages of .venv."""
    version = sys.version.split()[0]
    if not environment.is_own_python():
        return Finding.note(
            f"Python {version}, not that of .venv", "./switchboard installs it with any command"
        )
    if not environment.is_ready():
        return Finding.wrong("the packages are not those of requirements-dev.txt", "./switchboard up")
    return Finding.ok(f"Python {version}, packages as in requirements-dev.txt")


def disk(root: Path) -> Finding:
    """Check the free space."""
    free = shutil.disk_usage(root).free / 1e9
    if free < FREE_GIGABYTES:
        return Finding.wrong(
            f"{free:.1f} GB free", f"free {FREE_GIGABYTES} GB: Postgres stops on a full disk"
        )
    return Finding.ok(f"{free:.0f} GB free")


def emulator_ports(root: Path) -> Finding:
    """Check that ./switchboard up could start, or runs."""
    if address := running.where(root):
        return Finding.ok(f"the emulator runs: {address}")
    taken = [port for port in (ports.PAGE, ports.DATABASE) if not ports.is_free(port)]
    if taken:
        return Finding.note(
            f"another program listens on port {taken[0]}", "./switchboard up --port or --database-port"
        )
    return Finding.ok(f"{ports.PAGE} and {ports.DATABASE} are free")


def dotenv(root: Path) -> Finding:
    """Check .env: its rights, its names, its values."""
    from shared.core import config
    from shared.core.errors import ConfigError
    from tools import variables
    from tools.emulator.environment import SettingMissing, read_dotenv

    file = root / ".env"
    if not file.exists():
        return Finding.ok("none, which the emulator does not need")
    try:
        given = read_dotenv(file)
    except SettingMissing as error:
        return Finding.wrong(str(error), "save it as UTF-8")
    if file.stat().st_mode & 0o077:
        return Finding.wrong("others on this machine can read .env", "chmod 600 .env")
    if unknown := sorted(set(given) - variables.known()):
        return Finding.note(f"nothing reads {', '.join(unknown[:3])}", ".env.example lists every name")
    with checks.with_settings({name: value for name, value in given.items() if value}):
        try:
            config.settings()
        except ConfigError as error:
            return Finding.wrong(str(error), ".env.example shows the form")
    count = sum(map(bool, given.values()))
    return Finding.ok(f"{count} setting{'' if count == 1 else 's'}")


def checkout(root: Path) -> Finding:
    """Check what a deployment would upload."""
    command = ["git", "-C", str(root), "status", "--porcelain"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return Finding.unknown("git does not answer")
    if done.returncode:
        return Finding.note("this folder is no git checkout")
    changed = len(done.stdout.splitlines())
    if changed:
        return Finding.note(
            f"{changed} file{'s differ' if changed > 1 else ' differs'} from the last commit",
            "a deployment uploads files as they are",
        )
    return Finding.ok("as committed")


def programs(_root: Path) -> Finding:
    """Check the programs that a deployment needs."""
    if shutil.which("gcloud") is None:
        return Finding.note(
            "gcloud is missing; only deployments need it", "https://cloud.google.com/sdk/docs/install"
        )
    supabase = shutil.which(os.environ.get("SUPABASE_CLI") or "supabase")
    return Finding.ok("gcloud" + (", supabase" if supabase else "; the Supabase CLI is optional"))


CHECKS: dict[str, Callable[[Path], Finding]] = {
    "python": python,
    "disk": disk,
    "ports": emulator_ports,
    ".env": dotenv,
    "checkout": checkout,
    "programs": programs,
}
