"""English."""

from __future__ import annotations

from collections.abc import Mapping

NAME = "🇬🇧 English"
DATE = "%-d %b %Y"  # for strftime
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
TIME_ZONES: Mapping[str, str] = {}
DECIMAL, THOUSANDS = ".", ","
LEADING_SYMBOLS = "$€£"  # of currencies, before the figure


def plural(count: int) -> int:
    """Return which form a word takes after `count`: 0 "1 request", 1 "2 requests"."""
    return 0 if count == 1 else 1


TEXTS: Mapping[str, str] = {
    # Commands, as the menu and /help show them
    "command_start": "Start the bot",
    "command_help": "Everything I can do",
    "command_profile": "Your plan and today’s requests",
    "command_usage": "Requests used and left",
    "command_mode": "Choose how I answer",
    "command_language": "Change the language",
    "command_referral": "Invite friends and earn requests",
    "command_trial": "Try a plan for free",
    "command_trainings": "Your training sessions",
    "command_privacy": "What we keep about you",
    "command_mydata": "Download your data",
    "command_deleteme": "Delete your data",
    "command_keys": "Your own AI keys",
    "command_clear": "Clear this conversation",
    "command_whoami": "Your Telegram ID",
    "command_cancel": "Cancel what you started",
    "command_stats": "Users, requests, cost and revenue",
    "command_user": "Find a user: ID, @user or part of a name",
    "command_grant": "Add bonus requests: @user amount [reason]",
    "command_givetrainings": "Add training sessions: @user amount [reason]",
    "command_addbalance": "Add money to a balance: @user amount [reason]",
    "command_reset": "Reset this month’s limit: @user",
    "command_plan": "Set a plan: @user PLAN [days]",
    "command_unban": "Unban a user: @user",
    "command_ban": "Ban a user: @user [reason]",
    "command_products": "Products and prices",
    "command_promocode": "Promo codes: list, create, turn on and off",
    "command_payment": "Find a payment or see what needs attention",
    "command_refund": "Refund a payment: ID [amount]",
    "command_check": "Check that payments and balances match",
    "command_statement": "Compare our payments with providers’ records",
    "command_audit": "Admin activity log",
    # The main menu
    "menu_profile": "👤 Profile",
    "menu_mode": "Mode: {mode}",
    "command_menu": "Menu: your plan and requests",
    "menu_plan": "Plan: **{plan}**",
    "menu_left": "Requests left today: **{left}** of {limit}",
    "menu_left_month": "Requests left this month: **{left}** of {limit}",
    "menu_unlimited": "Requests today: **{used}**, no limit",
    "menu_bonus": "Bonus requests: **{credits}**",
    "menu_balance": "Balance: **{balance}**",
    "menu_help": "❓ Help",
    "menu_usage": "📊 Usage",
    "menu_back": "‹ Menu",
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
    "welcome_back": "👋 **Welcome back, {name}!**\n\nSend me a message or choose below.",
    "welcome_offline": (
        "👋 **Hi, {name}!**\n\nI’m an AI assistant. Send me anything.\n\n⚠️ I can’t load your history and "
        "settings right now, so I’ll answer without them."
    ),
    "welcome_without_database": (
        "👋 **Hi, {name}!**\n\nI’m an AI assistant. Send me anything.\n\nℹ️ I run without a database, so I "
        "don’t remember earlier messages or count requests."
    ),
    "menu": "Send me a message or choose below.",
    "help": "**What I can do**\n\nSend me a message, and I’ll answer with AI.{group}",
    "help_group": " In a group, mention me or reply to my message.",
    "help_chat": "**Chat**",
    "help_plan": "**Plan and requests**",
    "help_data": "**Settings and data**",
    "help_more": "**Help**",
    "help_admin": "🛡 **For admins**",
    "gift_credits": (
        "🎁 You’ve got **{count|bonus request|bonus requests}**. Bonus requests never expire and are used "
        "once you reach your plan’s limit. You now have {left}."
    ),
    "gift_credits_taken": "{count|bonus request has|bonus requests have} been removed from your account. You have {left} left. Questions? /paysupport",
    "gift_trainings": (
        "🎁 You’ve got **{count|training session|training sessions}**. You now have {left}: /trainings"
    ),
    "gift_trainings_taken": (
        "{count|training session has|training sessions have} been removed from your account. You have {left} "
        "left. Questions? /paysupport"
    ),
    "gift_balance": "🎁 Added to your balance: **{count}**. You now have {left}.",
    "gift_balance_taken": "Deducted from your balance: {count}. You have {left} left. Questions? /paysupport",
    "gift_reset": "🔄 Your limit has been reset, and you can use all your requests again.",
    "gift_reset_undone": (
        "Your limit was reset by mistake, so we’ve undone it. See what you have left: /usage"
    ),
    "gift_plan": "⭐ You now have the **{plan}** plan until {until}.",
    "gift_plan_endless": "⭐ You now have the **{plan}** plan with no end date.",
    "gift_plan_ended": "Your {before} plan has ended. You’re on the {plan} plan now. Questions? /paysupport",
    "help_admin_users": "**Users**",
    "help_admin_payments": "**Sales**",
    "help_admin_more": "**Bot**",
    # Profile
    "profile": (
        "👤 **Your profile**\n\nID: `{id}`\nJoined: {since}\nPlan: **{plan}**\n{paid}Today: {used} of "
        "{limit|request|requests}\n{month}Resets {resets}\n{bonus}Balance: {balance}"
    ),
    "profile_unlimited": (
        "👤 **Your profile**\n\nID: `{id}`\nJoined: {since}\nPlan: **{plan}**\n{paid}Today: "
        "{used|request|requests}, no limit\n{month}{bonus}Balance: {balance}"
    ),
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
    "plan_FREE": "Free",
    "plan_PREMIUM": "Premium",
    "resets_at": "at {time}, in {hours|hour|hours}",
    "resets_soon": "at {time}, in {minutes|minute|minutes}",
    "resets_month": "on {date} at {time}",
    # Usage: the caption, and the words in the picture
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
    # Language
    "language_choose": "🌐 Choose your language",
    "language_set": "Done! I’ll speak English.",
    # Modes
    "mode_choose": "🎛 **How should I answer?**\n\n{modes}\n\nCurrent mode: **{current}**",
    "mode_set": "Mode: {mode}",
    "mode_chat": "💬 Assistant",
    "mode_chat_about": "answers questions and helps with anything",
    "mode_translate": "🔤 Translator",
    "mode_translate_about": "translates anything you send",
    "mode_code": "🧑‍💻 Programmer",
    "mode_code_about": "writes and explains code",
    "mode_locked": "🔒 {mode}",
    "mode_not_included": "Your plan doesn’t include this mode.",
    "mode_gone": "This mode is no longer available.",
    # Referrals
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
    # Free trial and trainings
    "trial_button": "✨ {days|day|days} free",
    "trial_available": (
        "✨ **Try {plan} free for {days|day|days}.**\n\nNo card needed, and you won’t be charged "
        "automatically: when the trial ends, you’ll go back to the free plan. One trial per person."
    ),
    "trial_start": "✨ Start",
    "trial_started": (
        "🎉 **Your free trial has started.** {plan} is active until {until}.\n\nWe’ll remind you before it "
        "ends. If you buy a plan earlier, you’ll keep the days you have left."
    ),
    "trial_running": "✨ Your free trial is on: **{plan}** is active until {until}.",
    "trial_already_used": (
        "You’ve already used your free trial. There’s one per person. If you liked it, choose a plan below."
    ),
    "trial_paid_already": "The trial is for new users only. Your current plan: /subscription",
    "trial_off": "There’s no free trial right now. See what’s available below.",
    "trainings": "🎓 **Your training sessions**",
    "trainings_none": "🎓 **You don’t have any training sessions yet.**",
    "trainings_plan_until": "🎓 **Your training sessions**\n\nUnlimited with {plan} until {until}.",
    "trainings_plan": "🎓 **Your training sessions**\n\nUnlimited with {plan}.",
    "trainings_admin": "🎓 **Your training sessions**\n\nUnlimited: you’re an admin.",
    "trainings_credits": "💬 Bonus requests: {credits}. One request covers one session.",
    "trainings_line": "🎁 {trainings|session|sessions} {source}",
    "trainings_from_channel": "for joining the channel",
    "trainings_from_promo": "from a promo code",
    "trainings_from_admin": "from an admin",
    "trainings_from_other": "as a gift",
    "trainings_channel": "📣 Join **{channel}** and get {trainings|free session|free sessions}.",
    "trainings_channel_had": "📣 You’ve already claimed the reward for joining **{channel}**. Thanks for reading!",
    "trainings_open": "📣 {channel}",
    "trainings_joined": "✅ I’ve joined",
    "trainings_given": "🎉 Thanks! +{trainings|session|sessions}",
    "trainings_already_given": "You’ve already claimed the reward for this channel.",
    "trainings_off": "There’s no reward for joining right now.",
    "trainings_not_joined": "I can’t see you in {channel} yet. Join it and tap again.",
    "trainings_later": (
        "Telegram isn’t responding, so I can’t check whether you’ve joined. Tap again in a minute."
    ),
    "trainings_broken": (
        "I can’t check whether you’ve joined because I don’t have access to the channel’s member list. It’s "
        "a problem on our side, and we’ve been notified."
    ),
    # Your data
    "whoami": "🪪 Your Telegram ID: `{id}`\n\nTap the number to copy it.",
    "privacy_without_database": (
        "🔐 **What we keep about you**\n\nNothing. This bot runs without a database, so your messages and "
        "settings aren’t stored.\n\nYour questions go to the AI provider without your name or ID."
    ),
    "privacy": (
        "🔐 **What we keep about you**\n\n"
        "• Your name, username, language and ID: Telegram shares them with every bot.\n"
        "• Your conversations with our bots, so the AI remembers the context: {messages_days|day|days}.\n"
        "• Your settings, request counts, invites, promo codes, balance and balance history.\n"
        "• Your orders and payments: what you bought, when and for how much, your email or phone number for "
        "receipts, and what the payment provider sent us. We never see your full card number.\n"
        "• A log of AI calls (time, model and duration, but no message text): "
        "{usage_months|month|months}.\n"
        "• Your AI keys, if you added any. They’re encrypted.\n"
        "• A log of processed messages: {updates_hours|hour|hours}. If we fail to process a message, we "
        "keep it for up to {dead_letters_days|day|days} to find the bug.\n\n"
        "Your questions go to the AI provider without your name or ID.\n\n"
        "**What you can do**\n\n"
        "/mydata — download everything we keep\n"
        "/clear — clear this conversation\n"
        "/deleteme — delete everything"
    ),
    "privacy_policy": "📜 Read more",
    "private_only": "🔒 I only show this in a private chat.",
    "private_open": "Open private chat",
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
    ),
    "section_promocodes": "Promo codes",
    "section_promocodes_about": (
        "redeemed: what each promo code gave you, and discounts you haven’t used yet; tries: how many wrong "
        "codes you entered each day. If you delete your data, we keep an encrypted record of the codes you "
        "used."
    ),
    "section_subscriptions": "Plans",
    "section_subscriptions_about": "Every plan you’ve had, how you got it and when it ends.",
    "section_trainings": "Training sessions",
    "section_trainings_about": (
        "given: training sessions you received, why you got them and how many you’ve used; used: what you "
        "spent bonus requests and sessions on."
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
    "deleteme_loses_nothing": "You have no paid plan, bonus requests, training sessions or balance to lose.",
    "deleteme_plan_until": "{plan} until {until}",
    "deleteme_plan": "{plan}, no end date",
    "deleteme_credits": "{credits|bonus request|bonus requests}",
    "deleteme_trainings": "{trainings|free training session|free training sessions}",
    "deleteme_yes": "🗑 Delete everything",
    "deleteme_no": "Keep everything",
    "deleteme_sure": "⚠️ **Are you sure?**",
    "deleteme_final": "We won’t be able to restore or refund any of it because there’ll be no record that it was yours.",
    "deleteme_balance": "{balance} on your balance",
    "deleteme_keeps": (
        "**Kept without your name:** orders, payments and admin actions, because we need them for "
        "accounting. They can’t be traced back to you; the payment provider keeps its own records. We also "
        "keep an encrypted record of the new-user bonuses and promo codes you’ve used, how many requests "
        "you made this month, and whether you’re banned.\n\nMessages in this chat stay with Telegram. You "
        "can delete them together with the chat."
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
    # Bans
    "banned": (
        "🚫 **You no longer have access to this bot.**\n\nAn admin blocked you, so I can’t answer your "
        "messages.\n\nYou can still download or delete your data: /privacy"
    ),
    "unbanned": "✅ You have access to the bot again.",
    "banned_reason": (
        "🚫 **You no longer have access to this bot.**\n\nAn admin blocked you, so I can’t answer your "
        "messages. Reason: {reason}\n\nYou can still download or delete your data: /privacy"
    ),
    # Products, in an admin's hands
    "admin_products": "🛍 **Products**\n\nTap a product to change it.",
    "admin_products_on": "🟢 **{title}**\n{prices}",
    "admin_products_off": "⚪️ **{title}** · hidden\n{prices}",
    "admin_product": "🛍 **{title}**\n\nStatus: **{state}**\nBuyers get: {gives}\nPrices: {prices}\nKey: `{key}`",
    "admin_product_on": "for sale",
    "admin_product_off": "hidden",
    "admin_product_priceless": "no prices yet",
    "admin_product_gives_month": "the {plan} plan for a month",
    "admin_product_gives_year": "the {plan} plan for a year",
    "admin_product_gives_credits": "{quantity|bonus request|bonus requests}",
    "admin_product_gives_balance": "{money} added to their balance",
    "admin_product_gives_course": "a course",
    "admin_product_none": "Product {key} not found.",
    "admin_product_send_prices": (
        "💰 **Prices for {title}**\n\nNow: {prices}\n\nSend the new prices in one message: `350 ⭐, 499 RUB, "
        "5.99 USD`\nTo remove a price, add a minus before its currency: `-USD`. If you leave out a "
        "currency, its price stays the same."
    ),
    "admin_product_prices_unreadable": (
        "I couldn’t read the prices. Send an amount and a currency for each, like this: `350 ⭐, 499 RUB, "
        "5.99 USD`"
    ),
    "admin_product_unknown_currency": (
        "No payment provider accepts {currency}. Check the code and send the prices again."
    ),
    "admin_product_prices_refused": (
        "These prices won’t work, so nothing has changed. Fix them and send them again."
    ),
    "admin_price_currency": "“{currency}” isn’t a currency code.",
    "admin_price_number": "The {currency} amount isn’t a number.",
    "admin_price_zero": "The {currency} price must be above zero.",
    "admin_price_decimals": (
        "The {currency} price can have two decimals at most. Write thousands without a separator: 1000."
    ),
    "admin_price_whole": "The {currency} price must be a whole number.",
    "admin_price_minimum": "The {currency} price is too low. The minimum for {provider} is {limit}.",
    "admin_price_maximum": "The {currency} price is too high. The maximum is {limit}.",
    "admin_price_stars_month": "The {currency} price is too high. Telegram allows {limit} a month at most.",
    "admin_product_last_price": (
        "This product is for sale, so it needs at least one price. To remove them all, hide it first."
    ),
    "admin_product_unchanged": "Nothing to change: it’s already set that way.",
    "admin_product_prices_question": "💰 **Change prices for {title}?**",
    "admin_price_new": "{new} (new)",
    "admin_price_gone": "{old}: removed",
    "admin_price_change": "{old} → {new}",
    "admin_price_jump": "{old} → {new} ⚠️ ×{times}",
    "admin_product_prices_keep": "Current subscribers and open invoices keep the old price.",
    "admin_product_orders_keep": "Open invoices keep the old price.",
    "admin_product_words": "{flag} **{title}**\n{about}",
    "admin_price_unsold": "**{money}**: ⚠️ not shown, because no connected provider accepts this currency",
    "admin_price_top_up": "⚠️ Buyers pay {costs} and get {adds} added to their balance. Check the price.",
    "admin_price_warning": "⚠️",
    "admin_product_preview": "👁 **What buyers see**",
    "admin_preview_shop": "{flag} The **{label}** button opens:",
    "admin_preview_button": "▫️ {label}",
    "admin_product_texts": "✏️ **Titles and descriptions**\n\nChoose the language to edit.",
    "admin_product_send_texts": (
        "✏️ **{language}**\n\nSend the title on the first line and the description below it. "
        "Now:\n\n`{title}\n{description}`\n\nThe title can have up to 32 characters, the description up to "
        "255. If you send only a title, the description stays the same."
    ),
    "admin_text_title_empty": "The title is missing. Put it on the first line.",
    "admin_text_title_long": (
        "The title has {length} characters, but the limit is {limit}. Shorten it and send it again."
    ),
    "admin_text_title_characters": "The title has characters that can’t be shown. Send it as plain text.",
    "admin_text_description_long": (
        "The description has {length} characters, but the limit is {limit}. Shorten it and send it again."
    ),
    "admin_text_description_characters": "The description has characters that can’t be shown. Send it as plain text.",
    "admin_product_texts_question": "✏️ **Save these texts?** Language: {language}",
    "admin_product_no_price": "This product has no price yet. Set one, then start selling it.",
    "admin_product_no_contact": (
        "📮 **Add a contact for buyers first.** Telegram requires every seller to have one.\n\nSet "
        "`_SUPPORT_CONTACT` to an @name, an email address or a link, deploy, then start selling the product. "
        "Buyers will find the contact in /paysupport."
    ),
    "admin_product_show_question": "🟢 **Start selling {title}?** This is what buyers will see:",
    "admin_product_hide": (
        "⚪️ **Hide {title}?**\n\nIt’ll disappear from /buy. Open invoices can still be paid."
    ),
    "admin_product_hide_repeats": (
        "⚪️ **Hide {title}?**\n\nIt’ll disappear from /buy. Open invoices can still be paid, and current "
        "subscriptions keep renewing."
    ),
    "admin_product_old": "This button is out of date. Open /products again.",
    "admin_product_changed": (
        "Another admin has just changed this product, so nothing was saved. Check the current version."
    ),
    "admin_product_saved": "Saved",
    "admin_button_products": "‹ All products",
    "admin_button_product": "‹ Product",
    "admin_button_product_cancel": "Cancel",
    "admin_button_prices": "💰 Change prices",
    "admin_button_prices_yes": "💰 Yes, change prices",
    "admin_button_prices_jump": "⚠️ Yes, I’m sure",
    "admin_button_titles": "✏️ Change texts",
    "admin_button_texts_yes": "✏️ Yes, save",
    "admin_button_preview": "👁 Preview",
    "admin_button_show": "🟢 Start selling",
    "admin_button_hide": "⚪️ Hide",
    "audit_set_prices": "prices {before} → {after}",
    "audit_set_product_texts": "texts in {language}: “{before}” → “{after}”",
    "audit_product_on": "for sale",
    "audit_product_off": "hidden",
    # For admins
    "stats_head": "📊 **Overview**",
    "stats_people": "\n👥 Total users: **{people}**\nChats active in the last hour: **{sessions}**\n\nToday · 7 days · 30 days",
    "stats_new": "New (including deleted accounts): {figures}",
    "stats_active": "Active: {figures}",
    "stats_requests": "Requests: {figures}",
    "stats_calls": "AI calls: {figures}",
    "stats_errors": "Failed: {figures} ({share}% in 30 days)",
    "stats_cost": "AI cost: {figures}",
    "stats_tokens": "Tokens in 30 days: {tokens_in} in, {tokens_out} out",
    "stats_models": "\n🤖 **Models, 30 days**",
    "stats_model": "{model}: {requests|request|requests}, {cost}",
    "stats_picture": "Overview",
    "stats_picture_requests": "Requests",
    "stats_picture_errors": "AI errors",
    "stats_picture_people": "Active users",
    "stats_picture_new": "new",
    "stats_picture_most": "busiest day: {most}",
    "stats_picture_nothing": "No activity in 30 days",
    "stats_tile_people": "Users",
    "stats_tile_active": "Active today",
    "stats_tile_requests": "Requests today",
    "stats_tile_cost": "AI cost today",
    "stats_money": "💰 **Revenue**\n\nToday · 7 days · 30 days",
    "stats_stars": "Telegram Stars",
    "stats_money_currency": "**{currency}**\nGross: {gross}\nRefunds: {refunds}\nNet: {net}",
    "stats_money_none": "No payments in 30 days.",
    "stats_money_counts": "Payments: {payments}\nRefunds: {refunds}",
    "stats_paying": "**New users who paid**\nToday: {day}\n7 days: {week}\n30 days: {month}",
    "stats_paying_of": "{paid} of {new} ({share}%)",
    "stats_tile_today": "today: {figure}",
    "stats_tile_week": "7 days: {figure}",
    "stats_tile_month": "30 days: {figure}",
    "admin_usage_user": "Who are you looking for? Send an ID, a @name or at least two characters of a name: `/user 123456789`, `/user @name`, `/user Anna`",
    "admin_found": "🔎 **{query}**\n\nTap a user to see the details.",
    "admin_found_more": (
        "🔎 **{query}**\n\nThere are more matches than we can show. Add a few letters, or tap a user to see "
        "the details."
    ),
    "admin_usage_grant": (
        "To add bonus requests: `/grant @name 50 for the bug report`\n\nTo remove some, use a negative "
        "number. The user gets a message but doesn’t see the reason."
    ),
    "admin_usage_givetrainings": (
        "To add training sessions: `/givetrainings @name 3 for your patience`\n\nTo remove unused ones, use "
        "a negative number. The user gets a message but doesn’t see the reason."
    ),
    "admin_usage_addbalance": (
        "To add money to a balance, in {currency}: `/addbalance @name 100 for the outage`\n\nTo deduct "
        "money, use a negative number. The user gets a message but doesn’t see the reason."
    ),
    "admin_usage_reset": "To reset this month’s limit: `/reset @name`",
    "admin_usage_plan": (
        "To set a plan: `/plan @name PREMIUM 30`\n\nThe plan starts now. For a plan with no end date, leave "
        "out the number of days. `/plan @name FREE` ends a plan given by an admin."
    ),
    "admin_usage_ban": "To ban a user: `/ban @name spam`\n\nThe user sees the reason.",
    "admin_usage_unban": "To unban a user: `/unban @name`",
    "admin_usage_promocode": (
        "🏷 **Promo codes**\n\n`/promocode` lists all of them\n`/promocode SUMMER` shows one\n`/promocode "
        "SUMMER percent 20 100 30 for subscribers` creates one: 20% off one purchase, for 100 people, for 30 "
        "days, with a note for admins\n\nInstead of `percent 20`, you can use `month 1`, `credits 50` or "
        "`trainings 3`. The number of people and days are optional; `-` means no limit."
    ),
    "admin_promocode_none": "There’s no promo code {code}. Create it: `/promocode {code} percent 20 100 30`",
    "admin_promocode_bad": "🏷 The promo code wasn’t created.\n\n{reasons}",
    "admin_promocode_bad_code": "Code: use 3–32 characters: Latin letters, digits, - and _.",
    "admin_promocode_bad_kind": "Type: use percent, month, credits or trainings.",
    "admin_promocode_bad_percent": "Discount: enter a whole number from 1 to 99, without the % sign.",
    "admin_promocode_bad_month": "Months: enter a whole number from 1 to 36.",
    "admin_promocode_bad_credits": "Requests: enter a whole number from 1 to 1 million.",
    "admin_promocode_bad_trainings": "Training sessions: enter a whole number from 1 to 1000.",
    "admin_promocode_bad_uses": "People: enter a whole number from 1 to 1 million, or - for no limit.",
    "admin_promocode_bad_days": "Days: enter a whole number from 1 to 3660, or - for no limit.",
    "admin_promocode_taken": "The promo code {code} already exists. Nothing has changed.",
    "admin_promocodes": "🏷 **Promo codes**\n\n{codes}",
    "admin_promocodes_none": "🏷 There are no promo codes yet. Create one: `/promocode SUMMER percent 20 100 30`",
    "admin_promocodes_line": "{code}: {gives}, used {uses}, {state}",
    "admin_promocode": "🏷 **{code}**: {gives}\n\nStatus: **{state}**\n{lines}\n\nLink: {link}",
    "admin_promocode_month": "{plan} for {value|month|months}",
    "admin_promocode_credits": "{value|request|requests}",
    "admin_promocode_trainings": "{value|training session|training sessions}",
    "admin_promocode_percent": "{value}% off",
    "admin_promocode_uses": "Used: {uses}",
    "admin_promocode_of": "{uses} of {limit}",
    "admin_promocode_until": "Until {date}",
    "admin_promocode_note": "Note: {note}",
    "admin_promocode_active": "on",
    "admin_promocode_off": "off",
    "admin_promocode_used_up": "limit reached",
    "admin_promocode_over": "expired",
    "admin_promocode_not_yet": "not started",
    "admin_button_promocode_off": "⏸ Turn off",
    "admin_button_promocode_on": "▶️ Turn on",
    "admin_button_promocodes": "‹ All promo codes",
    "audit_create_promocode": "promo code created",
    "audit_promocode_on": "promo code turned on",
    "audit_promocode_off": "promo code turned off",
    "admin_usage_audit": "The whole log: `/audit`. One user’s entries: `/audit @name`",
    "admin_nobody": (
        "I can’t find {who}. Users appear here after they message one of the bots. They can see their ID in "
        "/profile."
    ),
    "admin_no_plan": "There’s no {name} plan. Available: {plans}",
    "admin_granted": "{name}: bonus requests {before} → {after}",
    "admin_gave_trainings": "{name}: training sessions {before} → {after}",
    "admin_balance": "{name}: balance {before} → {after}",
    "admin_balance_too_low": "{name} doesn’t have that much on their balance.",
    "admin_reset": "{name}: requests this month {before} → {after}",
    "admin_plan_set": "{name}: plan {before} → {after}",
    "admin_plan_bought": (
        "{name} paid for this plan ({plan}), so you can’t change it here. To end it, refund the payment: /payments"
    ),
    "admin_plan_until": "{plan} until {date}",
    "admin_banned": "{name}: banned",
    "admin_unbanned": "{name}: unbanned",
    "admin_not_banned": "{name} wasn’t banned",
    "admin_is_admin": "{name} is an admin and can’t be banned.",
    "admin_bad_number": (
        "That number won’t work. Amounts go up to a million, days up to 3,660. Don’t add days to the free "
        "plan: it never expires."
    ),
    "admin_done_differently": (
        "This command has already run with different values. Send it again as a new message."
    ),
    "admin_ban_question": (
        "🚫 **Ban {name}?**\n\nThe bots will stop replying to them. To give a reason, send it with /ban."
    ),
    "admin_ban_question_reason": (
        "🚫 **Ban {name}?**\n\nThe bots will stop replying to them. Reason they’ll see: {reason}"
    ),
    "admin_ban_forgotten": "This button is out of date. Send /ban again.",
    "admin_card": (
        "👤 **{name}**\n\nID: `{id}`\nLanguage: {language}\nPlan: **{plan}**\nToday: {today}\nThis month: "
        "{month}\nBonus requests: {credits}\nTraining sessions: {trainings}\nBalance: {balance}\nPaid: "
        "{money}\nFriends invited: {referrals}\nOwn AI keys: {keys}\nJoined: {since}\nLast message: "
        "{last}{marks}"
    ),
    "admin_card_of": "{used} of {limit}",
    "admin_mark_admin": "🛡 Admin",
    "admin_mark_blocked": "📵 Blocked the bot",
    "admin_mark_banned": "🚫 Banned since {date}",
    "admin_mark_reason": "Reason: {reason}",
    "admin_button_card": "👤 User",
    "admin_button_give": "🎁 Give",
    "admin_button_back": "‹ User",
    "admin_button_grant": "🎁 +{credits|request|requests}",
    "admin_button_reset": "🔄 Reset the limit",
    "admin_button_audit": "📜 Log",
    "admin_button_plan": "⭐ {plan} for {days|day|days}",
    "admin_button_no_plan": "End the plan",
    "admin_button_ban": "🚫 Ban",
    "admin_button_ban_yes": "🚫 Yes, ban",
    "admin_button_ban_no": "Cancel",
    "admin_button_unban": "✅ Unban",
    "admin_button_undo": "↩️ Undo",
    "admin_button_undo_what": "↩️ Undo: {what}",
    "undo_credits": "requests {change}",
    "undo_trainings": "training sessions {change}",
    "undo_plan": "plan {plan}",
    "undo_reset": "limit reset",
    "admin_undo_done": "Undone: {before} → {after}",
    "admin_undo_part": "Undone: {before} → {after}. The rest had already been used.",
    "admin_undo_known": "This has already been undone.",
    "admin_undo_replaced": "This can’t be undone because something else has changed since then.",
    "admin_undo_impossible": "This can’t be undone.",
    "undone_add_bonus_credits": "bonus requests",
    "undone_give_trainings": "training sessions",
    "undone_adjust_balance": "balance",
    "undone_set_plan": "plan",
    "undone_reset_user_usage": "limit reset",
    "audit_undo": "undone: {what} {before} → {after}",
    "audit_adjust_balance": "balance {before} → {after}",
    "admin_audit": "📜 **Admin log**\n\n{entries}",
    "admin_audit_of": "📜 **Admin log:** {name}\n\n{entries}",
    "admin_audit_empty": "Nothing yet.",
    "admin_audit_line": "{date}, {admin}\n{whom}: {what}",
    "admin_audit_reason": "“{reason}”",
    "admin_audit_erased": "Deleted user",
    "admin_audit_newest": "‹ Newest",
    "admin_audit_older": "Older ›",
    "audit_add_bonus_credits": "bonus requests {before} → {after}",
    "audit_give_trainings": "training sessions {before} → {after}",
    "audit_reset_user_usage": "requests this month {before} → {after}",
    "audit_set_plan": "plan {before} → {after}",
    "audit_ban_user": "banned",
    "audit_unban_user": "unbanned",
    # Payments in an admin's hands
    "admin_usage_payment": (
        "Which payment? Send our ID or the provider’s: `/payment 17`. To see payments that need attention, "
        "send just /payment."
    ),
    "admin_usage_payments": "Whose payments do you want to see? For example: `/payments @name`",
    "admin_usage_refund": (
        "Which payment? `/refund 17` refunds it in full, `/refund 17 50` refunds only 50.\n\nFind the ID in "
        "/payment or `/payments @name`. We’ll ask you to confirm."
    ),
    "admin_no_payment": "I can’t find payment {which}. Look up the ID in /payment or `/payments @name`.",
    "admin_payment": "💳 **Payment {id}** · {money} · {status}",
    "admin_payment_provider": "{provider}, ID `{number}`",
    "admin_payment_person": "Buyer: {person}",
    "admin_payment_payer": "unknown, paid from Telegram ID {id}",
    "admin_payment_other_payer": "{name}, but paid from Telegram ID {id}",
    "admin_payment_nobody": "unknown or deleted",
    "admin_payment_bought": "For: {title} (order {order})",
    "admin_payment_given": "Added: {given}",
    "admin_payment_refunded": "Refunded: {money}",
    "admin_payment_disputed": "Lost in a dispute: {money}",
    "admin_payment_status_pending": "awaiting payment",
    "admin_payment_status_completed": "paid",
    "admin_payment_status_part": "paid, partly refunded",
    "admin_payment_status_refunded": "refunded",
    "admin_payment_status_disputed": "lost in a dispute",
    "admin_payment_status_failed": "failed",
    "admin_payment_status_canceled": "canceled",
    "admin_given_subscription": "{quantity|day|days} of plan access",
    "admin_given_credits": "{quantity|request|requests}",
    "admin_given_balance": "{quantity} to the balance",
    "admin_given_course": "the course",
    "admin_given_taken": "{given}, removed: {taken}",
    "admin_problem_no_order": (
        "⚠️ **No matching order.** If one appears, the payment will be linked automatically. If it belongs "
        "to another shop on the same account, do nothing. Otherwise refund it."
    ),
    "admin_problem_amount": (
        "⚠️ **Wrong amount.** Nothing was added. Refund the payment or add the purchase yourself: /plan, "
        "/grant."
    ),
    "admin_problem_currency": (
        "⚠️ **Wrong currency.** Nothing was added. Refund the payment or add the purchase yourself: /plan, "
        "/grant."
    ),
    "admin_problem_owner": (
        "⚠️ **Paid by someone else,** or the buyer deleted their data. Nothing was added. Refund the payment."
    ),
    "admin_problem_test": (
        "⚠️ **Test payment.** No real money was received, and nothing was added. Check whether your secrets "
        "contain a test key."
    ),
    "admin_problem_withdrawn": (
        "⚠️ **Canceled order.** Its discount was moved to a later order or already used. Nothing was added. "
        "Refund the payment."
    ),
    "admin_problem_second_charge": (
        "⚠️ **Paid twice.** Another payment already covers this order, so nothing was added for this one. Refund the "
        "payment."
    ),
    "admin_refund_line": "↩️ {money}: {state}\n{admin}, {date}",
    "admin_refund_state_open": "unconfirmed, still checking",
    "admin_refund_state_accepted": "accepted by the provider, on its way",
    "admin_refund_state_done": "completed",
    "admin_refund_state_refused": "rejected by the provider",
    "admin_refund_state_unknown": "unconfirmed, check the provider’s dashboard",
    "admin_refund_state_failed": "failed, we still have the money",
    "admin_button_payment": "💳 Payment {payment}",
    "admin_button_payments": "💳 Payments",
    "admin_button_refund": "↩️ Refund {money}",
    "admin_button_refund_yes": "↩️ Yes, refund {money}",
    "admin_button_refund_no": "Cancel",
    "admin_payments_of": "💳 **Payments:** {name}",
    "admin_payments_open": "💳 **Need attention**",
    "admin_payments_none": "No payments.",
    "admin_payments_solved": "Everything’s fine: no payments without an order, no wrong amounts, no unconfirmed refunds.\n\nA user’s payments: `/payments @name`",
    "admin_payments_line": "**#{id}** · {date}\n{title} · {money} · {status}\n{provider}{marks}",
    "admin_payments_given": "🎁 {given}",
    "admin_payment_number": "#{id}",
    "admin_payments_no_order": "⚠️ no order",
    "admin_payments_amount": "⚠️ wrong amount",
    "admin_payments_currency": "⚠️ wrong currency",
    "admin_payments_owner": "⚠️ paid by someone else",
    "admin_payments_test": "⚠️ test payment",
    "admin_payments_withdrawn": "⚠️ canceled order",
    "admin_payments_second_charge": "⚠️ paid twice",
    "admin_payments_refund_open": "↩️ refund in progress",
    "admin_payments_refund_unknown": "↩️ refund unconfirmed",
    "admin_refund_question": "↩️ **Refund {money}?**\n\nPayment {id}, {provider}\nTo: {name}",
    "admin_refund_takes": "The buyer gets a message and loses the unused part of the purchase.",
    "admin_refund_takes_part": (
        "The buyer gets a message and loses the same share of the purchase, unless it’s already used."
    ),
    "admin_refund_how_part": "For a partial refund: `/refund {id} {part}`",
    "admin_refund_not_paid": "No money was received for payment {id}, so there’s nothing to refund.",
    "admin_refund_busy": "Payment {id} is already being refunded. Wait for that refund to finish.",
    "admin_refund_busy_with": (
        "⏳ {admin} is already refunding this payment, so we didn’t start a second refund."
    ),
    "admin_refund_nothing_left": "Payment {id} has already been refunded in full.",
    "admin_refund_too_much": "You can refund {money} at most.",
    "admin_refund_bad_amount": (
        "That amount won’t work. It must be above zero, with two decimals at most. For Stars, use a whole "
        "number."
    ),
    "admin_refund_never": (
        "{provider}: refunds can’t be issued from here. Refund the payment in the provider’s dashboard if "
        "you can."
    ),
    "admin_refund_not_configured": (
        "{provider}: not connected right now. Refund the payment in the provider’s dashboard, and we’ll "
        "update it here."
    ),
    "admin_refund_whole_only": "{provider}: only full refunds are possible.",
    "admin_refund_other_currency": (
        "Payment {id} was made when balances were in another currency, so it can’t be refunded to the "
        "balance."
    ),
    "admin_refund_erased": (
        "The buyer has deleted their data, so there’s no balance to refund payment {id} to."
    ),
    "admin_refund_changed": (
        "⚠️ The payment changed before you confirmed, so nothing was refunded. Here it is now:"
    ),
    "admin_refund_is_open": (
        "⏳ **Refund of {money}: unconfirmed** · {provider}\n\nThe provider hasn’t given a clear answer yet. "
        "We’ll keep checking and message you. The buyer can’t be refunded twice."
    ),
    "admin_refund_is_accepted": (
        "⏳ **Refund of {money}: on its way** · {provider}\n\nWe’ll message you when it’s complete."
    ),
    "admin_refund_is_done": "✅ **Refunded {money}** · {provider}",
    "admin_refund_is_refused": (
        "❌ **Refund of {money}: rejected** · {provider}\n\nThe money hasn’t left our account. You can try "
        "again."
    ),
    "admin_refund_is_unknown": (
        "❓ **Refund of {money}: unconfirmed** · {provider}\n\nThe provider never gave a clear answer. Check "
        "its dashboard."
    ),
    "admin_refund_is_failed": "❌ **Refund of {money}: failed** · {provider}\n\nThe money hasn’t been sent back.",
    "refund_told_done": "✅ **Refunded {back}**\n\nPayment {payment}, {provider}, ID `{number}`.",
    "refund_told_refused": (
        "❌ **Refund of {back}: rejected**\n\nPayment {payment}, {provider}, ID `{number}`. Open the payment "
        "to see why."
    ),
    "refund_told_unknown": (
        "❓ **Refund of {back}: unconfirmed**\n\nPayment {payment}, {provider}, ID `{number}`. The provider "
        "never gave a clear answer, and it isn’t safe to retry automatically. Check its dashboard. If the "
        "money wasn’t refunded, issue the refund again."
    ),
    "refund_told_failed": (
        "❌ **Refund of {back}: failed**\n\nPayment {payment}, {provider}, ID `{number}`. We still have the "
        "money, and the purchase is active again. You can try again."
    ),
    "admin_card_paid": "{paid}",
    "admin_card_refunded": "{paid}, {refunded} of it refunded",
    "admin_mark_chargebacks": "⚠️ Bank disputes: {count}",
    "admin_audit_nobody": "Payment without a user",
    "audit_refund_payment": "refund of {money} requested, payment {payment}",
    "audit_refund_decided": "refund of {money}, payment {payment}: {state}",
    "admin_check_good": "✅ **Everything matches:** payments, purchases, the ledger and balances.",
    "admin_check_bad": "🚨 **Something doesn’t match:** {payments} in payments, {balances} in balances.",
    "admin_check_payment": "Payment {id}: {wrong}",
    "admin_check_balance": "{who}: balance {balance}, ledger {ledger}",
    "admin_check_too_long": (
        "The check took too long to run in chat. Run it in the SQL editor: `check_payments()` and "
        "`check_balances()`."
    ),
    "statement_head": "🧾 **Payments: providers’ records vs. ours** · 30 days",
    "statement_agrees": "✅ {provider}: {ours}",
    "statement_differs": "🚨 {provider}: their records show {theirs}, ours show {ours}",
    "statement_days": "**Days that don’t match**",
    "statement_day": (
        "{day}, {provider}: their records show {theirs}, ours show {ours}. Unmatched: {unmatched}"
    ),
    "statement_unread": "⏳ {provider}: {days|day|days} left to compare",
    "statement_foreign": "Payments from other shops on the same accounts: {count}",
    "statement_no_payments": (
        "✅ No payments in {days|day|days}, either in the providers’ records or in ours. We compare each day "
        "after it ends."
    ),
    "statement_nothing": "Nothing to compare yet. The first payment records will arrive within an hour.",
    # Own keys
    "keys": "🔑 **Your keys**\n\n{keys}\n\n{now}",
    "keys_line": "{name} …{last_four} · added {since} · {state}",
    "keys_state_used": "in use",
    "keys_state_unused": "not in use",
    "keys_state_refused": "rejected by the provider",
    "keys_state_unreadable": "temporarily unavailable, we’re on it",
    "keys_unchecked": " · not verified yet",
    "keys_on_own": "I’m using your {name} key. Requests don’t count toward your plan.",
    "keys_on_plan": "I’m using your plan, not your own keys.",
    "keys_none": (
        "🔑 **Your own AI key**\n\n"
        "Have an API key ({names})? I can answer with it: requests won’t count toward your plan, and you’ll "
        "pay the provider directly.\n\n"
        "I delete the message with your key right away, store the key encrypted, show only its last four "
        "characters and send it only to the provider. You can remove it anytime."
    ),
    "keys_open": "🔑 My keys",
    "keys_add": "➕ Add a key",
    "keys_add_of": "➕ Add {name} key",
    "keys_use": "▶️ {name}",
    "keys_remove": "🗑 {name}",
    "keys_plan": "⏸ Use my plan",
    "keys_back": "‹ Keys",
    "keys_cancel": "✖️ Cancel",
    "keys_choose": "Which provider is your key from?",
    "keys_send": (
        "🔑 **Send me your {name} key** in a separate message.\n\nI’ll delete the message right away, verify "
        "the key and store it encrypted."
    ),
    "keys_page": "Get your {name} key",
    "keys_added": (
        "✅ **Your {name} key …{last_four} works and is saved.**\n\nFrom now on, {model} answers with your "
        "key, and requests don’t count toward your plan."
    ),
    "keys_added_unchecked": (
        "☑️ **Your {name} key …{last_four} is saved**, but I couldn’t verify it right now.\n\nFrom now on, "
        "{model} answers with your key. If the provider rejects it, I’ll tell you right away."
    ),
    "keys_wrong": (
        "🚫 **{name} rejected this key**, so I didn’t save it.\n\nCheck that you copied the whole key and "
        "that it hasn’t been revoked, then send it again."
    ),
    "keys_other": "🤔 This looks like a key from {other}, not {name}. I didn’t save it or send it anywhere.",
    "keys_alone": (
        "🤔 I see several possible keys here. Send only the {name} key, with nothing else in the message."
    ),
    "keys_again": "🔑 I couldn’t finish checking the key, so I didn’t save it. Send the {name} key again.",
    "keys_no_key": "🤔 That doesn’t look like a key from {name}. Send only the key, or tap Cancel.",
    "keys_delete_yourself": "⚠️ I couldn’t delete your message with the key. Please delete it yourself.",
    "keys_confirm": (
        "🗑 **Remove your {name} key …{last_four}?**\n\nI’ll delete it for good. It’ll keep working at {name} "
        "until you revoke it there."
    ),
    "keys_forget": "🗑 Yes, remove",
    "keys_forgotten": "{name} key removed.",
    "keys_used": "I’m now using your {name} key.",
    "keys_planned": "I’m now using your plan. Your keys are still saved.",
    "keys_gone": "This key has already been removed.",
    "keys_unavailable": "🔑 This bot doesn’t support your own keys.",
    "keys_unavailable_owner": (
        "🔑 **Users’ own keys are turned off.**\n\nYou’re the owner, so here’s how to turn them on: create an "
        "encryption key with `./switchboard keys new`, put it in `TOKEN_ENCRYPTION_KEYS` and deploy. Details "
        "are in `docs/user_api_keys.md`."
    ),
    "user_api_key_refused": (
        "🔑 **{name} rejected your key.** It may have been revoked or expired.\n\nI’ve turned it off, and "
        "your next requests will use your plan. Send your message again or add a new key."
    ),
    "user_api_key_credit": "💳 **Your {name} account is out of credit.** Top it up, or use your plan for now.",
    "user_api_key_rate": (
        "🚦 **{name} is limiting your key:** too many requests. Wait a bit, or use your plan for now."
    ),
    "user_api_key_model": (
        "🤷 **Your {name} key doesn’t have access to {model}.** Check your access at {name}, or use your "
        "plan for now."
    ),
    "user_api_key_access": (
        "🚫 **{name} denied the request.** Check your key’s permissions, your organization and access to "
        "{model}, or use your plan for now."
    ),
    # Conversation
    "clear_done": "🧹 Conversation cleared. What would you like to talk about?",
    "cancel_done": "Canceled. Send me a new question.",
    "cancel_nothing": "There’s nothing to cancel. Just send me a message.",
    "button_old": "This button is from an old message. Open the current menu: /start",
    # What the bot cannot take
    "cannot_photo": "🖼 I can’t see pictures yet. Describe what’s in it, and I’ll help.",
    "cannot_voice": "🎙 I can’t listen to voice messages yet. Please type it instead.",
    "cannot_video": "🎬 I can’t watch videos yet. Tell me what it’s about.",
    "cannot_document": "📄 I can’t read files yet. Paste the text into a message.",
    "cannot_forward": (
        "↪️ I’m not sure what to do with a forwarded message. Copy its text and tell me what you need."
    ),
    "cannot_sticker": "😊 Nice sticker! I’m better with words, though. Send me a message.",
    "cannot_other": "I can only read text for now. Send me a message.",
    "edited_command": "✏️ Commands don’t run when you edit a message. Send the command as a new message.",
    "unknown_command": "I don’t know this command. See what I can do: /help",
    "too_long": (
        "Your message is too long: {length|character|characters}, and the limit is {limit}. Send it in parts."
    ),
    "secret_seen": (
        "🔑 This looks like a password or an API key, so I didn’t save it or send it anywhere. Delete the "
        "message, and if others can see this chat, change the password or key."
    ),
    # Limits and failures
    "limit_reached": (
        "⏳ **You’ve reached today’s limit of {limit|request|requests}.**\n\nIt resets at {time}, in "
        "{hours|hour|hours}. The menu and settings still work.{ways}"
    ),
    "limit_reached_month": (
        "⏳ **You’ve reached this month’s limit of {limit|request|requests}.**\n\nIt resets on {date} at "
        "{time}. The menu and settings still work.{ways}"
    ),
    "ways_out": "Need more requests?",
    "way_out_trial": "✨ Try a plan for free: /trial",
    "way_out_keys": "🔑 Use your own AI key: /keys",
    "way_out_referral": "🎁 Invite a friend: /referral",
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
    "admin_alert_user_cost": (
        "⚠️ **A user reached the daily cost limit.**\n\nBot: {bot}\nUser: `{user}`\nLimit: ${limit} "
        "(`daily_cost_user`)\n\nThe bot won’t answer their questions for the rest of the day. You get this "
        "alert only for the first user each day."
    ),
    "admin_alert_bot_cost": (
        "🚨 **The bot {bot} reached its daily cost limit** of ${limit}.\n\nFor the rest of the day, it "
        "answers only users with their own AI keys. To serve everyone again, raise `daily_cost_bot`."
    ),
    "ai_cut": "…\n\n⌛ I ran out of time here. Send “go on” and I’ll continue.",
    "ai_length": "…\n\n✂️ I hit the length limit here. Send “go on” and I’ll continue.",
    "ai_broken": "…\n\n⚠️ I lost the connection to the AI here. Send “go on” and I’ll continue.",
    "offline_limit": (
        "⚠️ I can’t load your history and settings, so I can’t answer more questions right now. Try again in "
        "a minute."
    ),
    "offline_unavailable": (
        "⚠️ This isn’t available right now because I can’t load your data. Try again in a few minutes."
    ),
    "disabled_unavailable": "ℹ️ This isn’t available here: the bot runs without a database.",
    "failed": (
        "😔 Something went wrong on our side, and I couldn’t answer this message. We’ve been notified. You "
        "can send another one."
    ),
    "admin_alarms_more": (
        "🔔 {count|more alert|more alerts} arrived before you started the bot. Payments that need attention: "
        "/payment"
    ),
    "owner_alert": (
        "🚨 **We couldn’t process an update** after {failures|attempt|attempts}.\n\nBot: {bot}\nUpdate: "
        "`{update_id}`\nError: `{error}`"
    ),
    "bot_about": "An AI assistant that remembers your conversation.",
    # Buying
    "command_buy": "Plans and top-ups",
    "command_promo": "Enter a promo code",
    "command_payments": "Your payments",
    "command_subscription": "Your plan and auto-renewal",
    "command_terms": "Terms of sale",
    "command_paysupport": "Payment help",
    "menu_buy": "⭐ Buy",
    "buy": "⭐ **What would you like to buy?**",
    "buy_trial": "✨ New here? Try {plan} free for {days|day|days}: /trial",
    "buy_promo_hint": "Have a promo code? /promo",
    "buy_currency": "Show prices in {currency}",
    "buy_more": "More ›",
    "buy_from": "{title} · from {price}",
    "buy_offer": "{title} · {price}",
    "buy_saves": "{offer} (−{percent}%)",
    "buy_group": "**{title}**",
    "buy_group_credits": "Extra requests",
    "buy_group_balance": "Balance top-up",
    "buy_group_course": "Courses",
    "buy_group_question": "Choose an option:",
    "buy_mode_question": "Pay once or renew automatically?",
    "buy_once": "Pay once · {price}",
    "buy_auto_month": "Auto-renew · {price}/month",
    "buy_auto_year": "Auto-renew · {price}/year",
    "buy_method_question": "How would you like to pay?",
    "buy_method_question_month": "Auto-renews every month until you cancel. How would you like to pay?",
    "buy_method_question_year": "Auto-renews every year until you cancel. How would you like to pay?",
    "buy_card_question": "Which service would you like to pay through?",
    "buy_method_card": "Card",
    "buy_discount": (
        "🏷 **{percent}% off** your next one-time purchase. The prices shown already include it. Doesn’t "
        "apply to auto-renewing plans or top-ups."
    ),
    "buy_discount_until": (
        "🏷 **{percent}% off** your next one-time purchase until {until}. The prices shown already include "
        "it. Doesn’t apply to auto-renewing plans or top-ups."
    ),
    "buy_reduced": "🏷 {percent}% off: {prices}.",
    "buy_reduced_price": "{price} instead of {full}",
    "buy_reduced_repeats": "🏷 {percent}% off if you pay once: {prices}. Auto-renewal is full price and doesn’t use up your discount.",
    "buy_pay_reduced": (
        "**{title}**\nTotal: **{price}** instead of {full}\n\nWe’ll message you when the payment goes "
        "through."
    ),
    "buy_nothing": "Nothing is for sale right now. Please check back later.",
    "buy_gone": "This is no longer available. Choose something else:",
    "buy_all": "‹ All offers",
    "buy_back": "‹ Back",
    "buy_other": "Other payment methods",
    "buy_note_extends": "Your plan is active until {until}. The new period starts after that date.",
    "buy_note_repeats": (
        "🔁 Your plan auto-renews and is paid until {until}. A one-time payment adds another period and "
        "keeps auto-renewal on. A new auto-renewal replaces the current one."
    ),
    "buy_note_endless": "⚠️ Your plan has no end date, so this purchase wouldn’t add anything right now.",
    "buy_replaces": "🔁 You already have auto-renewal: **{title}**, {price}, {provider}.\n\nIf you pay now, you’ll get one more period, and the new auto-renewal will replace this one.",
    "buy_replace": "Replace auto-renewal",
    "buy_pay": "**{title}**\nTotal: **{price}**\n\nWe’ll message you when the payment goes through.",
    "buy_pay_month": (
        "**{title}**\nToday: **{price}**, then {price} every month\n\nTurn off auto-renewal anytime: "
        "/subscription. We’ll message you when the payment goes through."
    ),
    "buy_pay_year": (
        "**{title}**\nToday: **{price}**, then {price} every year\n\nTurn off auto-renewal anytime: "
        "/subscription. We’ll message you when the payment goes through."
    ),
    "buy_way_balance": "Balance · {price} (you have {balance})",
    "balance_pay": (
        "**{title}**\nTotal: **{price}** from your balance\n\nYou have {balance} and will have {left} left."
    ),
    "balance_pay_period": (
        "**{title}**\nTotal: **{price}** from your balance\n\nYou have {balance} and will have {left} left. "
        "This is a one-time payment, without auto-renewal."
    ),
    "balance_short": "**{title}**\nTotal: **{price}** from your balance\n\nYou have {balance}. Top up, then finish the purchase in one tap:",
    "balance_short_only": "**{title}**\nTotal: **{price}** from your balance\n\nYou have {balance}. Choose another payment method.",
    "balance_paid_subscription": (
        "✅ Paid from your balance: **{title}**. Active until {until}.\n\nBalance: {balance}"
    ),
    "balance_paid_credits": (
        "✅ Paid from your balance: **{title}**. You got **{quantity|request|requests}**.\n\nBalance: "
        "{balance}"
    ),
    "balance_paid_course": "✅ Paid from your balance: **{title}**.\n\nBalance: {balance}",
    "invitation_paid": "✅ **{title}**\nPaid: {price}",
    "invitation_held": "⏳ **{title}**\nThe payment is under review. We’ll message you when it’s resolved. Questions? /paysupport",
    "invitation_refunded": "↩️ **{title}**\nRefunded: {price}",
    "invitation_disputed": (
        "⚠️ **{title}**\nYour bank disputed this payment, so the purchase is on hold. Questions? /paysupport"
    ),
    "invitation_withdrawn": (
        "**{title}**\nThis order was canceled because its discount was applied to a newer order."
    ),
    "invitation_expired": "⌛ **{title}**\nThis payment link has expired.",
    "invitation_again": "Buy again",
    "buy_pay_button": "Pay {price}",
    "buy_unavailable": (
        "😔 This payment method isn’t responding right now. You weren’t charged. Try another one, or try "
        "again later."
    ),
    "buy_contact": "🧾 We’re required to send you a receipt. Send an **email address** or **phone number** for it.",
    "buy_contact_wrong": (
        "That doesn’t look like an email address or a phone number. Send it like this: anna@example.com or "
        "+79991234567."
    ),
    "menu_contact": "🧾 Receipt settings",
    "contact": (
        "🧾 **Email or phone number for receipts**\n\n{contact}\n\nWe send receipts for your purchases here."
    ),
    "contact_none": (
        "🧾 **Email or phone number for receipts**\n\nNot set. We’ll ask for it when a purchase needs a "
        "receipt."
    ),
    "contact_ask": (
        "🧾 Send an **email address** or a **phone number** for your receipts. Auto-renewal receipts will go "
        "there too."
    ),
    "contact_add": "Add",
    "contact_change": "Change",
    "contact_remove": "Remove",
    "contact_cancel": "‹ Back",
    "contact_back": "‹ Profile",
    "contact_removed": (
        "Your email or phone number for receipts has been removed. Receipts for active auto-renewals will "
        "still go there."
    ),
    "buy_contact_refused": (
        "🧾 **{provider}:** we couldn’t use **{contact}** for your receipt. You weren’t charged. "
        "Check for typos, or send a different **email address** or **phone number**."
    ),
    "buy_refused": (
        "😔 This payment method isn’t available for this order. You weren’t charged. Choose another one."
    ),
    "subscription_cancel_refused": (
        "😔 The payment provider wouldn’t turn off auto-renewal, so it’s still **on**. We’ve been notified. "
        "Need help? /paysupport"
    ),
    "promo_ask": "🏷 **Promo code**\n\nSend it in your next message. Upper or lower case both work.",
    "promo_cancel": "Cancel",
    "promo_again": "Try another code",
    "promo_malformed": (
        "🤔 That doesn’t look like a promo code. Promo codes have 3–32 characters: Latin letters, digits, "
        "hyphens and underscores."
    ),
    "promo_unknown": "🤔 There’s no promo code **{code}**. Check for typos and send it again.",
    "promo_expired": "⌛ The promo code **{code}** has expired.",
    "promo_used_up": "😔 The promo code **{code}** has reached its limit.",
    "promo_not_yet": "⏳ The promo code **{code}** starts on {date}. Come back then!",
    "promo_too_many_tries": "🚦 Too many wrong promo codes today. Try again tomorrow.",
    "promo_already_used": "👌 You’ve already used the promo code **{code}**. Each code works once.",
    "promo_waits": (
        "🏷 You’ve already added the promo code **{code}**: {percent}% off your next one-time purchase."
    ),
    "promo_month": "🎁 **Promo code {code} applied!**\n\nYour **{plan}** plan is active until {until}.",
    "promo_credits": (
        "🎁 **Promo code {code} applied!**\n\nYou got **{value|bonus request|bonus requests}**. Bonus "
        "requests never expire."
    ),
    "promo_trainings": (
        "🎁 **Promo code {code} applied!**\n\nYou got **{value|free training session|free training "
        "sessions}**."
    ),
    "promo_percent": (
        "🎁 **Promo code {code} applied!**\n\nYou get **{percent}% off** your next one-time purchase."
    ),
    "promo_percent_until": (
        "🎁 **Promo code {code} applied!**\n\nYou get **{percent}% off** your next one-time purchase until "
        "{until}."
    ),
    "provider_telegram_stars": "Telegram Stars",
    "provider_stripe": "Card (Stripe)",
    "provider_yookassa": "Card or SBP (YooKassa)",
    "provider_cloudpayments": "Card (CloudPayments)",
    "provider_prodamus": "Card (Prodamus)",
    "provider_crypto_pay": "Crypto",
    "provider_balance": "Balance",
    "provider_fake": "Test payment",
    "checkout_paid": "This invoice has already been paid.",
    "checkout_renewing": "Auto-renewal is already on. To change it, open /subscription.",
    "checkout_expired": "This invoice has expired. Open /buy and choose again.",
    "checkout_owner": "This invoice belongs to someone else. Open /buy to get your own.",
    "checkout_unknown": "This invoice no longer exists. Open /buy and choose again.",
    "checkout_unavailable": "We can’t take payments right now. Try again in a minute.",
    "paid_subscription": "🎉 Paid, thank you! **{title}** is active until {until}.",
    "paid_credits": "🎉 Paid, thank you! You got **{quantity|request|requests}**.",
    "paid_balance": "🎉 Paid, thank you! Added to your balance: **{quantity}**.",
    "paid_balance_continues": (
        "🎉 Paid, thank you! Added to your balance: **{quantity}**.\n\nFinish your purchase: **{wanted}** for "
        "{price}."
    ),
    "balance_buy": "Pay {price} from balance",
    "paid_course": "🎉 Paid, thank you! You bought **{title}**.",
    "renewed": "🔁 **{title}** has been renewed until {until}. Thanks for staying with us!",
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
    "refunded": "↩️ **{title}**: we’ve refunded {money} and canceled the purchase.",
    "refunded_part": (
        "↩️ **{title}**: we’ve refunded {money} and canceled the part of the purchase it paid for."
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
    "renewal_alarm_missed": (
        "🚨 **A renewal wasn’t charged in time:** {money}\n\n{provider}, subscription `{number}`, paid until "
        "{until}. We haven’t seen a charge or a decline since.\n\nCheck the subscription in the provider’s "
        "dashboard and the jobs in Cloud Scheduler."
    ),
    "statement_alarm": (
        "🚨 **Payments don’t match:** {provider}, {day}\n\nOnly in the provider’s records: {not_here}\nOnly "
        "in our records: {not_there}\nDifferent amounts: {differs}\n\nIDs: `{numbers}`\n\nLook them up in "
        "the provider’s dashboard. All totals: /statement"
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
    "payments": "💳 **Your payments**",
    "payments_none": "You haven’t bought anything yet.",
    "payments_order": "Unpaid: {title} · {price}",
    "payments_waiting": "⏳ **{title}**\nTotal: **{price}**\n\nThis order hasn’t been paid yet.",
    "payments_cancel": "Cancel order",
    "payments_canceled": "Order canceled. You weren’t charged.",
    "payments_line": "{date} · **{title}**\n{price} · {status}",
    "payment_status_pending": "awaiting payment",
    "payment_status_completed": "paid",
    "payment_status_part": "paid, partly refunded",
    "payment_status_review": "under review",
    "payment_status_expired": "expired",
    "payments_unknown": "Payment",
    "payment_status_refunded": "refunded",
    "payment_status_disputed": "disputed by your bank",
    "payment_status_canceled": "canceled, not paid",
    "payment_status_withdrawn": "canceled",
    "subscription_renewal_active_month": "🔁 {title}: auto-renews at {price}/month, {provider}.",
    "subscription_renewal_active_year": "🔁 {title}: auto-renews at {price}/year, {provider}.",
    "subscription_none": "You’re on the free plan.{until}",
    "subscription_until": "**{plan}** is active until {until}.",
    "subscription_endless": "**{plan}** is active with no end date.{until}",
    "subscription_renewal_past_due_over": (
        "⚠️ {title}: {price}, {provider}. The last charge failed. We’ll try again. Check your card or pay "
        "another way: /buy"
    ),
    "subscription_renewal_past_due": (
        "⚠️ {title}: {price}, {provider}. The last charge failed. We’ll try again, and you’ll keep your plan "
        "until {until}. Check your card or pay another way: /buy"
    ),
    "subscription_renewal_canceled": "{title}: auto-renewal is off ({price}, {provider}).",
    "subscription_cancel": "Turn off auto-renewal",
    "subscription_cancel_of": "Turn off: {title}",
    "subscription_cancel_sure": (
        "Turn off auto-renewal?\n\nYou won’t be charged again, and you’ll keep access until the end of the "
        "period you’ve paid for."
    ),
    "subscription_cancel_yes": "Yes, turn it off",
    "subscription_keep": "‹ Keep it on",
    "subscription_canceled": "Auto-renewal is off. You’ll keep access until {until}.",
    "subscription_cancel_failed": (
        "😔 The payment provider didn’t respond, so auto-renewal is still **on**. Try again in a few minutes "
        "or contact us: /paysupport"
    ),
    "subscription_canceled_over": (
        "Auto-renewal is off, and you won’t be charged again. Your plan was paid until {until}. Come back "
        "anytime: /buy"
    ),
    "subscription_cancel_busy": (
        "⏳ The next period is being charged right now, so it’s too late to stop it. Check back in a minute: "
        "if the charge goes through, we’ll message you, and you can turn off auto-renewal then."
    ),
    "subscription_back": "‹ Subscription",
    "subscription_gone": "This auto-renewal has already ended.",
    "terms": (
        "📄 **Terms**\n\nYou’re buying access to this bot’s digital service. Access starts as soon as you "
        "pay. If the service doesn’t work, write to us (/paysupport), and we’ll refund what you haven’t used."
    ),
    "terms_link": "📄 Terms of sale: {link}",
    "paysupport": (
        "🤝 **Payment help**\n\n/payments shows the status of each payment. If you were charged and got "
        "nothing, wait ten minutes: some payments arrive late. Still nothing? Write to {contact} with the "
        "date and the amount. Telegram’s own support can’t help with purchases in bots."
    ),
    "paysupport_owner": "the bot’s owner",
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
}
