"""The tables of supabase/environments.toml; imported where they are read."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^env:[A-Z][A-Z0-9_]*$")]


class Rules(BaseModel):
    """One environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Variable
    project: str = ""  # reference of the Supabase project: the end of the login's name
    protected: bool = False  # changes ask for its name; no seed, no reset
    after: Name | None = None  # a migration is applied there first
