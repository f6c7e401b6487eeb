"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "cancel_button": "✖️ Cancel",
    "private_only": "🔒 I only show this in a private chat.",
    "private_open": "Open private chat",
    "anonymous_group": (
        "🎭 I can’t see who wrote this, so I can’t answer. Turn off “Remain Anonymous” in your admin rights, then "
        "send it again."
    ),
    "anonymous_channel": (
        "🎭 I don’t answer messages sent as a channel. Pick your own name next to the message field, then send it again."
    ),
    "banned": (
        "🚫 **You no longer have access to this bot.**\n\nAn admin blocked you, so I can’t answer your "
        "messages.\n\nYou can still download or delete your data: /privacy"
    ),
    "unbanned": "✅ You have access to the bot again.",
    "banned_reason": (
        "🚫 **You no longer have access to this bot.**\n\nAn admin blocked you, so I can’t answer your "
        "messages. Reason: {reason}\n\nYou can still download or delete your data: /privacy"
    ),
    "offline_unavailable": (
        "⚠️ This isn’t available right now because I can’t load your data. Try again in a few minutes."
    ),
    "disabled_unavailable": "ℹ️ This isn’t available here: the bot runs without a database.",
    "failed": (
        "😔 Something went wrong on our side, and I couldn’t answer this message. We’ve been notified. You "
        "can send another one."
    ),
    "owner_alert": (
        "🚨 **We couldn’t process an update** after {failures|attempt|attempts}.\n\nBot: {bot}\nUpdate: "
        "`{update_id}`\nError: `{error}`"
    ),
    "bot_is_back": "🤖 I’m back: you’re talking to the bot again.",
    "human_answers": "Our team is answering you now.",
    "inline_ask": "Ask something else",
    "inline_open": "Open the private chat",
    "inline_banned": "🚫 I can’t answer here.",
    "inline_start_first": "👋 Before I can answer here, open the private chat and tap Start. Then ask again.",
    "course_given": "🎓 You now have access to **{title}**.",
    "course_idle": "📚 You haven’t opened **{title}** for a while. Pick up where you stopped?",
    "course_continue": "▶️ Continue",
    "course_reminders_off": "🔕 No more reminders",
    "lesson_released": "🔓 A new lesson is open in **{title}**: **{lesson}**.",
    "lessons_released": "🔓 New lessons are open in **{title}**: {count}. Start with **{lesson}**.",
    "course_ends": "⏳ Your access to **{title}** ends on {until}.",
    "lesson_answered": "💬 Answer to your question about **{lesson}**\n\n__{question}__\n\n{answer}",
    "lesson_open": "📖 Open lesson",
    "homework_accepted": "✅ Your homework for **{lesson}** is accepted.",
    "homework_returned": "📝 Your homework for **{lesson}** needs another go: see the reviewer’s comment in the lesson.",
    "gate_maintenance": "🛠 **We’re updating the bot.** It’ll be back soon, and everything you have is safe. You can still pay for open orders and use /subscription, /mydata and /privacy.",
    "gate_maintenance_short": "We’re updating the bot. Try again a bit later.",
    "gate_invite": "🎟 **New users join by invitation.** Ask someone who already uses the bot for their invite link and open it here.",
    "gate_invite_short": "New users join by invitation.",
    "gate_closed": "🚪 **We aren’t taking new users right now.** Try again later.",
    "gate_closed_short": "We aren’t taking new users right now.",
    "required_channel_alarm": "⚠️ I can’t check who joined {channel}, so for now the bot “{bot}” answers free users without it. Make the bot an administrator of the channel. Telegram’s answer: {reason}",
}
