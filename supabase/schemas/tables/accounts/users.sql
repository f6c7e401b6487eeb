-- People, one row a Telegram account, shared by all bots and by other services of the same owner.

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
  ban_told boolean not null default false,
  trial_used boolean not null default false,
  has_started boolean not null default true,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  last_activity timestamptz not null default private.clock(),
  active_on date not null default (private.clock() at time zone 'UTC')::date
);

-- Admins look people up by @name, which Telegram compares without regard to case.
create index users_username_idx on public.users (lower(username));
-- And by a part of a name (admin_search_users). It is written when a name changes, never by an ordinary update.
create index users_names_idx on public.users using gin (private.name_grams(private.name_words(username, first_name, last_name)));

create trigger users_mark_new_admin
before insert on public.users
for each row execute function private.mark_new_admin();

create trigger users_keep_updated_at
before update on public.users
for each row when (old.* is distinct from new.*)
execute function private.keep_updated_at();

create trigger users_count_new_people
after insert on public.users
referencing new table as new_people
for each statement execute function private.count_active_people();

create trigger users_count_old_people
after delete on public.users
referencing old table as old_people
for each statement execute function private.count_active_people();

create trigger users_move_active_people
after update of active_on on public.users
for each row when (old.active_on <> new.active_on)
execute function private.count_active_people();

comment on table public.users is 'People: one row a Telegram account, shared by all bots and services';
comment on column public.users.language_code is 'The language of the user''s Telegram, a BCP 47 tag; the setting default_language where Telegram names none';
comment on column public.users.language is 'The language the person chose with /language; null: follow language_code';
comment on column public.users.price_currency is 'The currency that the user chose to see prices in, ISO 4217; null: by language';
comment on column public.users.balance is 'Money, in the unit of the setting balance_currency';
comment on column public.users.vip_level is 'Derived: 0 is the free plan, see subscription_limits and private.refresh_access';
comment on column public.users.is_active is 'False once the person blocked a bot';
comment on column public.users.is_newcomer is 'True until the first served AI request';
comment on column public.users.is_paid is 'Derived: a paid plan, or an admin; see private.refresh_access';
comment on column public.users.banned_at is 'Since when no bot serves the person; null: not banned';
comment on column public.users.ban_reason is 'What the person is told beside the ban itself';
comment on column public.users.ban_told is 'Whether the one notice of this ban was given';
comment on column public.users.trial_used is 'Whether the free trial was started, now or before an erasure';
comment on column public.users.has_started is 'False while another service alone knows the user (adjust_balance): their first update is still to come';
comment on column public.users.referral_credits is 'Bonus credits that the person''s invitations brought, all together';
comment on column public.users.updated_at is 'When the row last changed, last_activity included';
comment on column public.users.last_activity is 'The last update of the person, to five minutes';
comment on column public.users.active_on is 'The day of last_activity in the time zone of the setting quota_timezone; see daily_people';
alter table public.users enable row level security;
revoke all on table public.users from public, anon, authenticated, service_role;
revoke all on sequence public.users_id_seq from public, anon, authenticated, service_role;
