"""requirements.txt against what the deployed code imports."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deployment.build import ROOT

# Not imported by us: functions-framework starts it.
STARTED = {"gunicorn"}
SOURCES = [path for folder in ("shared", "functions") for path in sorted((ROOT / folder).rglob("*.py"))]


def declared() -> dict[str, Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def imported() -> set[str]:
    """The top-level modules of others that the deployed code imports, at once or lazily."""
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
    """What the declared ones require themselves: Flask is how functions-framework hands over a request."""
    required = (Requirement(text) for name in declared() for text in requires(name) or [])
    return {
        canonicalize_name(r.name) for r in required if r.marker is None or r.marker.evaluate({"extra": ""})
    }


@pytest.mark.parametrize("module", sorted(imported()))
def test_what_is_imported_is_installed(module: str) -> None:
    assert distributions(module) & (set(declared()) | brought_along()), f"{module} is not in requirements.txt"


def test_what_is_installed_is_imported() -> None:
    used = {name for module in imported() for name in distributions(module)}
    assert set(declared()) - used <= STARTED, "every megabyte is part of a cold start"


def test_all_are_pinned_to_one_version() -> None:
    for requirement in declared().values():
        assert re.fullmatch(r"==[\d.]+", str(requirement.specifier)), f"{requirement.name} is not pinned"


def test_functions_framework_is_declared_so_that_the_buildpack_does_not_bring_its_own() -> None:
    assert "functions-framework" in declared()
