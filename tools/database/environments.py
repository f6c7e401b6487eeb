"""The databases of an installation by name, from supabase/environments.toml.

The file has rules and no secrets: `url = "env:DATABASE_ADMIN_URL"` names the variable that holds the address.
Without an address, an environment that is not protected is the emulator's database.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tools.database import addresses, text_files
from tools.database.errors import EnvironmentFileError, UnknownEnvironment
from tools.database.migration_files import SUPABASE

if TYPE_CHECKING:
    from tools.database.payloads import Rules

FILE = SUPABASE / "environments.toml"
EMULATOR = "postgresql://postgres:postgres@127.0.0.1:54322/postgres"


@dataclass(frozen=True)
class Environment:
    """An environment with its address; `url` is empty where nothing names one."""

    name: str
    rules: Rules
    url: str
    is_named: bool  # the variable is set; otherwise `url` is the emulator's database, or empty

    @cached_property
    def variable(self) -> str:
        """Return the name of the variable that holds the address."""
        return self.rules.url.removeprefix("env:")

    @property
    def is_protected(self) -> bool:
        """Whether changes ask for its name."""
        return self.rules.protected

    def require_url(self) -> str:
        """Return the address with the environment's root certificate; it is that of the right project.

        Raises AddressError and EnvironmentFileError.
        """
        if not self.url:
            raise EnvironmentFileError(f"{self.name} has no address: set {self.variable}.")
        given = addresses.read(self.url)
        user, project = given.get("user", ""), self.rules.project
        if project and user.rpartition(".")[2] != project and f".{project}." not in given.get("host", ""):
            raise EnvironmentFileError(
                f"{self.variable} is not the database of project {project} ({self.name} in"
                " supabase/environments.toml). Nothing was changed."
            )
        if self.rules.ca and "sslrootcert" not in given:
            return addresses.with_parameter(self.url, "sslrootcert", str(self._root_certificate()))
        return self.url

    def _root_certificate(self) -> Path:
        file = SUPABASE.parent / self.rules.ca
        if not file.is_file():
            raise EnvironmentFileError(
                f"supabase/environments.toml: [{self.name}]: ca names {self.rules.ca}, which is no file"
                " of the top folder."
            )
        return file


def read(path: Path = FILE, variables: Mapping[str, str] = os.environ) -> dict[str, Environment]:
    """Return the environments in the order of the file. Raises EnvironmentFileError."""
    from pydantic import ValidationError

    from tools.database import payloads

    try:
        tables = tomllib.loads(text_files.read(path, EnvironmentFileError, _shown(path)))
    except FileNotFoundError:
        raise EnvironmentFileError(
            f"{_shown(path)} is missing. It is part of the repository: git restore {_shown(path)}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise EnvironmentFileError(f"{_shown(path)}: {error}") from None
    found: dict[str, Environment] = {}
    for name, table in tables.items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name):
            raise EnvironmentFileError(
                f"{_shown(path)}: [{name}] is no name of an environment. Allowed are up to 40 of a-z,"
                " 0-9, _ and -, a letter first."
            )
        try:
            rules = payloads.Rules.model_validate(table)
        except ValidationError as error:
            raise EnvironmentFileError(f"{_shown(path)}: {payloads.explained(error, name)}") from None
        rules = _with_backup(rules, variables, f"{_shown(path)}: [{name}.backup]")
        url = variables.get(rules.url.removeprefix("env:"), "").strip()
        found[name] = Environment(name, rules, url or ("" if rules.protected else EMULATOR), bool(url))
    if not found:
        raise EnvironmentFileError(
            f"{_shown(path)} names no environment: write a table for one, [development] with"
            ' url = "env:VARIABLE".'
        )
    _check_order(found, path)
    return found


def choose(name: str, environments: Mapping[str, Environment]) -> Environment:
    """Return the environment of that name. Raises UnknownEnvironment, which lists the names."""
    try:
        return environments[name]
    except KeyError:
        raise UnknownEnvironment(
            f"No environment is called {name!r}: supabase/environments.toml has {', '.join(environments)}."
        ) from None


def in_order(environments: Mapping[str, Environment]) -> list[Environment]:
    """Return the environments so that each comes behind the one that its `after` names."""
    ordered: dict[str, Environment] = {}

    def add(environment: Environment) -> None:
        if environment.rules.after:
            add(environments[environment.rules.after])
        ordered.setdefault(environment.name, environment)

    for environment in environments.values():
        add(environment)
    return list(ordered.values())


def _with_backup(rules: Rules, variables: Mapping[str, str], where: str) -> Rules:
    """Return the rules with what env:NAME stands for; no backups where all named variables are empty."""
    from pydantic import ValidationError

    from tools.database.payloads import BackupRules

    if rules.backup is None:
        return rules
    given = rules.backup.model_dump()
    named = {
        field: value.removeprefix("env:")
        for field, value in given.items()
        if isinstance(value, str) and value.startswith("env:")
    }
    if not named:
        return rules
    found = {field: variables.get(variable, "").strip() for field, variable in named.items()}
    if not any(found.values()):
        return rules.model_copy(update={"backup": None})
    empty = [named[field] for field, value in found.items() if not value]
    if empty:
        raise EnvironmentFileError(
            f"{where}: {', '.join(empty)} is not set; to and recipient go together: set it, or"
            " empty the other."
        )
    try:
        return rules.model_copy(update={"backup": BackupRules.model_validate(given | found)})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        allowed = BackupRules.model_fields[field].description
        raise EnvironmentFileError(
            f"{where}: {field}: the variable {named.get(field, '')} is malformed. Allowed is {allowed}."
        ) from None


def _check_order(environments: Mapping[str, Environment], path: Path) -> None:
    for name, environment in environments.items():
        seen = {name}
        before = environment.rules.after
        while before is not None:
            if before not in environments:
                raise EnvironmentFileError(
                    f"{_shown(path)}: [{name}]: after names {before!r}, which is no table of the file:"
                    f" {', '.join(environments)}."
                )
            if before in seen:
                raise EnvironmentFileError(
                    f"{_shown(path)}: [{name}]: after makes a circle, {before} comes after itself. Take one"
                    " of them out."
                )
            seen.add(before)
            before = environments[before].rules.after


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
