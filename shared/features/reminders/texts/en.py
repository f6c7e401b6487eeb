"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_remind": "Set a reminder",
    "remind_none": (
        "⏰ **No reminders yet**\n\nTell me when and what:\n\n/remind tomorrow at 9 call mom\n"
        "/remind in 2 hours take out the laundry\n/remind Monday 10:00 team meeting\n\nOr reply to any message with "
        "/remind tomorrow."
    ),
    "remind_list": "⏰ **Your reminders**\n\n{lines}\n\nTime zone: {zone}\nNew one: /remind tomorrow at 9 call mom",
    "remind_more": "…and {count} more",
    "remind_moment": "{day} at {time}",
    "remind_set": "⏰ I’ll remind you on **{moment}**, {zone}:\n\n{words}",
    "remind_when": "⏰ When should I remind you?\n\nChoose a time, or send it all: /remind tomorrow at 9 call mom",
    "remind_what": "⏰ What should I remind you about?\n\nSend it in your next message.",
    "remind_past": "⏰ That time has already passed. Choose a later one.",
    "remind_too_far": "⏰ I can remind you up to a year ahead. Choose an earlier time.",
    "remind_limit": (
        "⏰ You’ve reached your plan’s limit of {limit|reminder|reminders}. Delete one you don’t need and try again."
    ),
    "remind_due": "⏰ **Reminder**\n\n{words}",
    "remind_deleted": "Reminder deleted",
    "remind_gone": "This reminder no longer exists.",
    "remind_old": "This reminder is already set. Send /remind for a new one.",
    "remind_asked": "I’m already answering this.",
    "remind_snoozed": "I’ll remind you again on {moment}.",
    "remind_in_hour": "In an hour",
    "remind_in_tomorrow": "Tomorrow at 9:00",
    "remind_in_days": "In 3 days",
    "remind_in_week": "In a week",
    "remind_tonight": "Tonight at 19:00",
    "remind_when_answer": "⏰ When should I remind you of this question?",
    "remind_no_question": "This question is no longer in the history. Send it again, or use /remind.",
    "remind_cancel": "Cancel",
    "remind_canceled": "No reminder set.",
    "remind_button_answer": "⏰ Remind me",
    "remind_button_ask": "💬 Ask now",
    "remind_button_hour": "In an hour",
    "remind_button_tomorrow": "Tomorrow",
    "remind_button_list": "⏰ Reminders",
    "remind_button_zone": "🌍 Time zone",
    "remind_button_delete": "🗑 {number}",
    "remind_new": "New reminder",
    "remind_words": "What about",
    "remind_at": "When",
    "remind_save": "Remind me",
    "remind_delete_one": "Delete: {words}",
    "remind_empty": "No reminders yet. The bot will write to you at the time you choose.",
    "remind_set_notice": "The bot will remind you.",
    "remind_deleted_notice": "Reminder deleted.",
    "remind_gone_notice": "This reminder no longer exists.",
    "remind_page_secret": "This looks like a password or an API key, so it wasn’t saved.",
    "remind_page_past": "That time has already passed. Choose a later one.",
    "remind_page_too_far": "The bot can remind you up to a year ahead.",
    "remind_page_limit": "You’ve reached your plan’s limit of {limit|reminder|reminders}. Delete one and try again.",
}
