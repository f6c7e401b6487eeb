"""/statement: 30 days of the providers' own lists beside our records."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import Message

from shared.core import db
from shared.core.texts import Text, concat, figures
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminStatement, AdminStatementDays, AdminStatementSums

router = Router()


@router.message_handler(commands=["statement"], admin=True)
def statement(_message: Message) -> None:
    """Show the sums of each provider and currency, and the days that differ."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    found: AdminStatement = db.call("admin_statement", p_admin_email=context.user.admin_email)
    if not found["sums"] and not found["unread"]:
        if found["read_days"]:
            return reply(context.rich("statement_no_payments", days=found["read_days"]))
        return reply(context.rich("statement_nothing"))
    return reply(_report(context, found))


def _report(context: UpdateContext, found: AdminStatement) -> Text:
    sums = [_line(context, one) for one in found["sums"]]
    sums += [
        context.rich("statement_unread", provider=context.provider_name(one["provider"]), days=one["days"])
        for one in found["unread"]
    ]
    if found["foreign"]:
        sums.append(context.rich("statement_foreign", count=found["foreign"]))
    button_arguments = [context.rich("statement_head"), concat(*sums, separator="\n")]
    if found["days"]:
        days = [
            context.rich(
                "statement_day", day=one["day"], unmatched=one["unmatched"], **_figures(context, one)
            )
            for one in found["days"]
        ]
        button_arguments.append(concat(context.rich("statement_days"), *days, separator="\n"))
    return concat(*button_arguments, separator="\n\n")


def _line(context: UpdateContext, line: AdminStatementSums) -> Text:
    return context.rich(
        "statement_differs" if line["unmatched"] else "statement_agrees", **_figures(context, line)
    )


def _figures(context: UpdateContext, line: AdminStatementSums | AdminStatementDays) -> dict[str, str]:
    sides = {
        name: figures.money(context.language, Decimal(line[name]), line["currency"])
        for name in ("theirs", "ours")
    }
    return {"provider": context.provider_name(line["provider"]), **sides}
