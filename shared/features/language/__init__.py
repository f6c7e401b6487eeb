"""The language in which the bots speak with a user."""

from shared.telegram.feature import Command, Feature

feature = Feature(__name__, commands=(Command("language", "data"),), buttons=("language",))
