"""/statement: what the providers' own lists say of 30 days, beside what is recorded here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from telebot.types import Message

from shared.bots.assistant import bot
from shared.core import db
from shared.core.texts import Text, figures, joined
from shared.telegram import current, reply
from shared.telegram.unit import StateUnavailable, Unit


@bot.admin_command("statement")
def statement(_message: Message) -> None:
    """Show the sums of each provider and currency, and the days that differ."""
    unit = current()
    if unit.is_offline:
        raise StateUnavailable
    found = db.call("admin_statement", p_admin_email=unit.person.admin_email)
    if not found["sums"] and not found["unread"]:
        if found["read_days"]:
            return reply(unit.rich("statement_no_payments", days=found["read_days"]))
        return reply(unit.rich("statement_nothing"))
    return reply(_report(unit, found))


def _report(unit: Unit, found: dict[str, Any]) -> Text:
    sums = [_line(unit, one) for one in found["sums"]]
    sums += [
        unit.rich("statement_unread", provider=_provider(unit, one), days=one["days"])
        for one in found["unread"]
    ]
    if found["foreign"]:
        sums.append(unit.rich("statement_foreign", count=found["foreign"]))
    parts = [unit.rich("statement_head"), joined(*sums, separator="\n")]
    if found["days"]:
        days = [
            unit.rich("statement_day", day=one["day"], unmatched=one["unmatched"], **_figures(unit, one))
            for one in found["days"]
        ]
        parts.append(joined(unit.rich("statement_days"), *days, separator="\n"))
    return joined(*parts, separator="\n\n")


def _line(unit: Unit, line: dict[str, Any]) -> Text:
    return unit.rich("statement_differs" if line["unmatched"] else "statement_agrees", **_figures(unit, line))


def _figures(unit: Unit, line: dict[str, Any]) -> dict[str, str]:
    sides = {
        name: figures.money(unit.language, Decimal(line[name]), line["currency"])
        for name in ("theirs", "ours")
    }
    return {"provider": _provider(unit, line), **sides}


def _provider(unit: Unit, line: dict[str, Any]) -> str:
    return unit.provider_name(line["provider"])
