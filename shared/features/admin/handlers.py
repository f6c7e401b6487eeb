"""The handlers of admins."""

from __future__ import annotations

from shared.features.admin import (
    access,
    audit,
    banning,
    card,
    check,
    code_batches,
    commands,
    enrolling,
    here,
    models,
    payment,
    products,
    progress,
    promocodes,
    refund,
    statement,
    stats,
)
from shared.telegram.router import Router

router = Router(
    *(one.router for one in (stats, card, commands, progress, enrolling, banning, payment, refund)),
    *(
        one.router
        for one in (products, promocodes, check, statement, models, audit, access, code_batches, here)
    ),
)
