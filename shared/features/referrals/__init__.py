"""Invite links and what came of them."""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(Command("referral", "plan", needs="referrals"),),
    buttons=("referral",),
    links=("ref_",),
)
