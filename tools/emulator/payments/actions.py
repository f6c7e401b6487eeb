"""What a payer, a bank or the shop can do with an invoice: the buttons of the checkout pages."""

from __future__ import annotations

CHALLENGES = ("challenge", "pass_challenge", "fail_challenge")
RENEWALS = ("renew", "fail_renewal", "empty_card", "fill_card")
TRIES = frozenset({"pay", "decline", "pay_later", "wrong_amount", "challenge"})  # attempts to pay
# The buttons of checkout pages and their labels.
ACTIONS = {
    "pay": "Pay",
    "decline": "Decline",
    "pay_later": "Pay later",
    "wrong_amount": "Wrong amount",
    "deliver_twice": "Deliver twice",
    "forge": "Forge",
    "refund": "Refund",
    "expire": "Let it expire",
    "challenge": "Ask for 3-D Secure",
    "pass_challenge": "3-D Secure passed",
    "fail_challenge": "3-D Secure failed",
    "dispute": "Dispute",
    "win_dispute": "Dispute won",
    "lose_dispute": "Dispute lost",
    "renew": "Renew",
    "fail_renewal": "Renewal fails",
    "mend_renewal": "Renewal works again",
    "remove_method": "Card removed",
    "empty_card": "Empty the card",
    "fill_card": "Fill the card",
    "end_period": "Let the period end",
}
