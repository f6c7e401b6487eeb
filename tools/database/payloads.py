"""The tables of supabase/environments.toml; imported where they are read.

The description of a field is what an error says of the values that are allowed.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from tools.database import hours

Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^env:[A-Z][A-Z0-9_]*$")]
Recipient = Annotated[str, StringConstraints(pattern=r"^(age1[0-9a-z]{58}|env:[A-Z][A-Z0-9_]*)$")]


MIGRATION_DAYS = 30  # for which a backup before a migration is kept


def _window(text: str) -> str:
    if text:
        hours.read(text)
    return text


class BackupRules(BaseModel):
    """Where backups of an environment go, who can read them, and how long they are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    to: Text = Field(
        description='a folder, "gs://BUCKET/PREFIX", "supabase://PROJECT/BUCKET/PREFIX" or "env:VARIABLE"'
    )
    recipient: Recipient = Field(description='the public key of age, "age1…", or "env:VARIABLE"')
    keep_days: Annotated[int, Field(ge=1)] = Field(30, description="a whole number of days, 1 or more")
    # The first one of each month; erased users stay in them as long (docs/database.md).
    keep_months: Annotated[int, Field(ge=0)] = Field(0, description="a whole number of months, 0 or more")
    # Of gs://: a rule of the bucket deletes, not the tool.
    lifecycle: bool = Field(False, description="true or false")

    @property
    def longest_days(self) -> int:
        """Return for how many days erased users stay in backups."""
        months = 0 if self.deletes_itself else 31 * self.keep_months
        return max(self.keep_days, MIGRATION_DAYS, months)

    @property
    def deletes_itself(self) -> bool:
        """Whether the place deletes what is too old."""
        return self.lifecycle and self.to.startswith("gs://")


class Rules(BaseModel):
    """One environment."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: Variable = Field(description='the variable that holds the address: "env:DATABASE_ADMIN_URL"')
    # The end of the login's name.
    project: str = Field("", description='the reference of its Supabase project: "abcdefghijklmnop"')
    # Not set: Supabase's.
    ca: str = Field("", description='the file of a root certificate, from the top folder: "supabase/ca.crt"')
    protected: bool = Field(False, description="true (changes ask for its name) or false")
    # For statements that read or rewrite a large table.
    window: Annotated[str, AfterValidator(_window)] = Field(
        "", description='hours of a day and a time zone: "01:00-05:00 Europe/Moscow"'
    )
    after: Name | None = Field(
        None, description='the environment to which a migration is applied first: "development"'
    )
    backup: BackupRules | None = Field(
        None, description='a table: { to = "gs://BUCKET/PREFIX", recipient = "age1…" }'
    )
    seed: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description='a list of files in supabase/: ["seed.sql"]'
    )

    @model_validator(mode="after")
    def _no_seed_where_protected(self) -> Rules:
        if self.protected and self.seed:
            raise ValueError("seed and protected = true exclude each other: take one of them out")
        return self


def explained(error: ValidationError, name: str) -> str:
    """Return the first mistake in the table of an environment: where it is, and what is allowed there.

    It does not repeat the value, which may be an address with a password.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    in_backup = len(path) > 1 and path[0] == "backup"
    model: type[BaseModel] = BackupRules if in_backup else Rules
    table, key = f"[{name}.backup]" if in_backup else f"[{name}]", path[1 if in_backup else 0] if path else ""
    reason = str(first["ctx"]["error"]) if "error" in first.get("ctx", {}) else ""
    if not path:
        return f"{table}: {reason}." if reason else f"{name} is no table: write {table}, and its keys below."
    if key not in model.model_fields:
        return f"{table}: there is no key {key}. Allowed are {', '.join(model.model_fields)}."
    says = "is missing" if first["type"] == "missing" else f"is malformed{f' ({reason})' if reason else ''}"
    return f"{table}: {key} {says}. Allowed is {model.model_fields[key].description}."
