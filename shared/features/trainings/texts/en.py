"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_trainings": "Your trainings",
    "trainings": "🎓 **Your trainings**",
    "trainings_none": "🎓 **You don’t have any trainings yet.**",
    "trainings_plan_until": "🎓 **Your trainings**\n\nUnlimited with {plan} until {until}.",
    "trainings_plan": "🎓 **Your trainings**\n\nUnlimited with {plan}.",
    "trainings_admin": "🎓 **Your trainings**\n\nUnlimited: you’re an admin.",
    "trainings_credits": "💬 Bonus requests: {credits}. One request covers one training.",
    "trainings_line": "🎁 {trainings|training|trainings} {source}",
    "trainings_from_channel": "for joining the channel",
    "trainings_from_promo": "from a promo code",
    "trainings_from_admin": "from an admin",
    "trainings_from_service": "from another service",
    "trainings_from_other": "as a gift",
    "trainings_channel": "📣 Join **{channel}** and get {trainings|free training|free trainings}.",
    "trainings_channel_had": "📣 You’ve already claimed the reward for joining **{channel}**. Thanks for reading!",
    "trainings_open": "📣 {channel}",
    "trainings_joined": "✅ I’ve joined",
    "trainings_given": "🎉 Thanks! +{trainings|training|trainings}",
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
    "trainings_start": "Start a training",
    "trainings_page_channel": "Join {channel} and get {trainings|free training|free trainings}.",
    "trainings_page_had": "You’ve already claimed the reward for joining {channel}.",
    "trainings_page_open": "Open the channel",
    "trainings_page_joined": "I’ve joined",
    "trainings_added_notice": "Thanks! Your trainings have been added.",
}
