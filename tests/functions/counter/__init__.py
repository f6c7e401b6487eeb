"""A feature of its own: a number that a button raises."""

from shared.telegram.feature import Command, Feature

feature = Feature(__name__, commands=(Command("count", "more"),), buttons=("count",), is_metered=True)
