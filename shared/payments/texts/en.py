"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "refund_result_done": "✅ **Refunded {back}**\n\nPayment {payment}, {provider}, ID `{number}`.",
    "refund_result_refused": (
        "❌ **Refund of {back}: rejected**\n\nPayment {payment}, {provider}, ID `{number}`. Open the payment "
        "to see why."
    ),
    "refund_result_unknown": (
        "❓ **Refund of {back}: unconfirmed**\n\nPayment {payment}, {provider}, ID `{number}`. The provider "
        "never gave a clear answer, and it isn’t safe to retry automatically. Check its dashboard. If the "
        "money wasn’t refunded, issue the refund again."
    ),
    "refund_result_failed": (
        "❌ **Refund of {back}: failed**\n\nPayment {payment}, {provider}, ID `{number}`. We still have the "
        "money, and the purchase is active again. You can try again."
    ),
    "provider_telegram_stars": "Telegram Stars",
    "provider_stripe": "Card (Stripe)",
    "provider_yookassa": "Card or SBP (YooKassa)",
    "provider_cloudpayments": "Card (CloudPayments)",
    "provider_prodamus": "Card (Prodamus)",
    "provider_crypto_pay": "Crypto",
    "provider_balance": "Balance",
    "provider_fake": "Test payment",
    "paid_subscription": "🎉 Paid, thank you! **{title}** is active until {until}.",
    "paid_credits": "🎉 Paid, thank you! You got **{quantity|request|requests}**.",
    "paid_balance": "🎉 Paid, thank you! Added to your balance: **{quantity}**.",
    "paid_balance_continues": (
        "🎉 Paid, thank you! Added to your balance: **{quantity}**.\n\nFinish your purchase: **{wanted}** for "
        "{price}."
    ),
    "paid_gift": "🎁 Paid, thank you! Your gift **{title}** is ready. Get the link and send it.",
    "paid_course": "🎉 Paid, thank you! You bought **{title}**.",
    "renewed": "🔁 **{title}** has been renewed until {until}. Thanks for staying with us!",
    "refunded": "↩️ **{title}**: we’ve refunded {money} and canceled the purchase.",
    "refunded_part": (
        "↩️ **{title}**: we’ve refunded {money} and canceled the part of the purchase it paid for."
    ),
    "refunded_part_kept": "↩️ **{title}**: we’ve refunded {money}. Your purchase stays active.",
    "refunded_part_kept_to_balance": (
        "↩️ **{title}**: we’ve refunded {money} to your bot balance. Your purchase stays active."
    ),
    "refunded_to_balance": (
        "↩️ **{title}**: we’ve refunded {money} to your bot balance and canceled the purchase."
    ),
    "refunded_part_to_balance": (
        "↩️ **{title}**: we’ve refunded {money} to your bot balance and canceled the part of the purchase it "
        "paid for."
    ),
    "refunded_unknown": "↩️ We’ve refunded {money}. This payment never added anything to your account.",
    "refunded_unused": (
        "↩️ **{title}**: we’ve refunded {money}. This payment never added anything to your account."
    ),
    "refund_undone": "**{title}**: the {money} refund didn’t go through, so your purchase is active again.",
    "dispute_won": (
        "✅ **{title}**: the dispute over the {money} payment has been resolved, and your purchase is active "
        "again."
    ),
    "disputed": (
        "⚠️ **{title}**: your bank disputed the {money} payment, so the purchase is on hold. If this is a "
        "mistake, contact us: /paysupport"
    ),
    "dispute_lost": (
        "⚠️ **{title}**: the bank closed the dispute and returned {money} to you, so we’ve canceled the "
        "purchase. Questions? /paysupport"
    ),
    "dispute_lost_credits": (
        "⚠️ **{title}**: the bank closed the dispute and returned {money} to you, so we’ve taken back "
        "{quantity|request|requests}. Questions? /paysupport"
    ),
    "dispute_lost_balance": (
        "⚠️ **{title}**: the bank closed the dispute and returned {money} to you, so we’ve taken {quantity} "
        "off your bot balance. Questions? /paysupport"
    ),
    "dispute_lost_time": (
        "⚠️ **{title}**: the bank closed the dispute and returned {money} to you, so we’ve taken back the "
        "time it paid for. {plan} is now active until {until}. Questions? /paysupport"
    ),
    "dispute_lost_plan": (
        "⚠️ **{title}**: the bank settled the dispute and refunded you {money}, so we’ve ended your {plan} "
        "plan. Questions? /paysupport"
    ),
    "renewed_resumed": (
        "🔁 **{title}**: a new charge went through, so auto-renewal is back on. Paid until {until}. To turn "
        "it off: /subscription"
    ),
    "order_reminder": "You haven’t paid for **{title}** yet ({price}). Want to finish?",
    "renewal_replaced": (
        "🔁 **{title}** ({provider}): auto-renewal is off because your new subscription replaced this one."
    ),
    "renewal_active": "🔁 **{title}**: auto-renewal is back on. Paid until {until}.",
    "renewal_contact_refused": (
        "⚠️ **{title}**: we couldn’t renew it because the payment provider didn’t accept your email or "
        "phone number for receipts. Send a different one, and we’ll try again. You’ll keep your plan until "
        "{until}."
    ),
    "renewal_contact_button": "Change email or phone",
    "renewal_past_due": (
        "⚠️ **{title}**: we couldn’t charge you for the next period. We’ll try again, and you’ll keep your plan "
        "until {until}.\n\nCheck that your card hasn’t expired and there’s enough money in your account. "
        "Pay another way: /buy. Turn off auto-renewal: /subscription"
    ),
    "renewal_given_up": (
        "**{title}**: we couldn’t charge you, so auto-renewal is off. Your plan ran until {until}, and you "
        "won’t be charged again.\n\nCome back anytime: /buy"
    ),
    "renewal_canceled": "**{title}**: auto-renewal is off. You’ll keep access until {until}.",
    "renewal_ended": (
        "**{title}**: auto-renewal has ended. You’ll keep access until {until}. To continue, open /buy"
    ),
    "renewal_alarm_missed": (
        "🚨 **A renewal wasn’t charged in time:** {money}\n\n{provider}, subscription `{number}`, paid until "
        "{until}. We haven’t seen a charge or a decline since.\n\nCheck the subscription in the provider’s "
        "dashboard and the jobs in Cloud Scheduler."
    ),
    "ends_days": "⏳ Your subscription is active until {until}. Renew early and you won’t lose a day: /buy",
    "ends_day": "⏳ Your subscription ends on {until}. Renew it: /buy",
    "ends_trial_days": "⏳ Your free trial is active until {until}. Like it? Choose a plan: /buy",
    "ends_trial_day": (
        "⏳ Your free trial ends on {until}. You won’t be charged. To keep going, choose a plan: /buy"
    ),
    "ends_trial_over": (
        "Your free trial ended on {until}. You weren’t charged, and you’re on the free plan now. Choose a "
        "plan: /buy"
    ),
    "ends_over": (
        "Your subscription ended on {until}, and you’re on the free plan now. Come back anytime: /buy"
    ),
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
    "payment_alarm_upgrade": (
        "🚨 **Upgrade withdrawn:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. It upgraded a course "
        "purchase that was refunded, so the learner lost both.\n\nRefund this payment too."
    ),
    "payment_alarm_upgraded_refund": (
        "🚨 **Partial refund of an upgraded course:** {money}\n\nPayment {payment}, {provider}, ID `{number}`. It had "
        "lowered the price of an upgrade, and the learner keeps the higher tier.\n\nRefund the upgrade too, or leave "
        "it as a discount."
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
    "statement_alarm": (
        "🚨 **Payments don’t match:** {provider}, {day}\n\nOnly in the provider’s records: {only_theirs}\nOnly "
        "in our records: {only_ours}\nDifferent amounts: {differs}\n\nIDs: `{numbers}`\n\nLook them up in "
        "the provider’s dashboard. All totals: /statement"
    ),
}
