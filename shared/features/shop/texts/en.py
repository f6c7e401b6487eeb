"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_buy": "Plans and top-ups",
    "buy": "⭐ **What would you like to buy?**",
    "buy_trial": "✨ New here? Try {plan} free for {days|day|days}: /trial",
    "buy_promo_hint": "Have a promo code? /promo",
    "buy_currency": "Show prices in {currency}",
    "buy_from": "{title} · from {price}",
    "buy_offer": "{title} · {price}",
    "buy_saves": "{offer} (−{percent}%)",
    "buy_group": "**{title}**",
    "buy_group_credits": "Extra requests",
    "buy_group_balance": "Balance top-up",
    "buy_group_course": "Courses",
    "buy_group_question": "Choose an option:",
    "buy_mode_question": "Pay once or renew automatically?",
    "buy_once": "Pay once · {price}",
    "buy_auto_month": "Auto-renew · {price}/month",
    "buy_auto_year": "Auto-renew · {price}/year",
    "buy_method_question": "How would you like to pay?",
    "buy_method_question_month": "Auto-renews every month until you cancel. How would you like to pay?",
    "buy_method_question_year": "Auto-renews every year until you cancel. How would you like to pay?",
    "buy_card_question": "Which service would you like to pay through?",
    "buy_method_card": "Card",
    "buy_discount": (
        "🏷 **{percent}% off** your next one-time purchase. The prices shown already include it. Doesn’t "
        "apply to auto-renewing plans or top-ups."
    ),
    "buy_discount_until": (
        "🏷 **{percent}% off** your next one-time purchase until {until}. The prices shown already include "
        "it. Doesn’t apply to auto-renewing plans or top-ups."
    ),
    "buy_reduced": "🏷 {percent}% off: {prices}.",
    "buy_reduced_price": "{price} instead of {full}",
    "buy_reduced_repeats": "🏷 {percent}% off if you pay once: {prices}. Auto-renewal is full price and doesn’t use up your discount.",
    "buy_pay_reduced": (
        "**{title}**\nTotal: **{price}** instead of {full}\n\nWe’ll message you when the payment goes "
        "through."
    ),
    "buy_nothing": "Nothing is for sale right now. Please check back later.",
    "buy_free": "This bot is free: there’s nothing to buy here.",
    "buy_gone": "This is no longer available. Choose something else:",
    "buy_all": "‹ All offers",
    "buy_other": "Other payment methods",
    "buy_note_upgrade": (
        "You’ve already paid {paid} for this course. That’s deducted only if you pay in the same currency. "
        "Full price: {prices}."
    ),
    "buy_note_extends": "Your plan is active until {until}. The new period starts after that date.",
    "buy_note_repeats": (
        "🔁 Your plan auto-renews and is paid until {until}. A one-time payment adds another period and "
        "keeps auto-renewal on. A new auto-renewal replaces the current one."
    ),
    "buy_note_endless": "⚠️ Your plan has no end date, so this purchase wouldn’t add anything right now.",
    "buy_replaces": "🔁 You already have auto-renewal: **{title}**, {price}, {provider}.\n\nIf you pay now, you’ll get one more period, and the new auto-renewal will replace this one.",
    "buy_replace": "Replace auto-renewal",
    "buy_pay": "**{title}**\nTotal: **{price}**\n\nWe’ll message you when the payment goes through.",
    "buy_pay_month": (
        "**{title}**\nToday: **{price}**, then {price} every month\n\nTurn off auto-renewal anytime: "
        "/subscription. We’ll message you when the payment goes through."
    ),
    "buy_pay_year": (
        "**{title}**\nToday: **{price}**, then {price} every year\n\nTurn off auto-renewal anytime: "
        "/subscription. We’ll message you when the payment goes through."
    ),
    "buy_way_balance": "Balance · {price} (you have {balance})",
    "balance_pay": (
        "**{title}**\nTotal: **{price}** from your balance\n\nYou have {balance} and will have {left} left."
    ),
    "balance_pay_period": (
        "**{title}**\nTotal: **{price}** from your balance\n\nYou have {balance} and will have {left} left. "
        "This is a one-time payment, without auto-renewal."
    ),
    "balance_short": "**{title}**\nTotal: **{price}** from your balance\n\nYou have {balance}. Top up, then finish the purchase in one tap:",
    "balance_short_only": "**{title}**\nTotal: **{price}** from your balance\n\nYou have {balance}. Choose another payment method.",
    "balance_paid_subscription": (
        "✅ Paid from your balance: **{title}**. Active until {until}.\n\nBalance: {balance}"
    ),
    "balance_paid_credits": (
        "✅ Paid from your balance: **{title}**. You got **{quantity|request|requests}**.\n\nBalance: "
        "{balance}"
    ),
    "balance_paid_gift": "✅ Paid from your balance: **{title}** as a gift. Get the link and send it.\n\nBalance: {balance}",
    "balance_paid_course": "✅ Paid from your balance: **{title}**.\n\nBalance: {balance}",
    "invitation_paid": "✅ **{title}**\nPaid: {price}",
    "invitation_held": "⏳ **{title}**\nThe payment is under review. We’ll message you when it’s resolved. Questions? /paysupport",
    "invitation_refunded": "↩️ **{title}**\nRefunded: {price}",
    "invitation_disputed": (
        "⚠️ **{title}**\nYour bank disputed this payment, so the purchase is on hold. Questions? /paysupport"
    ),
    "invitation_withdrawn": (
        "**{title}**\nThis order was canceled because its discount was applied to a newer order."
    ),
    "invitation_expired": "⌛ **{title}**\nThis payment link has expired.",
    "invitation_again": "Buy again",
    "buy_pay_button": "Pay {price}",
    "buy_unavailable": (
        "😔 This payment method isn’t responding right now. You weren’t charged. Try another one, or try "
        "again later."
    ),
    "buy_contact": "🧾 We’re required to send you a receipt. Send an **email address** or **phone number** for it.",
    "buy_contact_wrong": (
        "That doesn’t look like an email address or a phone number. Send it like this: anna@example.com or "
        "+79991234567."
    ),
    "menu_contact": "🧾 Receipt settings",
    "contact": (
        "🧾 **Email or phone number for receipts**\n\n{contact}\n\nWe send receipts for your purchases here."
    ),
    "contact_none": (
        "🧾 **Email or phone number for receipts**\n\nNot set. We’ll ask for it when a purchase needs a "
        "receipt."
    ),
    "contact_ask": (
        "🧾 Send an **email address** or a **phone number** for your receipts. Auto-renewal receipts will go "
        "there too."
    ),
    "contact_add": "Add",
    "contact_change": "Change",
    "contact_remove": "Remove",
    "contact_cancel": "‹ Back",
    "contact_back": "‹ Profile",
    "contact_removed": (
        "Your email or phone number for receipts has been removed. Receipts for active auto-renewals will "
        "still go there."
    ),
    "buy_contact_refused": (
        "🧾 **{provider}:** we couldn’t use **{contact}** for your receipt. You weren’t charged. "
        "Check for typos, or send a different **email address** or **phone number**."
    ),
    "buy_refused": (
        "😔 This payment method isn’t available for this order. You weren’t charged. Choose another one."
    ),
    "balance_buy": "Pay {price} from balance",
    "shop_menu": "Shop",
    "shop_title": "Shop",
    "shop_currency": "Prices in",
    "shop_promo": "Have a promo code?",
    "shop_promo_code": "Promo code",
    "shop_pay_once": "Pay once",
    "shop_method": "Payment method",
    "shop_pay_month": "Auto-renew every month, cancel anytime",
    "shop_pay_year": "Auto-renew every year, cancel anytime",
    "shop_balance_have": "You have {balance}",
    "shop_balance_short": "Your balance of {balance} isn’t enough for this.",
    "shop_top_up": "Top up",
    "shop_contact": "Email or phone number for the receipt",
    "shop_contact_hint": "We’re required to send you a receipt. Example: anna@example.com or +79991234567.",
    "contact_missing": "Enter an email address or phone number for the receipt",
    "contact_wrong": "This doesn’t look like an email address or a phone number",
    "contact_refused": "{provider} couldn’t use this contact. You weren’t charged. Check for typos or enter a different one.",
    "shop_continue": "Continue to payment",
    "shop_replace": "Replace auto-renewal?",
    "shop_replace_about": "You already have auto-renewal: {title}, {price}, {provider}. If you pay now, you’ll get one more period, and the new auto-renewal will replace this one.",
    "shop_keep": "Keep the current one",
    "buy_gone_notice": "You already have this product, or it’s no longer for sale.",
    "buy_option_notice": "This payment method is no longer available. Choose another one.",
    "buy_price_notice": "The price has changed. Check it and continue.",
    "buy_refused_notice": "This payment method isn’t available for this order. You weren’t charged. Choose another one.",
    "buy_unavailable_notice": "This payment method isn’t responding right now. You weren’t charged. Try another one, or try again later.",
    "balance_short_notice": "There isn’t enough on your balance. Top up or choose another payment method.",
    "order_title": "Order {number}",
    "order_purchases": "Purchases",
    "order_open": "Awaiting payment",
    "order_paid": "Paid",
    "order_held": "Under review",
    "order_refunded": "Refunded",
    "order_disputed": "Disputed by your bank",
    "order_withdrawn": "Canceled",
    "order_canceled": "Canceled",
    "order_expired": "Expired",
    "order_in_progress": "The payment is in progress.",
    "order_failed": "The last attempt to pay failed. Try again.",
    "order_total": "Total",
    "order_renewal": "Auto-renewal",
    "order_then_month": "then {price} every month",
    "order_then_year": "then {price} every year",
    "order_method": "Payment method",
    "order_contact": "Receipt goes to",
    "order_number": "Order number",
    "order_date": "Date",
    "order_until": "Pay by",
    "order_about": "You’ll pay on the provider’s site. This page updates by itself.",
    "order_about_stars": "Stars are paid in Telegram: the bot will show you the invoice. This page updates by itself.",
    "order_about_paid": "Thank you! Everything you bought is already yours.",
    "order_about_held": "We’ll message you in Telegram when it’s resolved.",
    "order_about_refunded": "The money has been returned to where it came from.",
    "order_about_disputed": "Your bank disputed this payment, so the purchase is on hold.",
    "order_about_withdrawn": "Its discount was applied to a newer order.",
    "order_about_canceled": "You weren’t charged.",
    "order_about_expired": "The payment link has expired. You weren’t charged.",
    "order_pay": "Pay {price}",
    "order_pay_stars": "Pay {price} in Telegram",
    "order_check": "Check payment",
    "order_new_link": "Get a payment link",
    "order_cancel": "Cancel order",
    "order_canceled_notice": "Order canceled. You weren’t charged.",
    "shop_course_program": "What’s in the course",
    "order_receipt": "Receipt",
    "order_open_courses": "Go to my courses",
    "order_open_plan": "View plan",
    "order_open_usage": "View usage",
    "order_open_balance": "View balance",
    "order_again": "Buy again",
    "balance_title": "Balance",
    "balance_top_up": "Top up",
    "balance_history": "History",
    "balance_nothing": "Nothing has changed your balance yet.",
    "balance_date": "Date",
    "balance_what": "What for",
    "balance_amount": "Amount",
    "balance_after": "Balance",
    "balance_older": "Earlier",
    "balance_reason_payment": "Top-up",
    "balance_reason_purchase": "Purchase",
    "balance_reason_refund": "Refund",
    "balance_reason_generation": "Picture or video",
    "balance_reason_referral_commission": "Share of a friend’s purchase",
    "balance_reason_second_referral_commission": "Share of a purchase by your friend’s friend",
    "balance_reason_admin": "Adjusted by support",
    "balance_reason_other": "Other",
    "command_gifts": "Give a plan as a gift",
    "gift_give": "🎁 Give as a gift",
    "gift_checkout": "🎁 **This is a gift.** Once it’s paid, you’ll get a link. The first person to open it gets the plan.",
    "gift_question": "🎁 Once it’s paid, you’ll get a link. The first person to open it gets the plan. How would you like to pay?",
    "gifts": "🎁 **Your gifts**\n\nOpen a gift to get its link, or buy another one.",
    "gifts_empty": "🎁 **Give a plan**\n\nPay once and get a link. The first person to open it gets the plan.",
    "gifts_none": "There are no plans to give right now. Please check back later.",
    "gift_line": "{title} · {state}",
    "gift_buy": "🎁 Give: {title}",
    "gift_list": "🎁 My gifts",
    "gift_share": "📤 Send the gift",
    "gift_share_words": "A gift for you:",
    "gift_state_waiting": "not used yet",
    "gift_state_taken": "used",
    "gift_state_expired": "expired",
    "gift_state_revoked": "canceled",
    "gift_is_waiting": "🎁 **{title}**\n\nSend this link to the person you’re giving it to. It works once, until {until}. Don’t post it publicly: the first person to open it gets the plan.",
    "gift_is_taken": "🎁 **{title}**\n\nThe link was used on {date}.",
    "gift_is_expired": "🎁 **{title}**\n\nThe link expired on {until}. Questions: /paysupport",
    "gift_is_revoked": "🎁 **{title}**\n\nThe payment was refunded, so the link no longer works.",
    "gift_link_taken": "🎁 You’ve got a gift: **{title}**! The “{plan}” plan is active until {until}.",
    "gift_link_known": "🎁 **{title}**: you’ve already accepted this gift.",
    "gift_link_own": "🎁 **{title}** is a gift you bought. Send the link to someone else.",
    "gift_link_used": "Someone has already used this gift link.",
    "gift_link_expired": "This gift link has expired.",
    "gift_link_revoked": "This gift was canceled because the payment was refunded.",
    "gift_link_unknown": "This gift link doesn’t work. Check that you’ve opened the whole link.",
    "gift_taken_notice": "🎁 Your gift **{title}** has been accepted.",
    "gift_revoked_notice": "🎁 Your gift **{title}** was canceled: the payment for it was returned.",
    "gift_restored_notice": "🎁 Your gift **{title}** is active again.",
    "gift_open": "🎁 Get the link",
    "gifts_title": "Gifts",
    "gift_title": "{title} as a gift",
    "gifts_about": "Buy a plan for someone else. You’ll get a link, and the first person to open it gets the plan.",
    "gifts_none_yet": "You haven’t bought any gifts yet.",
    "gift_link": "Gift link",
    "gift_about_waiting": "Works once, until {until}",
    "gift_about_taken": "on {date}",
    "gift_about_expired": "on {until}",
    "gift_about_revoked": "The payment was refunded",
    "order_open_gifts": "Get the gift link",
}
