"""Declare for every table and column what /mydata exports of users' data and what an erasure does with it.

A table or column that is not declared here fails the tests. When you add one, declare it here, and add it to
private.user_data_sections and, where no foreign key does it, to private.erase_user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fate = Literal["deleted", "anonymized", "emptied", "no_user"]


@dataclass(frozen=True)
class Table:
    """What is exported of a table's rows about a user, and what an erasure does with them.

    deleted: the row is deleted with the user. anonymized: it stays without user_id. emptied: it stays without
    content, so that a repetition is recognised. no_user: it holds nothing about users, but what `why` says.
    """

    fate: Fate
    export: str = ""  # columns that /mydata exports, in the section
    section: str = ""  # of export_user_data; "payments.orders": a part of a section
    not_exported: str = ""  # other columns: internal ids, or data about other users
    cleared: str = ""  # columns that an erasure clears where the row stays
    why: str = ""


TABLES = {
    "public.users": Table(
        "deleted",
        section="user",
        export="id telegram_id username first_name last_name language_code language price_currency"
        " balance vip_level is_active is_newcomer referral_code total_referrals"
        " referral_credits bonus_credits total_xp level is_admin is_paid banned_at ban_reason"
        " ban_notified trial_used memory_enabled has_started is_waiting active_on created_at"
        " updated_at last_activity",
    ),
    "public.bot_sessions": Table(
        "deleted",
        section="sessions",
        export="bot chat_id thread_id mode session_data stats_data last_update_id is_blocked"
        " created_at updated_at",
        not_exported="user_id",
    ),
    "public.service_grants": Table(
        "deleted",
        section="grants",
        export="kind quantity plan reference created_at",
        not_exported="id user_id",
    ),
    "public.messages": Table(
        "deleted",
        section="messages",
        export="bot chat_id thread_id conversation_id role content message_id created_at",
        not_exported="id user_id update_id claimed_by",
    ),
    "public.ai_conversations": Table(
        "deleted",
        section="conversations",
        export="id bot chat_id thread_id is_main name model instructions summary summary_until created_at"
        " last_used_at",
        not_exported="user_id reference summary_claim summary_claimed_at",
    ),
    "public.ai_conversation_files": Table(
        "deleted",
        section="conversation_files",
        export="conversation_id name content created_at",
        not_exported="id user_id reference",
    ),
    "public.shared_conversations": Table(
        "deleted",
        section="shared_pages",
        export="token bot bot_username chat_id thread_id conversation_id title first_message last_message"
        " message_count is_cut created_at withdrawn_at",
        not_exported="id user_id digest reference",
    ),
    # Before the sessions, which a role ends.
    "public.staff": Table(
        "deleted",
        section="staff",
        export="role email created_at",
        not_exported="user_id added_by",
    ),
    "public.user_sessions": Table(
        "deleted",
        section="web_sessions",
        export="way device created_at last_seen_at expires_at ends_at exported_at",
        not_exported="id user_id token_hash",
    ),
    "public.login_attempts": Table(
        "deleted",
        section="logins",
        export="way device decided_at is_confirmed created_at expires_at",
        not_exported="public_hash browser_hash code verifier return_to address_hash user_id session_hash",
    ),
    "public.login_proofs": Table(
        "no_user", why="hashes of signatures, deleted when the signed data are too old to be accepted"
    ),
    "public.ai_memory": Table(
        "deleted",
        section="memory",
        export="bot content created_at",
        not_exported="id user_id reference",
    ),
    "public.ai_memory_proposals": Table(
        "deleted",
        section="memory_proposals",
        export="bot content declined_at created_at",
        not_exported="id user_id",
    ),
    "public.daily_usage": Table(
        "deleted",
        section="requests",
        export="bot day requests bonus_requests user_api_key_requests releases",
        not_exported="user_id",
    ),
    "public.monthly_usage": Table(
        "deleted", section="months", export="month requests bonus_requests", not_exported="user_id"
    ),
    "public.monthly_api_usage": Table(
        "deleted",
        section="ai_months",
        export="month provider model is_user_api_key calls errors tokens_in tokens_out cost ms day day_cost"
        " sold_cost",
        not_exported="user_id",
    ),
    "public.api_usage": Table(
        "deleted",
        section="ai_calls",
        export="bot provider model kind status ms request_bytes response_bytes tokens_in tokens_out cost"
        " is_user_api_key created_at tokens_cached reason",
        not_exported="id user_id",
    ),
    "public.user_tokens": Table(
        "deleted",
        section="keys",
        export="provider last_four key_id status is_active created_at checked_at",
        not_exported="id user_id ciphertext",
    ),
    "public.stored_files": Table(
        "deleted",  # their objects enter private.storage_deletions
        section="files",
        export="bot kind key mime_type size_bytes status created_at delete_after",
        not_exported="id user_id",
    ),
    "public.user_avatars": Table(
        "deleted",
        section="photo",
        export="bot photo_id mime_type image wanted_at checked_at",
        not_exported="user_id key due_at",
    ),
    "public.balance_transactions": Table(
        "anonymized",
        section="balance",
        export="id amount balance_after reason reference created_at",
        not_exported="user_id",
        cleared="user_id",
    ),
    "public.subscriptions": Table(
        "deleted",
        section="subscriptions",
        export="id plan source status starts_at ends_at anchor_day reminded ended_at created_at"
        " monthly_amount currency",
        not_exported="user_id",
    ),
    "public.user_milestones": Table(
        "deleted",
        section="analytics.first_steps",
        export="started_on bot answered_on limited_on checkout_on paid_on",
        not_exported="user_id",
    ),
    "public.subscribers": Table(
        "deleted",
        section="analytics.plan_price",
        export="plan currency monthly_amount changed_at",
        not_exported="user_id",
    ),
    "public.subscription_events": Table(
        "anonymized",
        section="analytics.plan_changes",
        export="day kind plan currency amount subscribers created_at",
        not_exported="id user_id",
    ),
    "public.analytics_reports": Table(
        "deleted", section="analytics.report", export="hour sent_on", not_exported="user_id"
    ),
    "public.free_trainings": Table(
        "deleted",
        section="trainings.given",
        export="source reference quantity used created_at",
        not_exported="id user_id",
    ),
    "public.access_usages": Table(
        "deleted",
        section="trainings.used",
        export="reference quantity access_type credits trainings created_at",
        not_exported="id user_id",
    ),
    "public.xp_awards": Table(
        "deleted",  # the tombstone keeps the awards of rules that give once
        section="xp.awards",
        export="bot rule reference requested points created_at",
        not_exported="id user_id",
    ),
    "public.user_badges": Table(
        "deleted",  # the tombstone keeps their names
        section="xp.badges",
        export="badge bot metadata earned_at revoked_at",
        not_exported="user_id",
    ),
    "public.board_scores": Table(
        "deleted",
        section="xp.scores",
        export="board period starts_on xp reached_at is_ranked is_listed",
        not_exported="user_id",
    ),
    "public.streaks": Table(
        "deleted",
        section="xp.streak",
        export="time_zone next_time_zone zone_changes_at zone_changed_at current longest last_day last_bot"
        " freezes grace_used excused_on paused_on",
        not_exported="user_id",
    ),
    "public.board_profiles": Table(
        "deleted", section="xp.profile", export="name is_hidden", not_exported="user_id"
    ),
    "public.trainings": Table(
        "deleted",
        section="trainings.sessions",
        export="id bot scenario version case_id mode drill_type difficulty language reference status"
        " access_type turns question_count contextual_questions per_type_counts points clarity_level"
        " silent_count revealed facts_given tips result assigned_round created_at first_question_at"
        " updated_at finished_at",
        not_exported="user_id rules turn_reference turn_lease_until",
    ),
    "public.training_turns": Table(
        "deleted",
        section="trainings.turns",
        export="training_id reference position question reply kind type why is_contextual is_copied"
        " used_fragment touches revealed source points clarity_level disputed_at created_at"
        " judged_type is_useful",
        not_exported="id",
    ),
    "public.review_drafts": Table(
        "deleted",
        section="trainings.review_drafts",
        export="id bot parts created_at updated_at",
        not_exported="user_id lease_reference lease_until",
    ),
    "public.training_disputes": Table(
        "deleted",
        section="trainings.disputes",
        export="id type reason status corrected_type score_before score_after created_at decided_at",
        not_exported="turn_id user_id",
    ),
    "public.training_history": Table(
        "deleted",
        section="trainings.history",
        export="bot reference scenario mode score clarity_level question_count contextual_questions"
        " per_type_counts case_data session_snapshot training_date",
        not_exported="id user_id",
    ),
    "public.teams": Table("no_user", why="a name and an invite code; who belongs to it is in team_members"),
    "public.team_members": Table(
        "deleted", section="teams.memberships", export="team_id role joined_at", not_exported="user_id"
    ),
    "public.assignments": Table(
        "anonymized",
        section="teams.assigned_by_you",
        export="id team_id scenario case_id mode difficulty first_due_on repetitions canceled_at created_at",
        not_exported="created_by reference",
        cleared="created_by",
    ),
    "public.assignment_tasks": Table(
        "deleted",
        section="teams.tasks",
        export="id assignment_id team_id number opens_at due_on due_at announced_at reminded_at done_at"
        " best_score is_passed",
        not_exported="user_id",
    ),
    "public.certificates": Table(
        "deleted",
        section="teams.certificates",
        export="number training_id name issued_at",
        not_exported="user_id",
    ),
    "public.assignment_trainings": Table("deleted", section="teams.trainings", export="training_id task_id"),
    "public.generations": Table(
        "deleted",
        section="generations.jobs",
        export="id bot chat_id thread_id reply_to status_message_id kind provider model request reference"
        " state cause error day cost is_sold is_late is_muted submissions polls delivery_failures deadline"
        " files telegram_files created_at submitted_at ended_at delete_at",
        not_exported="user_id token slot attempt is_nudged due_at lease_until max_cost usage provider_job_id"
        " status_edited_at",
    ),
    "public.generation_effects": Table(
        "deleted",
        section="generations.effects",
        export="generation_id effect plan_requests bonus_requests amount created_at",
    ),
    "public.quiz_runs": Table(
        "deleted",
        section="quiz.runs",
        export="id bot kind topic level day questions status reference answered shown shown_at right_answers"
        " score result created_at finished_at",
        not_exported="user_id",
    ),
    "public.quiz_answers": Table(
        "deleted",
        section="quiz.answers",
        export="run_id n question version choice is_right seconds reference answered_at",
        not_exported="user_id",
    ),
    "public.quiz_cards": Table(
        "deleted",
        section="quiz.cards",
        export="question state stability difficulty due last_review reviews lapses",
        not_exported="user_id",
    ),
    "public.quiz_totals": Table(
        "deleted",
        section="quiz.totals",
        export="bot runs challenges answers right_answers",
        not_exported="user_id",
    ),
    "public.quiz_topics": Table(
        "deleted", section="quiz.topics", export="bot topic answers right_answers", not_exported="user_id"
    ),
    "public.quiz_days": Table(
        "deleted", section="quiz.days", export="bot day answers right_answers", not_exported="user_id"
    ),
    "public.quiz_reminders": Table(
        "deleted",
        section="quiz.reminders",
        export="bot hour time_zone next_at reminded_on",
        not_exported="user_id",
    ),
    "public.quiz_rounds": Table(
        "anonymized",
        section="quiz.rounds",
        export="bot chat_id thread_id language questions reference closes_at summarized_at created_at",
        not_exported="id user_id",
        cleared="user_id",
    ),
    "public.quiz_poll_answers": Table(
        "deleted",
        section="quiz.poll_answers",
        export="bot poll_id choice is_right answered_at",
        not_exported="user_id",
    ),
    "public.reminders": Table(
        "deleted",
        section="reminders",
        export="id bot words day time_of_day due_at sent_at asked_at reference created_at",
        not_exported="user_id asked_by",
    ),
    "public.renewals": Table(
        "anonymized",
        section="payments.renewals",
        export="id product_key provider provider_subscription_id status currency amount kind plan period bot"
        " saved_method charged_until charge_at attempts attempt_started_at lease_until canceled_at created_at"
        " ended_at cancel_requested_at next_cancel_attempt_at cancel_attempts payer alarmed_period",
        not_exported="user_id",
        cleared="user_id saved_method charge_at attempt_started_at lease_until payer",
    ),
    "public.orders": Table(
        "anonymized",
        section="payments.orders",
        export="id product_key provider currency amount status kind plan period quantity renews contact bot"
        " renewal_id reference checkout_url checkout_reference expires_at checked_at notified created_at"
        " completed_at full_amount promocode_id next_product_key course_terms message_ids message_state"
        " is_gift",
        not_exported="user_id",
        cleared="user_id contact checkout_url checkout_reference message_ids",
    ),
    "public.payments": Table(
        "anonymized",
        section="payments.payments",
        export="id provider provider_payment_id order_id renewal_id status currency amount refunded disputed"
        " has_failed is_canceled is_test problem saved_method created_at completed_at",
        not_exported="user_id claims",  # claims name the payer, who may be another user
        cleared="user_id saved_method",  # and the Telegram id in claims becomes 0
    ),
    "public.payment_operations": Table(
        "anonymized",
        section="payments.operations",
        export="payment_id kind operation_id amount currency is_undone is_final created_at fee"
        " happened_at alarmed_at",
    ),
    "public.refunds": Table(
        "anonymized",
        section="payments.refunds",
        export="id payment_id amount status reference operation_id attempts is_accepted is_awaited error key"
        " created_at first_attempt_at next_attempt_at decided_at",
        not_exported="admin_email",
        cleared="error",
    ),
    "public.payment_effects": Table(
        "anonymized",
        section="payments.effects",
        export="payment_id effect subscription_id given reversal_target reversed adjustments created_at",
        not_exported="user_id",
        cleared="user_id subscription_id",
    ),
    "public.gifts": Table(
        "anonymized",
        section="payments.gifts",
        export="payment_id bot product_key plan period taken_at expires_at revoked_at created_at",
        not_exported="user_id token taken_by ends_at seconds seconds_revoked",
        cleared="user_id taken_by",
    ),
    "public.payment_events": Table(
        "emptied",
        section="payments.events",
        export="provider event_key type body events attempts error received_at processed_at",
        not_exported="id user_id",
        cleared="user_id body events error",
    ),
    "public.promocode_usages": Table(
        "deleted",  # the tombstone keeps it, so a returning user cannot redeem it again
        section="promocodes.redeemed",
        export="promocode_id reference given percent expires_at consumed_at created_at",
        not_exported="user_id",
    ),
    "public.promocode_attempts": Table(
        "deleted",
        section="promocodes.attempts",
        export="day failed_attempts last_reference",
        not_exported="user_id",
    ),
    "public.user_referrals": Table(
        "anonymized",
        section="referrals",
        export="status referrer_credits referred_credits created_at completed_at",
        not_exported="id referrer_id referred_id second_credits",
        cleared="referrer_id",
    ),
    "public.audit_log": Table(
        "anonymized",
        section="admins",
        export="id action reference before after created_at",
        not_exported="user_id admin_email",
        cleared="user_id",
    ),
    "public.staff_invitations": Table(
        "deleted",
        section="staff_invitations",
        export="role email created_at expires_at canceled_at accepted_at",
        not_exported="id token_hash created_by accepted_by",
    ),
    "public.telegram_updates": Table(
        "emptied",
        section="updates",
        export="bot update_id kind status chat_id thread_id payload attempt failures crash_count lease_until"
        " reservation reserved_on reserved_from reserved_cost answer error received_at is_stopped",
        not_exported="user_id delivery",
        cleared="user_id chat_id thread_id payload delivery answer error lease_until reservation reserved_on"
        " reserved_from reserved_cost",
    ),
    "public.telegram_outbox": Table(
        "deleted",
        section="unsent",
        export="id bot chat_id update_id method parameters attempts send_after error created_at",
    ),
    "public.courses": Table(
        "anonymized",
        section="courses.written",
        export="id slug position is_published texts shows_learner_count plan_tier next_step next_product_key"
        " version created_at updated_at loaded_version",
        not_exported="author_id",
        cleared="author_id",
    ),
    "public.broadcasts": Table(
        "anonymized",
        section="broadcasts.written",
        export="id name",
        not_exported="kind bot segment content ignores_limit status version sequence_id position"
        " delay_minutes updated_by started_by approved_by frozen_after freeze_until total sent failed blocked"
        " unknown skipped"
        " clicked bought deleted clicks deleting_after started_at finished_at created_at updated_at",
        cleared="updated_by started_by approved_by",
    ),
    "public.message_consents": Table(
        "deleted",
        section="broadcasts.consent",
        export="unsubscribed_at last_marketing_at last_contact_at",
        not_exported="user_id last_marketing_by",
    ),
    "public.broadcast_recipients": Table(
        "deleted",
        section="broadcasts.received",
        export="broadcast_id bot status send_after error message_id sent_at clicked_at bought_at",
        not_exported="user_id lease_until",
    ),
    "public.broadcast_clicks": Table(
        "deleted",
        section="broadcasts.clicks",
        export="broadcast_id button created_at",
        not_exported="user_id",
    ),
    "public.sequence_runs": Table(
        "deleted",
        section="broadcasts.sequences",
        export="sequence_id status reason position due_at last_update_id last_bot bought_at entered_at"
        " ended_at",
        not_exported="user_id is_counted",
    ),
    "public.sequences": Table("no_user", why="messages of the owner that follow an event, and counts"),
    "public.broadcast_media": Table("no_user", why="files of the owner"),
    "public.broadcast_hours": Table("no_user", why="counts by hour"),
    "public.enrollments": Table(
        "deleted",
        section="courses.enrollments",
        export="id course_id tier source amount_paid currency payment_id order_id cohort_id enrolled_at"
        " expires_at reminded_at withdrawn_at releases_checked_at next_release_at",
        not_exported="user_id",
    ),
    "public.enrollment_grants": Table(
        "deleted",
        section="courses.grants",
        export="id enrollment_id source payment_id order_id amount currency cohort_id access_days credited"
        " granted_at withdrawn_at withdrawn_for",
    ),
    "public.course_progress": Table(
        "deleted",
        section="courses.courses",
        export="course_id started_at last_lesson_id last_active_at completed_at wants_reminders reminders"
        " releases_checked_at next_release_at",
        not_exported="user_id",
    ),
    "public.lesson_progress": Table(
        "deleted",
        section="courses.lessons",
        export="lesson_id completed completed_at time_spent_seconds position_seconds watched watched_seconds"
        " last_beat_at credited_until playback_id opened_at",
        not_exported="user_id",
    ),
    "public.lesson_quiz_attempts": Table(
        "deleted",
        section="courses.quiz_attempts",
        export="lesson_id lesson_version answers right_answers questions is_passed reference created_at",
        not_exported="id user_id",
    ),
    "public.homework_submissions": Table(
        "deleted",
        section="courses.homework",
        export="lesson_id n text file_id state comment reviewed_at reference created_at",
        not_exported="id user_id reviewer_email",
    ),
    "public.lesson_questions": Table(
        "deleted",
        section="courses.questions",
        export="lesson_id text reference created_at answer answered_at",
        not_exported="id user_id question_message_id answered_by",
    ),
    "public.course_certificates": Table(
        "deleted",
        section="courses.certificates",
        export="code course_id name issued_at withdrawn_at",
        not_exported="user_id",
    ),
    "public.erased_users": Table("no_user", why="a keyed hash, and what must not be given again"),
    "public.admins": Table("no_user", why="settings of the owner, written from the environment"),
    "public.daily_totals": Table("no_user", why="sums over all users"),
    "public.subscription_limits": Table("no_user", why="what plans allow"),
    "public.ai_models": Table("no_user", why="which AI models there are"),
    "public.conversations": Table(
        "deleted",
        section="messenger.conversations",
        export="id bot last_message_at last_seq last_in_seq last_version unread_count waiting_since preview"
        " ai_real_name ai_background ai_query ai_ready_score ai_processing_until handler handler_until status"
        " snoozed_until closed_at unreachable rating rating_asked_at rated_at created_at",
        not_exported="user_id connection assignee_id takeovers changed_xid",
    ),
    "public.conversation_messages": Table(
        "deleted",
        section="messenger.messages",
        export="id conversation_id body direction kind source seq telegram_message_id reply_to media buttons"
        " read status error send_after edited_at deleted_at created_at",
        not_exported="user_id admin_id version reference outbox_id lease lease_until",
    ),
    "public.knowledge_articles": Table(
        "no_user", why="articles of the owner; who wrote them is in the audit log"
    ),
    "public.knowledge_revisions": Table(
        "no_user", why="articles of the owner; who wrote them is in the audit log"
    ),
    "public.knowledge_candidates": Table("no_user", why="work of the team, deleted with the conversation"),
    "public.assistance_days": Table("no_user", why="sums over all users"),
    "public.crm_cards": Table(
        "deleted",
        section="messenger.cards",
        export="conversation_id stage stage_since evidence signals language locked next_action_at"
        " qualified_seq qualified_at run_at runs_day runs created_at",
        not_exported="next_action next_action_by reminded_at claim claimed_seq claimed_until claimed_cost"
        " version",
    ),
    "public.ad_links": Table("no_user", why="advertisements of the owner"),
    "public.ad_link_visits": Table(
        "deleted",
        section="messenger.ad_links",
        export="link_id bot is_source created_at",
        not_exported="user_id",
    ),
    "public.qualification_days": Table("no_user", why="sums over all users"),
    "public.conversation_message_revisions": Table(
        "deleted",
        section="messenger.revisions",
        export="message_id body media replaced_at",
        not_exported="id",
    ),
    "public.conversation_labels": Table(
        "deleted", section="messenger.labels", export="conversation_id label_id created_at"
    ),
    "public.conversation_drafts": Table(
        "deleted",
        section="messenger.drafts",
        export="conversation_id body updated_at",
        not_exported="operator_id",
    ),
    "public.conversation_reads": Table(
        "deleted",
        section="messenger.read",
        export="conversation_id read_seq is_marked_unread",
        not_exported="operator_id",
    ),
    "public.conversation_presence": Table(
        "deleted",
        section="messenger.open",
        export="conversation_id seen_until typing_until",
        not_exported="operator_id",
    ),
    "public.messenger_labels": Table("no_user", why="words that the team sorts conversations by"),
    "public.canned_replies": Table("no_user", why="texts that the team sends often"),
    "public.messenger_days": Table("no_user", why="how much each member of the team answered in a day"),
    "public.ai_model_prices": Table("no_user", why="what AI models cost"),
    "public.ai_modes": Table("no_user", why="which models users choose between"),
    "public.daily_funnel": Table("no_user", why="how many users reached a step"),
    "public.cohort_activity": Table("no_user", why="how many users came back"),
    "public.daily_revenue": Table("no_user", why="sums of payments"),
    "public.daily_subscriptions": Table("no_user", why="sums of subscriptions"),
    "public.daily_ai_costs": Table("no_user", why="sums of AI calls"),
    "public.daily_learning": Table("no_user", why="how many trainings and courses there were"),
    "public.analytics_days": Table("no_user", why="days whose figures are summed, and how many were active"),
    "public.analytics_drifts": Table("no_user", why="figures that differed from a recount"),
    "private.revenue_changes": Table("no_user", why="days whose revenue changed"),
    "public.daily_active_users": Table("no_user", why="how many users were active"),
    "public.levels": Table("no_user", why="the XP that each level needs"),
    "public.xp_rules": Table("no_user", why="what users receive XP for"),
    "public.board_histogram": Table("no_user", why="how many users have how many XP"),
    "public.board_changes": Table("no_user", why="changes of those numbers"),
    "public.badges": Table("no_user", why="the conditions of badges"),
    "public.quiz_challenges": Table("no_user", why="the questions of each day"),
    "public.quiz_polls": Table("no_user", why="polls in groups, without who started them"),
    "public.lessons": Table("no_user", why="what is taught"),
    "public.cohorts": Table("no_user", why="when courses begin"),
    "public.course_files": Table("no_user", why="files of courses; who uploaded one is in the audit log"),
    "public.course_offers": Table("no_user", why="which courses can be bought"),
    "public.products": Table("no_user", why="what can be bought"),
    "public.product_prices": Table("no_user", why="what it costs"),
    "public.promocode_batches": Table("no_user", why="what each batch of codes gives"),
    "public.promocodes": Table("no_user", why="what each gives, and how many redeemed it"),
    "public.statement_days": Table("no_user", why="until when the providers' own lists were read"),
    "public.statement_entries": Table("no_user", why="sums and payment numbers of the providers' own lists"),
    "public.star_positions": Table("no_user", why="until where a bot's list of transactions was read"),
    "private.cost_alerts": Table("no_user", why="when the admins were alerted about a cost limit"),
    "private.budget_alerts": Table("no_user", why="which shares of budgets the admins were alerted about"),
    "private.bot_month_costs": Table("no_user", why="what each bot spent in a month"),
    "private.model_alerts": Table("no_user", why="which ends of AI models the admins were alerted about"),
    "private.health_samples": Table("no_user", why="figures of the database's health over time"),
    "private.health_alerts": Table("no_user", why="when the admins were alerted about which figure"),
    "private.waiting_alarms": Table(
        "no_user", why="alarms for admins; an erasure deletes those that name the user, and texts of errors"
    ),
    "private.unreachable_chats": Table("no_user", why="admins' chats in which a bot could not write"),
    "private.storage_deletions": Table("no_user", why="random keys of files that are being deleted"),
    "private.bot_pace": Table("no_user", why="how fast the jobs of a bot send"),
    "private.time_zones": Table("no_user", why="names of time zones"),
    "private.database_identity": Table("no_user", why="which environment this database is"),
    "private.migration_runs": Table(
        "no_user", why="runs of the database tool, with who of the owner's ran it"
    ),
    "private.migration_steps": Table("no_user", why="migrations that those runs applied"),
    "private.backups": Table("no_user", why="where backups are; erased users stay in them until they expire"),
    "private.erasures": Table("no_user", why="numbers of erased users, for a restored backup"),
    "private.catalogue_snapshots": Table("no_user", why="what the database consists of: no rows"),
    "private.settings": Table("no_user", why="settings of the installation"),
}
