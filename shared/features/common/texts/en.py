"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "menu_profile": "👤 Profile",
    "menu_plan": "Plan: **{plan}**",
    "menu_left": "Requests left today: **{left}** of {limit}",
    "menu_left_month": "Requests left this month: **{left}** of {limit}",
    "menu_unlimited": "Requests today: **{used}**, no limit",
    "menu_bonus": "Bonus requests: **{credits}**",
    "menu_balance": "Balance: **{balance}**",
    "command_resume": "Continue where you left off",
    "menu_quiz": "🧠 Quiz",
    "menu_daily": "🔥 Today’s challenge",
    "menu_help": "❓ Help",
    "menu_back": "‹ Menu",
    "menu": "Send me a message or choose below.",
    "plan_FREE": "Free",
    "plan_PREMIUM": "Premium",
    "resets_at": "at {time}, in {hours|hour|hours}",
    "resets_soon": "at {time}, in {minutes|minute|minutes}",
    "resets_month": "on {date} at {time}",
    "upgrade_options": "Need more requests?",
    "upgrade_option_trial": "✨ Try a plan for free: /trial",
    "upgrade_option_keys": "🔑 Use your own AI key: /keys",
    "upgrade_option_referral": "🎁 Invite a friend: /referral",
    "menu_buy": "⭐ Buy",
}
