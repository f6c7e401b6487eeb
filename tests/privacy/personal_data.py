"""What is stored about people, table by table and column by column: what is told to them, and what is erased.

A table or column that is not decided here fails the tests. Whoever adds one says here what becomes of it, and
adds it to private.user_data_sections and, where no foreign key does it, to private.erase_user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fate = Literal["gone", "anonymous", "stripped", "nobody's"]


@dataclass(frozen=True)
class Table:
    """What becomes of a table's rows about a person.

    gone: the row is deleted with the person. anonymous: it stays, and belongs to nobody. stripped: it stays
    empty, so that a repetition is recognised. nobody's: it holds nothing about a person, but what `why` says.
    """

    fate: Fate
    told: str = ""  # columns that /mydata tells, in the section
    section: str = ""  # of export_user_data; "payments.orders": a part of a section
    kept_back: str = ""  # columns that it does not: our own numbers, or somebody else's data
    cleared: str = ""  # columns that the erasure empties where the row stays
    why: str = ""


TABLES = {
    "public.users": Table(
        "gone",
        section="user",
        told="id telegram_id username first_name last_name language_code language price_currency"
        " balance vip_level is_active is_newcomer referral_code total_referrals"
        " referral_credits bonus_credits total_xp level is_admin is_paid banned_at ban_reason"
        " ban_notified trial_used has_started active_on created_at updated_at last_activity",
    ),
    "public.bot_sessions": Table(
        "gone",
        section="sessions",
        told="bot chat_id thread_id mode session_data stats_data last_update_id created_at updated_at",
        kept_back="user_id",
    ),
    "public.messages": Table(
        "gone",
        section="messages",
        told="bot chat_id thread_id role content message_id created_at",
        kept_back="id user_id",
    ),
    "public.daily_usage": Table(
        "gone",
        section="requests",
        told="bot day requests bonus_requests user_api_key_requests releases",
        kept_back="user_id",
    ),
    "public.monthly_usage": Table(
        "gone", section="months", told="month requests bonus_requests", kept_back="user_id"
    ),
    "public.monthly_api_usage": Table(
        "gone",
        section="ai_months",
        told="month provider model is_user_api_key calls errors tokens_in tokens_out cost ms day day_cost",
        kept_back="user_id",
    ),
    "public.api_usage": Table(
        "gone",
        section="ai_calls",
        told="bot provider model kind status ms request_bytes response_bytes tokens_in tokens_out cost"
        " is_user_api_key created_at",
        kept_back="id user_id",
    ),
    "public.user_tokens": Table(
        "gone",
        section="keys",
        told="provider last_four key_id status is_active created_at checked_at",
        kept_back="id user_id ciphertext",
    ),
    "public.balance_transactions": Table(
        "anonymous",
        section="balance",
        told="id amount balance_after reason reference created_at",
        kept_back="user_id",
        cleared="user_id",
    ),
    "public.subscriptions": Table(
        "gone",
        section="subscriptions",
        told="id plan source status starts_at ends_at anchor_day reminded ended_at created_at",
        kept_back="user_id",
    ),
    "public.free_trainings": Table(
        "gone",
        section="trainings.given",
        told="source reference quantity used created_at",
        kept_back="id user_id",
    ),
    "public.access_usages": Table(
        "gone",
        section="trainings.used",
        told="reference quantity access_type credits trainings created_at",
        kept_back="id user_id",
    ),
    "public.renewals": Table(
        "anonymous",
        section="payments.renewals",
        told="id product_key provider provider_subscription_id status currency amount kind plan period bot"
        " saved_method charged_until charge_at attempts attempt_started_at lease_until canceled_at created_at"
        " ended_at cancel_requested_at stop_at stop_attempts payer alarmed_period",
        kept_back="user_id",
        cleared="user_id saved_method charge_at attempt_started_at lease_until payer",
    ),
    "public.orders": Table(
        "anonymous",
        section="payments.orders",
        told="id product_key provider currency amount status kind plan period quantity renews contact bot"
        " renewal_id reference checkout_url checkout_reference expires_at checked_at notified created_at"
        " completed_at full_amount promocode_id next_product_key message_ids message_state",
        kept_back="user_id",
        cleared="user_id contact checkout_url checkout_reference message_ids",
    ),
    "public.payments": Table(
        "anonymous",
        section="payments.payments",
        told="id provider provider_payment_id order_id renewal_id status currency amount refunded disputed"
        " has_failed is_canceled is_test problem saved_method created_at completed_at",
        kept_back="user_id claims",  # whose it is, as they know; or who else paid for them
        cleared="user_id saved_method",  # and of the claims the Telegram id, which becomes 0
    ),
    "public.payment_operations": Table(
        "anonymous",
        section="payments.operations",
        told="payment_id kind operation_id amount currency is_undone is_final created_at fee"
        " happened_at alarmed_at",
    ),
    "public.refunds": Table(
        "anonymous",
        section="payments.refunds",
        told="id payment_id amount status reference operation_id attempts is_accepted is_awaited error key"
        " created_at first_attempt_at next_attempt_at decided_at",
        kept_back="admin_email",
        cleared="error",
    ),
    "public.payment_effects": Table(
        "anonymous",
        section="payments.effects",
        told="payment_id effect subscription_id given reversal_target reversed adjustments created_at",
        kept_back="user_id",
        cleared="user_id subscription_id",
    ),
    "public.payment_events": Table(
        "stripped",
        section="payments.events",
        told="provider event_key type body events attempts error received_at processed_at",
        kept_back="id user_id",
        cleared="user_id body events error",
    ),
    "public.promocode_usages": Table(
        "gone",  # and remembered, so that who comes back redeems none again
        section="promocodes.redeemed",
        told="promocode_id reference given percent expires_at consumed_at created_at",
        kept_back="user_id",
    ),
    "public.promocode_attempts": Table(
        "gone", section="promocodes.attempts", told="day failed_attempts last_reference", kept_back="user_id"
    ),
    "public.user_referrals": Table(
        "anonymous",
        section="referrals",
        told="status referrer_credits referred_credits created_at completed_at",
        kept_back="id referrer_id referred_id",
        cleared="referrer_id",
    ),
    "public.audit_log": Table(
        "anonymous",
        section="admins",
        told="id action reference before after created_at",
        kept_back="user_id admin_email",
        cleared="user_id",
    ),
    "public.telegram_updates": Table(
        "stripped",
        section="updates",
        told="bot update_id kind status chat_id thread_id payload attempt failures crash_count lease_until"
        " reservation reserved_on reserved_from reserved_cost answer error received_at",
        kept_back="user_id delivery",
        cleared="user_id chat_id thread_id payload delivery answer error lease_until reservation reserved_on"
        " reserved_from reserved_cost",
    ),
    "public.telegram_outbox": Table(
        "gone",
        section="unsent",
        told="id bot chat_id update_id method parameters attempts send_after error created_at",
    ),
    "public.erased_users": Table("nobody's", why="a keyed hash, and what must not be collected again"),
    "public.admins": Table("nobody's", why="the owner's own setting, written from the environment"),
    "public.daily_totals": Table("nobody's", why="sums over all people"),
    "public.subscription_limits": Table("nobody's", why="what plans allow"),
    "public.daily_active_users": Table("nobody's", why="how many people were active"),
    "public.products": Table("nobody's", why="what can be bought"),
    "public.product_prices": Table("nobody's", why="what it costs"),
    "public.promocodes": Table("nobody's", why="what each gives, and how many redeemed it"),
    "public.statement_days": Table("nobody's", why="how far the providers' own lists were read"),
    "public.statement_entries": Table("nobody's", why="sums and numbers of the providers' own lists"),
    "public.star_positions": Table("nobody's", why="how far a bot's list of transactions was read"),
    "private.cost_alerts": Table("nobody's", why="when the admins were told of a cost limit"),
    "private.waiting_alarms": Table(
        "nobody's", why="alarms for admins; those that name a user go with them, texts of errors too"
    ),
    "private.settings": Table("nobody's", why="settings of the installation"),
}
