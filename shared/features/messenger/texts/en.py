"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_support": "Talk to our team",
    "support_human": "👤 Talk to a human",
    "support_robot": "🤖 Back to the bot",
    "support": (
        "🤝 **Support**\n\nI can answer most questions right here. If you’d rather talk to someone from our team, tap "
        "the button: they’ll read this chat and answer you here."
    ),
    "support_waiting": (
        "🤝 **Our team is on it.** Write your question here, and we’ll answer in this chat. I’ll stay silent "
        "until then; commands still work."
    ),
    "support_contact": "🤝 **Support**\n\nWrite to {contact}.",
    "support_none": "🤝 This bot has no support chat.",
    "messenger_taken_over": "👋 Someone from our team is here and will answer you now.",
    "messenger_rating": "Did we help? Rate this conversation.",
    "messenger_rated": "🙏 Thanks for the feedback!",
    "messenger_rated_late": "This question has expired.",
}
