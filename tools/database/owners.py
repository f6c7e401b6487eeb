"""Names the owner of a database as a scratch server does, so that both can be compared.

On Supabase and on a scratch server it is `postgres`; elsewhere it is the role that the address names.
"""

from __future__ import annotations

import re

from psycopg import sql

from tools.database.catalogue import Catalogue, Key

SCRATCH = "postgres"
_PUBLIC = Key("rights", "schema public")
# How ddl.py ends a statement about rights of the owner.
_OF_SCRATCH = re.compile(rf"^((?:grant|revoke) .+ (?:to|from)) {SCRATCH};$")


def as_on_scratch(described: Catalogue, owner: str) -> Catalogue:
    """Return a description in which `owner` is called as on a scratch server."""
    if owner == SCRATCH:
        return described
    return {key: _renamed(key, text, owner) for key, text in described.items()}


def comparable(described: Catalogue, owner: str) -> Catalogue:
    """Return a description without what the platform gives the owner, by name or as a superuser."""
    renamed = as_on_scratch(described, owner)
    entries = renamed.get(_PUBLIC, "").split("; ")
    return renamed | {_PUBLIC: "; ".join(one for one in entries if not one.startswith(f"{SCRATCH}="))}


def as_there(statement: str, owner: str) -> str:
    """Return a statement about rights of a scratch server's owner as one about those of `owner`."""
    name = sql.Identifier(owner).as_string(None)
    return statement if owner == SCRATCH else _OF_SCRATCH.sub(lambda found: f"{found[1]} {name};", statement)


def _renamed(key: Key, text: str, owner: str) -> str:
    if key.kind == "rights":
        return "; ".join(sorted(_entry(entry, owner) for entry in text.split("; ")))
    ending = f"owner {owner}"
    return f"{text.removesuffix(ending)}owner {SCRATCH}" if text.endswith(ending) else text


def _entry(entry: str, owner: str) -> str:
    grantee, equals, privileges = entry.partition("=")
    is_owner = grantee.removeprefix('"').removesuffix('"').replace('""', '"') == owner
    return f"{SCRATCH}{equals}{privileges}" if is_owner else entry
