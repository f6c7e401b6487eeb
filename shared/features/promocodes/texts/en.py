"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_promo": "Enter a promo code",
    "promo_ask": "🏷 **Promo code**\n\nSend it in your next message. Upper or lower case both work.",
    "promo_cancel": "Cancel",
    "promo_again": "Try another code",
    "promo_malformed": (
        "🤔 That doesn’t look like a promo code. Promo codes have 3–32 characters: Latin letters, digits, "
        "hyphens and underscores."
    ),
    "promo_unknown": "🤔 There’s no promo code **{code}**. Check for typos and try again.",
    "promo_expired": "⌛ The promo code **{code}** has expired.",
    "promo_used_up": "😔 The promo code **{code}** has reached its limit.",
    "promo_not_yet": "⏳ The promo code **{code}** starts on {date}. Come back then!",
    "promo_too_many_attempts": "🚦 Too many wrong promo codes today. Try again tomorrow.",
    "promo_already_used": "👌 You’ve already used the promo code **{code}**. Each code works once.",
    "promo_waits": (
        "🏷 You’ve already added the promo code **{code}**: {percent}% off your next one-time purchase."
    ),
    "promo_month": "🎁 **Promo code {code} applied!**\n\nYour **{plan}** plan is active until {until}.",
    "promo_credits": (
        "🎁 **Promo code {code} applied!**\n\nYou got **{value|bonus request|bonus requests}**. Bonus "
        "requests never expire."
    ),
    "promo_trainings": (
        "🎁 **Promo code {code} applied!**\n\nYou got **{value|free training|free trainings}**."
    ),
    "promo_percent": (
        "🎁 **Promo code {code} applied!**\n\nYou get **{percent}% off** your next one-time purchase."
    ),
    "promo_percent_until": (
        "🎁 **Promo code {code} applied!**\n\nYou get **{percent}% off** your next one-time purchase until "
        "{until}."
    ),
    "promo_title": "Promo code",
    "promo_code": "Code",
    "promo_hint": "Upper or lower case both work.",
    "promo_apply": "Apply",
    "promo_to_product": "Back to your purchase",
    "promo_to_shop": "Go to the shop",
    "promo_batch_menu": "Promo code batches",
    "promo_batch_title": "Promo code batches",
    "promo_batch_about": "Each code works once. A user can redeem only one code per batch.",
    "promo_batch_credits": "Bonus requests",
    "promo_batch_percent": "Discount, %",
    "promo_batch_month": "Months of the plan",
    "promo_batch_trainings": "Trainings",
    "promo_batch_used": "{used} of {size} used",
    "promo_batch_until": "until {date}",
    "promo_batch_is_off": "Off",
    "promo_batch_off": "Turn off",
    "promo_batch_on": "Turn on",
    "promo_batch_older": "Older",
    "promo_batch_new": "New batch",
    "promo_batch_prefix": "Prefix (2–16 letters or digits)",
    "promo_batch_kind": "What a code gives",
    "promo_batch_value": "Amount",
    "promo_batch_size": "Number of codes (up to 5,000)",
    "promo_batch_days": "Valid for days (empty: no limit)",
    "promo_batch_note": "Note for admins",
    "promo_batch_create": "Create",
    "promo_batch_created_notice": "The batch is ready. Download the codes as CSV.",
    "promo_batch_switched_notice": "Saved.",
    "promo_batch_wrong": "Not created: check the amount for this kind of code.",
    "promo_batch_none": "No batches yet.",
}
