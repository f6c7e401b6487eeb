"""Every provider shows the payer the product's title first."""

from __future__ import annotations

import pytest

from shared.payments.providers import load, names
from tests.payments.conftest import Shop
from tests.payments.orders import TIMEOUT, order

TITLE = "Премиум на месяц"
WITH_A_PAGE = [key for key in names() if load(key).REQUIRED]
ONE_LINE = {key: load(key).LINE_LENGTH for key in WITH_A_PAGE if load(key).LINE_LENGTH}


@pytest.mark.parametrize("description", ["Тысяча запросов", "слово " * 21, TITLE])
@pytest.mark.parametrize("key", WITH_A_PAGE)
def test_the_title_comes_first(shop: Shop, key: str, description: str) -> None:
    load(key).create(order(title=TITLE, description=description.strip()), TIMEOUT)
    (invoice,) = shop.fake_server(key).invoices.values()
    assert invoice.title.startswith(TITLE)
    assert invoice.title.count(TITLE) == 1


@pytest.mark.parametrize("key", ONE_LINE)
def test_one_line_holds_both_and_is_cut_between_words(shop: Shop, key: str) -> None:
    for description in ("Тысяча запросов", "слово " * 300):
        load(key).create(order(title=TITLE, description=description.strip()), TIMEOUT)
    short, long = (invoice.title for invoice in shop.fake_server(key).invoices.values())
    assert short == f"{TITLE}. Тысяча запросов"
    assert len(long) <= ONE_LINE[key]
    assert long.endswith("слово…")
