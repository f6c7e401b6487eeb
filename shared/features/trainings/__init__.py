"""Trainings that a user has, and those for joining the owner's channel."""

from shared.telegram.feature import Command, Feature

feature = Feature(__name__, commands=(Command("trainings", "plan", needs="channel"),), buttons=("trainings",))
