"""The job `statements`: a list that repeats a page or fails does not delay others."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from shared.core.errors import DatabaseUnavailable
from shared.payments import reconciliation
from shared.payments.events import WebhookEvent
from shared.payments.provider import PaymentError, StatementPage

Pages = Callable[[str], StatementPage]
WELL = "well"


def event(key: str) -> WebhookEvent:
    return WebhookEvent(key, ())


class Database:
    """One day of each provider, as `claim_statement` returns it."""

    def __init__(self, providers: list[str]) -> None:
        self.due = list(providers)
        self.read: list[str] = []
        self.released: list[str] = []
        self.is_late = False

    def __call__(self, function: str, **values: Any) -> Any:
        return getattr(self, function)(**values)

    def alarm_missed_charges(self) -> list[Any]:
        return []

    def claim_statement(self, p_providers: list[str]) -> Any:
        if not self.due:
            return None
        day = {
            "day": "2027-03-10",
            "since": "2027-03-10T00:00:00+00:00",
            "until": "2027-03-11T00:00:00+00:00",
        }
        return day | {"provider": self.due.pop(0), "cursor": "", "is_late": self.is_late}

    def check_statement(self, **_values: Any) -> dict[str, str]:
        return {}

    def save_statement_page(self, p_provider: str, p_next: str | None, **_values: Any) -> dict[str, Any]:
        if p_next is None:
            self.read.append(p_provider)
        return {"is_current": True, "outgoing": [], "sums": [], "differences": [], "foreign": 0}

    def release_statement(self, p_provider: str, p_day: str) -> None:
        self.released.append(p_provider)


def run(
    monkeypatch: pytest.MonkeyPatch, pages: Pages, *, is_late: bool = False
) -> tuple[Database, list[str]]:
    """Read a list with these pages, then a correct one; return the database and the alerts."""
    lists: dict[str, Pages] = {"odd": pages, WELL: lambda _cursor: StatementPage((event("one"),), "")}
    asked = dict.fromkeys(lists, 0)

    def load(key: str) -> Any:
        def statement(_since: Any, _until: Any, cursor: str, _timeout: float) -> StatementPage:
            asked[key] += 1
            assert asked[key] < 50, "it would be asked for ever"
            return lists[key](cursor)

        return SimpleNamespace(key=key, SUPPORTS_STATEMENTS=True, statement=statement)

    database, alarms = Database(list(lists)), []
    database.is_late = is_late
    monkeypatch.setattr(reconciliation, "db", SimpleNamespace(call=database))
    monkeypatch.setattr(
        reconciliation, "providers", SimpleNamespace(configured=lambda: list(lists), load=load)
    )
    monkeypatch.setattr(
        reconciliation.log, "alert", lambda _message, **fields: alarms.append(fields["provider"])
    )
    reconciliation.statements()
    return database, alarms


def fail(error: Exception) -> Pages:
    def pages(_cursor: str) -> StatementPage:
        raise error

    return pages


ENDLESS: dict[str, Pages] = {
    "the place stays": lambda _cursor: StatementPage((), "here"),
    "the place stays, with news": lambda cursor: StatementPage((event(cursor),), "here"),
    "the number of the page is ignored": lambda cursor: StatementPage(
        (event("a"), event("b")), str(int(cursor or 1) + 1)
    ),
}


@pytest.mark.parametrize("why", ENDLESS)
@pytest.mark.parametrize("is_late", [False, True])
def test_a_list_that_repeats_a_page_is_released_for_a_later_run(
    monkeypatch: pytest.MonkeyPatch, why: str, is_late: bool
) -> None:
    database, alarms = run(monkeypatch, ENDLESS[why], is_late=is_late)
    assert (database.released, database.read) == (["odd"], [WELL])
    assert alarms == (["odd"] if is_late else [])


@pytest.mark.parametrize(
    ("error", "is_alarm"),
    [(PaymentError("down"), False), (ValueError("our code"), True), (KeyError("x"), True)],
)
def test_an_error_in_one_list_does_not_delay_others(
    monkeypatch: pytest.MonkeyPatch, error: Exception, is_alarm: bool
) -> None:
    database, alarms = run(monkeypatch, fail(error))
    assert (database.released, database.read) == (["odd"], [WELL])
    assert alarms == (["odd"] if is_alarm else [])


def test_without_a_database_the_job_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatabaseUnavailable):
        run(monkeypatch, fail(DatabaseUnavailable("gone", maybe_executed=False)))


def test_empty_pages_are_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crypto Pay lists from the newest: pages without anything of the day come first."""
    database, alarms = run(
        monkeypatch, lambda cursor: StatementPage((), "" if cursor == "3" else str(int(cursor or 0) + 1))
    )
    assert (database.released, database.read, alarms) == ([], ["odd", WELL], [])
