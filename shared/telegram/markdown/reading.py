"""Reading Markdown: the events of pulldown-cmark as one flat row of steps.

`pyromark` is imported where it is used, and only then: a function that renders nothing does without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyromark import Options

Step = tuple[str, Any]  # ("Text", "words"), ("List", 1) where one begins, ("/List", True) where it ends


@lru_cache(maxsize=1)
def _options() -> Options:
    from pyromark import Options

    return (
        Options.ENABLE_TABLES
        | Options.ENABLE_STRIKETHROUGH
        | Options.ENABLE_TASKLISTS
        | Options.ENABLE_FOOTNOTES
    )


def read(markdown: str) -> Iterator[Step]:
    """Yield what the document consists of, in order.

    An event is a word, `{kind: value}`, or `{"Start": …}` and `{"End": …}` with a word or `{name: data}`
    inside (pyromark's event.py). Nobody else holds these dictionaries, so they are emptied: that is faster.
    """
    from pyromark import events

    event: Any
    for event in events(markdown, options=_options()):
        if isinstance(event, str):
            yield event, None
            continue
        kind, value = event.popitem()
        if kind == "Start":
            yield (value, None) if isinstance(value, str) else value.popitem()
        elif kind == "End":
            yield ("/" + value, None) if isinstance(value, str) else ("/" + next(iter(value)), None)
        else:
            yield kind, value


def definitions(markdown: str) -> dict[str, str]:
    """Return the addresses defined as `[label]: address`, by label."""
    from pyromark import reference_definitions

    found = reference_definitions(markdown, options=_options())
    return {label: definition["dest"] for label, definition in found.items()}
