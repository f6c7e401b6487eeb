"""requirements.in against what the deployed code imports; the lock files against requirements.in."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import for_each
from tests.tools.deployment.build import ROOT

pytestmark = pytest.mark.slow  # each test starts many processes

# Not imported by us: functions-framework starts it.
STARTED = {"gunicorn"}
LOCKS = ("requirements.txt", "requirements-dev.txt")
# Tools that run in the deployment's steps with secrets, where these two files are installed.
DEPLOYING = ("tools.database", "tools.telegram")
SOURCES = [path for folder in ("shared", "functions") for path in sorted((ROOT / folder).rglob("*.py"))]


def declared(name: str = "requirements.in") -> dict[str, Requirement]:
    """Return the requirements of a .in file without included ones."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def locked(name: str) -> dict[str, tuple[Requirement, frozenset[str]]]:
    """Return the requirements of a lock file with their hashes."""
    text = "\n".join(
        line for line in (ROOT / name).read_text().splitlines() if not line.lstrip().startswith("#")
    )
    found = {}
    for entry in text.replace("\\\n", " ").splitlines():
        requirement = Requirement(entry.partition("--hash")[0])
        hashes = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})(?= |$)", entry))
        found[canonicalize_name(requirement.name)] = (requirement, hashes)
    return found


@functools.cache
def imported() -> set[str]:
    """Return the third-party top-level modules that deployed code imports, lazily or not."""
    names: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module)
    own = {*sys.stdlib_module_names, "shared", "functions"}
    return {name for name in names if name.split(".")[0] not in own}


def distributions(module: str) -> set[str]:
    top = module.partition(".")[0]
    if top == "google":  # a namespace of many; ours is google-auth
        assert module.startswith(("google.auth", "google.oauth2")), f"whose is {module}?"
        return {"google-auth"}
    return {canonicalize_name(name) for name in packages_distributions()[top]}


def brought_along() -> set[str]:
    """Return the requirements of declared packages: Flask comes with functions-framework."""
    required = (Requirement(text) for name in declared() for text in requires(name) or [])
    return {
        canonicalize_name(r.name) for r in required if r.marker is None or r.marker.evaluate({"extra": ""})
    }


@for_each("module", lambda: sorted(imported()))
def test_imported_packages_are_installed(module: str) -> None:
    assert distributions(module) & (set(declared()) | brought_along()), f"{module} is not in requirements.in"


def test_installed_packages_are_imported() -> None:
    used = {name for module in imported() for name in distributions(module)}
    assert set(declared()) - used <= STARTED, "every megabyte is part of a cold start"


@pytest.mark.parametrize("name", ["requirements.in", "requirements-database.in", "requirements-dev.in"])
def test_all_are_pinned_to_one_version(name: str) -> None:
    for requirement in declared(name).values():
        assert re.fullmatch(r"==[\d.]+", str(requirement.specifier)), f"{requirement.name} is not pinned"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_has_one_version_and_hashes_of_each_and_no_other_source(name: str) -> None:
    assert len(locked(name)) > 40
    for requirement, hashes in locked(name).values():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement.name
        assert hashes, requirement.name
    options = re.findall(r"(?m)^ *(-\S+)|(\S*://\S*)", (ROOT / name).read_text())
    assert {option.partition("=")[0] for option, _ in options} == {"--hash"}
    assert not any(url for _, url in options)


def test_lock_files_have_what_is_declared() -> None:
    """Where this fails: ./switchboard lock."""
    for source, lock in (
        ("requirements.in", LOCKS[0]),
        ("requirements.in", LOCKS[1]),
        ("requirements-database.in", "requirements-database.txt"),
        ("requirements-database.in", LOCKS[1]),
        ("requirements-dev.in", LOCKS[1]),
    ):
        for name, requirement in declared(source).items():
            assert locked(lock)[name][0].specifier == requirement.specifier, f"{name} of {source} in {lock}"


def test_developers_and_functions_have_the_same_packages() -> None:
    developers = locked("requirements-dev.txt")
    for name, (requirement, hashes) in locked("requirements.txt").items():
        assert developers[name][0].specifier == requirement.specifier, name
        assert developers[name][1] == hashes, name


@pytest.mark.parametrize("name", LOCKS)
def test_everything_that_a_locked_package_requires_is_locked(name: str) -> None:
    """pip would refuse an unlocked one; here it is seen without an installation."""
    known = locked(name)
    for package, (requirement, _) in known.items():
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        for text in requires(package) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in known, f"{package} requires {needed.name}"


@pytest.mark.parametrize("module", DEPLOYING)
def test_tools_of_a_deployment_need_no_package_of_developers(module: str) -> None:
    """As in its steps with secrets, where nothing of requirements-dev.in is installed."""
    only_developers = set(locked("requirements-dev.txt")) - set(locked("requirements.txt"))
    only_developers -= set(locked("requirements-database.txt"))
    modules = [top for top, names in packages_distributions().items()
               if {canonicalize_name(name) for name in names} <= only_developers]  # fmt: skip
    assert "psutil" in modules
    program = f"import sys; sys.modules.update(dict.fromkeys({modules!r})); import {module}.__main__"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_functions_framework_is_declared_so_that_the_buildpack_does_not_bring_its_own() -> None:
    assert "functions-framework" in declared()
