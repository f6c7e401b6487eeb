"""A paid plan for some days, free, once for each user."""

from shared.telegram.feature import Command, Feature

feature = Feature(__name__, commands=(Command("trial", "plan", needs="trial"),), buttons=("trial",))
