"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_privacy": "What we keep about you",
    "command_mydata": "Download your data",
    "command_deleteme": "Delete your data",
    "privacy_without_database": (
        "🔐 **What we keep about you**\n\nNothing. This bot runs without a database, so your messages and "
        "settings aren’t stored.\n\nYour questions go to the AI provider without your name or ID."
    ),
    "privacy": (
        "🔐 **What we keep about you**\n\n"
        "• Your name, username, language and ID: Telegram shares them with every bot.\n"
        "• Your conversations with our bots, so the AI remembers the context: {messages_days|day|days}.\n"
        "• What you and our team wrote to each other, and what the AI may note from it for the team: your name and background, what you need, whether you’re ready to buy: {conversations_days|day|days}.\n"
        "• Your quizzes and your answers, in private and in groups: {quizzes_days|day|days}. The totals stay.\n"
        "• Conversations that you had reviewed: {reviews_days|day|days}.\n"
        "• Your settings, request counts, invites, promo codes, balance and balance history.\n"
        "• Your orders and payments: what you bought, when and for how much, your email or phone number for "
        "receipts, and what the payment provider sent us. We never see your full card number.\n"
        "• A log of AI calls (time, model and duration, but no message text): "
        "{usage_months|month|months}.\n"
        "• Pictures and videos you asked for, with your descriptions: {generations_days|day|days}.\n"
        "• Files in our storage, for example pictures the AI made for you: {media_days|day|days}.\n"
        "• Your AI keys, if you added any. They’re encrypted.\n"
        "• A log of processed messages: {updates_hours|hour|hours}. If we fail to process a message, we "
        "keep it for up to {dead_letters_days|day|days} to find the bug.\n\n"
        "Your questions go to the AI provider without your name or ID.\n\n"
        "**What you can do**\n\n"
        "/mydata — download everything we keep\n"
        "/clear — clear this conversation\n"
        "/deleteme — delete everything"
    ),
    "privacy_backups": (
        "Deleted data remains in our encrypted backups for up to {backups_days|day|days}, then it’s gone for good."
    ),
    "privacy_policy": "📜 Read more",
    "mydata_caption": "📄 Everything we keep about you. You can open the file in any text editor.",
    "mydata_more": "This is part {part}. Tap the button to get the next one.",
    "mydata_next": "Part {part} ›",
    "mydata_wait": "⏳ Your data has already been sent. You can get a new file in {minutes|minute|minutes}.",
    "mydata_title": "About this file",
    "mydata_about": (
        "Everything our bots keep about you. Times are in ISO 8601. Field names match our database."
    ),
    "mydata_explanation": "Explanation",
    "mydata_stored": "Data",
    "section_user": "Profile",
    "section_user_about": (
        "Your Telegram name, language, plan, balance, bonus requests and invite code, when you joined and "
        "when you last messaged us."
    ),
    "section_sessions": "Chats with the bots",
    "section_sessions_about": "What each bot remembers about your chat: mode, settings and counters.",
    "section_conversations": "Settings of conversations",
    "section_conversations_about": "Names, models, instructions and summaries of your conversations with the AI.",
    "section_conversation_files": "Files of conversations",
    "section_conversation_files_about": "Text of the documents that you added to conversations with the AI.",
    "section_web_sessions": "Logins on the site",
    "section_web_sessions_about": "Devices on which you’re logged in, and until when.",
    "section_staff": "Role in the staff",
    "section_staff_about": "Your role in our team, with the email under which you act.",
    "section_staff_invitations": "Invitations to the staff",
    "section_staff_invitations_about": "Invitations to our team that you sent or accepted.",
    "section_logins": "Login attempts",
    "section_logins_about": "Logins to the site in the last day that you confirmed or canceled in the bot.",
    "section_shared_pages": "Shared pages",
    "section_shared_pages_about": "Conversations that you shared as pages, with the secret part of each link (token).",
    "section_memory": "Memory",
    "section_memory_about": "Facts about you that you let a bot keep across conversations.",
    "section_memory_proposals": "Suggestions for memory",
    "section_memory_proposals_about": "Facts about you that the AI suggested to remember. Those you declined have a date.",
    "section_requests": "Requests by day",
    "section_requests_about": "How many AI requests you made each day. They count toward your daily limit.",
    "section_months": "Requests by month",
    "section_months_about": "How many AI requests you made each month.",
    "section_ai_months": "AI calls by month",
    "section_ai_months_about": (
        "How many calls to each AI model your requests made and how many tokens, milliseconds (ms) and US "
        "dollars (cost) they used. is_user_api_key shows whether your own key was used."
    ),
    "section_ai_calls": "AI calls",
    "section_ai_calls_about": (
        "Your latest 10,000 AI calls: time, model, duration and size, but no message text. The monthly "
        "totals include every call."
    ),
    "section_files": "Files",
    "section_files_about": "Photos, videos and other files we keep for you, and when each is deleted.",
    "section_photo": "Profile photo",
    "section_photo_about": "A small copy of your Telegram photo, for the pages where you’re logged in.",
    "section_keys": "Your own AI keys",
    "section_keys_about": (
        "The provider and last characters of each key. The keys themselves are encrypted and aren’t in this "
        "file."
    ),
    "section_balance": "Balance history",
    "section_balance_about": (
        "Money added and spent. If you delete your data, we keep these records for accounting, but without "
        "your name."
    ),
    "section_payments": "Orders and payments",
    "section_payments_about": (
        "orders: what you ordered; payments: money we received; operations: what happened to each payment; "
        "refunds: refunds we requested; effects: what each payment added to your account; renewals: "
        "auto-renewals; events: what the payment provider sent us. If you delete your data, we keep the "
        "amounts and IDs for accounting, but without your name."
        " gifts: plans you bought for others; gifts_received: plans others gave you."
    ),
    "section_promocodes": "Promo codes",
    "section_promocodes_about": (
        "redeemed: what each promo code gave you, and discounts you haven’t used yet; attempts: how many "
        "wrong codes you entered each day. If you delete your data, we keep an encrypted record of the codes you "
        "used."
    ),
    "section_grants": "Granted by services",
    "section_grants_about": "Months of a plan and bonus requests that other services gave you.",
    "section_subscriptions": "Plans",
    "section_subscriptions_about": "Every plan you’ve had, how you got it and when it ends.",
    "section_trainings": "Trainings",
    "section_trainings_about": (
        "given: trainings you received, why you got them and how many you’ve used; used: what you "
        "spent bonus requests and trainings on; sessions, turns, history: your trainings, what was said in them, "
        "and their results; disputes: lines that you disputed; review_drafts: a conversation that waits for its review."
    ),
    "section_teams": "Teams",
    "section_teams_about": (
        "memberships: your teams and your role in each; tasks: trainings assigned to you and how you did; "
        "trainings: which of your trainings count for them; assigned_by_you: what you assigned to others; "
        "certificates: those you received."
    ),
    "section_xp": "XP and badges",
    "section_xp_about": (
        "awards: what you received XP for (the latest 10,000); badges: badges you earned, and when one was "
        "taken back; scores: your XP on each leaderboard; streak: your days in a row and your time zone; "
        "profile: the name you show on leaderboards. If you delete your data, we keep an encrypted record of "
        "badges and one-time XP so they aren’t given twice."
    ),
    "section_analytics": "Figures",
    "section_analytics_about": (
        "The days of your first steps here, what your plan costs a month and how that changed. We count them to see how the"
        " service does."
    ),
    "section_courses": "Courses",
    "section_courses_about": (
        "enrollments and grants: your access to courses and what paid for it; courses and lessons: your progress "
        "and your time with videos; quiz_attempts: your quiz answers; homework: what you submitted and the comments; "
        "certificates: those you received; written: courses you wrote."
    ),
    "section_broadcasts": "News and offers",
    "section_broadcasts_about": (
        "consent: whether you take news and offers; received: messages we sent to many users, and whether you used a "
        "button or paid after one; clicks: the buttons; sequences: series of messages you were in; written: those you "
        "wrote as an admin."
    ),
    "section_quiz": "Quizzes",
    "section_quiz_about": (
        "runs and answers: quizzes you took and what you answered (the latest 10,000 of each); cards: when we "
        "show a question again; totals, topics and days: your figures; reminders: your reminder; rounds and "
        "poll_answers: quizzes you started or answered in groups."
    ),
    "section_messenger": "Conversations with our team",
    "section_messenger_about": (
        "conversations: one per bot, with what an AI noted about your question; messages: yours, the bot’s and our "
        "team’s; revisions: earlier texts of edited messages; cards: what the AI concluded from your words, with quotes; "
        "ad_links: ads whose links you opened."
    ),
    "section_reminders": "Reminders",
    "section_reminders_about": (
        "What you asked to be reminded about and when. A sent reminder is kept for 30 days so its buttons work."
    ),
    "section_generations": "Pictures and videos",
    "section_generations_about": (
        "What you asked for, what became of it, and what it cost you: reserved is the price you were shown, "
        "settled and released are what you got back (the latest 10,000)."
    ),
    "section_referrals": "Invites",
    "section_referrals_about": (
        "invited_by: the invite you joined with; invited: people who joined with your invite. We leave out "
        "their names because that’s their data."
    ),
    "section_admins": "Admin actions",
    "section_admins_about": "Changes admins made to your data, with the values before and after.",
    "section_updates": "Message log",
    "section_updates_about": (
        "Your recent messages and taps as Telegram sent them, and our answers. We keep them for a few days "
        "so nothing gets lost or repeated."
    ),
    "section_unsent": "Not sent yet",
    "section_unsent_about": "Messages to you that Telegram hasn’t accepted yet.",
    "section_messages": "Conversations",
    "section_messages_about": "Your messages (user) and the AI’s answers (assistant), oldest first.",
    "deleteme": (
        "🗑 **Delete all your data?**\n\n**Deleted:** your profile and settings, your conversations with all "
        "our bots, request counters, your own AI keys, your invites and invite code."
    ),
    "deleteme_loses": "**You’ll lose for good:**",
    "deleteme_loses_nothing": "You have no paid plan, bonus requests, trainings or balance to lose.",
    "deleteme_plan_until": "{plan} until {until}",
    "deleteme_plan": "{plan}, no end date",
    "deleteme_credits": "{credits|bonus request|bonus requests}",
    "deleteme_trainings": "{trainings|free training|free trainings}",
    "deleteme_yes": "🗑 Delete everything",
    "deleteme_no": "Keep everything",
    "deleteme_sure": "⚠️ **Are you sure?**",
    "deleteme_final": "We won’t be able to restore or refund any of it because there’ll be no record that it was yours.",
    "deleteme_balance": "{balance} on your balance",
    "deleteme_keeps": (
        "**Kept without your name:** orders, payments and admin actions, because we need them for "
        "accounting. They can’t be traced back to you; the payment provider keeps its own records. We also "
        "keep an encrypted record of the new-user bonuses and promo codes you’ve used, how many requests "
        "you made this month, and whether you’re banned.\n\nYour chats with the bots stay in Telegram. "
        "You can delete them there."
    ),
    "deleteme_renewal": (
        "🔁 **Turn off auto-renewal first.**\n\nOtherwise you’ll keep being charged, and we won’t be able to "
        "tell that the money is yours or refund it."
    ),
    "deleteme_renewal_how": "Turn it off in /subscription, then come back: /deleteme",
    "deleteme_subscription": "🔁 Go to auto-renewal",
    "deleteme_lose": "🗑 Yes, delete everything",
    "deleteme_kept": "OK, nothing was deleted.",
    "deleteme_done": (
        "✅ **Done. Your data has been deleted.**\n\nIf you’d like to come back, just send a message. We’ll "
        "start from scratch."
    ),
    "data_download": "Download",
    "data_download_about": "One JSON file with everything we keep about you. You can open it in any text editor. You can get it once an hour.",
    "data_download_button": "Download my data",
    "data_stored": "What we keep about you",
    "data_policy": "Privacy policy",
    "erase_title": "Delete your account",
    "erase_about": "This deletes everything we keep about you in all our bots and on this site, and logs you out everywhere.",
    "erase_open": "Delete my account",
    "erase_loses": "You’ll lose for good:",
    "erase_word": "DELETE",
    "erase_word_label": "To confirm, type {word}",
    "erase_word_wrong": "Type the word exactly as it’s shown.",
    "erase_button": "Delete everything",
    "erase_keep": "Keep everything",
    "erase_changed": "Something has changed: check what you’ll lose and confirm again.",
    "erase_renewal": "Your auto-renewal is on. Turn it off first: otherwise the provider would keep charging you.",
    "erase_renewal_open": "Go to my plan",
    "erase_done_notice": "Everything we kept about you has been deleted.",
}
