"""Conventions of CONTRIBUTING that a test can check. Each failure says what to do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support import for_each

ROOT = Path(__file__).parents[2]
AREAS = {path.parent.name for path in (ROOT / "shared").glob("*/__init__.py")}
# An area may use those it stands on; none of them may look back.
MAY_USE = {
    "ai": set(),
    "core": set(),
    "bots": {"telegram", "features"},
    "console": {"features", "web"},
    "features": {"telegram", "ai", "payments", "generations", "web"},
    "generations": {"telegram", "ai", "storage"},
    "payments": {"telegram"},
    "scheduled": {"telegram", "payments", "storage", "generations"},
    "storage": set(),
    "telegram": {"bots"},
    "web": {"telegram", "storage"},
}
# The ways `telegram` reaches its bots: by name, when an update of one comes, and to ask what they offer.
BOTS_BY_NAME = {"shared/telegram/webhook.py", "shared/telegram/sweep.py", "shared/telegram/configured.py"}
MODULES = sorted((ROOT / "shared").rglob("*.py"))
FUNCTIONS = sorted((ROOT / "functions").glob("*/main.py"))


def imports(path: Path) -> set[str]:
    """Return the dotted names of our modules that a module imports, also within functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "shared"}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("shared", "tools", "functions", "tests")}


def home(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


@for_each("path", MODULES)
def test_imports_run_one_way(path: Path) -> None:
    relative = path.relative_to(ROOT)
    area = relative.parts[1].removesuffix(".py")
    for name in imports(path):
        assert name.startswith("shared"), f"{relative} imports {name}: what is deployed imports only shared"
        other = home(name)
        if other in ("", area) or (other == "core" and area != "core"):
            continue
        assert other in MAY_USE.get(area, set()), f"{relative} imports {name}: {area} may not use {other}"
        if (area, other) == ("telegram", "bots"):
            assert str(relative) in BOTS_BY_NAME, f"{relative} imports {name}: bots are loaded by name"


@for_each("path", [path for path in MODULES if "features" in path.parts])
def test_features_import_nothing_from_the_inside_of_others(path: Path) -> None:
    own = path.relative_to(ROOT / "shared/features").parts[0]
    for name in imports(path):
        _, *feature = name.split(".")[1:]
        is_inside = name.startswith("shared.features.") and len(feature) > 1
        assert not is_inside or feature[0] in (own, "common"), (
            f"{path.relative_to(ROOT)} imports {name}: offer it in shared/features/{feature[0]}/__init__.py"
        )


def test_every_area_has_its_rule() -> None:
    assert set(MAY_USE) == AREAS, "say in MAY_USE what the new area may use"


@for_each("path", FUNCTIONS)
def test_a_function_is_named_like_its_folder_and_decides_nothing(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 30, "main.py holds no decisions: move them to shared/"
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert names == [path.parent.name]
    assert not any(isinstance(node, ast.If | ast.Try | ast.For) for node in ast.walk(tree))


@for_each("path", MODULES)
def test_sql_is_in_sql_files_only(path: Path) -> None:
    if path.name == "db.py":
        return
    code = path.read_text()
    found = re.search(
        r"\b(select|insert into|update|delete from)\b [a-z_.*]+ ?(from|set|\(|where)", code, re.IGNORECASE
    )
    assert not found, f"{path.name}: write a SQL function and call it with db.call"


@for_each("path", MODULES)
def test_only_config_reads_the_environment(path: Path) -> None:
    if path.name != "config.py":
        assert not re.search(r"\benviron\b|\bgetenv\b", path.read_text()), (
            "add a field to shared/core/config.py"
        )


@for_each("path", MODULES)
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    """Users wait for a cold start; docs/performance.md has the cost of each library."""
    heavy = {
        "openai",
        "supabase",
        "stripe",
        "yookassa",
        "pydantic",
        "google",
        "cryptography",
        "aiohttp",
        "PIL",
        "httpx",
        "storage3",
    }
    for node in ast.parse(path.read_text()).body:
        # tests/payments/test_payloads.py says who may import modules named payloads.
        is_exempt = path.parent.name == "pictures" or path.name.endswith(
            ("payloads.py", "_picture.py", "_models.py", "_transport.py")
        )
        # Only the console imports these, whose pages read forms into pydantic models.
        is_page = path.name in ("pages.py", "forms.py") or path.parent.name == "pages"
        allowed = {"pydantic"} if is_page else set()
        if isinstance(node, ast.Import | ast.ImportFrom) and not is_exempt:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            assert not any(
                name.startswith("shared.core.pictures")
                or name.endswith(("_picture", "_models", "_transport"))
                for name in names
            )
            assert not {name.split(".")[0] for name in names} & heavy - allowed, (
                "import it inside the function that needs it"
            )


@for_each("path", [path for path in FUNCTIONS if path.parent.name not in ("scheduled", "console")])
def test_functions_that_users_wait_for_do_not_reach_storage(path: Path) -> None:
    """Importing `supabase` takes as long as everything else; it is imported at its first use.

    Pages with files reach it (shared/web/stored_media.py); their other pages do not import it.
    """
    modules = {".".join(one.relative_to(ROOT).with_suffix("").parts): one for one in MODULES}
    modules |= {name.removesuffix(".__init__"): one for name, one in modules.items()}
    # Bots and their features are loaded by name.
    reached, waiting = set(), imports(path) | {name for name in modules if name.startswith("shared.bots.")}
    while waiting:
        name = waiting.pop()
        # Importing a module imports the packages around it.
        parts = name.split(".")
        new = {".".join(parts[:count]) for count in range(2, len(parts) + 1)} & modules.keys() - reached
        reached |= new
        waiting |= {one for each in new for one in imports(modules[each])} - reached
    assert "shared.bots.assistant" in reached
    found = sorted(name for name in reached if name.startswith("shared.storage"))
    assert not found, f"{path.parent.name} reaches {found}"


# Modules whose JSON another party defines, each with the reason why its `Any` is not counted.
JSON_BORDERS = {
    "shared/core/json_types.py": "names the types of foreign JSON that all other modules use",
}
MOST_ANY = 19


def test_any_is_rare_outside_the_types_of_foreign_json() -> None:
    """Use `JsonObject` for foreign JSON, `object` for what is only inspected, else a type of its own."""
    found = {}
    for path in MODULES:
        names = [node for node in ast.walk(ast.parse(path.read_text())) if _is_any(node)]
        if names:
            found[str(path.relative_to(ROOT))] = len(names)
    assert found.keys() >= JSON_BORDERS.keys(), "JSON_BORDERS lists a module without Any"
    counted = {path: count for path, count in found.items() if path not in JSON_BORDERS}
    assert sum(counted.values()) <= MOST_ANY, counted


def _is_any(node: ast.AST) -> bool:
    """Whether it is `Any`, `typing.Any` or a quoted type with `Any` in it; an import of it is none."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(re.search(r"[\[\s,|]Any[\],|]|^Any$", node.value))
    return (isinstance(node, ast.Name) and node.id == "Any") or (
        isinstance(node, ast.Attribute) and node.attr == "Any"
    )


def test_every_called_sql_function_is_there_with_these_parameters() -> None:
    signatures = {}
    for path in (ROOT / "supabase/schemas/functions").rglob("*.sql"):
        head = path.read_text().partition("\nreturns")[0]
        signatures[path.stem] = set(re.findall(r"\b(p_\w+)", head.partition("create or replace function")[2]))
    calls = 0
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "db.call" and node.args:
                name = ast.literal_eval(node.args[0])
                calls += 1
                assert name in signatures, f"{path.name} calls {name}, which no schema file defines"
                given = {keyword.arg for keyword in node.keywords}
                assert given <= signatures[name], f"{path.name} gives {name} {given - signatures[name]}"
    assert calls >= 8


def test_no_file_names_a_place_on_the_machine_it_was_written_on() -> None:
    places = [f"{place}/" for place in (ROOT, Path.home()) if len(place.parts) > 1]
    suffixes = {".py", ".md", ".sql", ".toml", ".yaml", ".js", ".html", ".css", ".txt"}
    skipped = {".venv", ".git", ".switchboard", "node_modules", ".mypy_cache", ".hypothesis"}
    for path in ROOT.rglob("*"):
        relative = path.relative_to(ROOT)
        if path.suffix in suffixes and not skipped & set(relative.parts):
            text = path.read_text(errors="replace")
            found = [place for place in places if place in text]
            assert not found, f"{relative} names {found}: write it relative to the repository"
