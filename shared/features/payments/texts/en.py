"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_payments": "Your payments",
    "command_subscription": "Your plan and auto-renewal",
    "subscription_cancel_refused": (
        "😔 The payment provider wouldn’t turn off auto-renewal, so it’s still **on**. We’ve been notified. "
        "Need help? /paysupport"
    ),
    "checkout_paid": "This invoice has already been paid.",
    "checkout_renewing": "Auto-renewal is already on. To change it, open /subscription.",
    "checkout_expired": "This invoice has expired. Open /buy and choose again.",
    "checkout_owner": "This invoice belongs to someone else. Open /buy to get your own.",
    "checkout_unknown": "This invoice no longer exists. Open /buy and choose again.",
    "checkout_unavailable": "We can’t take payments right now. Try again in a minute.",
    "payment_pending": (
        "⏳ **{title}**: your payment is being processed. We’ll message you when it goes through."
    ),
    "payment_held_amount": (
        "⏳ **{title}**: we received {money} instead of {price}, so the payment is under review. Nothing "
        "has been added yet. We’ll message you when it’s resolved. Questions? /paysupport"
    ),
    "payment_held_second_charge": (
        "⏳ **{title}**: you’ve already paid for this, and we received another {money}. The second payment is "
        "under review, and nothing was added for it. We’ll message you when it’s refunded. Questions? "
        "/paysupport"
    ),
    "payment_held_withdrawn": (
        "⏳ **{title}**: we received {money} for an order that was canceled because its discount was applied "
        "to another order. The payment is under review, and nothing was added. We’ll message you when it’s "
        "refunded. Questions? /paysupport"
    ),
    "payment_held_test": "🧪 **{title}**: this was a test payment. No money was charged, so nothing was added.",
    "payment_held_owner": (
        "⏳ We received {money} from you for an order that isn’t linked to your account. The payment is under "
        "review, and nothing was added. We’ll message you when it’s resolved. Questions? /paysupport"
    ),
    "payment_held_no_order": (
        "⏳ We received {money} from you but couldn’t find the order. The payment is under review. We’ll "
        "message you when it’s resolved. Questions? /paysupport"
    ),
    "payment_held_currency": (
        "⏳ **{title}**: we received {money} instead of {price}, so the payment is under review. Nothing "
        "has been added yet. We’ll message you when it’s resolved. Questions? /paysupport"
    ),
    "payment_failed": (
        "😔 **{title}**: the payment didn’t go through, and you weren’t charged. Try again or pay another "
        "way: /buy"
    ),
    "payment_alarm_no_order": (
        "🚨 **Payment without an order:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. Nothing "
        "was added.\n\nIf a matching order appears, the payment will be linked automatically. If it belongs "
        "to another shop on the same account, do nothing. Otherwise refund it."
    ),
    "payment_alarm_amount": (
        "🚨 **Wrong amount:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. Nothing was "
        "added.\n\nRefund the payment or add the purchase yourself: /plan, /grant."
    ),
    "payment_alarm_currency": (
        "🚨 **Wrong currency:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. Nothing was "
        "added.\n\nRefund the payment or add the purchase yourself: /plan, /grant."
    ),
    "payment_alarm_owner": (
        "🚨 **Paid by someone else,** or the buyer deleted their data: {money}\n\nPayment {payment}, "
        "{provider}, ID `{number}`. Nothing was added.\n\nIf the buyer deleted their data, we’ll refund the "
        "payment automatically. Otherwise refund it yourself."
    ),
    "payment_alarm_test": (
        "🚨 **Test payment:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. No real money was "
        "received, and nothing was added.\n\nCheck whether your secrets contain a test key."
    ),
    "payment_alarm_withdrawn": (
        "🚨 **A canceled order was paid:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. The "
        "order’s discount was moved to a later order or already used. Nothing was added.\n\nRefund the "
        "payment."
    ),
    "payment_alarm_second_charge": (
        "🚨 **Paid twice:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. Another payment already "
        "covers this order or period, so nothing was added for this one.\n\nRefund the payment."
    ),
    "payment_alarm_refund_currency": (
        "🚨 **Refund or dispute in another currency:** {back}\n\nPayment {payment} of {money}, {provider}, ID "
        "`{number}`. The buyer keeps the purchase. Check the payment in the provider’s dashboard."
    ),
    "payment_alarm_dispute": (
        "🚨 **Dispute:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. The purchase is on "
        "hold.\n\nRespond in the provider’s dashboard before the deadline. If you win, the purchase is "
        "restored automatically."
    ),
    "subscription_alarm_erased": (
        "🚨 **Subscription of a deleted user**\n\n{provider}, ID `{number}`. It started after they deleted "
        "their data. We’re canceling it and refunding its charges."
    ),
    "subscription_alarm_unknown": (
        "🚨 **Unknown subscription**\n\n{provider}, ID `{number}`. We didn’t receive a payment for it within "
        "a day, so we’re ignoring its events. If it belongs to another shop on the same account, do "
        "nothing. Otherwise look for it in the provider’s dashboard."
    ),
    "subscription_alarm_running": (
        "🚨 **Can’t cancel a subscription**\n\n{provider}, ID `{number}`. The user deleted their data or "
        "switched to another subscription. Cancel this one in the provider’s dashboard. We’ll keep trying "
        "too."
    ),
    "payments": "💳 **Your payments**",
    "payments_none": "You haven’t bought anything yet.",
    "payments_order": "Unpaid: {title} · {price}",
    "payments_waiting": "⏳ **{title}**\nTotal: **{price}**\n\nThis order hasn’t been paid yet.",
    "payments_cancel": "Cancel order",
    "payments_canceled": "Order canceled. You weren’t charged.",
    "payments_line": "{date} · **{title}**\n{price} · {status}",
    "payment_status_pending": "awaiting payment",
    "payment_status_completed": "paid",
    "payment_status_part": "paid, partly refunded",
    "payment_status_review": "under review",
    "payment_status_expired": "expired",
    "payments_unknown": "Payment",
    "payment_status_refunded": "refunded",
    "payment_status_disputed": "disputed by your bank",
    "payment_status_canceled": "canceled, not paid",
    "payment_status_withdrawn": "canceled",
    "subscription_renewal_active_month": "🔁 {title}: auto-renews at {price}/month, {provider}.",
    "subscription_renewal_active_year": "🔁 {title}: auto-renews at {price}/year, {provider}.",
    "subscription_none": "You’re on the free plan.{until}",
    "subscription_until": "**{plan}** is active until {until}.",
    "subscription_endless": "**{plan}** is active with no end date.{until}",
    "subscription_renewal_past_due_over": (
        "⚠️ {title}: {price}, {provider}. The last charge failed. We’ll try again. Check your card or pay "
        "another way: /buy"
    ),
    "subscription_renewal_past_due": (
        "⚠️ {title}: {price}, {provider}. The last charge failed. We’ll try again, and you’ll keep your plan "
        "until {until}. Check your card or pay another way: /buy"
    ),
    "subscription_renewal_canceled": "{title}: auto-renewal is off ({price}, {provider}).",
    "subscription_cancel": "Turn off auto-renewal",
    "subscription_cancel_of": "Turn off: {title}",
    "subscription_cancel_sure": (
        "Turn off auto-renewal?\n\nYou won’t be charged again, and you’ll keep access until the end of the "
        "period you’ve paid for."
    ),
    "subscription_cancel_yes": "Yes, turn it off",
    "subscription_keep": "‹ Keep it on",
    "subscription_canceled": "Auto-renewal is off. You’ll keep access until {until}.",
    "subscription_cancel_failed": (
        "😔 The payment provider didn’t respond, so auto-renewal is still **on**. Try again in a few minutes "
        "or contact us: /paysupport"
    ),
    "subscription_canceled_over": (
        "Auto-renewal is off, and you won’t be charged again. Your plan was paid until {until}. Come back "
        "anytime: /buy"
    ),
    "subscription_cancel_busy": (
        "⏳ The next period is being charged right now, so it’s too late to stop it. Check back in a minute: "
        "if the charge goes through, we’ll message you, and you can turn off auto-renewal then."
    ),
    "subscription_back": "‹ Subscription",
    "subscription_gone": "This auto-renewal has already ended.",
}
