"""Promo codes: redeemed behind the command, sent by themselves, or carried by a link."""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(Command("promo", "plan", needs="sales"),),
    buttons=("promo",),
    states=("promocode",),
    links=("promo_",),
)
