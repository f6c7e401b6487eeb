"""Files that are generated from the schema files are up to date, and callers use the generated types."""

import ast
import functools
from pathlib import Path

import pytest

from tests.support import for_each
from tools.database import result_types, schema_page

SHARED = Path(__file__).parents[3] / "shared"
COMMAND = "run ./switchboard database generate and commit what it writes"


def test_the_types_of_results_are_those_of_the_headers() -> None:
    assert result_types.PATH.read_text(encoding="utf-8") == result_types.text(), COMMAND


def test_the_schema_page_describes_the_schema_files() -> None:
    assert schema_page.PATH.read_text(encoding="utf-8") == schema_page.text(), COMMAND


def test_the_types_are_imported_for_type_checking_alone() -> None:
    for path in SHARED.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module == "shared.core.sql_types":
                pytest.fail(f"{path}: import it under `if TYPE_CHECKING:`: it costs every start")


@functools.cache
def types() -> result_types.Types:
    """Return the types of all headers, which take 20 ms to read."""
    return result_types.Types()


def untyped_calls(tree: ast.Module, known: result_types.Types) -> list[str]:
    """Calls of SQL functions whose result is used without its type."""
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    annotated = {
        (ast.unparse(node.target), option)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        for option in ast.unparse(node.annotation).split(" | ")
    }
    found = []
    for name, call in result_types.calls(tree):
        parent, expected = parents[call], known.result(name)
        match parent:
            case ast.Expr():
                continue
            case ast.AnnAssign() if ast.unparse(parent.annotation) == expected:
                continue
            case ast.Assign(targets=[ast.Name(variable)]) if (variable, expected) in annotated:
                continue
        found.append(f"line {call.lineno}: annotate the result of {name}: `found: {expected} = db.call(…)`")
    return found


@for_each("path", sorted(SHARED.rglob("*.py")))
def test_every_result_that_is_used_has_its_type(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert untyped_calls(tree, types()) == []


@pytest.mark.parametrize(
    ("line", "is_typed"),
    [
        ("db.call('sweep', p_limit=1)", True),
        ("done: AdminUndo = db.call('admin_undo')", True),
        ("done: AdminUndo | None = None\ndone = db.call('admin_undo')", True),
        ("done = db.call('admin_undo')", False),
        ("done: dict[str, Any] = db.call('admin_undo')", False),
        ("print(db.call('admin_undo')['outcome'])", False),
    ],
)
def test_an_untyped_result_is_found(line: str, is_typed: bool) -> None:
    assert (untyped_calls(ast.parse(line), types()) == []) is is_typed
