"""A user's account: plan, usage, Telegram ID."""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(
        Command("profile", "plan", works_offline=True),
        Command("usage", "plan"),
        Command("whoami", "more", works_offline=True),
    ),
    buttons=("profile", "usage"),
    kinds=("my_chat_member",),
)
