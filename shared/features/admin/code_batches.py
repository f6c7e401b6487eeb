"""/codes: a batch of promo codes that work once each, sent as a sheet (CSV)."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from telebot.types import Message

from shared.core import clock, db, sheet
from shared.core.errors import Refusal
from shared.features.admin.actions import redacted_reason
from shared.features.admin.users import command_arguments
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminCreatePromocodeBatch, AdminExportPromocodeBatch

router = Router()

_NUMBER = re.compile(r"[1-9][0-9]{0,6}")
_REFUSALS = {"N0001": "unknown_command", "N0003": "admin_done_differently", "Z0007": "admin_usage_codes"}


@router.message_handler(commands=["codes"], admin=True)
def codes(message: Message) -> None:
    """Create a batch and send its codes."""
    context = current_context()
    match command_arguments(message, 6):
        case [prefix, kind, value, size, *rest] if _NUMBER.fullmatch(value) and _NUMBER.fullmatch(size):
            _create(context, prefix, kind.lower(), int(value), int(size), rest)
        case _:
            reply(context.rich("admin_usage_codes"))


def _create(context: UpdateContext, prefix: str, kind: str, value: int, size: int, rest: list[str]) -> None:
    days = rest[0] if rest else "-"
    if days != "-" and not re.fullmatch(r"[1-9][0-9]{0,3}", days):
        return reply(context.rich("admin_usage_codes"))
    if context.is_offline:
        raise StateUnavailable
    try:
        made: AdminCreatePromocodeBatch = db.call(
            "admin_create_promocode_batch",
            p_prefix=prefix,
            p_kind=kind,
            p_value=value,
            p_size=size,
            p_admin_email=context.user.admin_email,
            p_valid_until=clock.now() + timedelta(days=int(days)) if days != "-" else None,
            p_note=redacted_reason(" ".join(rest[1:])),
            p_reference=context.reference,
        )
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return reply(context.rich(_REFUSALS[refusal.sqlstate]))
    found: AdminExportPromocodeBatch | None = db.call(
        "admin_export_promocode_batch", p_batch_id=made["id"], p_admin_email=context.user.admin_email
    )
    assert found is not None, "batches are never deleted"
    content = sheet.write(("code",), ((one["code"],) for one in found["codes"]))
    file = BytesIO(content.encode())
    file.name = f"{made['prefix']}-{made['id']}.csv"
    context.bot.send_document(
        context.update.chat_id, file, message_thread_id=context.update.thread_id or None
    )
    return reply(context.rich("admin_codes", prefix=made["prefix"], size=made["size"]))
