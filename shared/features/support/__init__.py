"""The terms of sale and the support contact, which Telegram requires of sellers."""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(Command("terms", "more", needs="terms"), Command("paysupport", "more", needs="support")),
)
