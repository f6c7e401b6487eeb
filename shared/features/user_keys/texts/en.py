"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_keys": "Your own AI keys",
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
    "keys_page_about": "Requests with your own key don’t count toward your plan: you pay the provider directly.",
    "keys_page_own": "Your {name} key is in use.",
    "keys_page_plan": "Your plan is in use, not your own keys.",
    "keys_page_use": "Use this key",
    "keys_page_use_one": "Use the {name} key",
    "keys_page_use_plan": "Use my plan",
    "keys_page_remove": "Remove",
    "keys_page_remove_about": "We’ll delete the key for good. It’ll keep working at {name} until you revoke it there.",
    "keys_page_add": "Add a key",
    "keys_page_provider": "Provider",
    "keys_page_key": "API key",
    "keys_page_hint": "We check it with the provider, store it encrypted and show only its last four characters.",
    "keys_page_save": "Check and save",
    "keys_page_unavailable": "Own keys aren’t available here.",
    "keys_page_no_key": "That doesn’t look like a key from {name}. Paste the key alone.",
    "keys_page_other": "This looks like a key from {other}, not {name}. It wasn’t saved or sent anywhere.",
    "keys_page_wrong": "{name} rejected this key, so it wasn’t saved. Check that you copied all of it and that it hasn’t been revoked.",
    "keys_added_notice": "The key works and is in use now.",
    "keys_unchecked_notice": "The key is saved and in use, but it couldn’t be verified right now.",
    "keys_used_notice": "This key is in use now.",
    "keys_planned_notice": "Your plan is in use now. Your keys are still saved.",
    "keys_removed_notice": "Key removed.",
    "keys_gone_notice": "This key has already been removed.",
}
