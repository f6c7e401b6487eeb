-- What an owner may set for the whole installation. `./switchboard database settings` writes what the
-- environment says; everything else keeps the value it has here.

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
('quota_timezone', '"Europe/Moscow"', 'IANA name of the time zone whose midnight starts a new day of requests'),
('default_language', '"ru"', 'The language of users whose Telegram names none, a code of shared/core/texts'),
('balance_currency', '"RUB"', 'The unit of users.balance, an ISO 4217 code'),
('retention_updates_hours', '72', 'How long finished updates are kept; more than the 48 h in which one may come again'),
('retention_set_aside_days', '30', 'How long updates that were put aside are kept, with their payload'),
('retention_alarms_days', '30', 'How long alarms wait for an admin who has not started a bot'),
('retention_messages_days', '180', 'How long conversations are kept'),
('retention_usage_months', '13', 'How many past months the single AI calls are kept; their sums stay'),
('referral_referrer_credits', '10', 'Bonus credits for whoever brought somebody'),
('referral_referred_credits', '5', 'Bonus credits for whoever was brought'),
('referral_commission_percent', '0', 'Share of a payment in balance_currency that whoever brought the buyer gets; 0 to 100'),
('trial_plan', '"PREMIUM"', 'The plan of the free trial, which everybody may have once in a life'),
('trial_days', '3', 'How many days the free trial lasts; 0: there is none'),
('channel_trainings', '1', 'Free trainings for joining the channel of TRAINING_CHANNEL, once in a life; 0: none'),
('grace_days', '3', 'How many days a plan that renews stays after its end while the charge is late; 0 to 27'),
('renewal_retry_hours', '[12, 24, 32]', 'Hours from each declined charge of a saved method to the next; after the last it is given up'),
('order_hours', '24', 'How long an order may be paid; late money is honoured all the same'),
('order_reminder_hours', '0', 'How many hours after it was made a user is reminded of an unpaid order, once; 0: never'),
('promocode_daily_tries', '10', 'How many wrong promo codes a person may name a day'),
('referral_daily_limit', '20', 'How many people a day a referrer is given credits for'),
('questions_in_progress', '2', 'How many questions to the AI a user may have in progress at once, over all chats and bots'),
('daily_releases', '20', 'How many failed requests a day are given back to a user; later ones count'),
('daily_cost_user', '1.0', 'US dollars a day that one user may cost in AI calls over all bots; 0: no limit'),
('daily_cost_bot', '20.0', 'US dollars a day that one bot may cost in AI calls; 0: no limit')
on conflict (key) do nothing;
