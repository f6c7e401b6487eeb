"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_start": "Start the bot",
    "command_help": "Everything I can do",
    "command_menu": "Menu: your plan and requests",
    "command_menu_no_chat": "Menu and your plan",
    "command_menu_free": "Menu",
    "welcome": (
        "👋 **Hi, {name}!**\n\nI’m an AI assistant. Send me anything: a question, a draft to polish, code "
        "that won’t run. I remember our conversation, so you can just keep going.\n\nYou get "
        "{limit|request|requests} a day."
    ),
    "welcome_unlimited": (
        "👋 **Hi, {name}!**\n\nI’m an AI assistant. Send me anything: a question, a draft to polish, code "
        "that won’t run. I remember our conversation, so you can just keep going."
    ),
    "welcome_group": (
        "👋 **Hi, {name}!**\n\nTo ask me something here, mention me or reply to one of my messages. For your "
        "profile, purchases and settings, open our private chat."
    ),
    "welcome_returned": "👋 **Welcome back, {name}!**",
    "welcome_back": "👋 **Welcome back, {name}!**\n\nSend me a message or choose below.",
    "welcome_offline": (
        "👋 **Hi, {name}!**\n\nI’m an AI assistant. Send me anything.\n\n⚠️ I can’t load your history and "
        "settings right now, so I’ll answer without them."
    ),
    "welcome_without_database": (
        "👋 **Hi, {name}!**\n\nI’m an AI assistant. Send me anything.\n\nℹ️ I run without a database, so I "
        "don’t remember earlier messages or count requests."
    ),
    "help": "**What I can do**\n\nSend me a message, and I’ll answer with AI.{group}",
    "help_group": " In a group, mention me or reply to my message.",
    "help_chat": "**Chat**",
    "help_chat_no_chat": "**Main commands**",
    "help_plan": "**Plan and requests**",
    "help_plan_no_chat": "**Plan and access**",
    "help_plan_free": "**Profile**",
    "help_progress": "**Progress**",
    "help_data": "**Settings and data**",
    "help_more": "**Help**",
    "help_admin": "🛡 **For admins**",
    "help_admin_users": "**Users**",
    "help_admin_payments": "**Sales**",
    "help_admin_more": "**Bot**",
    "button_old": "This button is from an old message. Open the current menu: /start",
    "cannot_photo": "🖼 I can’t see pictures yet. Describe what’s in it, and I’ll help.",
    "cannot_voice": "🎙 I can’t listen to voice messages yet. Please type it instead.",
    "cannot_video": "🎬 I can’t watch videos yet. Tell me what it’s about.",
    "cannot_document": "📄 I can’t read files yet. Paste the text into a message.",
    "cannot_forward": (
        "↪️ I’m not sure what to do with a forwarded message. Copy its text and tell me what you need."
    ),
    "cannot_sticker": "😊 Nice sticker! I’m better with words, though. Send me a message.",
    "cannot_other": "I can only read text for now. Send me a message.",
    "command_cancel": "Cancel what you started",
    "cancel_done": "Canceled.",
    "cancel_nothing": "There’s nothing to cancel.",
    "unknown_command": "I don’t know this command. See what I can do: /help",
    "bot_about": "An AI assistant that remembers your conversation.",
}
