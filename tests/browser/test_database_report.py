"""The page of `database report`: no request and no overflow, on phone and desktop, light and dark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tools.database.environments import Environment
from tools.database.health import Figure
from tools.database.migration_files import Migration
from tools.database.payloads import Rules
from tools.database.report import page
from tools.database.report.reading import Column
from tools.database.snapshots import Change, Key
from tools.database.states import LastRun, State

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
LONG = "a_very_long_name_of_an_object_without_any_place_to_break_it" * 3


def column(name: str) -> Column:
    """Return an environment with everything that the page can show, and long names."""
    change = Change(Key("index", f"public.{LONG}"), None, f"CREATE INDEX {LONG} ON public.users")
    state = State(
        name, version=f"20261201000000_{LONG}", pending=[Migration("20261202000000", LONG, "")],
        late=[Migration("20260101000000", LONG, "")], half_done=["20261201000001"],
        unknown=["20261201000002"], changes=[change],
        last_run=LastRun("sync", NOW, "failed", 12, "build 0c1d2e3f"), server="17.6",
    )  # fmt: skip
    step = {
        "version": "20261201000000", "name": LONG, "statement": None, "statements": 3, "outcome": "done",
        "milliseconds": 1234, "lock_waits": 2,
    }  # fmt: skip
    run = {
        "id": 1, "kind": "sync", "started_at": NOW.isoformat(), "outcome": "failed", "milliseconds": 12,
        "actor": "build 0c1d2e3f", "git_commit": "0c1d2e3f4a5b", "plan": "9c1f3a5b7d2e", "backup": f"gs://{LONG}",
        "from_version": "20261130000000", "to_version": "20261201000000", "sqlstate": "23505", "error": LONG,
        "steps": [step] * 4,
    }  # fmt: skip
    backup = {
        "taken_at": NOW.isoformat(), "version": "20261201000000", "place": f"gs://{LONG}",
        "bytes": 34_000_000, "kept_for": "daily", "verified_at": None,
    }  # fmt: skip
    overview = {"backups": [backup], "alarms": ["outbox_minutes"], "megabytes": "46.2"}
    figures = [Figure(f"kind_{n}_minutes", Decimal(n), [LONG], Decimal(3), n > 2) for n in range(6)]
    line = [(NOW - timedelta(hours=4 * ago), float(ago % 7)) for ago in range(180, -1, -1)]
    lines = {one.kind: line for one in figures}
    environment = Environment(name, Rules(url="env:X", protected=True), "", False)
    return Column(environment, state, overview, [run] * 3, figures, lines)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "page.html"
    path.write_text(page.render([column("development"), column("production")], NOW), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_the_page_fits_and_asks_for_nothing(chromium: Any, path: Path, width: int, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    try:
        opened, complaints = context.new_page(), []
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("request", lambda request: complaints.append(request.url))
        opened.goto(path.as_uri())
        assert complaints == [path.as_uri()]
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        ink, wall = opened.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
            ".map(text => text.match(/\\d+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0))"
        )
        assert (ink < wall) is (scheme == "light")
        clipped = opened.evaluate(
            "[...document.querySelectorAll('.card, .tile, .timeline li, .change')]"
            ".filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent.slice(0, 60))"
        )
        assert clipped == []
    finally:
        context.close()


def test_a_change_by_hand_opens(chromium: Any, path: Path) -> None:
    context = chromium.new_context()
    try:
        opened = context.new_page()
        opened.goto(path.as_uri())
        detail = opened.locator("details.change").first
        assert not detail.locator("pre").is_visible()
        detail.locator("summary").click()
        assert "CREATE INDEX" in detail.locator("pre").inner_text()
    finally:
        context.close()
