"""The sales trainer: conversations with clients played by the AI, scored by the user's questions."""

from shared.features import courses, promocodes, referrals, teams, trainer, trainings, trial, with_common
from shared.telegram import Bot

bot = Bot(
    "spin",
    "Trains sales calls with clients played by an AI.",
    with_common(
        promocodes.feature,
        trial.feature,
        referrals.feature,
        trainings.feature,
        trainer.feature,
        teams.feature,
        courses.feature,
    ),
    menu=(
        "new",
        "tip",
        "finish",
        "resume",
        "history",
        "review",
        "team",
        "courses",
        "menu",
        "buy",
        "trainings",
        "language",
        "help",
    ),
    admin_menu=(
        "new",
        "finish",
        "history",
        "team",
        "menu",
        "stats",
        "user",
        "payment",
        "products",
        "promocode",
        "help",
    ),
)
