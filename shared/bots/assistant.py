"""The assistant: an AI that remembers the conversation, with a shop around it."""

from shared.features import (
    chat,
    conversations,
    courses,
    images,
    inline,
    promocodes,
    referrals,
    reminders,
    trainings,
    trial,
    user_keys,
    videos,
    with_common,
)
from shared.telegram import Bot

bot = Bot(
    "assistant",
    "Answers any question with an AI.",
    with_common(
        promocodes.feature,
        trial.feature,
        referrals.feature,
        trainings.feature,
        chat.feature,
        images.feature,
        videos.feature,
        conversations.feature,
        courses.feature,
        reminders.feature,
        inline.feature,
        user_keys.feature,
    ),
    menu=("menu", "buy", "profile", "new", "chats", "mode", "image", "help"),
    admin_menu=("menu", "clear", "stats", "user", "payment", "products", "promocode", "help"),
)
