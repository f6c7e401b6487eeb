"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_unsubscribe": "News and offers on or off",
    "unsubscribe": "News and offers",
    "broadcast_stop_button": "🔕 Unsubscribe",
    "broadcast_again_button": "🔔 Subscribe again",
    "broadcast_takes": (
        "🔔 **News and offers are on**\n\nWe message you at most once in a while. Turn it off, and you’ll still get "
        "messages about your purchases and reminders you set."
    ),
    "broadcast_stopped": (
        "🔕 **News and offers are off**\n\nYou’ll still get messages about your purchases and reminders you set."
    ),
    "broadcast_stopped_notice": "Unsubscribed",
}
