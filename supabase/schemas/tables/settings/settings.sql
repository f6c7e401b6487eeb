-- Settings of the installation, read by SQL functions (private.setting). `./switchboard database settings` writes the values
-- that the environment sets; all others keep their value.

create table private.settings (
  key text primary key,
  value jsonb not null,
  about text not null
);

comment on table private.settings is 'Settings of the installation that SQL functions read';
alter table private.settings enable row level security;
revoke all on table private.settings from public, anon, authenticated, service_role;

insert into private.settings (key, value, about)
values
('quota_timezone', '"Europe/Moscow"', 'IANA time zone whose midnight starts a new day of the request limits'),
('default_language', '"ru"', 'Language of users whose Telegram sends none: a code of shared/core/texts'),
('balance_currency', '"RUB"', 'Currency of users.balance, ISO 4217'),
('retention_updates_hours', '72', 'Hours that finished updates are kept; longer than the 48 hours within which Telegram may redeliver'),
('retention_dead_letters_days', '30', 'Days that dead-lettered updates are kept, with their payload'),
('retention_alarms_days', '30', 'Days that alarms are kept for an admin who has not started a bot'),
('retention_messages_days', '180', 'Days that conversations are kept'),
('retention_generations_days', '180', 'Days that pictures and videos and the requests for them are kept'),
('retention_media_days', '30', 'Days that files in Supabase Storage are kept'),
('retention_reviews_days', '30', 'Days that reviewed conversations are kept, with their scores'),
('retention_usage_months', '13', 'Past months of which single AI calls are kept; the totals are kept forever'),
('retention_quizzes_days', '180', 'Days that quizzes, rounds in groups and the answers to them are kept; the counts of answers are kept forever'),
('referral_referrer_credits', '10', 'Bonus credits for the referrer'),
('referral_referred_credits', '5', 'Bonus credits for the referred user'),
('referral_commission_percent', '0', 'Percent of a payment in balance_currency that the buyer''s referrer receives; 0 to 100'),
('trial_plan', '"PREMIUM"', 'Plan of the free trial, available once per user'),
('trial_days', '3', 'Days that the free trial lasts; 0: no trial'),
('channel_trainings', '1', 'Free trainings for joining the channel TRAINING_CHANNEL, once per user; 0: none'),
('grace_days', '3', 'Grace period in days: how long a renewing plan stays active after its end while the charge is late; 0 to 27'),
('renewal_retry_hours', '[12, 24, 32]', 'Hours from each declined charge of a saved method to the next attempt; after the last one the renewal ends'),
('order_hours', '24', 'Hours until an unpaid order expires; a late payment is still fulfilled'),
('order_reminder_hours', '0', 'Hours after which a user is reminded once of an unpaid order; 0: never'),
('promocode_daily_attempts', '10', 'Wrong promo codes that a user may enter per day'),
('referral_daily_limit', '20', 'Referrals per day for which a referrer receives credits'),
('questions_in_progress', '2', 'AI requests that a user may have in progress at once, over all chats and bots'),
('generations_in_progress', '1', 'Pictures that a user may have in progress at once, over all chats and bots, and as many videos'),
('generation_image_minutes', '10', 'Minutes until an unfinished picture expires and its price is released'),
('generation_video_minutes', '45', 'Minutes until an unfinished video expires and its price is released'),
('generation_status_seconds', '15', 'Least seconds between two edits of the message about a picture or video in progress; in groups twice as many'),
('picture_request_cost', '0.05', 'US dollars of a picture that one request of a plan covers; a dearer picture takes more requests'),
('video_request_cost', '0.05', 'US dollars of a video that one request of a plan covers'),
('balance_usd_price', '150', 'What a user pays from the balance for each US dollar that a provider charges, in balance_currency; of modes with paid_from = balance'),
('videos_enabled', 'true', 'Users can make videos; false: /video does not exist'),
('made_with_ai', 'true', 'Pictures say in their caption that an AI made them; false: they do not'),
('daily_generation_refusals', '10', 'Refused pictures and videos in 24 hours after which a user has to wait'),
('model_warning_days', '[30, 7, 1]', 'Days before the last day of a model in use on which the admins are warned'),
('daily_releases', '20', 'Failed requests per user and day that are released; later ones count'),
('daily_cost_user', '1.0', 'Daily limit of the AI cost of one user over all bots, in US dollars; 0: no limit'),
('team_max_members', '50', 'Most members of a team, managers included'),
('team_max_teams', '5', 'Most teams that a user may belong to in one bot'),
('team_max_assignments', '30', 'Most assignments of a team whose last deadline is ahead'),
('team_daily_notices', '20', 'Messages a day to each manager of a team about members who have joined'),
('summarize_history', 'false', 'The AI sees a summary of what no longer fits into the history of a conversation; each summary costs a call; false: older messages are left out'),
('monthly_cost_user', '0', 'Monthly budget of the AI cost of one user over all bots, in US dollars; 0: no limit'),
('monthly_cost_bot', '0', 'Monthly budget of the AI cost of each bot, in US dollars; a row monthly_cost_bot:<bot> sets that of one bot; 0: no limit'),
('daily_cost_bot', '20.0', 'Daily limit of the AI cost of one bot, in US dollars; 0: no limit')
on conflict (key) do nothing;
