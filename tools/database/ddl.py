"""Which statement makes, changes or takes away a thing that catalogue describes.

Only what can be said from the description alone. Functions, new tables and the rest are taken from their
schema files (see migration_writer.py); what neither covers is added to the migration by hand.
"""

import json
import re
from collections.abc import Callable, Iterable

from psycopg import sql

from tools.database.catalogue import Catalogue, Difference, Key

Statements = Iterable[str]

# Before anything new: what goes away, in an order in which nothing is still needed.
REMOVALS = ("policy", "trigger", "view", "function", "constraint", "index", "table", "type")
# On tables that stay; defaults and "not null" of a new column stand in its own line.
COLUMNS = ("column",)
_PARTS = re.compile(r'(?:"(?:[^"]|"")*"|[^".])+')
# After the new files: what remains is a change of something that stays.
CHANGES = (
    "default", "identity", "not null", "constraint", "index", "trigger", "row level security", "policy",
    "options", "rights", "comment", "row",
)  # fmt: skip


def removals(differences: list[Difference]) -> Statements:
    """Take away what only the migrations have, and functions that are called differently now.

    The parts of a table go with it. `create or replace` refuses another result or default, so such a
    function is dropped and made anew.
    """
    gone = {d.key.name for d in differences if d.key.kind == "table" and d.wanted is None}
    for kind in REMOVALS:
        for difference in _of(kind, differences):
            name = difference.key.name
            missing = difference.wanted is None or (kind == "function" and _called_differently(difference))
            if missing and owner_table(difference) not in gone:
                yield f"drop {kind} {name};" if kind != "constraint" else _drop_constraint(name)


def columns(differences: list[Difference], wanted: Catalogue) -> Statements:
    """Add, change and take away columns of tables that are in both."""
    new = {d.key.name for d in differences if d.key.kind == "table" and d.present is None}
    for difference in _of("column", differences):
        table, column = _split(difference.key.name)
        if table in new:
            continue
        if difference.wanted is None:
            yield f"alter table {table} drop column {column};"
        elif difference.present is None:
            yield f"alter table {table} add column {column} {_definition(difference.key.name, wanted)};"
        else:
            yield f"alter table {table} alter column {column} type {difference.wanted};"


def changes(differences: list[Difference]) -> Statements:
    """Change what is in both and make what is new, except whole tables and functions."""
    for kind in CHANGES:
        for difference in _of(kind, differences):
            yield from CHANGE[kind](difference)


def owner_table(difference: Difference) -> str | None:
    """Return the table a thing is part of; None for what stands by itself."""
    kind, name = difference.key
    if kind in ("column", "default", "generated", "identity", "not null"):
        return _split(name)[0]
    if " on " in name:
        return name.partition(" on ")[2]
    if kind == "index":
        match = re.search(r" ON (\S+)", difference.present or difference.wanted or "")
        return match[1] if match else None
    return None


def _called_differently(difference: Difference) -> bool:
    headers = {str(text).partition("\n LANGUAGE ")[0] for text in (difference.present, difference.wanted)}
    return difference.present is not None and len(headers) > 1


def _of(kind: str, differences: list[Difference]) -> Iterable[Difference]:
    return (difference for difference in differences if difference.key.kind == kind)


def _split(name: str) -> tuple[str, str]:
    # A quoted name may have a dot.
    *table, column = _PARTS.findall(name)
    return ".".join(table), column


def _definition(name: str, wanted: Catalogue) -> str:
    parts = [wanted[Key("column", name)]]
    if generated := wanted.get(Key("generated", name)):
        parts.append(f"generated always as {generated}")
    if identity := wanted.get(Key("identity", name)):
        parts.append(f"generated {identity} as identity")
    if default := wanted.get(Key("default", name)):
        parts.append(f"default {default}")
    if Key("not null", name) in wanted:
        parts.append("not null")
    return " ".join(parts)


def _drop_constraint(name: str) -> str:
    constraint, _, table = name.partition(" on ")
    return f"alter table {table} drop constraint {constraint};"


def _alter_column(difference: Difference, action: str) -> str:
    table, column = _split(difference.key.name)
    return f"alter table {table} alter column {column} {action};"


def _default(difference: Difference) -> Statements:
    wanted = difference.wanted
    yield _alter_column(difference, "drop default" if wanted is None else f"set default {wanted}")


def _not_null(difference: Difference) -> Statements:
    yield _alter_column(difference, "drop not null" if difference.wanted is None else "set not null")


def _identity(difference: Difference) -> Statements:
    if difference.wanted is None:
        yield _alter_column(difference, "drop identity")
    elif difference.present is None:
        yield _alter_column(difference, f"add generated {difference.wanted} as identity")
    else:
        yield _alter_column(difference, f"set generated {difference.wanted}")


def _constraint(difference: Difference) -> Statements:
    constraint, _, table = difference.key.name.partition(" on ")
    if difference.present is not None:
        yield _drop_constraint(difference.key.name)
    if difference.wanted is not None:
        yield f"alter table {table} add constraint {constraint} {difference.wanted};"


def _index(difference: Difference) -> Statements:
    yield from _anew(difference, f"drop index {difference.key.name};", f"{difference.wanted};")


def _trigger(difference: Difference) -> Statements:
    yield from _anew(difference, f"drop trigger {difference.key.name};", f"{difference.wanted};")


def _policy(difference: Difference) -> Statements:
    name = difference.key.name
    yield from _anew(difference, f"drop policy {name};", f"create policy {name} {difference.wanted};")


def _anew(difference: Difference, drop: str, create: str) -> Statements:
    if difference.present is not None:
        yield drop
    if difference.wanted is not None:
        yield create


def _row_level_security(difference: Difference) -> Statements:
    before, wanted = difference.present or "", difference.wanted or ""
    actions = ["enable" if "enabled" in wanted else "disable"]
    if "forced" in before + wanted:
        actions.append("force" if "forced" in wanted else "no force")
    for action in actions:
        yield f"alter table {difference.key.name} {action} row level security;"


def _options(difference: Difference) -> Statements:
    names = [option.partition("=")[0] for option in (difference.present or "").split(", ") if option]
    if names:
        yield f"alter table {difference.key.name} reset ({', '.join(names)});"
    if difference.wanted is not None:
        yield f"alter table {difference.key.name} set ({difference.wanted});"


def _rights(difference: Difference) -> Statements:
    """Revoke all rights of a grantee that has other rights than wanted, then grant the wanted ones."""
    target = difference.key.name
    # Default privileges ("new tables of …") belong to the platform; the rest is written by hand.
    if target.startswith(("new ", "column ")) or "with grant option" in (difference.wanted or ""):
        return
    before, after = _granted(difference.present), _granted(difference.wanted)
    for grantee in sorted(before.keys() | after.keys()):
        if before.get(grantee) == after.get(grantee):
            continue
        if grantee in before:
            yield f"revoke all on {target} from {grantee};"
        if grantee in after:
            yield f"grant {after[grantee].lower().replace(',', ', ')} on {target} to {grantee};"


def _granted(rights: str | None) -> dict[str, str]:
    if rights in (None, "none"):
        return {}
    assert rights is not None
    return dict(entry.split("=", 1) for entry in rights.split("; "))


def _comment(difference: Difference) -> Statements:
    # pg_identify_object says "table column" and "table constraint" where `comment on` wants the last word.
    target = re.sub(r"^(table|domain) (column|constraint) ", r"\2 ", difference.key.name)
    text = "null" if difference.wanted is None else sql.Literal(difference.wanted).as_string(None)
    yield f"comment on {target} is {text.strip()};"


def _row(difference: Difference) -> Statements:
    """Add a new row. Changed and removed rows are left out: an owner may have set them."""
    if difference.present is None and difference.wanted is not None:
        table = difference.key.name.partition(" ")[0]
        columns = ", ".join(f'"{name}"' for name in json.loads(difference.wanted))
        row = sql.Literal(difference.wanted).as_string(None).strip()
        yield (
            f"insert into {table} ({columns}) select {columns}"
            f"\nfrom jsonb_populate_record(null::{table}, {row}) on conflict do nothing;"
        )


CHANGE: dict[str, Callable[[Difference], Statements]] = {
    "default": _default,
    "identity": _identity,
    "not null": _not_null,
    "constraint": _constraint,
    "index": _index,
    "trigger": _trigger,
    "row level security": _row_level_security,
    "policy": _policy,
    "options": _options,
    "rights": _rights,
    "comment": _comment,
    "row": _row,
}
