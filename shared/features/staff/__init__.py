"""The staff: who works for the owner in which role, and what they did."""

from shared.telegram.feature import Feature

feature = Feature(__name__, links=("staff_",))
