"""Production sells only where buyers have a contact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.database.errors import SettingError
from tools.deployment import sales

PRODUCTION = {"ENVIRONMENT": "production"}


@pytest.fixture
def catalog(sql: Callable[..., Any]) -> Callable[[bool], None]:
    """Put all products or none on sale."""
    return lambda is_active: sql("update products set is_active = %s", is_active)


def test_production_that_sells_needs_a_contact(database_url: str, catalog: Callable[[bool], None]) -> None:
    catalog(True)
    with pytest.raises(SettingError, match="set _SUPPORT_CONTACT to an @name") as error:
        sales.check(database_url, {**PRODUCTION, "SUPPORT_CONTACT": "  "})
    assert len(str(error.value).splitlines()) == 1
    sales.check(database_url, {**PRODUCTION, "SUPPORT_CONTACT": "@help"})
    sales.check(database_url, {"ENVIRONMENT": "staging"})


def test_a_bot_that_sells_nothing_needs_no_contact(
    database_url: str, catalog: Callable[[bool], None]
) -> None:
    catalog(False)
    sales.check(database_url, PRODUCTION)
