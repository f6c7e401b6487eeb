"""A user's payments and subscriptions, and the payment events that Telegram reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.telegram.feature import PAYMENT, Command, Feature

if TYPE_CHECKING:
    from shared.core.sql_types import SubscriptionOverviewRenewals
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext

feature = Feature(
    __name__,
    commands=(Command("subscription", "plan"), Command("payments", "plan")),
    buttons=("payments", "order", "subscription", "renewal"),
    kinds=("pre_checkout_query", PAYMENT),
    links=("order_",),
)


def renewal_line(context: UpdateContext, renewal: SubscriptionOverviewRenewals) -> Text:
    """Return a line on the state of one auto-renewal of subscription_overview."""
    from shared.features.payments import subscription

    return subscription.renewal_line(context, renewal)
