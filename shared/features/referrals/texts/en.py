"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_referral": "Invite friends and earn requests",
    "command_referral_no_chat": "Invite friends and earn bonuses",
    "referral": (
        "🎁 **Invite friends**\n\nYour link:\n{link}\n\nWhen a friend asks their first question, you get "
        "{referrer_credits|bonus request|bonus requests} and they get {referred_credits}.\n\nJoined with "
        "your link: {invited}\nAsked a question: {completed}\nYou’ve earned: {credits|request|requests}"
    ),
    "referral_share": "📤 Share link",
    "referral_qr": "🔳 QR code",
    "referral_invitation": "An AI assistant right in Telegram. Try it:",
    "referral_notice": (
        "🎉 {name} joined with your link and asked their first question. You’ve earned {credits|bonus "
        "request|bonus requests}!"
    ),
    "referrals_title": "Invite friends",
    "referrals_about": "When a friend asks their first question, you get {referrer_credits|bonus request|bonus requests} and they get {referred_credits}.",
    "referrals_link": "Your link",
    "referrals_share": "Share in Telegram",
    "referrals_copy": "Copy link",
    "referrals_copied": "Copied",
    "referrals_qr": "QR code of your link",
    "referrals_invited": "Joined with your link",
    "referrals_completed": "Asked a question",
    "referrals_credits": "Requests earned",
    "referral_second_notice": "🎉 A friend of your friend asked their first question. You’ve earned {credits|bonus request|bonus requests}!",
    "referral_second": "When someone your friend invited asks theirs, you get {second_credits|bonus request|bonus requests} more.",
}
