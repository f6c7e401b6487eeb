"""Cancels subscriptions at their provider whose user erased their data or replaced them.

`claim_renewals_to_cancel` returns them to the job `payments`. Charges of erased users are refunded like any
other payment (`refunds.py`).
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.core.errors import ConfigError
from shared.payments import providers
from shared.payments.provider import PaymentError
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimRenewalsToCancel, RecordCancelResult

_TIMEOUT = 8.0  # seconds for one request to a provider


def cancel_due(deadline: float) -> int:
    """Cancel due subscriptions and return how many were canceled."""
    renewing = [key for key in providers.configured() if providers.load(key).RECURRING_PERIODS]
    stopped = 0
    claimed: list[ClaimRenewalsToCancel] = db.call("claim_renewals_to_cancel", p_providers=renewing)
    for renewal in claimed:
        if monotonic() + _TIMEOUT > deadline:
            break  # the next run continues
        is_canceled = _stop(renewal)
        result: RecordCancelResult = db.call(
            "record_cancel_result", p_renewal_id=renewal["id"], p_is_canceled=is_canceled
        )
        outbox.deliver_outgoing(result["outgoing"])
        stopped += is_canceled
    return stopped


def _stop(renewal: ClaimRenewalsToCancel) -> bool:
    try:
        providers.load(renewal["provider"]).cancel_subscription(
            renewal["subscription_id"],
            renewal["telegram_id"] or 0,
            _TIMEOUT,
            payment_id=renewal["payment_id"] or "",
            payer=renewal["payer"] or "",
        )
    except PaymentError as error:
        log.warning(
            "a subscription could not be canceled",
            action="subscription_not_canceled",
            provider=renewal["provider"],
            subscription=renewal["subscription_id"],
            reason=str(error),
        )
        return False
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return False
    log.info(
        "a subscription was canceled",
        action="subscription_canceled",
        provider=renewal["provider"],
        subscription=renewal["subscription_id"],
    )
    return True
