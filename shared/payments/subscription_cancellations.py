"""Subscriptions whose user is erased or has replaced them: the job `payments` stops them at their provider.

SQL says which (`claim_renewals_to_stop`). What erased users were charged is refunded like any other payment
(`refunds.py`).
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from shared.core import db, log
from shared.core.errors import ConfigError
from shared.payments import notifications, providers
from shared.payments.provider import PaymentError

_TIMEOUT = 8.0  # seconds for one question to a provider


def stop(deadline: float) -> int:
    """Ask the providers to stop what is due, and return how many subscriptions are stopped."""
    renewing = [key for key in providers.configured() if providers.load(key).RECURRING_PERIODS]
    stopped = 0
    for orphan in db.call("claim_renewals_to_stop", p_providers=renewing):
        if monotonic() + _TIMEOUT > deadline:
            break  # its turn comes again
        is_stopped = _stop(orphan)
        kept = db.call("record_stop_result", p_renewal_id=orphan["id"], p_is_stopped=is_stopped)
        notifications.deliver(kept["outgoing"])
        stopped += is_stopped
    return stopped


def _stop(orphan: dict[str, Any]) -> bool:
    try:
        providers.load(orphan["provider"]).cancel_subscription(
            orphan["subscription_id"],
            orphan["telegram_id"] or 0,
            _TIMEOUT,
            payment_id=orphan["payment_id"] or "",
            payer=orphan["payer"] or "",
        )
    except PaymentError as error:
        log.warning(
            "a subscription was not stopped",
            action="subscription_not_canceled",
            provider=orphan["provider"],
            subscription=orphan["subscription_id"],
            reason=str(error),
        )
        return False
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return False
    log.info(
        "a subscription was stopped",
        action="subscription_canceled",
        provider=orphan["provider"],
        subscription=orphan["subscription_id"],
    )
    return True
