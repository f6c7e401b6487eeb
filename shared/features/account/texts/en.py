"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_profile": "Your plan and today’s requests",
    "command_profile_no_chat": "Your plan and balance",
    "command_profile_free": "Your profile",
    "command_usage": "Requests used and left",
    "command_whoami": "Your Telegram ID",
    "menu_usage": "📊 Usage",
    "profile": (
        "👤 **Your profile**\n\nID: `{id}`\nJoined: {since}\nPlan: **{plan}**\n{paid}Today: {used} of "
        "{limit|request|requests}\n{month}Resets {resets}\n{bonus}Balance: {balance}"
    ),
    "profile_unlimited": (
        "👤 **Your profile**\n\nID: `{id}`\nJoined: {since}\nPlan: **{plan}**\n{paid}Today: "
        "{used|request|requests}, no limit\n{month}{bonus}Balance: {balance}"
    ),
    "profile_no_chat": (
        "👤 **Your profile**\n\nID: `{id}`\nJoined: {since}\nPlan: **{plan}**\n{paid}{bonus}Balance: {balance}"
    ),
    "profile_free": "👤 **Your profile**\n\nID: `{id}`\nJoined: {since}",
    "profile_offline": (
        "👤 **Your profile**\n\nID: `{id}`\n\n⚠️ I can’t load your plan, requests and balance right now. "
        "Nothing is lost: check again in a few minutes."
    ),
    "profile_without_database": (
        "👤 **Your profile**\n\nID: `{id}`\n\nℹ️ This bot runs without a database, so there are no plans, "
        "balances or history."
    ),
    "profile_month": "This month: {used} of {limit|request|requests}",
    "profile_bonus": "Bonus requests: {credits}",
    "profile_plan_ends": "Plan active until {date}",
    "profile_renewal_active": "Auto-renewal: on",
    "profile_renewal_past_due": "Auto-renewal: on, but the last charge failed. Details: /subscription",
    "profile_renewal_off": "Auto-renewal: off",
    "usage_head": "📊 **Your requests**\n\nPlan: **{plan}**",
    "usage_today": "Today: **{used}** of {limit} · resets {resets}",
    "usage_today_unlimited": "Today: **{used}**, no limit",
    "usage_month": "This month: **{used}** of {limit} · resets on {date}",
    "usage_month_unlimited": "This month: **{used}**",
    "usage_bonus": "🎁 Bonus requests: **{credits}** (they never expire)",
    "usage_referrals": "👥 Invites: {total} completed, {pending} pending · {earned|request|requests} earned",
    "usage_calls": "🤖 AI this month: {calls|call|calls}, {seconds} s on average, {tokens} tokens",
    "usage_user_api_key": "🔑 With your own key: {calls|call|calls}{cost}",
    "picture_title": "Requests",
    "picture_today": "Today",
    "picture_left": "left of\u00a0{limit}",
    "picture_left_bonus": "left of\u00a0{limit}, then bonus",
    "picture_out_month": "resets on {date}",
    "picture_unlimited": "no\u00a0limit",
    "picture_month": "This month",
    "picture_month_of": "of {limit}",
    "picture_average": "{average} a day on average",
    "picture_bonus": "+{credits|bonus request|bonus requests}",
    "picture_days": "30 days",
    "picture_most": "most in a day: {most}",
    "picture_limit": "{limit} a day",
    "picture_paid_bonus": "bonus",
    "picture_user_api_key": "own key",
    "picture_nothing": "Your daily usage will appear here",
    "whoami": "🪪 Your Telegram ID: `{id}`\n\nTap the number to copy it.",
}
