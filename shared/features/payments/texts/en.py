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
    "payments": "💳 **Your payments**",
    "payments_none": "You haven’t bought anything yet.",
    "payments_order": "Unpaid: {title} · {price}",
    "payments_waiting": "⏳ **{title}**\nTotal: **{price}**\n\nThis order hasn’t been paid yet.",
    "payments_cancel": "Cancel order",
    "payments_canceled": "Order canceled. You weren’t charged.",
    "payments_line": "{date} · **{title}**\n{price} · {status}",
    "payment_status_pending": "Awaiting payment",
    "payment_status_completed": "Paid",
    "payment_status_part": "Paid, partly refunded",
    "payment_status_review": "Under review",
    "payment_status_expired": "Expired",
    "payments_unknown": "Payment",
    "payment_status_refunded": "Refunded",
    "payment_status_disputed": "Disputed by your bank",
    "payment_status_canceled": "Canceled, not paid",
    "payment_status_withdrawn": "Canceled",
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
    "plan_title": "Your plan",
    "plan_until": "Active until {until}",
    "plan_free": "Upgrade anytime",
    "plan_endless": "Active with no end date",
    "plan_day": "Requests a day",
    "plan_month": "Requests a month",
    "plan_bonus": "Bonus requests",
    "plan_unlimited": "No limit",
    "plan_renewal": "Auto-renewal",
    "plan_renewal_on": "On",
    "plan_renewal_off": "Off",
    "plan_renewal_active_month": "{price} every month, {provider}.",
    "plan_renewal_active_year": "{price} every year, {provider}.",
    "plan_renewal_past_due": "{price}, {provider}. The last charge failed. We’ll try again, and you’ll keep your plan until {until}. Check your card or pay another way.",
    "plan_renewal_past_due_over": "{price}, {provider}. The last charge failed. We’ll try again. Check your card or pay another way.",
    "plan_renewal_canceled": "{price}, {provider}. You won’t be charged again.",
    "plan_renewal_gone": "This auto-renewal has already ended.",
    "plan_turn_off": "Turn off",
    "plan_resume": "Turn on again",
    "plan_keep": "Keep it on",
    "plan_cancel_title": "Turn off auto-renewal?",
    "plan_cancel_until": "You won’t be charged again, and you’ll keep access until {until}.",
    "plan_cancel_about": "You won’t be charged again, and you’ll keep access until the end of the period you’ve paid for.",
    "plan_trial": "Try {plan} free for {days|day|days}",
    "plan_trial_about": "No card needed, and you won’t be charged automatically. One trial per person.",
    "plan_trial_start": "Start free trial",
    "plan_offers": "Extend or change your plan",
    "plan_offers_free": "Choose a plan",
    "plan_promo": "Have a promo code?",
    "subscription_canceled_notice": "Auto-renewal is off. You’ll keep access until the end of the period you’ve paid for.",
    "subscription_canceled_over_notice": "Auto-renewal is off, and you won’t be charged again.",
    "subscription_cancel_busy_notice": "The next period is being charged right now, so it’s too late to stop it. Check back in a minute.",
    "subscription_cancel_failed_notice": "The payment provider didn’t respond, so auto-renewal is still on. Try again in a few minutes.",
    "subscription_cancel_refused_notice": "The payment provider wouldn’t turn off auto-renewal, so it’s still on. We’ve been notified.",
    "purchases_title": "Purchases",
    "purchases_shop": "Go to the shop",
    "purchases_newer": "Newer",
    "purchases_older": "Earlier",
    "receipt_title": "Payment {number}",
    "receipt_product": "Purchase",
    "receipt_renewal": "A period of auto-renewal",
    "receipt_amount": "Amount",
    "receipt_refunded": "Refunded",
    "receipt_date": "Paid on",
    "receipt_method": "Payment method",
    "receipt_order": "Order number",
    "receipt_buyer": "Buyer",
    "receipt_sent": "The fiscal receipt was sent to {contact}.",
    "receipt_review": "The payment is under review. We’ll message you in Telegram when it’s resolved.",
    "receipt_problem": "Need a refund or have a question about this payment?",
    "receipt_terms": "Terms of sale",
    "order_unknown": "There’s no such order.",
}
