"""Jinja2: everything is escaped, and a name without a value is an error.

`base.html` is a template of this package, `conversations/page.html` one of a feature (its `templates`).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

_OWN = Path(__file__).parent / "templates"
_FEATURES = Path(__file__).parents[1] / "features"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _source(name: str) -> str | None:
    """Return the source of a template; its name is never a visitor's."""
    feature, _, file = name.rpartition("/")
    path = _FEATURES / feature / "templates" / file if feature else _OWN / file
    return path.read_text(encoding="utf-8") if path.is_file() else None


def render(name: str, **values: object) -> str:
    """Return a rendered template.

    Raises:
        jinja2.TemplateError: there is no such template, or it names a value that is missing.
    """
    return _environment().get_template(name).render(**values)
