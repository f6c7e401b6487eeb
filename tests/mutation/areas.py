"""The areas whose functions are mutated, with the tests that must notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "supabase" / "schemas" / "functions"

MONEY_TESTS = ("balance", "commissions", "discounts", "pay_from_balance", "refunds", "subscriptions")


@dataclass(frozen=True)
class Area:
    """Functions by patterns of their files, and the paths of tests."""

    functions: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self, only: Sequence[str] = ()) -> list[Path]:
        """Return the files of the functions, or those that have one of these words in their path."""
        files = sorted(file for pattern in self.functions for file in FUNCTIONS.glob(pattern))
        paths = [(file, str(file.relative_to(FUNCTIONS))) for file in files]
        return [file for file, path in paths if not only or any(word in path for word in only)]


AREAS = {
    "xp": Area(("xp/**/*.sql",), ("tests/supabase/xp",)),
    "quota": Area(
        (
            "usage/quota.sql",
            "usage/reserve_usage.sql",
            "usage/release_usage.sql",
            "usage/has_billed_call.sql",
            "usage/is_within_bot_cost_limit.sql",
            "usage/user_cost.sql",
            "usage/bot_cost.sql",
            "telegram/reserve_request.sql",
        ),
        ("tests/supabase/usage",),
    ),
    "money": Area(
        (
            "balance/*.sql",
            "access/consume_access.sql",
            "access/use_trainings.sql",
            "access/give_trainings.sql",
            "integration/grant_*.sql",
            "payments/charge_balance.sql",
            "payments/pay_from_balance.sql",
            "payments/pay_commission.sql",
            "payments/discounted_price.sql",
            "payments/consume_discount.sql",
            "payments/refund_to_balance.sql",
            "payments/refundable_amount.sql",
            "payments/adjust_balance_for_payment.sql",
        ),
        (
            # Not the whole folder: most of these functions take part in each payment.
            *(f"tests/supabase/payments/test_{name}.py" for name in MONEY_TESTS),
            "tests/supabase/access",
            "tests/supabase/integration",
            "tests/supabase/referrals",
        ),
    ),
}
