"""The quiz: questions on sales and negotiation, in private and in groups."""

from shared.features import courses, promocodes, quiz, referrals, trial, with_common
from shared.telegram import Bot

bot = Bot(
    "quiz",
    "Quizzes users on sales and negotiation.",
    with_common(
        promocodes.feature,
        trial.feature,
        referrals.feature,
        quiz.feature,
        courses.feature,
    ),
    menu=("quiz", "daily", "review", "resume", "progress", "menu", "language", "help"),
    admin_menu=(
        "quiz",
        "daily",
        "progress",
        "menu",
        "stats",
        "user",
        "payment",
        "products",
        "promocode",
        "help",
    ),
)
