"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_mode": "Choose how I answer",
    "command_clear": "Clear this conversation",
    "menu_mode": "Mode: {mode}",
    "mode_choose": "🎛 **How should I answer?**\n\n{modes}\n\nCurrent mode: **{current}**",
    "mode_set": "Mode: {mode}",
    "mode_chat": "💬 Assistant",
    "mode_chat_about": "answers questions and helps with anything",
    "mode_translate": "🔤 Translator",
    "mode_translate_about": "translates anything you send",
    "mode_code": "🧑‍💻 Programmer",
    "mode_code_about": "writes and explains code",
    "mode_web": "🌐 Search the web",
    "web_price": "{count|request|requests} per question",
    "web_sources": "Sources",
    "web_gone": "🌐 Web search isn’t available right now. Choose another mode: /mode",
    "web_locked": "🔒 Your plan doesn’t include web search. Choose another mode: /mode",
    "web_own_key": "🌐 Your API key’s provider can’t search the web. Choose another mode (/mode) or key (/keys).",
    "web_too_few": (
        "🌐 A web search takes {count|request|requests}, and you have fewer left. Choose another mode: /mode"
    ),
    "mode_locked": "🔒 {mode}",
    "mode_not_included": "Your plan doesn’t include this mode.",
    "mode_gone": "This mode is no longer available.",
    "clear_done": "🧹 Conversation cleared. What would you like to talk about?",
    "cancel_mode": "Canceled. Send me a new question.",
    "edited_command": "✏️ Commands don’t run when you edit a message. Send the command as a new message.",
    "too_long": (
        "Your message is too long: {length|character|characters}, and the limit is {limit}. Send it in parts."
    ),
    "secret_seen": (
        "🔑 This looks like a password or an API key, so I didn’t save it or send it anywhere. Delete the "
        "message, and if others can see this chat, change the password or key."
    ),
    "limit_reached": (
        "⏳ **You’ve reached today’s limit of {limit|request|requests}.**\n\nIt resets at {time}, in "
        "{hours|hour|hours}. The menu and settings still work.{ways}"
    ),
    "limit_reached_month": (
        "⏳ **You’ve reached this month’s limit of {limit|request|requests}.**\n\nIt resets on {date} at "
        "{time}. The menu and settings still work.{ways}"
    ),
    "ai_failed": "😔 The AI couldn’t answer. Please try again.{counted}",
    "ai_unavailable": (
        "😔 The AI isn’t available right now. We’re working on it. Please try again later.{counted}"
    ),
    "ai_too_long": "📏 This conversation is too long for the AI. Start a new conversation or send a shorter message.{counted}",
    "ai_timeout": "⌛ The AI took too long. Try again or ask for something shorter.{counted}",
    "ai_refused": "🙅 The AI won’t answer this. Try rephrasing it.{counted}",
    "ai_overloaded": "🚦 The AI is overloaded right now. Try again in a minute.{counted}",
    "request_not_counted": "This request didn’t count toward your limit.",
    "request_counted": "This request counted because the AI had already started working on it.",
    "request_counted_failures": "This request counted because too many of your requests have failed today.",
    "in_progress": (
        "⏳ I’m still working on your earlier questions. Wait for an answer, then send this one again. It "
        "didn’t count."
    ),
    "limit_user_cost": (
        "⏳ **You’ve reached today’s limit for AI answers.**\n\nIt resets at {time}, in {hours|hour|hours}. "
        "The menu and settings still work."
    ),
    "limit_bot_cost": (
        "⏳ **This bot has reached today’s limit for AI answers.**\n\nIt resets at {time}, in "
        "{hours|hour|hours}. The menu and settings still work."
    ),
    "limit_user_month": (
        "⏳ **You’ve reached this month’s limit for AI answers.**\n\nIt resets on {date} at {time}. The menu and "
        "settings still work."
    ),
    "limit_bot_month": (
        "⏳ **This bot has reached this month’s limit for AI answers.**\n\nIt resets on {date} at {time}. The "
        "menu and settings still work."
    ),
    "ai_cut": "…\n\n⌛ I ran out of time here.",
    "ai_length": "…\n\n✂️ I hit the length limit here.",
    "ai_broken": "…\n\n⚠️ I lost the connection to the AI here.",
    "ai_stopped": "…\n\n⏹ Stopped.",
    "ai_stopped_early": "⏹ **Stopped before the first word.**{counted}",
    "ai_go_on": " Send “go on” and I’ll continue.",
    "answer_more": "▶️ Continue",
    "answer_again": "🔄 Regenerate",
    "answer_in_progress": "I’m already working on a new answer.",
    "answer_old": "Only the latest answer can be continued or regenerated.",
    "answer_elsewhere": "This answer belongs to another conversation. Open it with /chats, then tap again.",
    "edit_too_old": "✏️ I only answer edits of your latest question. To ask this one again, send it as a new message.",
    "offline_limit": (
        "⚠️ I can’t load your history and settings, so I can’t answer more questions right now. Try again in "
        "a minute."
    ),
    "ai_no_vision": "🖼 The AI I use now can’t see pictures. Describe what’s in it, and I’ll help.{counted}",
    "picture_question": "What’s in this picture?",
    "pictures_question": "What’s in these pictures?",
    "picture_format": "🖼 I can’t open this format. Send JPEG, PNG, WebP or GIF, or send the picture as a photo instead of a file.",
    "picture_size": "🖼 This picture has too many pixels. Send it as a photo instead of a file.",
    "picture_broken": "🖼 I can’t open this picture. Send another one.",
    "ai_picture_refused": "🖼 The AI can’t open this picture. Send another one.{counted}",
    "document_question": "Summarize this document.",
    "documents_question": "Summarize these documents.",
    "document_cut_one": "📄 {name} is long, so I read only its beginning.",
    "document_left_out": "📄 {name}: I couldn’t read it, so I left it out.",
    "document_over_limit": "📄 {name}: not read, the documents are longer than I can take at once.",
    "document_not_included": "📄 Your plan doesn’t include documents. Paste the text into a message.",
    "document_format": "📄 I can’t read this kind of file. I can read PDF, DOCX, text, CSV and code.",
    "document_old": "📄 I can’t read the old Word format. Save the file as DOCX or PDF and send it again.",
    "document_password": "📄 This file is protected by a password. Remove the password and send it again.",
    "document_empty": "📄 There’s no text in this file. If it’s a scan, send its pages as photos.",
    "document_broken": "📄 I can’t open this file: it seems to be damaged. Save it again and send the new file.",
    "document_slow": "📄 This file is too complex to read. Send a part of it, or paste the text into a message.",
    "document_cut_pages": "📄 I read the first {read} of {pages|page|pages}.",
    "document_cut": "📄 The file is long, so I read its first {length|character|characters}.",
    "album_waiting": "🖼 Got the beginning of your album. Send me your question, or I’ll answer when the rest has arrived.",
    "album_ask_now": "Answer now",
    "album_answered": "I’ve already answered this album.",
    "album_late": "🖼 Part of your album arrived after I answered. Should I look at it too?",
    "album_ask_late": "Look at it",
    "command_voice": "Turn voice answers on or off",
    "speech_on": "🔊 I’ll answer with voice messages in this chat. Turn them off: /voice",
    "speech_off": "🔇 I’ll answer with text again. Turn voice on: /voice",
    "speech_unavailable": "🔇 I can’t answer with voice messages. I’ll keep writing.",
    "channel_required": "📣 On the free plan I answer members of **{title}**. Join it, tap “I’ve joined” and send your question again.",
    "channel_open": "📣 Open {title}",
    "channel_joined": "✅ I’ve joined",
    "channel_not_yet": "I can’t see you in {title} yet. Join it and tap again.",
    "channel_thanks": "✅ Thanks for joining! Send your question again.",
}
