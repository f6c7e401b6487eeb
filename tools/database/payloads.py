"""The tables of supabase/environments.toml; imported where they are read."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tools.database import hours

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^env:[A-Z][A-Z0-9_]*$")]


MIGRATION_DAYS = 30  # for which a backup before a migration is kept


def _window(text: str) -> str:
    if text:
        hours.read(text)
    return text


class BackupRules(BaseModel):
    """Where backups of an environment go, who can read them, and how long they are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str  # a folder, or gs://BUCKET/PREFIX; or env:NAME
    recipient: Annotated[str, StringConstraints(pattern=r"^(age1[0-9a-z]{58}|env:[A-Z][A-Z0-9_]*)$")]
    keep_days: Annotated[int, Field(ge=1)] = 30
    # The first one of each month; erased users stay in them as long (docs/database.md).
    keep_months: Annotated[int, Field(ge=0)] = 0
    lifecycle: bool = False  # of gs://: a rule of the bucket deletes, not the tool

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

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Variable
    project: str = ""  # reference of the Supabase project: the end of the login's name
    ca: str = ""  # file of the root certificate, from the top folder; not set: Supabase's
    protected: bool = False  # changes ask for its name; no seed, no reset
    # Hours for statements that read or rewrite a large table: "01:00-05:00 Europe/Moscow".
    window: Annotated[str, AfterValidator(_window)] = ""
    after: Name | None = None  # a migration is applied there first
    backup: BackupRules | None = None
    seed: tuple[str, ...] = ()  # files of supabase/ that `seed` runs; none for a protected environment

    @model_validator(mode="after")
    def _no_seed_where_protected(self) -> Rules:
        if self.protected and self.seed:
            raise ValueError("a protected environment has no seed")
        return self
