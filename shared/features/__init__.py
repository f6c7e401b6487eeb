"""What users, operators and admins can do, one folder per feature.

A feature declares in its `__init__.py` what it answers, and offers there the few functions that other
features call; its other modules are its own. `common` holds the parts of screens that several features show.
"""

from __future__ import annotations

from collections.abc import Collection

from shared.features import (
    account,
    admin,
    analytics,
    broadcasts,
    crm,
    help,
    knowledge,
    language,
    login,
    messenger,
    payments,
    privacy,
    shop,
    staff,
    support,
    xp,
)
from shared.telegram.feature import Feature

# In the order in which their handlers are tried and their commands are listed: an admin's /payments, which
# names a user, comes before everyone's.
COMMON = (
    account,
    xp,
    language,
    help,
    login,
    staff,
    privacy,
    shop,
    admin,
    analytics,
    payments,
    messenger,
    support,
    broadcasts,
    crm,
    knowledge,
)


def with_common(*own: Feature, without: Collection[Feature] = ()) -> tuple[Feature, ...]:
    """Return the features that every bot offers, but for those left out, and a bot's own behind them."""
    common = (module.feature for module in COMMON if module.feature not in without)
    return (*common, *own)
