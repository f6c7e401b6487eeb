-- Users: one row per Telegram account, shared by all bots and by other services of the same owner.

create table public.users (
  id bigint generated always as identity primary key,
  telegram_id bigint not null unique,
  username text,
  first_name text not null default '',
  last_name text,
  language_code text not null default private.default_language(),
  language text,
  price_currency text check (price_currency ~ '^[A-Z]{3,5}$'),
  balance numeric(12, 2) not null default 0 check (balance >= 0),
  vip_level integer not null default 0 check (vip_level >= 0),
  is_active boolean not null default true,
  is_newcomer boolean not null default true,
  referral_code text not null unique default private.random_code(),
  total_referrals integer not null default 0 check (total_referrals >= 0),
  referral_credits integer not null default 0 check (referral_credits >= 0),
  bonus_credits integer not null default 0 check (bonus_credits >= 0),
  total_xp bigint not null default 0 check (total_xp >= 0),
  level integer not null default 1 check (level >= 1),
  is_admin boolean not null default false,
  is_paid boolean not null default false,
  banned_at timestamptz,
  ban_reason text,
  ban_notified boolean not null default false,
  trial_used boolean not null default false,
  memory_enabled boolean,
  has_started boolean not null default true,
  is_waiting boolean not null default false,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  last_activity timestamptz not null default private.clock(),
  active_on date not null default (private.clock() at time zone 'UTC')::date
);

-- Admins look users up by @username, which Telegram compares case-insensitively.
create index users_username_idx on public.users (lower(username));
-- Search by a part of a name (admin_search_users). Only a changed name writes to this index, not an ordinary update.
create index users_names_idx on public.users using gin (private.name_grams(private.name_words(username, first_name, last_name)));

create trigger users_mark_new_admin
before insert on public.users
for each row execute function private.mark_new_admin();

create trigger users_set_updated_at
before update on public.users
for each row when (old.* is distinct from new.*)
execute function private.set_updated_at();

create trigger users_count_new_users
after insert on public.users
referencing new table as new_users
for each statement execute function private.count_active_users();

create trigger users_count_old_users
after delete on public.users
referencing old table as old_users
for each statement execute function private.count_active_users();

create trigger users_move_active_users
after update of active_on on public.users
for each row when (old.active_on <> new.active_on)
execute function private.count_active_users();

create trigger users_refresh_boards
after update of banned_at, is_admin on public.users
for each row when ((old.banned_at is null) <> (new.banned_at is null) or old.is_admin <> new.is_admin)
execute function private.refresh_boards_of_user();

create trigger users_end_sessions
after update of banned_at, is_admin on public.users
for each row when ((old.banned_at is null) <> (new.banned_at is null) or old.is_admin <> new.is_admin)
execute function private.end_sessions();

comment on table public.users is 'Users: one row per Telegram account, shared by all bots and services';
comment on column public.users.language_code is 'Language of the user''s Telegram client, a BCP 47 tag; the setting default_language if Telegram sends none';
comment on column public.users.language is 'Language that the user chose with /language; null: language_code applies';
comment on column public.users.price_currency is 'Currency that the user chose for prices, ISO 4217; null: by language';
comment on column public.users.balance is 'Amount in the currency of the setting balance_currency; the sum of balance_transactions';
comment on column public.users.vip_level is 'Derived (private.refresh_access): level of the active plan, see subscription_limits; 0: the free plan';
comment on column public.users.is_active is 'False: the user blocks every bot with which there is a private chat (private.set_blocked)';
comment on column public.users.is_newcomer is 'True until the first served AI request';
comment on column public.users.is_paid is 'Derived (private.refresh_access): has a paid plan, or is an admin';
comment on column public.users.banned_at is 'Start of the ban, during which no bot serves the user; null: not banned';
comment on column public.users.ban_reason is 'Reason that the user is shown with the ban';
comment on column public.users.ban_notified is 'Whether the user has received the single message about this ban';
comment on column public.users.memory_enabled is 'Whether bots keep facts about the user across conversations (ai_memory); null: not decided, the first fact switches it on';
comment on column public.users.trial_used is 'Whether the free trial has been started, also before an erasure';
comment on column public.users.has_started is 'False: created by another service (adjust_balance); no bot has received an update of the user yet';
comment on column public.users.is_waiting is 'Came while the bots took no new users (setting access_mode): served once a link lets them in, or access_mode is open';
comment on column public.users.referral_credits is 'Total bonus credits that the user received as a referrer';
comment on column public.users.updated_at is 'When the row last changed, including last_activity';
comment on column public.users.last_activity is 'Time of the user''s last update, accurate to five minutes';
comment on column public.users.active_on is 'The day of last_activity in the time zone of the setting quota_timezone; see daily_active_users';
alter table public.users enable row level security;
revoke all on table public.users from public, anon, authenticated, service_role;
revoke all on sequence public.users_id_seq from public, anon, authenticated, service_role;
