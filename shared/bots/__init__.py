"""The bots, one module each. A module here is a bot; nothing else lists them."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from shared.telegram.bot import Bot


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the names of all bots."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py")))


@lru_cache(maxsize=16)
def load(name: str) -> Bot:
    """Return a bot; its module is imported when its first update comes.

    Raises:
        ModuleNotFoundError: there is no such bot.
    """
    return cast("Bot", import_module(f"shared.bots.{name}").bot)
