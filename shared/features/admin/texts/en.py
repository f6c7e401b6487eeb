"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_stats": "Users, requests, cost and revenue",
    "command_user": "Find a user: ID, @user or part of a name",
    "command_grant": "Add bonus requests: @user amount [reason]",
    "command_givetrainings": "Add trainings: @user amount [reason]",
    "command_xp": "Add XP: @user points [reason]",
    "command_badge": "Give a badge: @user badge [reason]",
    "command_course": "Give a course: @user course tier [days]",
    "command_addbalance": "Add money to a balance: @user amount [reason]",
    "command_reset": "Reset this month’s limit: @user",
    "command_plan": "Set a plan: @user PLAN [days]",
    "command_unban": "Unban a user: @user",
    "command_ban": "Ban a user: @user [reason]",
    "command_products": "Products and prices",
    "command_models": "AI models: prices, costs, on and off",
    "command_promocode": "Promo codes: list, create, turn on and off",
    "command_payment": "Find a payment or see what needs attention",
    "command_refund": "Refund a payment: ID [amount]",
    "command_check": "Check that payments and balances match",
    "command_statement": "Compare our payments with providers’ records",
    "command_audit": "Admin activity log",
    "gift_credits": (
        "🎁 You’ve got **{count|bonus request|bonus requests}**. Bonus requests never expire and are used "
        "once you reach your plan’s limit. You now have {left}."
    ),
    "gift_credits_taken": "{count|bonus request has|bonus requests have} been removed from your account. You have {left} left. Questions? /paysupport",
    "gift_trainings": ("🎁 You’ve got **{count|training|trainings}**. You now have {left}: /trainings"),
    "gift_trainings_taken": (
        "{count|training has|trainings have} been removed from your account. You have {left} "
        "left. Questions? /paysupport"
    ),
    "gift_xp": "🎁 You’ve got **{count} XP**. You now have {left} XP.",
    "gift_xp_taken": "{count} XP have been removed from your account. You have {left} XP left. Questions? /paysupport",
    "gift_balance": "🎁 Added to your balance: **{count}**. You now have {left}.",
    "gift_balance_taken": "Deducted from your balance: {count}. You have {left} left. Questions? /paysupport",
    "gift_reset": "🔄 Your limit has been reset, and you can use all your requests again.",
    "gift_reset_undone": (
        "Your limit was reset by mistake, so we’ve undone it. See what you have left: /usage"
    ),
    "gift_plan": "⭐ You now have the **{plan}** plan until {until}.",
    "gift_plan_endless": "⭐ You now have the **{plan}** plan with no end date.",
    "gift_plan_ended": "Your {before} plan has ended. You’re on the {plan} plan now. Questions? /paysupport",
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
    "stats_head": "📊 **Overview**",
    "stats_users": "\n👥 Total users: **{users}**\nChats active in the last hour: **{sessions}**\n\nToday · 7 days · 30 days",
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
    "stats_picture_users": "Active users",
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
    "stats_by_bot": "📈 By bot",
    "bot_stats_all": "All bots",
    "bot_stats_head": "📈 **{bot}**",
    "bot_stats_now": (
        "\n👥 Users: **{users}**\nChats active in the last hour: **{sessions}**\n"
        "Messages and taps in 24 hours: {messages}\nAI requests in total: {requests}\nXP given: {xp}"
    ),
    "bot_stats_periods": "\nToday · 7 days · 30 days\nNew: {new}\nActive: {active}",
    "bot_stats_trainings": "Trainings finished: {figures}",
    "bot_stats_funnel": "\n**New users of the last 30 days**\nStarted: {started}",
    "bot_stats_answered": "Got a first answer: {count} ({share}%)",
    "bot_stats_finished": "Finished a training: {count} ({share}%)",
    "bot_stats_paid": "Paid: {count} ({share}%)",
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
    "admin_usage_xp": (
        "To add XP: `/xp @name 50 for the idea`\n\nTo remove some, use a negative number. The user gets a message but "
        "doesn’t see the reason."
    ),
    "admin_usage_course": (
        "To give a course: `/course @name telegram-sales basic`\n\n"
        "Tiers: basic, accelerator, vip. A number of days at the end limits access. The user gets a message."
    ),
    "admin_usage_badge": (
        "To give a badge: `/badge @name spin_master for the final`\n\nTo take it, put a minus before it: "
        "`-spin_master`. A badge of your own needs its bot and a colon: `quiz:finalist`, or only a colon for all "
        "bots: `:finalist`. The user gets no message."
    ),
    "admin_usage_givetrainings": (
        "To add trainings: `/givetrainings @name 3 for your patience`\n\nTo remove unused ones, use "
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
    "admin_models": "🤖 **AI models**\n\nChoose a kind. Each button shows how many of its models are available.",
    "admin_models_kind": "{kind} · {usable} of {of}",
    "admin_models_chat": "Chat",
    "admin_models_image": "Pictures",
    "admin_models_video": "Videos",
    "admin_models_transcription": "Transcription",
    "admin_models_speech": "Speech",
    "admin_models_moderation": "Moderation",
    "admin_models_head": "🤖 **{kind}**\n\nCosts are for the last 30 days.",
    "admin_models_line_on": "🟢 **{model}** · {provider}\n{price} · cost {cost}",
    "admin_models_line_off": "⚪️ **{model}** · {provider} · disabled\n{price} · cost {cost}",
    "admin_models_line_ended": "🔴 **{model}** · {provider} · shut down\n{price} · cost {cost}",
    "admin_models_first": "‹ First",
    "admin_models_more": "More ›",
    "admin_models_back": "‹ All kinds",
    "admin_models_back_to": "‹ {kind}",
    "admin_model": "🤖 **{model}**\n\nProvider: {provider}\nKind: {kind}\nStatus: **{state}**",
    "admin_model_on": "enabled",
    "admin_model_off": "disabled",
    "admin_model_ended": "shut down by the provider",
    "admin_model_until": "⏳ The provider shuts it down on {date}.",
    "admin_model_prices": "**Prices**\n{prices}",
    "admin_model_price": "• {price}",
    "admin_model_priceless": "no prices",
    "admin_model_prices_left": "…and {count|more price|more prices}",
    "admin_model_modes": "Modes: {modes}",
    "admin_model_use_own": "{mode}",
    "admin_model_use_fallback": "{mode} (fallback)",
    "admin_model_month": "Last 30 days: {requests|request|requests}, cost {cost}",
    "admin_model_margin": "Paid from balances: {paid}, cost {cost}. Margin **{margin}** ({share}%).",
    "admin_model_paid": "Paid from balances: {paid}, cost {cost}. That’s **{each}** for each dollar of cost.",
    "admin_model_unusable": "This model is disabled or has been shut down. The mode hasn’t changed.",
    "admin_model_unit_tokens": "per 1M tokens ({tokens})",
    "admin_model_input_tokens": "input",
    "admin_model_output_tokens": "output",
    "admin_model_cached_tokens": "cached input",
    "admin_model_image_input_tokens": "picture input",
    "admin_model_audio_input_tokens": "audio input",
    "admin_model_image_output_tokens": "picture output",
    "admin_model_audio_output_tokens": "audio output",
    "admin_model_video_output_tokens": "video output",
    "admin_model_unit_image": "per picture",
    "admin_model_unit_clip": "per clip",
    "admin_model_unit_request": "per request",
    "admin_model_unit_search": "per search",
    "admin_model_unit_second": "per second",
    "admin_model_unit_minute": "per minute",
    "admin_model_sound": "with sound",
    "admin_model_silent": "silent",
    "admin_button_model_on": "🟢 Enable",
    "admin_button_model_off": "⚪️ Disable",
    "admin_button_model_use": "⭐ Make default: {mode}",
    "audit_model_on": "model {model} enabled",
    "audit_model_off": "model {model} disabled",
    "audit_set_mode_model": "mode {mode}: model {before} → {after}",
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
    "admin_promocode_bad_trainings": "Trainings: enter a whole number from 1 to 1000.",
    "admin_promocode_bad_uses": "People: enter a whole number from 1 to 1 million, or - for no limit.",
    "admin_promocode_bad_days": "Days: enter a whole number from 1 to 3660, or - for no limit.",
    "admin_promocode_taken": "The promo code {code} already exists. Nothing has changed.",
    "admin_promocodes": "🏷 **Promo codes**\n\n{codes}",
    "admin_promocodes_none": "🏷 There are no promo codes yet. Create one: `/promocode SUMMER percent 20 100 30`",
    "admin_promocodes_line": "{code}: {gives}, used {uses}, {state}",
    "admin_promocode": "🏷 **{code}**: {gives}\n\nStatus: **{state}**\n{lines}\n\nLink: {link}",
    "admin_promocode_month": "{plan} for {value|month|months}",
    "admin_promocode_credits": "{value|request|requests}",
    "admin_promocode_trainings": "{value|training|trainings}",
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
    "admin_user_not_found": (
        "I can’t find {who}. Users appear here after they message one of the bots. They can see their ID in "
        "/profile."
    ),
    "admin_no_plan": "There’s no {name} plan. Available: {plans}",
    "admin_granted": "{name}: bonus requests {before} → {after}",
    "admin_xp": "{name}: XP {before} → {after}",
    "admin_badge_given": "{name}: badge “{badge}” given",
    "admin_badge_taken": "{name}: badge “{badge}” taken",
    "admin_badge_same": "{name}: badge “{badge}”, nothing to change",
    "admin_enrolled": "{name}: {course}, tier {tier}",
    "admin_enrolled_until": "{name}: {course}, tier {tier}, until {until}",
    "admin_no_badge": "There’s no badge {badge}. Available: {badges}. For a badge of your own see /badge",
    "admin_gave_trainings": "{name}: trainings {before} → {after}",
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
        "{month}\nBonus requests: {credits}\nTrainings: {trainings}\nBalance: {balance}\nPaid: "
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
    "undo_trainings": "trainings {change}",
    "undo_xp": "XP {change}",
    "undo_award_badge": "badge {badge}",
    "undo_revoke_badge": "removal of the badge {badge}",
    "undo_plan": "plan {plan}",
    "undo_reset": "limit reset",
    "admin_undo_done": "Undone: {before} → {after}",
    "admin_undo_part": "Undone: {before} → {after}. The rest had already been used.",
    "admin_undo_known": "This has already been undone.",
    "admin_undo_replaced": "This can’t be undone because something else has changed since then.",
    "admin_undo_impossible": "This can’t be undone.",
    "undone_add_bonus_credits": "bonus requests",
    "undone_give_trainings": "trainings",
    "undone_adjust_balance": "balance",
    "undone_adjust_xp": "XP",
    "undone_award_badge": "badge",
    "undone_revoke_badge": "badge removal",
    "undone_set_plan": "plan",
    "undone_reset_user_usage": "limit reset",
    "audit_undo": "undone: {what} {before} → {after}",
    "audit_adjust_balance": "balance {before} → {after}",
    "admin_audit": "📜 **Admin log**\n\n{entries}",
    "admin_audit_of": "📜 **Admin log:** {name}\n\n{entries}",
    "admin_audit_empty": "Nothing yet.",
    "admin_audit_line": "{date}, {admin}\n{user}: {what}",
    "admin_audit_reason": "“{reason}”",
    "admin_audit_erased": "Deleted user",
    "admin_audit_newest": "‹ Newest",
    "admin_audit_older": "Older ›",
    "audit_add_bonus_credits": "bonus requests {before} → {after}",
    "audit_give_trainings": "trainings {before} → {after}",
    "audit_adjust_xp": "XP {before} → {after}",
    "audit_award_badge": "gave the badge {badge}",
    "audit_revoke_badge": "took the badge {badge}",
    "audit_reset_user_usage": "requests this month {before} → {after}",
    "audit_set_plan": "plan {before} → {after}",
    "audit_decide_dispute": "decided a dispute: {before} → {after}, score {score_before} → {score_after}",
    "audit_ban_user": "banned",
    "audit_enroll": "gave the course {course}, tier {tier}",
    "audit_withdraw_enrollment": "took the course {course}, tier {tier}",
    "audit_set_staff_role": "gave the role {role}",
    "audit_remove_staff": "took the role {role}",
    "audit_invite_staff": "invited: {role}",
    "audit_cancel_staff_invitation": "canceled the invitation: {role}",
    "audit_accept_staff_invitation": "invitation accepted: {role}",
    "audit_read_lead": "opened a lead",
    "audit_change_lead": "changed a lead",
    "audit_export_leads": "exported leads",
    "audit_create_ad_link": "created an ad link",
    "audit_archive_ad_link": "archived or restored an ad link",
    "audit_set_crm_stages": "changed the stages of leads",
    "audit_export_learners": "exported the learners of {course}",
    "audit_save_article": "saved the article “{title}”",
    "audit_publish_article": "published the article “{title}”",
    "audit_hide_article": "unpublished the article “{title}”",
    "audit_answer_lesson_question": "answered a question about a lesson",
    "audit_unban_user": "unbanned",
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
    "admin_payment_person": "Buyer: {user}",
    "admin_payment_payer": "unknown, paid from Telegram ID {id}",
    "admin_payment_other_payer": "{name}, but paid from Telegram ID {id}",
    "admin_payment_no_payer": "unknown or deleted",
    "admin_payment_bought": "For: {title} (order {order})",
    "admin_payment_given": "Added: {given}",
    "admin_payment_refunded": "Refunded: {money}",
    "admin_payment_disputed": "Lost in a dispute: {money}",
    "admin_payment_status_pending": "Awaiting payment",
    "admin_payment_status_completed": "Paid",
    "admin_payment_status_part": "Paid, partly refunded",
    "admin_payment_status_refunded": "Refunded",
    "admin_payment_status_disputed": "Lost in a dispute",
    "admin_payment_status_failed": "Failed",
    "admin_payment_status_canceled": "Canceled",
    "admin_given_subscription": "{quantity|day|days} of plan access",
    "admin_given_credits": "{quantity|request|requests}",
    "admin_given_balance": "{quantity} to the balance",
    "admin_given_gift": "a gift",
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
    "admin_card_paid": "{paid}",
    "admin_card_refunded": "{paid}, {refunded} of it refunded",
    "admin_mark_chargebacks": "⚠️ Bank disputes: {count}",
    "admin_audit_no_user": "Payment without a user",
    "audit_refund_payment": "refund of {money} requested, payment {payment}",
    "audit_refund_decided": "refund of {money}, payment {payment}: {state}",
    "admin_check_good": "✅ **Everything matches:** payments, purchases, pictures and videos, the ledger and balances.",
    "admin_check_bad": "🚨 **Something doesn’t match:** {payments} in payments, {balances} in balances, {generations} in pictures and videos.",
    "admin_check_payment": "Payment {id}: {wrong}",
    "admin_check_balance": "{who}: balance {balance}, ledger {ledger}",
    "admin_check_generation": "Picture or video {id}: {wrong}",
    "admin_check_too_long": (
        "The check took too long to run in chat. Run it in the SQL editor: `check_payments()`, "
        "`check_balances()` and `check_generations()`."
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
    "command_here": "Address of a group or topic for alarms",
    "admin_here": (
        "📍 **This chat:** `{address}`\n\nTo get messages here, set one or both and deploy:\n"
        "`ALARMS_CHAT={address}`\n`PURCHASES_CHAT={address}`\n\nComes here now: {state}"
    ),
    "admin_here_alarms": "alarms",
    "admin_here_purchases": "purchases",
    "admin_here_none": "nothing",
    "admin_here_private": "📍 Send /here in the group or topic where you want alarms or purchases.",
    "admin_chat_unreachable": (
        "⚠️ **I can’t write in the admins’ chat** `{address}`.\n\nTelegram says: {error}\n\nIts messages now come "
        "here. After you fix it, send /here in that chat. If the topic is gone, create one, send /here there, "
        "and put the new address in your settings."
    ),
    "admin_chat_moved": (
        "📍 **The admins’ group is now a supergroup** with a new address. Messages keep going there. Before your "
        "next deployment, change the setting:\n`{line}`"
    ),
    "admin_purchase": "💰 **{title}** · {money}\n\nPayment {payment} · {provider} · {bot}",
    "admin_purchase_renewed": "🔁 **{title}** · {money}\n\nRenewal · payment {payment} · {provider} · {bot}",
    "admin_alert_user_cost": (
        "⚠️ **A user reached the daily cost limit.**\n\nBot: {bot}\nUser: `{user}`\nLimit: ${limit} "
        "(`daily_cost_user`)\n\nThe bot won’t answer their questions for the rest of the day. You get this "
        "alert only for the first user each day."
    ),
    "admin_alert_bot_cost": (
        "🚨 **The bot {bot} reached its daily cost limit** of ${limit}.\n\nFor the rest of the day, it "
        "answers only users with their own AI keys. To serve everyone again, raise `daily_cost_bot`."
    ),
    "admin_alert_user_month_80": (
        "⚠️ **A user has spent 80% of the monthly budget.**\n\nBot: {bot}\nUser: `{user}`\nBudget: ${limit} "
        "(`monthly_cost_user`)\n\nYou get this alert only for the first user each month."
    ),
    "admin_alert_user_month_100": (
        "🚨 **A user has spent the monthly budget.**\n\nBot: {bot}\nUser: `{user}`\nBudget: ${limit} "
        "(`monthly_cost_user`)\n\nUntil the end of the month, this user gets AI answers only with their own key. "
        "You get this alert only for the first user each month."
    ),
    "admin_alert_bot_month_80": (
        "⚠️ **The bot {bot} has spent 80% of its monthly budget** of ${limit}.\n\nAt 100% it stops answering "
        "with AI until the end of the month. To prevent that, raise `monthly_cost_bot`."
    ),
    "admin_alert_bot_month_100": (
        "🚨 **The bot {bot} has spent its monthly budget** of ${limit}.\n\nUntil the end of the month, it "
        "answers only users with their own AI keys. To serve everyone again, raise `monthly_cost_bot`."
    ),
    "admin_alert_model_ends": (
        "⚠️ **{model}** ({provider}) shuts down on {date}, in {days|day|days}.\n\nUsed for: {uses}\n\nChoose "
        "another model before then: its requests fail after that day."
    ),
    "admin_alert_model_gone": (
        "🚨 **{model}** ({provider}) is no longer available from its provider.\n\nUsed for: {uses}\n\nChoose "
        "another model now: requests to this one fail or are about to."
    ),
    "admin_alert_health": (
        "🚨 **{what}: {value}**\n\nDatabase: {environment}\nAlert at: {most} (`{setting}`)\n\nDetails: "
        "`./switchboard database health`"
    ),
    "admin_alert_health_resolved": "✅ **{what}: {value}**\n\nBack to normal. Database: {environment}",
    "health_backup_hours": "Age of the last backup, hours",
    "health_blocked_sessions": "Sessions waiting for a lock",
    "health_cache_miss_percent": "Reads that miss the cache, %",
    "health_changes_by_hand": "Schema changed outside of migrations",
    "health_connections_percent": "Connections in use, %",
    "health_cron_failures": "Failed cron runs in 24 hours",
    "health_dead_letters": "Updates not processed in 24 hours",
    "health_dead_rows_percent": "Dead rows in a table, %",
    "health_environment_behind_hours": "Missing the newest migrations, hours",
    "health_growth_megabytes": "Database growth in a day, MB",
    "health_idle_transaction_minutes": "Longest idle transaction, minutes",
    "health_invalid_indexes": "Invalid indexes",
    "health_missing_partitions": "Missing partitions",
    "health_outbox_minutes": "Oldest unsent message, minutes",
    "health_overdue_backups": "Backups kept too long",
    "health_payments_in_doubt": "Payments that need a decision",
    "health_sequences_percent": "Sequence used up, %",
    "health_size_megabytes": "Database size, MB",
    "health_slot_megabytes": "WAL kept by a replication slot, MB",
    "health_slow_statement_milliseconds": "Slowest query, ms",
    "health_transaction_minutes": "Longest transaction, minutes",
    "health_unindexed_foreign_keys": "Foreign keys without an index",
    "health_unused_indexes": "Unused indexes",
    "health_unvalidated_constraints": "Constraints not validated",
    "health_wraparound_percent": "Transaction IDs used, %",
    "admin_alarms_more": (
        "🔔 {count|more alert|more alerts} arrived before you started the bot. Payments that need attention: "
        "/payment"
    ),
    "command_access": "Maintenance and new users",
    "admin_access": "🚪 **Access**\n\nNew users: {mode}\nMaintenance: {maintenance}\n\nDuring maintenance, bots answer admins only. Payments and refunds keep working.",
    "admin_access_open": "everyone",
    "admin_access_invite": "by invitation",
    "admin_access_closed": "no one",
    "admin_maintenance_on": "on",
    "admin_maintenance_off": "off",
    "admin_button_access_open": "Everyone",
    "admin_button_access_invite": "By invitation",
    "admin_button_access_closed": "No one",
    "admin_button_maintenance_on": "🛠 Start maintenance",
    "admin_button_maintenance_off": "✅ End maintenance",
    "audit_set_access": "access: {before} → {after}",
    "database_title": "Database",
    "database_about": "Read only. Make changes with ./switchboard database.",
    "database_environment": "Environment",
    "database_size": "Size",
    "database_megabytes": "MB",
    "database_version": "Migrations",
    "database_health": "Health",
    "database_bad": "{count|figure|figures} over the limit",
    "database_good": "All good",
    "database_half_done": "Stopped halfway: {versions}",
    "database_figure": "Figure",
    "database_value": "Value",
    "database_limit": "Limit",
    "database_state": "State",
    "database_over": "Over the limit",
    "database_no_health": "Not measured yet.",
    "database_runs": "Database tool runs",
    "database_at": "When",
    "database_table": "Table",
    "database_kind": "Operation",
    "database_outcome": "Result",
    "database_versions": "Versions",
    "database_steps": "Migrations",
    "database_seconds": "Seconds",
    "database_actor": "By",
    "database_no_runs": "No runs yet.",
    "database_backups": "Backups",
    "database_kept": "Type",
    "database_kept_daily": "Daily",
    "database_kept_monthly": "Monthly",
    "database_kept_migration": "Before a migration",
    "database_verified": "Restore tested",
    "database_not_verified": "Not yet",
    "database_no_backups": "No backups.",
    "command_codes": "Batch of one-time promo codes",
    "admin_usage_codes": "🏷 **One-time codes**\n\n`/codes GIFT credits 50 100 30 for partners` creates 100 codes that give 50 requests each and work for 30 days, with a note for admins. I’ll send them as a file.\n\nInstead of `credits 50`, you can use `month 1`, `trainings 3` or `percent 20`. Days are optional; `-` means no limit. At most 5,000 codes. A user can redeem one code of a batch.",
    "admin_codes": "🏷 **{prefix}**: {size} one-time codes are in the file.",
    "audit_create_promocode_batch": "batch of {size} promo codes created",
    "audit_export_promocodes": "exported a batch of promo codes",
    "admin_access_maintenance": "maintenance",
}
