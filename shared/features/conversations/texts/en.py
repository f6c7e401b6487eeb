"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_new": "Start a new conversation",
    "command_chats": "Switch between conversations",
    "command_model": "Choose the AI model",
    "command_prompt": "Tell me how to answer",
    "model_choose": (
        "🧠 **Which model should answer?**\n\n{models}\n\nThe number is the price of an answer compared with the "
        "standard model. Your choice applies to this conversation.\n\nCurrent model: **{current}**"
    ),
    "model_standard": "Standard",
    "model_set": "Model: {model}",
    "model_gone": "This model is no longer available.",
    "model_not_included": "Your plan doesn’t include this model.",
    "model_none": "🧠 There’s only the standard model here right now.",
    "model_own_key": (
        "🧠 You’re using your own key, so its provider’s model answers. The choice below applies once you use "
        "your plan again: /keys"
    ),
    "model_dropped": (
        "🧠 The model you chose isn’t available to you anymore, so the standard one answers. Choose another: /model"
    ),
    "prompt_empty": (
        "📝 **How should I answer in this conversation?**\n\nAdd instructions, and I’ll follow them in every "
        "answer. For example: “Keep it short, no emoji. I’m a nurse, so medical terms are fine.”"
    ),
    "prompt_current": "📝 **Instructions for this conversation**",
    "prompt_add": "Add instructions",
    "prompt_change": "Change",
    "prompt_delete": "Delete",
    "prompt_show": "Show instructions",
    "prompt_ask": "📝 Send your instructions in one message, up to {limit|character|characters}.",
    "prompt_set": "📝 Got it. I’ll follow this in every answer of this conversation.",
    "prompt_deleted": "Instructions deleted.",
    "prompt_too_long": "Your instructions have {length|character|characters}, and the limit is {limit}. Send shorter ones.",
    "prompt_not_included": "Your plan doesn’t include instructions.",
    "prompt_admins_only": "In a group, only its admins can set instructions.",
    "chats_main": "Main conversation",
    "chats_unnamed": "New conversation",
    "chats_this_topic": "This topic",
    "chats_list_text": (
        "💬 **Your conversations**\n\nCurrent: **{name}**\nBesides the main one: {used} of {limit}\n\nTap one to switch to it."
    ),
    "chats_list": "My conversations",
    "chats_new": "➕ New conversation",
    "chats_newer": "‹ Newer",
    "chats_older": "Older ›",
    "chats_back": "‹ Conversations",
    "chats_card": "💬 **{name}**\n\nModel: {model}\nInstructions: {instructions}\n\nSend a message to go on.",
    "chats_instructions_set": "set",
    "chats_instructions_none": "none",
    "chats_model": "Model",
    "chats_prompt": "Instructions",
    "chats_rename": "Rename",
    "chats_delete": "Delete",
    "chats_cancel": "Cancel",
    "chats_opened": "Conversation: {name}",
    "chats_gone": "This conversation has been deleted.",
    "chats_deleted": "Conversation deleted.",
    "chats_delete_sure": "🗑 Delete the conversation **{name}** with all its messages? This can’t be undone.",
    "chats_ask_name": "✏️ Send the new name of the conversation.",
    "chats_bad_name": "A name has 1 to {limit} characters. Send another one.",
    "chats_begun": "💬 New conversation. I won’t look at earlier ones here. What would you like to ask?",
    "chats_begun_named": "💬 New conversation: **{name}**. What would you like to ask?",
    "chats_limit": (
        "💬 You’ve reached your plan’s limit of {limit|conversation|conversations}. Delete one to start another."
    ),
    "chats_topic": "💬 Here, each topic is its own conversation. Create a topic to start a new one.",
    "command_memory": "See what I remember about you",
    "memory_saved": "💾 I’ll remember this in all conversations: {fact}",
    "memory_full": "💾 My memory is full: your plan’s limit is {limit|fact|facts}. Delete one to add another.",
    "memory_show": "Memory",
    "memory_forget": "Forget",
    "memory_forgotten": "Forgotten.",
    "memory_gone": "This has been forgotten already.",
    "memory_empty": (
        "💾 **I don’t remember anything about you yet.**\n\nWrite “Remember that I’m vegan”, and I’ll take it into "
        "account in every conversation in this chat. I only keep what you ask me to or agree to."
    ),
    "memory_is_off": "💾 **Memory is off.**\n\nTurn it on, and I’ll keep facts that you ask me to remember.",
    "memory_list": (
        "💾 **What I remember about you**\n\n{facts}\n\n{used} of {limit}. Tap a number to change or forget a fact."
    ),
    "memory_list_off": (
        "💾 **Memory is off**\n\nI keep these facts but don’t use them:\n\n{facts}\n\n{used} of {limit}. Tap a number to "
        "change or forget a fact."
    ),
    "memory_turn_on": "Turn on",
    "memory_turn_off": "Turn off",
    "memory_on": "Memory is on.",
    "memory_off": "Memory is off.",
    "memory_fact": "💾 {fact}",
    "memory_proposal": "💾 Should I remember this in all conversations?\n\n{fact}",
    "memory_proposals": "Suggestions: {count}",
    "memory_keep": "Remember",
    "memory_decline": "Don’t remember",
    "memory_declined": "I won’t remember this and won’t suggest it again.",
    "memory_expired": "This suggestion is no longer open. To have it remembered, write “Remember that …”.",
    "memory_change": "Change",
    "memory_back": "‹ Memory",
    "memory_ask": "💾 Send the new text, up to {limit|character|characters}.",
    "memory_too_long": "This has {length|character|characters}, and the limit is {limit}. Send a shorter text.",
    "memory_clear": "Forget everything",
    "memory_clear_sure": "💾 Forget everything I remember about you? This can’t be undone.",
    "chats_files": "Files",
    "chatfile_add": "Add a file",
    "chatfile_ask": "📄 Send one document: PDF, DOCX, text, CSV or code. I’ll read it with each question of this conversation.",
    "chatfile_added": "📄 Added: {name}. I’ll take it into account in this conversation.",
    "chatfile_deleted": "File deleted.",
    "chatfile_list": (
        "📄 **Files of this conversation**\n\n{files}\n\n{used} of {limit|character|characters} used. Tap a file to delete it."
    ),
    "chatfile_none": (
        "📄 **Files of this conversation**\n\nAdd documents, and I’ll read them with each question: up to "
        "{limit|character|characters} in all."
    ),
    "chatfile_limit": "📄 You’ve reached your plan’s limit of {limit|file|files} in a conversation. Delete one to add another.",
    "chatfile_too_long": (
        "📄 This file has {length|character|characters}, and {left} more fit into this conversation. Send a shorter one."
    ),
    "command_export": "Save this conversation as a file",
    "chatexport_ask": "📤 **Save this conversation**\n\nChoose the format of the file.",
    "chatexport_markdown": "📤 Markdown",
    "chatexport_html": "📤 HTML",
    "chatexport_empty": "There are no messages in this conversation yet.",
    "chatexport_cut": "The conversation is long, so this file holds its newest messages.",
    "chatexport_you": "You",
    "chatexport_ai": "Assistant",
    "chatshare_share": "🔗 Share as a page",
    "chatshare_count": "🔗 Shared pages: {count}",
    "chatshare_list": "Shared pages",
    "chatshare_open": "Open page",
    "chatshare_stop": "Stop sharing",
    "chatshare_done": (
        "🔗 **This conversation is now a page**\n\n{link}\n\nAnyone with the link can read the "
        "{messages|message|messages} so far. New messages, your name, files, memory and instructions "
        "aren’t included, but check whether answers mention them.\n\nThe page closes when you stop sharing, change one of these messages, or clear or delete the "
        "conversation, and no later than {until}."
    ),
    "chatshare_done_cut": (
        "🔗 **This conversation is now a page**\n\n{link}\n\nThe conversation is too long for one page, so anyone with "
        "the link can read its last {messages|message|messages}. New messages, your name, files, memory and "
        "instructions aren’t included, but check whether answers mention them.\n\nThe page closes when you stop sharing, change one of these messages, or clear or "
        "delete the conversation, and no later than {until}."
    ),
    "chatshare_page": (
        "🔗 **{name}**\n\n{link}\n\n{messages|message|messages}, shared on {date}. The page is open until {until} at "
        "the latest."
    ),
    "chatshare_pages": "🔗 **Shared pages**\n\n{used} of {limit}. Tap a page to see its link or stop sharing it.",
    "chatshare_none": (
        "🔗 **You aren’t sharing any pages**\n\nOpen a conversation and tap “Share as a page”: anyone you send the link to "
        "can read it."
    ),
    "chatshare_limit": "🔗 You’re already sharing {limit|page|pages}. Stop sharing one to share another.",
    "chatshare_stopped": "Sharing stopped. The link no longer works.",
    "chatshare_gone": "This page is already closed.",
    "chatshare_off": "Pages aren’t available right now.",
    "chatpage_title": "Conversation with AI",
    "chatpage_about": "Shared on {date}. Only messages up to that moment are shown.",
    "chatpage_cut": "The conversation is long, so this page has its last messages.",
    "chatpage_user": "User",
    "chatpage_ai": "AI",
    "chatpage_made_with_ai": "Made with AI. Answers may contain mistakes.",
    "chatpage_bot": "Ask {bot} on Telegram",
    "chatpage_withdrawn": "Its owner stopped sharing this conversation.",
    "chatshare_used": "Shared pages: {used} of {limit}",
    "chatshare_about": "{messages|message|messages}, shared on {date}, open until {until}",
    "chatshare_stop_one": "Stop sharing: {name}",
    "chatshare_copy_one": "Copy link: {name}",
    "chatshare_empty": "You aren’t sharing any pages.",
    "chatshare_choose": "Conversation",
    "chatshare_hint": "Anyone with the link can read it. Later messages aren’t added.",
    "chatshare_new": "Share as a page",
    "chatshare_page_limit": "You’re already sharing {limit|page|pages}. Stop sharing one to share another.",
    "chatshare_shared_notice": "The page is open. Copy its link below.",
    "chatshare_stopped_notice": "Sharing stopped. The link no longer works.",
    "chatshare_gone_notice": "This page is already closed.",
    "memory_about": "Facts that the bot takes into account in every conversation. It only keeps what you ask it to or agree to.",
    "memory_facts": "Facts",
    "memory_used": "{used} of {limit}",
    "memory_text": "Text",
    "memory_new": "New fact",
    "memory_none": "Nothing yet.",
    "memory_page_full": "Your plan’s limit is {limit|fact|facts}. Forget one to add another.",
    "memory_page_secret": "This looks like a password or an API key, so it wasn’t saved.",
    "memory_saved_notice": "Saved.",
    "memory_forgotten_notice": "Forgotten.",
    "memory_gone_notice": "This is no longer there.",
    "memory_declined_notice": "The bot won’t remember this and won’t suggest it again.",
    "memory_on_notice": "Memory is on.",
    "memory_off_notice": "Memory is off.",
    "memory_clear_about": "Forget everything this bot remembers about you? This can’t be undone.",
}
