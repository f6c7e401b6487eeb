-- The database of the first release: roles, tables and functions, in the order of supabase/schemas.

-- The role of the functions (bot_backend) and the rights of all roles on the two schemas.

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'bot_backend') then
    -- Created without login; the database tool sets LOGIN and a password from a secret.
    create role bot_backend nologin noinherit;
  end if;
end
$$;

-- The caller's own deadline is shorter, so a statement that reaches this limit is a bug or an overload.
alter role bot_backend set statement_timeout = '8s';
alter role bot_backend set lock_timeout = '5s';
alter role bot_backend set idle_in_transaction_session_timeout = '10s';

-- Without this, a caller's temporary type or table could shadow a name that a security definer function uses.
do $$
begin
  execute format('revoke temporary on database %I from public', current_database());
  execute format('revoke temporary on database %I from bot_backend', current_database());
end
$$;

create schema if not exists private;
comment on schema private is 'Internal functions and tables; not exposed by the Data API';
revoke all on schema private from public, anon, authenticated;

grant usage on schema public to bot_backend, service_role;

-- Returns the current time. The only function that reads the clock, so that tests can replace it (which only its owner can do).
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: timestamptz, the wall-clock time, which also advances within a statement.
-- Errors: none.
create or replace function private.clock()
returns timestamptz
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select clock_timestamp();
$$;

revoke all on function private.clock from public, anon, authenticated, service_role;
comment on function private.clock is 'The current time; tests replace it to move time';

-- Trigger of users: keeps daily_active_users equal to users.active_on. Inserted and deleted users are counted per statement, a
-- user who moves to a new day per row.
--
-- Concurrency: every change of a row adds and subtracts one, so concurrent changes add up. Users that were never counted (rows
--   copied in without triggers) are not subtracted below zero.
-- Locks: daily_active_users, by day, earlier first, so that concurrent calls cannot deadlock.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.count_active_users()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted record;
begin
  if tg_op = 'INSERT' then
    insert into public.daily_active_users as d (day, shard, active, last_active)
    select n.active_on, n.id & 15, count(*), count(*) from new_users as n group by 1, 2
    union all
    select '-infinity'::date, n.id & 15, 0, count(*) from new_users as n group by 2
    order by 1, 2
    on conflict (day, shard) do update
      set active = d.active + excluded.active, last_active = d.last_active + excluded.last_active;
  elsif tg_op = 'DELETE' then
    for v_deleted in
      select o.active_on as day, o.id & 15 as shard, count(*) as users from old_users as o group by 1, 2
      union all
      select '-infinity'::date, o.id & 15, count(*) from old_users as o group by 2
      order by 1, 2
    loop
      update public.daily_active_users as d
         set last_active = greatest(d.last_active - v_deleted.users, 0)
       where d.day = v_deleted.day and d.shard = v_deleted.shard;
    end loop;
  else
    update public.daily_active_users as d
       set last_active = d.last_active - 1
     where d.day = old.active_on and d.shard = old.id & 15 and d.last_active > 0;
    insert into public.daily_active_users as d (day, shard, active, last_active)
    values (new.active_on, new.id & 15, 1, 1)
    on conflict (day, shard) do update set active = d.active + 1, last_active = d.last_active + 1;
  end if;
  return null;
end
$$;

revoke all on function private.count_active_users from public, anon, authenticated, service_role;
comment on function private.count_active_users is 'Keeps daily_active_users equal to users.active_on';

-- Returns the setting default_language. In plpgsql, because a column default uses it before the table of settings exists.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, a language code; null if there is no such setting.
-- Errors: none.
create or replace function private.default_language()
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.setting('default_language');
end
$$;

revoke all on function private.default_language from public, anon, authenticated, service_role;
comment on function private.default_language is 'Language of users whose Telegram sends none';

-- Returns whether the states and the reserved cost of an update are possible values: the CHECK of telegram_updates.
-- Postgres parses the text of a constraint anew in each statement that writes a row, but a function once per connection.
-- A change needs a migration that also adds the constraint again, because Postgres does not check old rows otherwise.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean, null (which a CHECK accepts) where a value is null and none is wrong.
-- Errors: none.
create or replace function private.is_valid_update(
  p_status text, p_reservation text, p_reserved_from text, p_reserved_cost numeric
)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_status in ('working', 'failed', 'finished', 'dead_lettered')
    and p_reservation in (
      'reserved', 'user_api_key', 'settled', 'released', 'refused', 'in_progress', 'user_cost', 'bot_cost'
    )
    and p_reserved_from in ('plan', 'bonus')
    and p_reserved_cost >= 0;
end
$$;

revoke all on function private.is_valid_update from public, anon, authenticated, service_role;
comment on function private.is_valid_update is 'Whether the states and the reserved cost of an update are possible';

-- Trigger of admins: keeps users.is_admin and the columns derived from it (private.refresh_access) equal to the table admins,
-- for services that read users.
--
-- Concurrency: derives the columns from the current rows, so a repetition changes nothing.
-- Locks: the users of the old and the new telegram_id (NO KEY UPDATE).
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
begin
  for v_user_id in
    update public.users as u
       set is_admin = exists (select from public.admins as a where a.telegram_id = u.telegram_id)
     where (tg_op <> 'INSERT' and u.telegram_id = old.telegram_id)
        or (tg_op <> 'DELETE' and u.telegram_id = new.telegram_id)
    returning u.id
  loop
    perform private.refresh_access(v_user_id);
  end loop;
  return null;
end
$$;

revoke all on function private.mark_admin from public, anon, authenticated, service_role;
comment on function private.mark_admin is 'Keeps users.is_admin equal to the table admins';

-- Trigger of users: sets is_admin and is_paid of a new user who is already in the table admins.
--
-- Concurrency: changes only the row that is being stored.
-- Locks: none.
-- Returns: trigger, the row.
-- Errors: none.
create or replace function private.mark_new_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  new.is_admin := exists (select from public.admins as a where a.telegram_id = new.telegram_id);
  new.is_paid := new.is_admin or new.is_paid;
  return new;
end
$$;

revoke all on function private.mark_new_admin from public, anon, authenticated, service_role;
comment on function private.mark_new_admin is 'Sets is_admin and is_paid of a new user who is an admin';

-- Splits a user's names (private.name_words) into trigrams for the index of the search by a part of a name. The space before a
-- word is part of its trigrams, so that a search can match the beginning of a word.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text[], the distinct trigrams.
-- Errors: none.
create or replace function private.name_grams(p_words text)
returns text[]
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct substr(p_words, g.place, 3)), '{}')
    from generate_series(1, length(p_words) - 2) as g (place);
$$;

revoke all on function private.name_grams from public, anon, authenticated, service_role;
comment on function private.name_grams is 'Distinct trigrams of a user''s names, for the search by name';

-- Normalizes a user's names for the search: words in lower case with one space before each. ASCII punctuation, spaces and
-- control characters separate words, so that no character of a query can act as a pattern.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text: the username anna_k gives ' anna k'; empty if the names contain no letter or digit.
-- Errors: none.
create or replace function private.name_words(p_username text, p_first_name text, p_last_name text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select rtrim(
    regexp_replace(
      ' ' || lower(coalesce(p_first_name, '') || ' ' || coalesce(p_last_name, '') || ' ' || coalesce(p_username, '')),
      '[\x01-\x2F\x3A-\x40\x5B-\x60\x7B-\x7F]+', ' ', 'g'
    )
  );
$$;

revoke all on function private.name_words from public, anon, authenticated, service_role;
comment on function private.name_words is 'A user''s names as words in lower case';

-- Generates a short unguessable code without easily confused characters.
--
-- Concurrency: every call returns a new code; 12 characters carry 60 bits of a random UUID.
-- Locks: none.
-- Returns: text, 12 characters of 023456789abcdefghjkmnpqrstuvwxyz.
-- Errors: none.
create or replace function private.random_code()
returns text
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  -- Bytes 6 and 8 of a random UUID are partly fixed (version and variant); the hash spreads the random bits over all bytes.
  select string_agg(
    substr(
      '023456789abcdefghjkmnpqrstuvwxyz',
      get_byte(h.digest, i.position) % 32 + 1,
      1
    ),
    '' order by i.position
  )
  from (
    select sha256(
      convert_to(gen_random_uuid()::text, 'UTF8')
    ) as digest
  ) as h
  cross join generate_series(0, 11) as i (position);
$$;

revoke all on function private.random_code from public, anon, authenticated, service_role;
comment on function private.random_code is 'A short unguessable code';

-- Trigger of append-only tables: rejects updates and deletes. Only an erasure may update a row: user_id becomes null, and the
-- reason that an admin wrote (reason in before and after) may be removed with it.
--
-- Concurrency: changes nothing itself.
-- Locks: none.
-- Returns: trigger, the row if the update is the allowed one.
-- Errors: T0001 the row is immutable.
create or replace function private.refuse_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_anonymous jsonb;
begin
  if tg_op = 'UPDATE' and (to_jsonb(old) ->> 'user_id') is not null then
    v_anonymous := jsonb_set(to_jsonb(old), '{user_id}', 'null');
    if to_jsonb(new) in (v_anonymous, v_anonymous #- '{before,reason}' #- '{after,reason}') then
      return new;
    end if;
  end if;
  raise exception 'rows of % are immutable', tg_table_name using errcode = 'T0001';
end
$$;

revoke all on function private.refuse_change from public, anon, authenticated, service_role;
comment on function private.refuse_change is 'Rejects changes of rows in append-only tables';

-- Trigger: sets updated_at of the row that is being stored.
--
-- Concurrency: changes only the row that is being stored.
-- Locks: none.
-- Returns: trigger, the row.
-- Errors: none.
create or replace function private.set_updated_at()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := private.clock();
  return new;
end
$$;

revoke all on function private.set_updated_at from public, anon, authenticated, service_role;
comment on function private.set_updated_at is 'Sets updated_at of the row that is being stored';

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
  has_started boolean not null default true,
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

comment on table public.users is 'Users: one row per Telegram account, shared by all bots and services';
comment on column public.users.language_code is 'Language of the user''s Telegram client, a BCP 47 tag; the setting default_language if Telegram sends none';
comment on column public.users.language is 'Language that the user chose with /language; null: language_code applies';
comment on column public.users.price_currency is 'Currency that the user chose for prices, ISO 4217; null: by language';
comment on column public.users.balance is 'Amount in the currency of the setting balance_currency; the sum of balance_transactions';
comment on column public.users.vip_level is 'Derived (private.refresh_access): level of the active plan, see subscription_limits; 0: the free plan';
comment on column public.users.is_active is 'False: the user has blocked a bot';
comment on column public.users.is_newcomer is 'True until the first served AI request';
comment on column public.users.is_paid is 'Derived (private.refresh_access): has a paid plan, or is an admin';
comment on column public.users.banned_at is 'Start of the ban, during which no bot serves the user; null: not banned';
comment on column public.users.ban_reason is 'Reason that the user is shown with the ban';
comment on column public.users.ban_notified is 'Whether the user has received the single message about this ban';
comment on column public.users.trial_used is 'Whether the free trial has been started, also before an erasure';
comment on column public.users.has_started is 'False: created by another service (adjust_balance); no bot has received an update of the user yet';
comment on column public.users.referral_credits is 'Total bonus credits that the user received as a referrer';
comment on column public.users.updated_at is 'When the row last changed, including last_activity';
comment on column public.users.last_activity is 'Time of the user''s last update, accurate to five minutes';
comment on column public.users.active_on is 'The day of last_activity in the time zone of the setting quota_timezone; see daily_active_users';
alter table public.users enable row level security;
revoke all on table public.users from public, anon, authenticated, service_role;
revoke all on sequence public.users_id_seq from public, anon, authenticated, service_role;

-- Uses consumed through consume_access, one row per reference: a repeated call finds its row and consumes nothing.

create table public.access_usages (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  reference text not null unique check (reference like '_%:_%'),
  quantity integer not null check (quantity > 0),
  access_type text not null check (access_type in ('subscription', 'credits', 'trainings')),
  credits integer not null default 0 check (credits >= 0),
  trainings integer not null default 0 check (trainings >= 0),
  created_at timestamptz not null default private.clock(),
  check (credits + trainings = case access_type when 'subscription' then 0 else quantity end)
);

create index access_usages_user_idx on public.access_usages (user_id, id);

comment on table public.access_usages is 'Uses consumed through consume_access, one row per reference';
comment on column public.access_usages.reference is 'Idempotency key: service and its own number, for example simulator:4711';
comment on column public.access_usages.access_type is 'The first source that was charged; a subscription is not reduced by use';
alter table public.access_usages enable row level security;
revoke all on table public.access_usages from public, anon, authenticated, service_role;
revoke all on sequence public.access_usages_id_seq from public, anon, authenticated, service_role;

-- Admin accounts. Written at deployment from the environment (tools.database settings), never by the application.

create table public.admins (
  email text primary key check (email = lower(email)),
  telegram_id bigint unique,
  created_at timestamptz not null default private.clock()
);

create trigger admins_mark_users
after insert or update or delete on public.admins
for each row execute function private.mark_admin();

comment on table public.admins is 'Admin accounts, written at deployment';
comment on column public.admins.telegram_id is 'Telegram account that may use admin commands in the bots; null: no Telegram account';
alter table public.admins enable row level security;
revoke all on table public.admins from public, anon, authenticated, service_role;

-- Append-only log of admin actions, kept without a time limit.

create table public.audit_log (
  id bigint generated always as identity primary key,
  admin_email text not null,
  action text not null,
  user_id bigint references public.users (id) on delete set null,
  reference text unique,
  before jsonb not null,
  after jsonb not null,
  created_at timestamptz not null default private.clock()
);

create index audit_log_user_idx on public.audit_log (user_id, id);
-- Each action can be undone at most once (admin_undo).
create unique index audit_log_undoes_idx on public.audit_log (((after ->> 'undoes')::bigint)) where action = 'undo';

create trigger audit_log_immutable
before update or delete on public.audit_log
for each row execute function private.refuse_change();

comment on table public.audit_log is 'Append-only log of admin actions';
comment on column public.audit_log.reference is 'Idempotency key from the caller';
alter table public.audit_log enable row level security;
revoke all on table public.audit_log from public, anon, authenticated, service_role;
revoke all on sequence public.audit_log_id_seq from public, anon, authenticated, service_role;

-- Append-only ledger of users.balance: the balance is the sum of the user's rows (check_balances).

create table public.balance_transactions (
  id bigint generated always as identity primary key,
  -- Null after an erasure: accounting keeps the row without the user.
  user_id bigint references public.users (id) on delete set null,
  amount numeric(12, 2) not null check (amount <> 0),
  balance_after numeric(12, 2) not null check (balance_after >= 0),
  reason text not null check (reason <> ''),
  reference text not null unique check (reference like '_%:_%'),
  created_at timestamptz not null default private.clock()
);

create index balance_transactions_user_idx on public.balance_transactions (user_id, id);

create trigger balance_transactions_immutable
before update or delete on public.balance_transactions
for each row execute function private.refuse_change();

comment on table public.balance_transactions is 'Append-only ledger of user balances';
comment on column public.balance_transactions.amount is 'Change of the balance in the currency of the setting balance_currency; negative: a debit';
comment on column public.balance_transactions.reference is 'Idempotency key: service and its own number, for example payments:4711';
alter table public.balance_transactions enable row level security;
revoke all on table public.balance_transactions from public, anon, authenticated, service_role;
revoke all on sequence public.balance_transactions_id_seq from public, anon, authenticated, service_role;

-- AI requests per user, day and bot. The daily limit applies to the sum over all bots.

create table public.daily_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  day date not null,
  requests integer not null default 0,
  bonus_requests integer not null default 0,
  user_api_key_requests integer not null default 0,
  releases integer not null default 0,
  primary key (user_id, day, bot),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint daily_usage_check check (
    least(requests, bonus_requests, user_api_key_requests, releases) >= 0
  )
);

comment on table public.daily_usage is 'AI requests per user, day and bot';
comment on column public.daily_usage.day is 'A day in the time zone of the setting quota_timezone';
comment on column public.daily_usage.requests is 'Requests that are reserved or settled; a released request is subtracted again';
comment on column public.daily_usage.bonus_requests is 'Requests paid with bonus credits; the plan''s limit does not count them';
comment on column public.daily_usage.user_api_key_requests is 'Requests served with the user''s own API key; not limited';
comment on column public.daily_usage.releases is 'Failed requests that were released; the setting daily_releases limits them';
alter table public.daily_usage enable row level security;
revoke all on table public.daily_usage from public, anon, authenticated, service_role;

-- Tombstones of erased users: which one-time benefits they have used, so that a returning user cannot claim them again.
-- A row contains nothing that identifies the user without USER_HASH_KEY.

create table public.erased_users (
  -- The HMAC key is in no database, so a copy of this table cannot be matched against known Telegram ids.
  user_hash bytea primary key check (length(user_hash) = 32),
  used jsonb not null default '{}' check (jsonb_typeof(used) = 'object'),
  usage jsonb not null default '{}' check (jsonb_typeof(usage) = 'object'),
  erased_at timestamptz not null default private.clock()
);

-- The sweep clears usage counters of past months.
create index erased_users_usage_idx on public.erased_users (erased_at) where usage <> '{}';

comment on table public.erased_users is 'Tombstones of erased users: benefits they must not receive again';
comment on column public.erased_users.user_hash is 'HMAC-SHA256 of the Telegram id, keyed with USER_HASH_KEY';
comment on column public.erased_users.used is 'One-time benefits used, by name: referral, promocode:<id>, trial, and channels (whose free trainings were received); also banned_at, without the reason of the ban';
comment on column public.erased_users.usage is 'Requests used on the day and in the month of the erasure, so that an erasure does not reset the limits';
alter table public.erased_users enable row level security;
revoke all on table public.erased_users from public, anon, authenticated, service_role;

-- Grants of free trainings: source, quantity and how many are used. Unused trainings never expire.

create table public.free_trainings (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  source text not null check (source <> ''),
  reference text not null check (reference <> ''),
  quantity integer not null check (quantity >= 0),
  used integer not null default 0 check (used between 0 and quantity),
  created_at timestamptz not null default private.clock(),
  -- Idempotency: one grant per user, source and reference.
  unique (user_id, source, reference)
);

comment on table public.free_trainings is 'Grants of free trainings';
comment on column public.free_trainings.source is 'Kind of grant: channel, promo (a promo code) or admin';
comment on column public.free_trainings.reference is 'The channel, promo code or admin action; unique per user and source';
comment on column public.free_trainings.quantity is 'Trainings granted; 0: received before an erasure, so not granted again';
alter table public.free_trainings enable row level security;
revoke all on table public.free_trainings from public, anon, authenticated, service_role;
revoke all on sequence public.free_trainings_id_seq from public, anon, authenticated, service_role;

-- AI requests per user and month over all bots: the sums of daily_usage as counters, so that no read adds up days.

create table public.monthly_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  month date not null,
  requests integer not null default 0,
  bonus_requests integer not null default 0,
  primary key (user_id, month),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint monthly_usage_check check (
    extract(day from month) = 1 and least(requests, bonus_requests) >= 0
  )
);

comment on table public.monthly_usage is 'AI requests per user and month';
comment on column public.monthly_usage.month is 'First day of the month, in the time zone of the setting quota_timezone';
comment on column public.monthly_usage.requests is 'Requests that are reserved or settled; a released request is subtracted again';
comment on column public.monthly_usage.bonus_requests is 'Requests paid with bonus credits; the plan''s limit does not count them';
alter table public.monthly_usage enable row level security;
revoke all on table public.monthly_usage from public, anon, authenticated, service_role;

-- Limits and features of each plan. A changed row applies from the next update on.

create table public.subscription_limits (
  plan text primary key,
  vip_level integer not null unique check (vip_level >= 0),
  daily_requests integer check (daily_requests >= 0),
  monthly_requests integer check (monthly_requests >= 0),
  features text[] not null default '{}',
  history_length integer check (history_length >= 0)
);

comment on table public.subscription_limits is 'Limits and features of each plan';
comment on column public.subscription_limits.vip_level is 'Lowest users.vip_level of this plan; it applies up to the vip_level of the next plan';
comment on column public.subscription_limits.daily_requests is 'AI requests a day over all bots; null: no limit';
comment on column public.subscription_limits.monthly_requests is 'AI requests a month over all bots; null: only the daily limit applies';
comment on column public.subscription_limits.features is 'Features beyond plain chat; modes: the chat modes of shared/ai/modes.py';
comment on column public.subscription_limits.history_length is 'Messages of the conversation that the AI receives; null: MAX_HISTORY_LENGTH';
alter table public.subscription_limits enable row level security;
revoke all on table public.subscription_limits from public, anon, authenticated, service_role;

-- No monthly limit by default: the daily limit bounds the month already.
insert into public.subscription_limits
(plan, vip_level, daily_requests, monthly_requests, features, history_length)
values
('FREE', 0, 25, null, '{modes}', 50),
('PREMIUM', 1, 1000, null, '{modes}', null)
on conflict (plan) do nothing;

-- Plan subscriptions of users: plan, source and validity. users.vip_level and is_paid are derived from the active rows
-- (private.refresh_access); of several active plans the highest applies.
--
-- active ─▶ expired    ends_at has passed (private.expire_subscriptions)
--    └────▶ canceled   ended before ends_at: reversed by a refund, or replaced by another one of the same source

create table public.subscriptions (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  plan text not null references public.subscription_limits (plan) on update cascade,
  source text not null check (source <> ''),
  status text not null default 'active' check (status in ('active', 'canceled', 'expired')),
  starts_at timestamptz not null default private.clock(),
  ends_at timestamptz check (ends_at >= starts_at),
  -- squawk-ignore prefer-bigint-over-smallint
  anchor_day smallint check (anchor_day between 1 and 31),
  reminded text,
  ended_at timestamptz check ((ended_at is null) = (status = 'active')),
  created_at timestamptz not null default private.clock()
);

create index subscriptions_user_idx on public.subscriptions (user_id, status);
create index subscriptions_plan_idx on public.subscriptions (plan);
-- The sweep finds subscriptions whose ends_at has passed.
create index subscriptions_ends_at_idx on public.subscriptions (ends_at) where status = 'active';

-- Expiry reminders, before and after ends_at.
create index subscriptions_reminder_idx on public.subscriptions (ends_at)
where source in ('purchase', 'trial', 'promo');

comment on table public.subscriptions is 'Plan subscriptions of users';
comment on column public.subscriptions.source is 'Origin: purchase, trial, promo (a promo code) or admin';
comment on column public.subscriptions.ends_at is 'When it expires; null: never';
comment on column public.subscriptions.anchor_day is 'Day of the month on which it began: one month from 31 January ends in February, the next one on 31 March';
comment on column public.subscriptions.reminded is 'Last expiry reminder sent, with the ends_at it named';
comment on column public.subscriptions.ended_at is 'When status left active';
alter table public.subscriptions enable row level security;
revoke all on table public.subscriptions from public, anon, authenticated, service_role;
revoke all on sequence public.subscriptions_id_seq from public, anon, authenticated, service_role;

-- Referrals: who invited whom. A user has at most one referrer, which never changes.

create table public.user_referrals (
  id bigint generated always as identity primary key,
  -- Null: erased. The other user keeps the credits and the referral count.
  referrer_id bigint references public.users (id) on delete set null,
  referred_id bigint unique references public.users (id) on delete set null,
  status text not null default 'pending' check (status in ('pending', 'completed', 'limit_reached')),
  referrer_credits integer not null default 0 check (referrer_credits >= 0),
  referred_credits integer not null default 0 check (referred_credits >= 0),
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  check (referrer_id <> referred_id)
);

create index user_referrals_referrer_idx on public.user_referrals (referrer_id, completed_at);
create index user_referrals_pending_idx on public.user_referrals (referrer_id)
where status = 'pending';
-- Top referrers of a period.
create index user_referrals_completed_at_idx on public.user_referrals (completed_at)
where status = 'completed';

comment on table public.user_referrals is 'Referrals: who invited whom';
comment on column public.user_referrals.status is 'pending: until the referred user''s first served request; completed: credits were granted; limit_reached: the referrer''s daily limit was reached, nothing was granted';
alter table public.user_referrals enable row level security;
revoke all on table public.user_referrals from public, anon, authenticated, service_role;
revoke all on sequence public.user_referrals_id_seq from public, anon, authenticated, service_role;

-- User API keys (BYOK) of AI providers. The functions encrypt them before they are stored (shared/ai/user_keys); the database
-- never receives a plaintext key and holds no key that decrypts one.

create table public.user_tokens (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{0,31}$'),
  ciphertext bytea not null,
  key_id text not null check (key_id <> ''),
  last_four text not null check (length(last_four) = 4),
  is_active boolean not null default false,
  status text not null default 'ok' check (status in ('ok', 'refused')),
  created_at timestamptz not null default private.clock(),
  checked_at timestamptz,
  unique (user_id, provider),
  check (status = 'ok' or not is_active)
);

-- Read with every AI request. Unique, so that a user's requests go to one provider only.
create unique index user_tokens_active_idx on public.user_tokens (user_id) where is_active;

comment on table public.user_tokens is 'Encrypted user API keys of AI providers';
comment on column public.user_tokens.ciphertext is 'AES-256-GCM; the Telegram id and the provider are authenticated with it';
comment on column public.user_tokens.key_id is 'Which of TOKEN_ENCRYPTION_KEYS decrypts it';
comment on column public.user_tokens.last_four is 'Last four characters of the key, the only ones ever shown';
comment on column public.user_tokens.is_active is 'The user''s requests use this key instead of the plan; at most one per user';
comment on column public.user_tokens.status is 'refused: the provider rejected the key';
comment on column public.user_tokens.checked_at is 'When the provider last accepted it; null: not checked yet';
alter table public.user_tokens enable row level security;
revoke all on table public.user_tokens from public, anon, authenticated, service_role;
revoke all on sequence public.user_tokens_id_seq from public, anon, authenticated, service_role;

-- Alarms for admins who have not started a bot yet: Telegram lets a bot write to a user only after the user's first message.
-- While there is no admin, alarms are stored for the first admin who starts a bot.

create table private.waiting_alarms (
  id bigint generated always as identity primary key,
  email text references public.admins (email) on update cascade on delete cascade,
  bot text,
  key text not null,
  values jsonb not null,
  buttons jsonb,
  created_at timestamptz not null default private.clock()
);

create index waiting_alarms_email_idx on private.waiting_alarms (email);
-- Counts the alarms of an admin that were not stored because too many wait.
create unique index waiting_alarms_more_idx on private.waiting_alarms (coalesce(email, '')) where key = 'admin_alarms_more';

comment on table private.waiting_alarms is 'Alarms that are stored until their admin starts a bot';
comment on column private.waiting_alarms.email is 'Recipient; null: the first admin who starts a bot';
comment on column private.waiting_alarms.bot is 'Bot that the alarm is about; preferred for delivery if the admin has started it';
alter table private.waiting_alarms enable row level security;
revoke all on table private.waiting_alarms from public, anon, authenticated, service_role;
revoke all on sequence private.waiting_alarms_id_seq from public, anon, authenticated, service_role;

-- Product catalogue. An inactive product is hidden everywhere; existing orders for it are still fulfilled. A new database has
-- these products inactive and without prices: an admin sets the prices and activates them (/products). supabase/seed.sql has
-- prices for local use.

create table public.products (
  key text primary key check (key ~ '^[a-z0-9_]{1,32}$'),
  kind text not null check (kind in ('subscription', 'credits', 'balance', 'course')),
  plan text references public.subscription_limits (plan) on update cascade,
  period text check (period in ('month', 'year')),
  quantity numeric(12, 2) check (quantity > 0),
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  position integer not null default 0,
  is_active boolean not null default false,
  created_at timestamptz not null default private.clock(),
  -- At least one title: receipts and buttons show it.
  check (jsonb_path_exists(texts, 'strict $.* ? (@.title like_regex "[^[:space:]]")', '{}', true)),
  check ((kind = 'subscription') = (plan is not null and period is not null)),
  check ((kind in ('credits', 'balance')) = (quantity is not null))
);

create index products_plan_idx on public.products (plan);

comment on table public.products is 'Product catalogue';
comment on column public.products.plan is 'Plan that a subscription grants for one period';
comment on column public.products.quantity is 'Bonus credits, or amount of balance in the currency of the setting balance_currency';
comment on column public.products.texts is 'By language: {"ru": {"title": "…", "description": "…"}}; a title has at most 32 characters';
alter table public.products enable row level security;
revoke all on table public.products from public, anon, authenticated, service_role;

insert into public.products (key, kind, plan, period, quantity, texts, position)
values
(
  'premium_month', 'subscription', 'PREMIUM', 'month', null,
  '{"ru": {"title": "Премиум на месяц", "description": "1 000 запросов в день на месяц"},
    "en": {"title": "Premium for a month", "description": "1,000 requests a day for a month"}}', 10
),
(
  'premium_year', 'subscription', 'PREMIUM', 'year', null,
  '{"ru": {"title": "Премиум на год", "description": "1 000 запросов в день на год"},
    "en": {"title": "Premium for a year", "description": "1,000 requests a day for a year"}}', 20
),
(
  'credits_100', 'credits', null, null, 100,
  '{"ru": {"title": "100 запросов", "description": "Сверх дневного лимита, не сгорают"},
    "en": {"title": "100 requests", "description": "On top of your daily limit. They never expire."}}', 30
),
(
  'credits_1000', 'credits', null, null, 1000,
  '{"ru": {"title": "1 000 запросов", "description": "Сверх дневного лимита, не сгорают"},
    "en": {"title": "1,000 requests", "description": "On top of your daily limit. They never expire."}}', 40
),
(
  'balance_500', 'balance', null, null, 500,
  '{"ru": {"title": "Пополнение на 500 ₽", "description": "Для покупок в этом боте"},
    "en": {"title": "Top up 500 ₽", "description": "Spend it on anything in this bot"}}', 50
)
on conflict (key) do nothing;

-- Promo codes: months of a plan, bonus credits, trainings, or a discount on the next purchase. Deactivation or expiry does not
-- revoke what users have received.

create table public.promocodes (
  id bigint generated always as identity primary key,
  code text not null unique check (code ~ '^[A-Z0-9_-]{3,32}$'),
  kind text not null check (kind in ('month', 'credits', 'trainings', 'percent')),
  value integer not null,
  plan text references public.subscription_limits (plan) on update cascade,
  max_uses integer check (max_uses > 0),
  uses integer not null default 0 check (uses >= 0),
  valid_from timestamptz not null default private.clock(),
  valid_until timestamptz check (valid_until > valid_from),
  is_active boolean not null default true,
  note text,
  created_at timestamptz not null default private.clock(),
  check (uses <= max_uses),
  check ((kind = 'month') = (plan is not null)),
  check (
    value between 1 and case kind when 'month' then 36 when 'credits' then 1000000 when 'trainings' then 1000 else 99 end
  )
);

create index promocodes_plan_idx on public.promocodes (plan);

comment on table public.promocodes is 'Promo codes';
comment on column public.promocodes.code is 'Stored in capitals; input is case-insensitive';
comment on column public.promocodes.value is 'Number of months, bonus credits or trainings, or percent of discount';
comment on column public.promocodes.plan is 'Plan that kind month grants';
comment on column public.promocodes.max_uses is 'Maximum number of redemptions; null: unlimited';
comment on column public.promocodes.uses is 'Number of redemptions, including those of erased users';
comment on column public.promocodes.valid_until is 'End of validity, also of redeemed discounts; null: none';
comment on column public.promocodes.note is 'Purpose, for the admins';
alter table public.promocodes enable row level security;
revoke all on table public.promocodes from public, anon, authenticated, service_role;
revoke all on sequence public.promocodes_id_seq from public, anon, authenticated, service_role;

-- Auto-renewals: charged by the provider's own schedule, or by us with a saved payment method.
--
-- active ─▶ past_due ─▶ ended       a charge failed: it is retried until it succeeds or the renewal ends
--    └────▶ canceled ─▶ ended       will not renew; the paid period continues
-- A canceled or ended renewal that its provider charges later becomes active again (private.is_resumed).
--
-- A renewal with a saved method has one order per period. A charge attempt is open from attempt_started_at until its outcome is
-- known; while it is open, calls to the provider repeat its idempotency key and no other attempt starts.

create table public.renewals (
  id bigint generated always as identity primary key,
  user_id bigint references public.users (id) on delete set null,
  product_key text not null references public.products (key) on update cascade,
  provider text not null,
  provider_subscription_id text not null,
  status text not null default 'active' check (status in ('active', 'past_due', 'canceled', 'ended')),
  currency text not null,
  amount numeric(12, 2) not null check (amount > 0),
  kind text not null default 'subscription',
  plan text not null,
  period text not null,
  bot text not null,
  saved_method text,
  charged_until timestamptz,
  charge_at timestamptz,
  attempts integer not null default 0,
  attempt_started_at timestamptz,
  lease_until timestamptz,
  canceled_at timestamptz,
  cancel_requested_at timestamptz,
  created_at timestamptz not null default private.clock(),
  ended_at timestamptz,
  next_cancel_attempt_at timestamptz,
  cancel_attempts integer not null default 0,
  payer text,
  alarmed_period timestamptz,
  unique (provider, provider_subscription_id)
);

create index renewals_user_idx on public.renewals (user_id);
create index renewals_product_idx on public.renewals (product_key);
-- Active renewals by the end of the paid period, to detect missing charges.
create index renewals_running_idx on public.renewals (charged_until) where status = 'active';
-- Renewals that we charge, by due time.
create index renewals_charge_idx on public.renewals (charge_at) where charge_at is not null;
-- Subscriptions that the provider must still cancel.
create index renewals_cancel_idx on public.renewals (next_cancel_attempt_at) where next_cancel_attempt_at is not null;

comment on table public.renewals is 'Auto-renewals of subscriptions';
comment on column public.renewals.saved_method is 'Saved payment method that we charge; null: the provider charges, or nothing is charged any more';
comment on column public.renewals.charged_until is 'End of the paid period and start of the next one';
comment on column public.renewals.canceled_at is 'When it was canceled; a later charge by the provider reactivates it';
comment on column public.renewals.cancel_requested_at is 'When the user last requested the cancellation with our button: its screen shows the result, so the webhook event sends no message';
comment on column public.renewals.charge_at is 'When the job processes it next, to charge it, to query an open attempt or to end it; null: the provider charges, or it has ended';
comment on column public.renewals.attempts is 'Declined attempts of this period; part of the next attempt''s idempotency key';
comment on column public.renewals.attempt_started_at is 'Start of the open charge attempt; null: no attempt is open';
comment on column public.renewals.lease_until is 'Lease: until then only one worker calls the provider about the open attempt';
comment on column public.renewals.next_cancel_attempt_at is 'When the provider is called next to cancel the subscription, because the user is erased or another renewal replaced it; null: nothing to cancel';
comment on column public.renewals.cancel_attempts is 'Failed attempts to cancel it at the provider';
comment on column public.renewals.payer is 'The provider''s id of the payer (Prodamus: a phone number), needed to cancel; kept only for erased users, until the cancellation';
comment on column public.renewals.alarmed_period is 'The charged_until for which the admins were alerted that no charge came';
alter table public.renewals enable row level security;
revoke all on table public.renewals from public, anon, authenticated, service_role;
revoke all on sequence public.renewals_id_seq from public, anon, authenticated, service_role;

-- Orders: requests to pay for one product. Product terms and price are copied when the order is created.
--
-- pending ─▶ completed   paid and fulfilled
--    ├─────▶ canceled    expired, or canceled by the provider or the buyer; a late payment is still fulfilled
--    └─────▶ withdrawn   its discount is bound to another order; a payment for it is held for review (refund)

create table public.orders (
  id bigint generated always as identity primary key,
  user_id bigint references public.users (id) on delete set null,
  product_key text not null references public.products (key) on update cascade,
  provider text not null,
  currency text not null,
  amount numeric(12, 2) not null check (amount > 0),
  status text not null default 'pending' check (status in ('pending', 'completed', 'canceled', 'withdrawn')),
  kind text not null,
  plan text,
  period text,
  quantity numeric(12, 2),
  renews boolean not null default false,
  renewal_id bigint references public.renewals (id),
  contact text,
  bot text not null,
  reference text unique,
  checkout_url text,
  checkout_reference text,
  expires_at timestamptz not null,
  checked_at timestamptz,
  notified text[] not null default '{}',
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  message_ids bigint[],
  message_state text check (message_state in ('paid', 'held', 'refunded', 'disputed', 'withdrawn', 'expired')),
  full_amount numeric(12, 2) check (full_amount >= amount),
  promocode_id bigint references public.promocodes (id),
  next_product_key text,
  check ((full_amount is null) = (promocode_id is null))
);

create index orders_user_idx on public.orders (user_id, id);
create index orders_product_idx on public.orders (product_key);
create index orders_promocode_idx on public.orders (promocode_id);
create index orders_renewal_idx on public.orders (renewal_id);
-- Reconciliation asks providers about orders that may still be paid.
create index orders_open_idx on public.orders (expires_at) where status in ('pending', 'withdrawn');

-- Orders whose messages still invite to pay, by expiry.
create index orders_invited_idx on public.orders (expires_at) where cardinality(message_ids) > 0 and message_state is null;

comment on table public.orders is 'Orders: requests to pay for one product';
comment on column public.orders.renews is 'Whether the purchase renews each period';
comment on column public.orders.renewal_id is 'Renewal whose period this order charges; null: an order that the buyer made';
comment on column public.orders.contact is 'Receipt contact: an e-mail address or a phone number';
comment on column public.orders.bot is 'Bot in which the user ordered; messages about the order are sent there';
comment on column public.orders.reference is 'Idempotency key from the caller';
comment on column public.orders.notified is 'Messages that the buyer has received, each at most once: pending, failed, reminder';
comment on column public.orders.message_ids is 'Messages in the buyer''s chat that invite to pay: the checkout and a reminder';
comment on column public.orders.message_state is 'State that these messages show instead of the invitation; null: they still invite to pay';
comment on column public.orders.checkout_reference is 'The provider''s id of the checkout, to query its state';
comment on column public.orders.full_amount is 'Price without the discount; null: no discount';
comment on column public.orders.promocode_id is 'Promo code whose discount reduced the price';
comment on column public.orders.next_product_key is 'Product that the buyer wants to buy with this top-up; offered once the top-up is paid';
alter table public.orders enable row level security;
revoke all on table public.orders from public, anon, authenticated, service_role;
revoke all on sequence public.orders_id_seq from public, anon, authenticated, service_role;

-- Payments: one row per charge at a provider. The sums are derived from payment_operations and the status from the sums
-- (private.sum_payment); payment_effects records the fulfilment.

create table public.payments (
  id bigint generated always as identity primary key,
  provider text not null,
  provider_payment_id text not null,
  order_id bigint references public.orders (id),
  renewal_id bigint references public.renewals (id),
  user_id bigint references public.users (id) on delete set null,
  status text not null default 'pending'
  check (status in ('pending', 'completed', 'failed', 'canceled', 'refunded')),
  currency text,
  amount numeric,
  refunded numeric not null default 0 check (refunded >= 0),
  disputed numeric not null default 0 check (disputed >= 0),
  has_failed boolean not null default false,
  is_canceled boolean not null default false,
  is_test boolean not null default false,
  claims jsonb not null default '{}',
  problem text check (problem in ('no_order', 'amount', 'currency', 'owner', 'test', 'second_charge', 'withdrawn')),
  saved_method text,
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  unique (provider, provider_payment_id)
);

create index payments_order_idx on public.payments (order_id);
create index payments_renewal_idx on public.payments (renewal_id);
create index payments_user_idx on public.payments (user_id, id);
-- The payer, if the provider knows it; not necessarily the buyer.
create index payments_payer_idx on public.payments ((claims ->> 'telegram_id'))
where (claims ->> 'telegram_id') is not null;
-- Payments of a subscription at its provider.
create index payments_subscription_idx on public.payments (provider, (claims ->> 'subscription_id'))
where (claims ->> 'subscription_id') is not null;
-- Payments that wait for their order, and payments under review.
create index payments_problem_idx on public.payments (problem) where problem is not null;
create index payments_unsolved_idx on public.payments (id) where problem is not null and status = 'completed';

comment on table public.payments is 'Payments: one row per charge at a provider';
comment on column public.payments.amount is 'Amount charged; 0: the provider reports it as paid without a charge, for example from credit; null: not paid yet';
comment on column public.payments.refunded is 'Sum of all refunds';
comment on column public.payments.disputed is 'Sum of disputes that are open or lost';
comment on column public.payments.claims is 'Attributes reported by the provider: order_id, subscription_id, telegram_id (0: an erased user), payer (the provider''s id of the payer), paid_at, period_ends_at and is_invoice (the period of a subscription that it pays), has_buyer_terms (the buyer may have chosen the amount), is_final (the decline is permanent)';
comment on column public.payments.problem is 'Why the payment is not fulfilled but held for review; null: no reason';
alter table public.payments enable row level security;
revoke all on table public.payments from public, anon, authenticated, service_role;
revoke all on sequence public.payments_id_seq from public, anon, authenticated, service_role;

-- Fulfilment of payments: what was granted for a payment, and how much of it was reversed after refunds and disputes. One row
-- per payment and effect, so that a repeated event finds it and grants nothing again.

create table public.payment_effects (
  payment_id bigint not null references public.payments (id) on delete cascade,
  effect text not null check (effect in ('subscription', 'credits', 'balance', 'course', 'commission')),
  user_id bigint references public.users (id) on delete set null,
  subscription_id bigint references public.subscriptions (id) on delete set null,
  given numeric not null check (given >= 0),
  reversal_target numeric not null default 0 check (reversal_target >= 0 and reversal_target <= given),
  reversed numeric not null default 0 check (reversed >= 0 and reversed <= reversal_target),
  adjustments integer not null default 0,
  created_at timestamptz not null default private.clock(),
  primary key (payment_id, effect)
);

create index payment_effects_user_idx on public.payment_effects (user_id);
create index payment_effects_subscription_idx on public.payment_effects (subscription_id);

comment on table public.payment_effects is 'What was granted for a payment, and what was reversed';
comment on column public.payment_effects.given is 'Quantity granted: seconds of a subscription, bonus credits, or balance';
comment on column public.payment_effects.reversal_target is 'Quantity to reverse, for the refunded and disputed share of the payment';
comment on column public.payment_effects.reversed is 'Quantity actually reversed: at most what the user had left';
comment on column public.payment_effects.adjustments is 'Number of adjustments so far; part of the ledger''s idempotency key';
alter table public.payment_effects enable row level security;
revoke all on table public.payment_effects from public, anon, authenticated, service_role;

-- Inbox of webhook events from payment providers: each event once, with its raw body. A failed event keeps its error and is
-- applied when the provider repeats it. Bodies contain personal data (addresses, phone numbers): an erasure empties them but
-- keeps the row, so that a repeated event is still recognised.

create table public.payment_events (
  id bigint generated always as identity primary key,
  provider text not null,
  event_key text not null,
  user_id bigint references public.users (id) on delete set null,
  type text not null default '',
  body text not null,
  events jsonb not null,
  attempts integer not null default 1,
  error text,
  received_at timestamptz not null default private.clock(),
  processed_at timestamptz,
  unique (provider, event_key)
);

create index payment_events_open_idx on public.payment_events (received_at) where processed_at is null;
-- A user's events: for the data export and the erasure.
create index payment_events_user_idx on public.payment_events (user_id);
-- Events that are not linked to a user yet: an erasure searches them, and a payment that finds its order links its own.
create index payment_events_unowned_idx on public.payment_events (received_at) where user_id is null and body <> '';
create index payment_events_unowned_events_idx on public.payment_events using gin (events jsonb_path_ops)
where user_id is null;

comment on table public.payment_events is 'Inbox of webhook events from payment providers, each once';
comment on column public.payment_events.event_key is 'Deduplication key: the same for every delivery of one event';
comment on column public.payment_events.user_id is 'User that the event concerns, if known: the payer or the buyer';
comment on column public.payment_events.body is 'Raw body; invalid UTF-8 is replaced; empty once the user is erased';
comment on column public.payment_events.events is 'Parsed payment events (shared/payments/events.py); empty once the user is erased';
alter table public.payment_events enable row level security;
revoke all on table public.payment_events from public, anon, authenticated, service_role;
revoke all on sequence public.payment_events_id_seq from public, anon, authenticated, service_role;

-- Money movements of a payment: the charge, refunds and disputes, one row per operation of the provider. The sums of a payment
-- do not depend on how often or in which order events arrive.

create table public.payment_operations (
  payment_id bigint not null references public.payments (id) on delete cascade,
  kind text not null check (kind in ('paid', 'refund', 'refund_total', 'dispute')),
  operation_id text not null,
  amount numeric not null check (amount >= 0),
  currency text,
  is_undone boolean not null default false,
  is_final boolean not null default false,
  created_at timestamptz not null default private.clock(),
  fee numeric not null default 0 check (fee >= 0),
  happened_at timestamptz not null default private.clock(),
  alarmed_at timestamptz,
  primary key (payment_id, kind, operation_id)
);

-- Reconciliation of one day with a provider's statement.
create index payment_operations_happened_idx on public.payment_operations (happened_at);

comment on table public.payment_operations is 'Money movements of a payment: charge, refunds and disputes';
comment on column public.payment_operations.currency is 'Currency named by the provider; null: that of the payment. Another currency is excluded from the sums';
comment on column public.payment_operations.is_undone is 'True: a failed refund or a won dispute, excluded from the sums';
comment on column public.payment_operations.is_final is 'True: later events do not change is_undone';
comment on column public.payment_operations.fee is 'Part of the amount that went to an affiliate (Stars)';
comment on column public.payment_operations.happened_at is 'Time by the provider''s clock, or ours if the provider names none';
comment on column public.payment_operations.alarmed_at is 'When the admins were alerted that the provider''s statement lacks it';
alter table public.payment_operations enable row level security;
revoke all on table public.payment_operations from public, anon, authenticated, service_role;

-- Prices of products: one row per currency in which a product is sold.

create table public.product_prices (
  product_key text not null references public.products (key) on update cascade on delete cascade,
  currency text not null check (currency ~ '^[A-Z]{3,5}$'),
  amount numeric(12, 2) not null check (amount > 0),
  primary key (product_key, currency),
  check (currency <> 'XTR' or amount = trunc(amount))
);

comment on table public.product_prices is 'Prices of products, one row per currency';
comment on column public.product_prices.currency is 'ISO 4217; XTR: Telegram Stars';
alter table public.product_prices enable row level security;
revoke all on table public.product_prices from public, anon, authenticated, service_role;

-- Wrong promo codes that a user entered on the last day with such an attempt. The setting promocode_daily_attempts limits them,
-- so that codes cannot be guessed.

create table public.promocode_attempts (
  user_id bigint primary key references public.users (id) on delete cascade,
  day date not null,
  failed_attempts integer not null default 0 check (failed_attempts >= 0),
  last_reference text
);

comment on table public.promocode_attempts is 'Wrong promo codes entered by a user, per day';
comment on column public.promocode_attempts.day is 'Day of the count, in the time zone of the setting quota_timezone; the count restarts with the next day';
comment on column public.promocode_attempts.last_reference is 'Idempotency key of the last counted attempt: a repeated call is not counted again';
alter table public.promocode_attempts enable row level security;
revoke all on table public.promocode_attempts from public, anon, authenticated, service_role;

-- Redemptions of promo codes, including discounts that are not used yet. An erasure deletes a user's rows; when the user
-- returns, they are restored from erased_users.used, so that each user redeems a code at most once.

create table public.promocode_usages (
  promocode_id bigint not null references public.promocodes (id),
  user_id bigint not null references public.users (id) on delete cascade,
  reference text unique,
  given jsonb not null,
  percent integer check (percent between 1 and 99),
  expires_at timestamptz,
  consumed_at timestamptz,
  created_at timestamptz not null default private.clock(),
  primary key (promocode_id, user_id)
);

create index promocode_usages_user_idx on public.promocode_usages (user_id);

comment on table public.promocode_usages is 'Redemptions of promo codes';
comment on column public.promocode_usages.reference is 'Idempotency key from the caller';
comment on column public.promocode_usages.given is 'Grant as shown to the user; empty if restored after an erasure';
comment on column public.promocode_usages.percent is 'Discount on the next one-time purchase, in percent; null: not a discount code';
comment on column public.promocode_usages.expires_at is 'When the discount expires; null: never';
comment on column public.promocode_usages.consumed_at is 'When the discount was used for a purchase';
alter table public.promocode_usages enable row level security;
revoke all on table public.promocode_usages from public, anon, authenticated, service_role;

-- Refund requests of admins. A row is stored with its idempotency key before the provider is called: a worker that takes over
-- after a crash sends the same key, so the money is refunded once.
--
-- open ─▶ done ─▶ failed    the provider confirmed the refund; a confirmed refund may fail later
--   ├───▶ refused           the provider refused it: no money moved
--   └───▶ unknown           outcome unknown and the idempotency key has expired: an admin must check at the provider

create table public.refunds (
  id bigint generated always as identity primary key,
  payment_id bigint not null references public.payments (id) on delete cascade,
  amount numeric not null check (amount > 0),
  status text not null default 'open' check (status in ('open', 'done', 'refused', 'unknown', 'failed')),
  admin_email text not null,
  reference text unique,
  operation_id text,
  attempts integer not null default 0,
  is_accepted boolean not null default false,
  is_awaited boolean not null default false,
  error text,
  created_at timestamptz not null default private.clock(),
  first_attempt_at timestamptz,
  next_attempt_at timestamptz not null default private.clock(),
  decided_at timestamptz,
  key text not null default 'refund-' || gen_random_uuid()
);

create index refunds_payment_idx on public.refunds (payment_id, id);
-- At most one open refund per payment: the refundable rest is known only when the previous refund is decided.
create unique index refunds_open_payment_idx on public.refunds (payment_id) where status = 'open';
create index refunds_open_idx on public.refunds (next_attempt_at) where status = 'open';
-- Refunds without a known outcome.
create index refunds_undecided_idx on public.refunds (payment_id) where status in ('open', 'unknown');

comment on table public.refunds is 'Refund requests of admins';
comment on column public.refunds.reference is 'Idempotency key from the caller';
comment on column public.refunds.operation_id is 'The provider''s id of the refund';
comment on column public.refunds.is_accepted is 'The provider accepted the request and reports the outcome later';
comment on column public.refunds.is_awaited is 'The admin was shown that the outcome is still unknown, so the outcome is sent as a message';
comment on column public.refunds.key is 'Idempotency key for the provider; unique even among databases that share the account';
comment on column public.refunds.error is 'Error message of the provider';
comment on column public.refunds.first_attempt_at is 'When the provider was first called; the lifetime of the idempotency key starts then';
alter table public.refunds enable row level security;
revoke all on table public.refunds from public, anon, authenticated, service_role;
revoke all on sequence public.refunds_id_seq from public, anon, authenticated, service_role;

-- Read position in each bot's list of Star transactions (getStarTransactions), which is append-only and sorted oldest first.

create table public.star_positions (
  bot text primary key,
  position integer not null default 0 check (position >= 0),
  since timestamptz not null default private.clock() - interval '7 days',
  read_at timestamptz
);

comment on table public.star_positions is 'Read position in each bot''s list of Star transactions';
comment on column public.star_positions.position is 'Number of transactions read, the offset of the next call';
comment on column public.star_positions.since is 'Older transactions were not made through this database and are skipped';
alter table public.star_positions enable row level security;
revoke all on table public.star_positions from public, anon, authenticated, service_role;

-- Progress of reading provider statements (a provider's own lists of payments, refunds and disputes), one row per day. A
-- finished day is read again later (public.save_statement_page), because refunds fail and disputes are decided after the day that
-- lists them.

create table public.statement_days (
  provider text not null,
  day date not null,
  cursor text not null default '',
  started_at timestamptz not null default private.clock(),
  read_at timestamptz,
  next_read_at timestamptz,
  lease_until timestamptz,
  failures integer not null default 0,
  primary key (provider, day)
);

comment on table public.statement_days is 'Progress of reading provider statements, one row per day';
comment on column public.statement_days.day is 'Day in UTC, by the provider''s clock';
comment on column public.statement_days.cursor is 'Cursor of the next page; empty: the first page';
comment on column public.statement_days.started_at is 'When the current or last pass began';
comment on column public.statement_days.read_at is 'When the last complete pass ended; null: none is complete';
comment on column public.statement_days.next_read_at is 'When the day is read again; null: never';
comment on column public.statement_days.lease_until is 'Lease of the worker that reads the day, or pause after a failure';
comment on column public.statement_days.failures is 'Consecutive failures; 0 after a page was read';
alter table public.statement_days enable row level security;
revoke all on table public.statement_days from public, anon, authenticated, service_role;

-- Entries of provider statements: one row per payment, refund or dispute that a provider lists. Reconciled with
-- payment_operations in both directions (public.payment_statement). Rows are kept for 60 days.

create table public.statement_entries (
  provider text not null,
  kind text not null check (kind in ('paid', 'refund', 'dispute')),
  number text not null,
  payment_number text not null,
  day date not null,
  currency text not null,
  amount numeric not null check (amount >= 0),
  fee numeric not null default 0 check (fee >= 0),
  is_undone boolean not null default false,
  is_ours boolean not null,
  seen_at timestamptz not null default private.clock(),
  alarmed_at timestamptz,
  primary key (provider, kind, number)
);

create index statement_entries_day_idx on public.statement_entries (day, provider);

comment on table public.statement_entries is 'Entries of provider statements: payments, refunds and disputes';
comment on column public.statement_entries.number is 'The provider''s id of the payment, refund or dispute';
comment on column public.statement_entries.payment_number is 'The provider''s id of the payment that it belongs to';
comment on column public.statement_entries.day is 'Day (UTC) on which the provider lists it';
comment on column public.statement_entries.fee is 'Part of the amount that went to an affiliate (Stars)';
comment on column public.statement_entries.is_undone is 'True: a failed refund or a won dispute, which moves no money';
comment on column public.statement_entries.is_ours is 'False: it belongs to no payment, order or subscription of this database';
comment on column public.statement_entries.alarmed_at is 'When the admins were alerted that it differs from our records';
alter table public.statement_entries enable row level security;
revoke all on table public.statement_entries from public, anon, authenticated, service_role;

-- Deduplicates alarms about daily cost limits: the last day on which the admins were alerted, per bot and kind of limit.

create table private.cost_alerts (
  bot text not null,
  kind text not null check (kind in ('user_cost', 'bot_cost')),
  day date not null,
  primary key (bot, kind)
);

comment on table private.cost_alerts is 'Last day on which the admins were alerted about a daily cost limit';
alter table private.cost_alerts enable row level security;
revoke all on table private.cost_alerts from public, anon, authenticated, service_role;

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
('retention_usage_months', '13', 'Past months of which single AI calls are kept; the totals are kept forever'),
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
('daily_releases', '20', 'Failed requests per user and day that are released; later ones count'),
('daily_cost_user', '1.0', 'Daily limit of the AI cost of one user over all bots, in US dollars; 0: no limit'),
('daily_cost_bot', '20.0', 'Daily limit of the AI cost of one bot, in US dollars; 0: no limit')
on conflict (key) do nothing;

-- Sessions: mode, data and counters of a user with one bot, per chat and topic. In a private chat, chat_id is the user's
-- Telegram id.

create table public.bot_sessions (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  mode text not null default 'chat',
  session_data jsonb not null default '{}',
  stats_data jsonb not null default '{}',
  last_update_id bigint,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  primary key (user_id, bot, chat_id, thread_id),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint bot_sessions_check check (
    jsonb_typeof(session_data) = 'object' and jsonb_typeof(stats_data) = 'object'
  )
);

-- Finds a group's sessions when it becomes a supergroup (public.migrate_chat).
create index bot_sessions_group_idx on public.bot_sessions (chat_id) where chat_id < 0;

comment on table public.bot_sessions is 'Sessions of users, per bot, chat and topic';
comment on column public.bot_sessions.thread_id is 'Topic of the chat (message_thread_id); 0: General, or a chat without topics';
comment on column public.bot_sessions.mode is 'Chat mode: a key of shared/ai/modes.py';
comment on column public.bot_sessions.session_data is 'Small values by key; "awaiting" names the input that the next message is expected to be';
comment on column public.bot_sessions.stats_data is 'Counters; "requests": AI requests served in this session';
comment on column public.bot_sessions.last_update_id is 'Update id of the newest handled message; Telegram delivers the next one only after the response to this one';
alter table public.bot_sessions enable row level security;
revoke all on table public.bot_sessions from public, anon, authenticated, service_role;

-- Conversation history, one row per message, as sent to the AI.

create table public.messages (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  role text not null check (role in ('user', 'assistant')),
  content text not null,
  message_id bigint,
  created_at timestamptz not null default private.clock()
);

-- The newest messages of a session, and all messages of a user.
create index messages_session_idx on public.messages (user_id, bot, chat_id, thread_id, id);
-- The sweep deletes expired messages.
create index messages_created_at_idx on public.messages (created_at);

comment on table public.messages is 'Conversation history, one row per message';
comment on column public.messages.thread_id is 'Topic of the chat, see bot_sessions.thread_id';
comment on column public.messages.message_id is 'Telegram id of the user''s message that this row contains or answers; an edit of that message replaces both rows';
alter table public.messages enable row level security;
revoke all on table public.messages from public, anon, authenticated, service_role;
revoke all on sequence public.messages_id_seq from public, anon, authenticated, service_role;

-- Transactional outbox of Bot API calls: enqueued in the transaction of the change that they report, deleted once Telegram has
-- accepted them.

create table public.telegram_outbox (
  id bigint generated always as identity primary key,
  bot text not null,
  chat_id bigint not null,
  update_id bigint,
  method text not null,
  parameters jsonb not null,
  attempts integer not null default 0,
  send_after timestamptz not null,
  error text,
  created_at timestamptz not null default private.clock()
);

create index telegram_outbox_send_after_idx on public.telegram_outbox (send_after);
create index telegram_outbox_update_idx on public.telegram_outbox (bot, update_id);
-- Outgoing calls to one chat: the data export and the erasure read them.
create index telegram_outbox_chat_idx on public.telegram_outbox (chat_id);

comment on table public.telegram_outbox is 'Transactional outbox of Bot API calls';
comment on column public.telegram_outbox.update_id is 'Update that it answers; null: a message that no update caused';
comment on column public.telegram_outbox.send_after is 'Earliest delivery time; a worker moves it ahead before it sends (a lease), so that no two workers send the same call';
alter table public.telegram_outbox enable row level security;
revoke all on table public.telegram_outbox from public, anon, authenticated, service_role;
revoke all on sequence public.telegram_outbox_id_seq from public, anon, authenticated, service_role;

-- The inbox: every update from Telegram, from its first delivery until its retention ends.
--
-- working ─▶ finished        its changes are committed; the answer is stored here or in telegram_outbox
--    │  ▲
--    ▼  │ next delivery, or the sweep
-- failed ─▶ dead_lettered        dead-lettered after too many failures of our own: kept with payload and error

create table public.telegram_updates (
  bot text not null,
  update_id bigint not null,
  kind text not null,
  status text not null,
  chat_id bigint,
  thread_id bigint not null default 0,
  -- Not a foreign key: this table is hot and its rows live for days. private.lock_user handles erased users.
  user_id bigint,
  payload jsonb,
  delivery uuid,
  attempt integer not null default 1,
  failures integer not null default 0,
  crash_count integer not null default 0,
  lease_until timestamptz,
  reservation text,
  reserved_on date,
  reserved_from text,
  reserved_cost numeric(14, 8),
  answer jsonb,
  error text,
  received_at timestamptz not null default private.clock(),
  primary key (bot, update_id),
  -- A function, because every statement that writes a row parses each constraint of the table anew.
  constraint telegram_updates_check check (
    private.is_valid_update(status, reservation, reserved_from, reserved_cost)
  )
);

-- Unfinished updates whose lease has expired: the sweep finds them here.
create index telegram_updates_open_idx on public.telegram_updates (lease_until)
where status in ('working', 'failed');
-- The sweep deletes expired updates.
create index telegram_updates_received_at_idx on public.telegram_updates (received_at);

-- A user's updates, for the data export and the erasure, and the AI requests in progress.
create index telegram_updates_user_idx on public.telegram_updates (user_id, status);
-- Unparsable bodies have no user_id: an erasure searches them.
create index telegram_updates_invalid_idx on public.telegram_updates (received_at) where kind = 'invalid';

comment on table public.telegram_updates is 'Inbox of updates from Telegram, each once';
comment on column public.telegram_updates.update_id is 'Telegram''s update_id; negative: a digest of a body that has none';
comment on column public.telegram_updates.thread_id is 'Topic of the chat, see bot_sessions.thread_id';
comment on column public.telegram_updates.payload is 'The update until it is finished; secrets in its text are redacted';
comment on column public.telegram_updates.delivery is 'Delivery that holds the lease: a repeated call of the same delivery is not a second worker';
comment on column public.telegram_updates.attempt is 'Number of attempts so far; a worker with a lower number has lost its lease';
comment on column public.telegram_updates.failures is 'Failures of our own code; after 3 the update is dead-lettered';
comment on column public.telegram_updates.crash_count is 'Workers that crashed; after 5 the update is dead-lettered';
comment on column public.telegram_updates.reserved_on is 'Day whose counter includes the reserved request';
comment on column public.telegram_updates.reserved_from is 'Source of the reserved request: the plan''s daily limit or bonus credits';
comment on column public.telegram_updates.reservation is 'State of the reservation of its AI request (private.reserve_usage); ends as settled or released';
comment on column public.telegram_updates.reserved_cost is 'Upper bound of the cost of its AI request, in US dollars';
comment on column public.telegram_updates.answer is 'Call sent in the HTTP response, repeated on a redelivery; without chat_id once the user is erased';
alter table public.telegram_updates enable row level security;
revoke all on table public.telegram_updates from public, anon, authenticated, service_role;

-- Calls to AI providers, one row per call, partitioned by month (UTC). private.maintain_usage_partitions creates partitions
-- ahead and drops expired ones; a row without a partition goes to the default partition.

create table public.api_usage (
  id bigint generated always as identity,
  -- Not a foreign key: creating and dropping a partition would lock users. An erasure deletes the rows by user_id.
  user_id bigint not null,
  bot text not null,
  provider text not null,
  model text not null,
  kind text not null,
  status text not null,
  ms integer not null,
  request_bytes integer not null,
  response_bytes integer not null,
  tokens_in integer,
  tokens_out integer,
  cost numeric(14, 8),
  is_user_api_key boolean not null,
  created_at timestamptz not null default private.clock(),
  primary key (id, created_at),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint api_usage_check check (
    kind in ('chat', 'image', 'video')
    and least(ms, request_bytes, response_bytes, tokens_in, tokens_out) >= 0
    and cost >= 0
  )
) partition by range (created_at);

create index api_usage_user_idx on public.api_usage (user_id, created_at);

comment on table public.api_usage is 'Calls to AI providers, one row per call';
comment on column public.api_usage.status is 'ok; part: an incomplete answer; otherwise the kind of error, an ErrorKind of shared/ai/provider.py';
comment on column public.api_usage.ms is 'Duration of the call in milliseconds';
comment on column public.api_usage.request_bytes is 'Bytes of the request body';
comment on column public.api_usage.tokens_in is 'null: not reported by the provider, for example for an incomplete answer';
comment on column public.api_usage.cost is 'US dollars: reported by the provider, or computed from tokens and the price of the model; an estimate if the usage is missing; null: nothing was spent';
comment on column public.api_usage.is_user_api_key is 'Made with the user''s own API key, so it cost us nothing';
alter table public.api_usage enable row level security;
revoke all on table public.api_usage from public, anon, authenticated, service_role;
revoke all on sequence public.api_usage_id_seq from public, anon, authenticated, service_role;

-- Default partition: calls of a month that has no partition yet. private.create_usage_partition moves them when it creates the
-- month.

create table public.api_usage_default partition of public.api_usage default;

comment on table public.api_usage_default is 'Default partition: calls of a month that has no partition yet';
alter table public.api_usage_default enable row level security;
revoke all on table public.api_usage_default from public, anon, authenticated, service_role;

-- Active users by day: counters that triggers keep equal to users.active_on (private.count_active_users), so that no query
-- counts users.
--
-- Sums over a day's sixteen rows:
--   active       users who were active on that day
--   last_active  users whose last active day it is so far: summed over the last n days, exactly the users active within
--                these n days, because a user is in the row of one day only and moves to every new active day
-- The rows of day -infinity count all users in last_active.
-- `shard` spreads concurrent writers of one figure over sixteen rows, so that they do not wait for each other's lock.

create table public.daily_active_users (
  day date not null,
  -- squawk-ignore prefer-bigint-over-smallint
  shard smallint not null check (shard between 0 and 15),
  active bigint not null default 0 check (active >= 0),
  last_active bigint not null default 0 check (last_active >= 0),
  primary key (day, shard)
);

comment on table public.daily_active_users is 'Active users by day; a figure is the sum of its column over the shards';
comment on column public.daily_active_users.day is 'Day in the time zone of the setting quota_timezone; -infinity: all users';
comment on column public.daily_active_users.shard is 'Spreads concurrent writers of one figure over sixteen rows';
comment on column public.daily_active_users.active is 'Users active on that day';
comment on column public.daily_active_users.last_active is 'Users whose last active day it is so far';
alter table public.daily_active_users enable row level security;
revoke all on table public.daily_active_users from public, anon, authenticated, service_role;

-- Daily totals over all users, for operators. Counters, so that no report counts rows of growing tables.
--
-- A figure is the SUM of a column over the rows of a day, or of any group (day, bot, provider, model, is_user_api_key): every
-- event is in exactly one row.
--   requests     settled AI requests and those served with a user API key; in the row of the model that answered
--   calls        calls to providers, including retries and failures; errors: calls without an answer
--   tokens_in, tokens_out, cost (US dollars, see api_usage.cost), ms (total milliseconds)
--   new_users    users seen for the first time; in the row without provider and model
-- Days are in the time zone of the setting quota_timezone. Rows that concern no model have '' as bot, provider and model.
-- `shard` spreads concurrent writers of one figure over sixteen rows, so that they do not wait for each other's lock.

create table public.daily_totals (
  day date not null,
  bot text not null default '',
  provider text not null,
  model text not null,
  is_user_api_key boolean not null,
  shard integer not null,
  requests bigint not null default 0,
  calls bigint not null default 0,
  errors bigint not null default 0,
  tokens_in bigint not null default 0,
  tokens_out bigint not null default 0,
  cost numeric(18, 8) not null default 0,
  ms bigint not null default 0,
  new_users bigint not null default 0,
  primary key (day, bot, provider, model, is_user_api_key, shard),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint daily_totals_check check (
    shard >= 0 and shard <= 15
    and least(requests, calls, errors, tokens_in, tokens_out, ms, new_users) >= 0
    and cost >= 0
  )
);

comment on table public.daily_totals is 'Daily totals over all users; a figure is the sum of its column';
comment on column public.daily_totals.shard is 'Spreads concurrent writers of one figure over sixteen rows';
comment on column public.daily_totals.requests is 'Settled AI requests, and those served with a user API key';
comment on column public.daily_totals.calls is 'Calls to the provider, including retries and failures';
comment on column public.daily_totals.errors is 'Calls without an answer';
comment on column public.daily_totals.cost is 'US dollars; see api_usage.cost';
comment on column public.daily_totals.is_user_api_key is 'Made with a user''s own API key, so it cost us nothing';
alter table public.daily_totals enable row level security;
revoke all on table public.daily_totals from public, anon, authenticated, service_role;

-- AI calls per user and month: the sums of api_usage as counters, which are never dropped.

create table public.monthly_api_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  month date not null,
  provider text not null,
  model text not null,
  is_user_api_key boolean not null,
  calls integer not null,
  errors integer not null,
  tokens_in bigint not null,
  tokens_out bigint not null,
  cost numeric(16, 8) not null,
  ms bigint not null,
  day date,
  day_cost numeric(16, 8) not null default 0,
  primary key (user_id, month, provider, model, is_user_api_key),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint monthly_api_usage_check check (
    extract(day from month) = 1
    and least(calls, errors) >= 0
    and least(tokens_in, tokens_out, ms) >= 0
    and least(cost, day_cost) >= 0
  )
);

comment on table public.monthly_api_usage is 'Sums of AI calls per user and month';
comment on column public.monthly_api_usage.month is 'First day of the month, in the time zone of the setting quota_timezone';
comment on column public.monthly_api_usage.errors is 'Calls without an answer: their api_usage.status is neither ok nor part';
comment on column public.monthly_api_usage.cost is 'US dollars; see api_usage.cost';
comment on column public.monthly_api_usage.ms is 'Total milliseconds of all calls';
comment on column public.monthly_api_usage.day is 'Day of the last call, in the time zone of the setting quota_timezone';
comment on column public.monthly_api_usage.day_cost is 'Cost of that day in US dollars, summed by the daily cost limit';
alter table public.monthly_api_usage enable row level security;
revoke all on table public.monthly_api_usage from public, anon, authenticated, service_role;

-- Reads a setting of the installation (private.settings).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the setting's value (a JSON list or object as its text); null if there is no setting of this name.
-- Errors: none.
create or replace function private.setting(p_key text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select s.value #>> '{}' from private.settings as s where s.key = p_key
  );
end
$$;

revoke all on function private.setting from public, anon, authenticated, service_role;
comment on function private.setting is 'A setting of the installation as text';

-- Returns whether an order's discount is bound to another order or was used for one. The order can then not be paid.
--
-- Concurrency: read-only; the result is stable while the caller holds the discount's lock.
-- Locks: none.
-- Returns: boolean; false for an order that is completed or has no discount.
-- Errors: none.
create or replace function private.is_discount_gone(p_order public.orders)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_order.status = 'withdrawn'
    or (
      p_order.promocode_id is not null
      and p_order.status <> 'completed'
      and not exists (
        select
          from public.promocode_usages as u
         where u.promocode_id = p_order.promocode_id and u.user_id = p_order.user_id and u.consumed_at is null
      )
    );
$$;

revoke all on function private.is_discount_gone from public, anon, authenticated, service_role;
comment on function private.is_discount_gone is 'Whether an order''s discount is bound to another order';

-- Returns whether the subscription that began with this order may be charged now: its last charge is about a period ago, or it
-- is canceled or ended, so that paying the order again starts it anew. The shortest month has 28 days; three days are left for
-- providers that charge early.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_period_due(p_order public.orders)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select r.id, r.status
      from public.renewals as r
     where r.provider = p_order.provider
       and r.provider_subscription_id in (
         select 'order:' || p_order.id
         union all
         select p.claims ->> 'subscription_id' from public.payments as p where p.order_id = p_order.id
       )
  )
  select exists (select from own as r where r.status in ('canceled', 'ended'))
    or not exists (
      select
        from public.payments as p
       where (p.order_id = p_order.id or p.renewal_id in (select r.id from own as r))
         and p.problem is null
         and p.status = 'completed'
         and p.completed_at > (select private.clock()) - case p_order.period
           when 'year' then interval '362 days'
           else interval '25 days'
         end
    );
$$;

revoke all on function private.is_period_due from public, anon, authenticated, service_role;
comment on function private.is_period_due is 'Whether the subscription that began with an order may be charged now';

-- Returns whether a refund or a dispute is in another currency than its payment. Its amount then does not count.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean; also true for an operation that names a currency while the payment's is unknown.
-- Errors: none.
create or replace function private.has_other_currency(p_operation public.payment_operations)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from public.payments as p
     where p.id = p_operation.payment_id
       and p_operation.kind <> 'paid'
       and p_operation.currency is not null
       and p.currency is distinct from p_operation.currency
  );
$$;

revoke all on function private.has_other_currency from public, anon, authenticated, service_role;
comment on function private.has_other_currency is 'Whether a refund or a dispute is in another currency than its payment';

-- Compares one payment event of a provider's statement with what is recorded here.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: known (recorded, or not about money), missing, changed (recorded, but a fee or the reversal of the movement is
--   new), or foreign (belongs to no payment, order or subscription of ours); see public.check_statement.
-- Errors: none.
create or replace function private.listed_event_state(p_provider text, p_event jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := private.statement_kind(p_event ->> 'kind');
  v_operation public.payment_operations;
begin
  if v_kind is null and p_event ->> 'kind' <> 'subscription_ended' then
    return 'known';
  elsif not private.is_our_listed_event(p_provider, p_event) then
    return 'foreign';
  elsif v_kind is null then
    return case
      when exists (
        select from public.renewals as r
         where r.provider = p_provider
           and r.provider_subscription_id = p_event ->> 'subscription_id'
           and r.status <> 'ended'
           and r.user_id is not null
      ) then 'missing'
      else 'known'
    end;
  end if;
  select o.* into v_operation
    from public.payments as p
    join public.payment_operations as o on o.payment_id = p.id
   where p.provider = p_provider
     and p.provider_payment_id = p_event ->> 'payment_id'
     and o.operation_id = coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id')
     and private.statement_kind(o.kind) = v_kind;
  return case
    when not found then 'missing'
    when v_operation.fee < coalesce((p_event ->> 'fee')::numeric, 0) then 'changed'
    when v_operation.is_undone <> ((p_event ->> 'kind') in ('refund_failed', 'dispute_won'))
      and not v_operation.is_final
      then 'changed'
    else 'known'
  end;
end
$$;

revoke all on function private.listed_event_state from public, anon, authenticated, service_role;
comment on function private.listed_event_state is 'Whether a payment event of a provider''s statement is recorded here';

-- Maps the kind of a payment event (shared/payments/events.py) or of an operation to the kind of money movement.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text: paid, refund or dispute; null if it moves no money.
-- Errors: none.
create or replace function private.statement_kind(p_kind text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_kind = 'paid' then 'paid'
    when p_kind in ('refund', 'refund_total', 'refunded', 'refund_failed') then 'refund'
    when p_kind in ('dispute', 'disputed', 'dispute_won', 'dispute_lost') then 'dispute'
  end;
$$;

revoke all on function private.statement_kind from public, anon, authenticated, service_role;
comment on function private.statement_kind is 'Kind of money movement of a payment event or an operation';

-- Returns how long a plan with a running renewal continues after its end while the charge is late (setting grace_days). It is
-- at most 27 days, less than any month, so that a late charge, which continues from the old end, always ends in the future.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: interval
-- Errors: none.
create or replace function private.grace_period()
returns interval
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select make_interval(days => greatest(0, least(27, private.setting('grace_days')::integer)));
$$;

revoke all on function private.grace_period from public, anon, authenticated, service_role;
comment on function private.grace_period is 'Returns how long a plan continues while its renewal is late';

-- Compares provider statements of some days with our records: one row per payment, refund or dispute. Amounts are net of an
-- affiliate's commission; refunds and disputes are negative, undone ones are 0.
--
-- A movement that both sides have is on the provider's day. One that only we have is on the day it happened, where the last ten
-- minutes of a day belong to the next one, because the two clocks may disagree about midnight.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table, one row per movement. theirs or ours is null if that side lacks it. Our movements are listed only for days
--   that have been read; the provider's movements that are not ours only if they are recorded here. payment_id is our payment.
-- Errors: none.
create or replace function private.statement_lines(p_first date, p_last date, p_provider text default null)
returns table (
  provider text,
  day date,
  kind text,
  number text,
  payment_id bigint,
  theirs numeric,
  their_currency text,
  ours numeric,
  our_currency text,
  is_alarmed boolean
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select e.provider, e.day, e.kind, e.number, p.id,
         case when e.is_undone then 0 when e.kind = 'paid' then e.amount - e.fee else e.fee - e.amount end,
         e.currency,
         case when o.is_undone then 0 when o.kind = 'paid' then o.amount - o.fee else o.fee - o.amount end,
         coalesce(o.currency, p.currency),
         e.alarmed_at is not null
    from public.statement_entries as e
    left join public.payments as p on p.provider = e.provider and p.provider_payment_id = e.payment_number
    left join public.payment_operations as o
      on o.payment_id = p.id and o.operation_id = e.number and private.statement_kind(o.kind) = e.kind
   where e.day between p_first and p_last
     and e.provider = coalesce(p_provider, e.provider)
     and (e.is_ours or o.payment_id is not null)
  union all
  select p.provider, d.day, private.statement_kind(o.kind), o.operation_id, p.id,
         null,
         null,
         case when o.is_undone then 0 when o.kind = 'paid' then o.amount - o.fee else o.fee - o.amount end,
         coalesce(o.currency, p.currency),
         o.alarmed_at is not null
    from public.payment_operations as o
    join public.payments as p on p.id = o.payment_id
    join public.statement_days as d
      on d.provider = p.provider
     and d.day = ((o.happened_at + interval '10 minutes') at time zone 'UTC')::date
     and d.read_at is not null
   where o.happened_at >= p_first::timestamp at time zone 'UTC' - interval '10 minutes'
     and o.happened_at < (p_last + 1)::timestamp at time zone 'UTC' - interval '10 minutes'
     and p.provider = coalesce(p_provider, p.provider)
     and not o.is_undone
     and p.problem is distinct from 'test'
     and not exists (
       select from public.statement_entries as e
        where e.provider = p.provider and e.kind = private.statement_kind(o.kind) and e.number = o.operation_id
     );
$$;

revoke all on function private.statement_lines from public, anon, authenticated, service_role;
comment on function private.statement_lines is 'Compares entries of provider statements with our records';

-- Returns what a user may still ask today and this month, over all bots. p_timezone: the setting quota_timezone, from
-- a caller that has read it.
--
-- Concurrency: read-only. A caller that spends a request locks the user's row first.
-- Locks: none.
-- Returns: record, plan (NONE, which allows nothing, when no plan covers the level), its features and history_length;
--   for the day and the month, in the time zone quota_timezone: start, end, requests used from the plan and allowed
--   (null: no limit); timezone; failed requests that were released on the day.
-- Errors: none.
create or replace function private.quota(
  p_user_id bigint,
  p_vip_level integer,
  p_timezone text default null,
  out plan text,
  out features text[],
  out history_length integer,
  out day date,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz,
  out month date,
  out month_requests integer,
  out monthly_requests integer,
  out month_resets_at timestamptz,
  out timezone text,
  out releases integer
)
returns record
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  timezone := coalesce(p_timezone, private.setting('quota_timezone'));
  day := (private.clock() at time zone timezone)::date;
  resets_at := (day + 1)::timestamp at time zone timezone;
  month := date_trunc('month', day::timestamp)::date;
  month_resets_at := (month + interval '1 month') at time zone timezone;
  select l.plan, l.features, l.history_length, l.daily_requests, l.monthly_requests, d.requests, d.releases,
    coalesce(
      (select m.requests from public.monthly_usage as m where m.user_id = p_user_id and m.month = quota.month), 0
    )
    into plan, features, history_length, daily_requests, monthly_requests, requests, releases, month_requests
    from (
      select coalesce(sum(u.requests), 0) as requests, coalesce(sum(u.releases), 0) as releases
        from public.daily_usage as u
       where u.user_id = p_user_id and u.day = quota.day
    ) as d
    left join (
      select s.*
        from public.subscription_limits as s
       where s.vip_level <= p_vip_level
       order by s.vip_level desc
       limit 1
    ) as l on true;
  if plan is null then
    -- The plan was deleted: allow nothing, because null would mean no limit.
    plan := 'NONE';
    features := '{}';
    daily_requests := 0;
  end if;
end
$$;

revoke all on function private.quota from public, anon, authenticated, service_role;
comment on function private.quota is 'Returns what a user may still ask today and this month';

-- Returns whether a user may use p_quantity of what is paid for. For our own code and, through rpc with the secret
-- key, for every other service of the same owner.
--
-- Concurrency: read-only. The answer may be outdated a moment later: public.consume_access checks and takes in one
--   transaction.
-- Locks: none.
-- Returns: jsonb
--   ...private.resolve_access   (an unknown user has no access)
-- Errors: Z0002, the quantity is invalid.
create or replace function public.check_access(p_telegram_id bigint, p_quantity integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the quantity must be between 1 and 1000000' using errcode = 'Z0002';
  end if;
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id;
  return private.resolve_access(v_user, p_quantity);
end
$$;

revoke all on function public.check_access from public, anon, authenticated, service_role;
grant execute on function public.check_access to bot_backend, service_role;
comment on function public.check_access is 'Returns whether a user may use what is paid for';

-- Takes p_quantity of what is paid for from a user, once per reference: nothing from a user whom a plan covers, else
-- bonus credits, then free trainings; all of it or nothing. For our own code and, through rpc with the secret key,
-- for every other service of the same owner.
--
-- Concurrency: the user's row is locked, and the reference is unique. A repeated reference takes nothing and returns
--   what was taken then. A refusal is not stored, so the same reference may try again.
-- Locks: user (NO KEY UPDATE), then the user's free trainings.
-- Returns: jsonb
--   ...private.resolve_access   (details are those afterwards)
--   applied: boolean       (false: refused, or the reference is known already)
--   taken: { credits: int, trainings: int }
-- Errors: Z0002, the quantity or reference is invalid; Z0003, the reference was used with another user or quantity.
create or replace function public.consume_access(p_telegram_id bigint, p_reference text, p_quantity integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_usage public.access_usages;
  v_access jsonb;
  v_is_known boolean;
  v_credits integer := 0;
  v_trainings integer := 0;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the quantity must be between 1 and 1000000' using errcode = 'Z0002';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'Z0002';
  end if;

  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  select a.* into v_usage from public.access_usages as a where a.reference = p_reference;
  v_is_known := found;
  if v_is_known and (v_usage.user_id, v_usage.quantity) is distinct from (v_user.id, p_quantity) then
    raise exception 'the reference was used with another user or quantity' using errcode = 'Z0003';
  end if;
  v_access := private.resolve_access(v_user, p_quantity);
  if not v_is_known and (v_access ->> 'has_access')::boolean then
    if v_access ->> 'access_type' <> 'subscription' then
      v_credits := least(v_user.bonus_credits, p_quantity);
      v_trainings := p_quantity - v_credits;
      update public.users as u
         set bonus_credits = u.bonus_credits - v_credits
       where u.id = v_user.id
      returning u.* into v_user;
      perform private.use_trainings(v_user.id, v_trainings);
    end if;
    begin
      insert into public.access_usages as a (user_id, reference, quantity, access_type, credits, trainings)
      values (v_user.id, p_reference, p_quantity, v_access ->> 'access_type', v_credits, v_trainings)
      returning a.* into v_usage;
    exception when unique_violation then
      -- A concurrent call used the reference for another user.
      raise exception 'the reference was used with another user or quantity' using errcode = 'Z0003';
    end;
    v_access := private.resolve_access(v_user, p_quantity);
  end if;
  return v_access || jsonb_build_object(
    'has_access', v_usage.id is not null,
    'access_type', coalesce(v_usage.access_type, 'none'),
    'applied', v_usage.id is not null and not v_is_known,
    'taken', jsonb_build_object(
      'credits', coalesce(v_usage.credits, 0), 'trainings', coalesce(v_usage.trainings, 0)
    )
  );
end
$$;

revoke all on function public.consume_access from public, anon, authenticated, service_role;
grant execute on function public.consume_access to bot_backend, service_role;
comment on function public.consume_access is 'Takes what is paid for from a user, once per reference';

-- Gives a user the free trainings for joining a channel (the setting channel_trainings), once for each channel, also
-- after an erasure. The caller has asked Telegram whether the user is a member.
--
-- Concurrency: the channel is unique for a user.
-- Locks: user (KEY SHARE).
-- Returns: jsonb
--   outcome: 'given' | 'already_given' | 'off'
--   trainings: int         (how many the channel gives)
-- Errors: Z0004, no such user.
create or replace function public.give_channel_trainings(p_user_id bigint, p_channel_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_trainings integer := private.setting('channel_trainings')::integer;
  v_outcome text := 'off';
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  if v_trainings > 0 then
    v_outcome := case
      when private.give_trainings(p_user_id, 'channel', p_channel_id::text, v_trainings) then 'given'
      else 'already_given'
    end;
  end if;
  return jsonb_build_object('outcome', v_outcome, 'trainings', v_trainings);
end
$$;

revoke all on function public.give_channel_trainings from public, anon, authenticated, service_role;
grant execute on function public.give_channel_trainings to bot_backend;
comment on function public.give_channel_trainings is 'Gives a user the free trainings for joining a channel';

-- Gives a user free trainings, once for each source and reference.
--
-- Concurrency: source and reference are unique for a user; the second call waits for the first and changes nothing.
-- Locks: none.
-- Returns: boolean, whether they were given now; false for a repeated reference.
-- Errors: Z0001, the number of trainings is invalid.
create or replace function private.give_trainings(
  p_user_id bigint, p_source text, p_reference text, p_quantity integer
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the number of trainings must be between 1 and 1000000' using errcode = 'Z0001';
  end if;
  insert into public.free_trainings (user_id, source, reference, quantity)
  values (p_user_id, p_source, p_reference, p_quantity)
  on conflict (user_id, source, reference) do nothing;
  return found;
end
$$;

revoke all on function private.give_trainings from public, anon, authenticated, service_role;
comment on function private.give_trainings is 'Gives a user free trainings, once for each source and reference';

-- Returns what the owner offers, so that menus and help show nothing else.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   currencies: [ text ]   (in which products on sale have prices)
--   referrals: boolean
--   trial_days: int
--   channel_trainings: int
-- Errors: none.
create or replace function public.offered_features()
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'currencies', (
      select coalesce(jsonb_agg(distinct c.currency), '[]'::jsonb)
        from public.products as p
        join public.product_prices as c on c.product_key = p.key
       where p.is_active
    ),
    'referrals', private.setting('referral_referrer_credits')::integer > 0
      or private.setting('referral_referred_credits')::integer > 0,
    'trial_days', private.setting('trial_days')::integer,
    'channel_trainings', private.setting('channel_trainings')::integer
  );
$$;

revoke all on function public.offered_features from public, anon, authenticated, service_role;
grant execute on function public.offered_features to bot_backend;
comment on function public.offered_features is 'Returns what the owner offers';

-- Returns what a user may use, and which source p_quantity would be taken from: subscription, then bonus credits,
-- then free trainings.
--
-- Concurrency: read-only. A caller that takes something locks the user's row first.
-- Locks: none.
-- Returns: jsonb
--   has_access: boolean
--   access_type: 'subscription' | 'credits' | 'trainings' | 'none'   (the first source that p_quantity would be taken from.
--                          Credits and trainings together must be enough. A plan above the free one, or being an admin, is
--                          a subscription. A banned user has none)
--   details: {
--     plan: text | null, ends_at: timestamptz | null, bonus_credits: int, free_trainings: int,
--     is_admin: boolean, is_banned: boolean
--   }
-- Errors: none.
create or replace function private.resolve_access(p_user public.users, p_quantity integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_level integer := private.level_of(p_user.id);
  v_plan text;
  v_ends_at timestamptz;
  v_trainings bigint;
  v_type text;
begin
  select l.plan into v_plan
    from public.subscription_limits as l
   where l.vip_level <= v_level
   order by l.vip_level desc
   limit 1;
  if v_level > 0 then
    select nullif(
        max(
          case
            when s.ends_at is null then 'infinity'
            when s.ends_at > private.clock() then s.ends_at
            else private.effective_end(s.user_id, s.plan, s.source, s.ends_at)
          end
        ),
        'infinity'
      )
      into v_ends_at
      from public.subscriptions as s
     where s.user_id = p_user.id and s.plan = v_plan and s.status = 'active';
  end if;
  select coalesce(sum(f.quantity - f.used), 0) into v_trainings
    from public.free_trainings as f
   where f.user_id = p_user.id;
  v_type := case
    when p_user.id is null or p_user.banned_at is not null then 'none'
    when v_level > 0 or p_user.is_admin then 'subscription'
    when p_user.bonus_credits + v_trainings < p_quantity then 'none'
    when p_user.bonus_credits > 0 then 'credits'
    else 'trainings'
  end;
  return jsonb_build_object(
    'has_access', v_type <> 'none',
    'access_type', v_type,
    'details', jsonb_build_object(
      'plan', v_plan,
      'ends_at', v_ends_at,
      'bonus_credits', coalesce(p_user.bonus_credits, 0),
      'free_trainings', v_trainings,
      'is_admin', coalesce(p_user.is_admin, false),
      'is_banned', p_user.banned_at is not null
    )
  );
end
$$;

revoke all on function private.resolve_access from public, anon, authenticated, service_role;
comment on function private.resolve_access is 'Returns what a user may use, and from which source';

-- Starts a user's free trial, once per user and also after an erasure: the plan of the setting trial_plan for
-- trial_days days. A repeated call returns until when it runs.
--
-- Concurrency: the user's row is locked and records the trial, so of two calls one starts it.
-- Locks: user (NO KEY UPDATE), then as private.extend_subscription.
-- Returns: jsonb
--   outcome: 'started' | 'already_used' | 'paid_already' | 'off'
--   ...public.trial_offer
-- Errors: Z0004, no such user.
create or replace function public.start_trial(p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_state text;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  v_state := private.trial_state(v_user);
  if v_state = 'available' then
    v_state := 'started';
    update public.users as u set trial_used = true where u.id = p_user_id;
    perform private.extend_subscription(
      p_user_id, private.setting('trial_plan'), 'trial', null, private.setting('trial_days')::integer * 86400
    );
  end if;
  return public.trial_offer(p_user_id) || jsonb_build_object('outcome', v_state);
end
$$;

revoke all on function public.start_trial from public, anon, authenticated, service_role;
grant execute on function public.start_trial to bot_backend, service_role;
comment on function public.start_trial is 'Starts a user''s free trial, once per user';

-- Returns a user's free trainings, and what joining the channel would give.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     access: private.resolve_access,
--     trainings: [ { source: text, quantity: int, used: int } ]   (oldest first),
--     channel_trainings: int                                      (how many a channel gives),
--     channels: [ text ]                                          (references of channels that gave already)
--   }
-- Errors: none.
create or replace function public.training_overview(p_user_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'access', private.resolve_access(u, 1),
      'trainings', coalesce(
        (
          select jsonb_agg(
              jsonb_build_object('source', f.source, 'quantity', f.quantity, 'used', f.used) order by f.id
            )
            from public.free_trainings as f
           where f.user_id = u.id and f.quantity > 0
        ),
        '[]'::jsonb
      ),
      'channel_trainings', private.setting('channel_trainings')::integer,
      'channels', coalesce(
        (
          select jsonb_agg(f.reference order by f.id)
            from public.free_trainings as f
           where f.user_id = u.id and f.source = 'channel'
        ),
        '[]'::jsonb
      )
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function public.training_overview from public, anon, authenticated, service_role;
grant execute on function public.training_overview to bot_backend;
comment on function public.training_overview is 'Returns a user''s free trainings';

-- Returns the state of a user's free trial: whether it is available, its plan and days, and until when it runs.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     outcome: 'available' | 'already_used' | 'paid_already' | 'off',
--     plan: text,
--     days: int,
--     ends_at: timestamptz | null   (while the trial runs)
--   } | null                        (no such user)
-- Errors: none.
create or replace function public.trial_offer(p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found then
    return null;
  end if;
  return jsonb_build_object(
    'outcome', private.trial_state(v_user),
    'plan', private.setting('trial_plan'),
    'days', private.setting('trial_days')::integer,
    'ends_at', (
      select max(s.ends_at)
        from public.subscriptions as s
       where s.user_id = p_user_id and s.source = 'trial' and s.status = 'active' and s.ends_at > private.clock()
    )
  );
end
$$;

revoke all on function public.trial_offer from public, anon, authenticated, service_role;
grant execute on function public.trial_offer to bot_backend, service_role;
comment on function public.trial_offer is 'Returns the state of a user''s free trial';

-- Returns whether a user may start the free trial.
--
-- Concurrency: read-only. A caller that starts it locks the user's row first.
-- Locks: none.
-- Returns: text, available | already_used | paid_already (a plan is active, or the user bought one at any time) |
--   off.
-- Errors: none.
create or replace function private.trial_state(p_user public.users)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when private.setting('trial_days')::integer < 1 or not exists (
      select from public.subscription_limits as l
       where l.plan = private.setting('trial_plan') and l.vip_level > 0
    ) then 'off'
    when exists (
      select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase'
    ) then 'paid_already'
    when p_user.trial_used then 'already_used'
    when private.level_of(p_user.id) > 0 then 'paid_already'
    else 'available'
  end;
end
$$;

revoke all on function private.trial_state from public, anon, authenticated, service_role;
comment on function private.trial_state is 'Returns whether a user may start the free trial';

-- Takes free trainings from a user, the oldest first, and as many as are left at most.
--
-- Concurrency: the caller holds the user's row, so no other caller takes them; trainings given at the same time may
--   be missed.
-- Locks: the user's free trainings, by id.
-- Returns: integer, how many were taken.
-- Errors: none.
create or replace function private.use_trainings(p_user_id bigint, p_quantity integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_given record;
  v_left integer := p_quantity;
begin
  for v_given in
    select f.id, f.quantity - f.used as rest
      from public.free_trainings as f
     where f.user_id = p_user_id and f.used < f.quantity
     order by f.id
  loop
    exit when v_left = 0;
    update public.free_trainings as f set used = f.used + least(v_given.rest, v_left) where f.id = v_given.id;
    v_left := v_left - least(v_given.rest, v_left);
  end loop;
  return p_quantity - v_left;
end
$$;

revoke all on function private.use_trainings from public, anon, authenticated, service_role;
comment on function private.use_trainings is 'Takes free trainings from a user, the oldest first';

-- Creates the user of a Telegram account that no bot has received an update of yet, and locks the row. The user
-- counts as new and active only with the first update (private.upsert_user).
--
-- Concurrency: two calls at once, or a first update at the same time, meet in the unique telegram_id and get the one
--   row.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.users, the row.
-- Errors: L0001, no Telegram user can have this id (ids are positive and have at most 52 bits); 40001, the user was
--   erased in this moment: a repeated call creates a new user.
create or replace function private.create_unseen_user(p_telegram_id bigint)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  if p_telegram_id is null or p_telegram_id <= 0 or p_telegram_id >= (1::bigint << 52) then
    raise exception 'no Telegram user can have this id' using errcode = 'L0001';
  end if;
  insert into public.users (telegram_id, has_started, active_on)
  values (p_telegram_id, false, date 'epoch')
  on conflict (telegram_id) do nothing;
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  return v_user;
end
$$;

revoke all on function private.create_unseen_user from public, anon, authenticated, service_role;
comment on function private.create_unseen_user is 'Creates the user of a Telegram account that no bot has seen yet';

-- Records that a banned user gets the notice of the ban.
--
-- Concurrency: the row is locked, so of two updates at once one sends the notice.
-- Locks: user.
-- Returns: boolean, whether the caller sends the notice; false when it was sent before or the ban is over.
-- Errors: none.
create or replace function private.mark_ban_notified(p_user_id bigint)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users as u
     set ban_notified = true
   where u.id = p_user_id and u.banned_at is not null and not u.ban_notified;
  return found;
end
$$;

revoke all on function private.mark_ban_notified from public, anon, authenticated, service_role;
comment on function private.mark_ban_notified is 'Records that a banned user gets the notice of the ban';

-- Finds the user of a Telegram account, or creates it, and stores what Telegram reports about the account now.
-- p_telegram_user: Telegram's User; its hash, if it has one, is the key of the tombstone of an erased user, which is
-- applied to a new row.
--
-- Concurrency: two first updates at once meet in the unique telegram_id, and both get the one row. Nothing is written
--   while nothing changed, except last_activity every five minutes. The transaction that creates the row counts the
--   new user in daily_totals. A row that another service created (has_started is false) becomes new once: of two
--   first updates the second waits for the row's lock and finds it started.
-- Locks: user, only where something changed; for a new user then as private.count_new_user and
--   private.apply_tombstone.
-- Returns: public.users, the row.
-- Errors: none.
create or replace function private.upsert_user(p_telegram_user jsonb, p_now timestamptz)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_telegram_id bigint := (p_telegram_user ->> 'id')::bigint;
  v_user public.users;
  v_stored record;
  v_is_new boolean;
begin
  select u.* into v_user from public.users as u where u.telegram_id = v_telegram_id;
  if found
    and v_user.last_activity > p_now - interval '5 minutes'
    and v_user.username is not distinct from p_telegram_user ->> 'username'
    and v_user.first_name = coalesce(p_telegram_user ->> 'first_name', '')
    and v_user.last_name is not distinct from p_telegram_user ->> 'last_name'
    and v_user.language_code = coalesce(p_telegram_user ->> 'language_code', v_user.language_code)
    and v_user.has_started
  then
    return v_user;
  end if;

  insert into public.users as u
    (telegram_id, username, first_name, last_name, language_code, created_at, last_activity, active_on)
  values (
    v_telegram_id, p_telegram_user ->> 'username', coalesce(p_telegram_user ->> 'first_name', ''),
    p_telegram_user ->> 'last_name', coalesce(p_telegram_user ->> 'language_code', private.default_language()), p_now, p_now,
    (p_now at time zone private.setting('quota_timezone'))::date
  )
  on conflict (telegram_id) do update
    set username = excluded.username,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        language_code = coalesce(p_telegram_user ->> 'language_code', u.language_code),
        last_activity = greatest(u.last_activity, excluded.last_activity),
        active_on = greatest(u.active_on, excluded.active_on)
  -- xmax is 0 for an inserted row, and this transaction for a row that existed and was locked.
  returning u as user_row, u.xmax = 0 as is_new into v_stored;
  v_user := v_stored.user_row;
  v_is_new := v_stored.is_new or not v_user.has_started;
  if not v_user.has_started then
    update public.users as u set has_started = true, created_at = p_now where u.id = v_user.id
    returning u.* into v_user;
  end if;
  if v_is_new then
    perform private.count_new_user(v_user.id, p_now);
    if p_telegram_user ? 'hash' then
      v_user := private.apply_tombstone(v_user.id, p_telegram_user ->> 'hash');
    end if;
  end if;
  return v_user;
end
$$;

revoke all on function private.upsert_user from public, anon, authenticated, service_role;
comment on function private.upsert_user is 'Finds or creates the user of a Telegram account';

-- Gives a user bonus credits in an admin's name; a negative number takes some back, down to zero. The user gets one
-- message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: int            (bonus credits)
--   after: int
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or number;
--   N0004 the number or the reason is invalid.
create or replace function public.admin_add_bonus_credits(
  p_user_id bigint,
  p_credits integer,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_before integer;
  v_after integer;
  v_known public.audit_log;
  v_id bigint;
begin
  if coalesce(p_credits, 0) = 0 or abs(p_credits) > 1000000 then
    raise exception 'the credits must not be zero and must be at most 1000000 in absolute value' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.bonus_credits into v_before from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'add_bonus_credits', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'credits')::integer <> p_credits then
      raise exception 'the reference was used with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false,
      'before', v_known.before -> 'bonus_credits',
      'after', v_known.after -> 'bonus_credits',
      'id', v_known.id,
      'outgoing', '[]'::jsonb
    );
  end if;

  v_after := greatest(v_before + p_credits, 0);
  update public.users as u set bonus_credits = v_after where u.id = p_user_id;
  v_id := private.write_audit(
    v_email, 'add_bonus_credits', p_user_id, p_reference,
    jsonb_build_object('bonus_credits', v_before),
    jsonb_strip_nulls(
      jsonb_build_object('bonus_credits', v_after, 'credits', p_credits, 'reason', v_reason)
    )
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'credits', v_before, v_after)
  );
end
$$;

revoke all on function public.admin_add_bonus_credits from public, anon, authenticated, service_role;
grant execute on function public.admin_add_bonus_credits to bot_backend, service_role;
comment on function public.admin_add_bonus_credits is 'Gives a user bonus credits in an admin''s name';

-- Adds to a user's balance in an admin's name, or takes from it, through the ledger (public.adjust_balance). The user
-- gets one message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: numeric
--   after: numeric
--   currency: text
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or amount;
--   N0004 the amount or the reason is invalid; L0002 the balance would become negative.
create or replace function public.admin_adjust_balance(
  p_user_id bigint,
  p_amount numeric,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_user public.users;
  v_known public.audit_log;
  v_after numeric;
  v_id bigint;
begin
  if coalesce(p_amount, 0) = 0 or p_amount <> round(p_amount, 2) or abs(p_amount) > 1000000 then
    raise exception 'the amount must not be zero, and have at most two decimals and an absolute value of at most 1000000' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'adjust_balance', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'amount')::numeric <> p_amount then
      raise exception 'the reference was used with another amount' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'balance', 'after', v_known.after -> 'balance',
      'currency', private.setting('balance_currency'), 'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  v_after := (
    public.adjust_balance(
      v_user.telegram_id, p_amount, 'admin', 'admins:' || coalesce(p_reference, gen_random_uuid()::text)
    ) ->> 'balance'
  )::numeric;
  v_id := private.write_audit(
    v_email, 'adjust_balance', p_user_id, p_reference,
    jsonb_build_object('balance', v_user.balance::text),
    jsonb_strip_nulls(jsonb_build_object('balance', v_after::text, 'amount', p_amount::text, 'reason', v_reason))
  );
  return jsonb_build_object(
    'applied', true, 'before', v_user.balance::text, 'after', v_after::text,
    'currency', private.setting('balance_currency'), 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'balance', v_user.balance, v_after)
  );
end
$$;

revoke all on function public.admin_adjust_balance from public, anon, authenticated, service_role;
grant execute on function public.admin_adjust_balance to bot_backend, service_role;
comment on function public.admin_adjust_balance is 'Changes a user''s balance in an admin''s name';

-- Returns the audit log of admin actions, newest first, page by page; with p_user_id that of one user.
--
-- Concurrency: read-only, over an index. A page starts below p_before, so new entries do not shift it.
-- Locks: none.
-- Returns: jsonb
--   entries: [ {
--     id: bigint, admin_email: text, action: text, before: jsonb, after: jsonb, created_at: timestamptz,
--     user: { telegram_id: bigint, username: text | null, first_name: text } | null   (null: erased, or none)
--   } ]
--   next: bigint | null    (p_before of the next page)
--   timezone: text
-- Errors: N0001 not an admin.
create or replace function public.admin_audit(
  p_admin_email text, p_user_id bigint default null, p_before bigint default null, p_limit integer default 10
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_ids bigint[];
  v_entries jsonb;
begin
  perform private.require_admin(p_admin_email);
  -- Two queries, so that each uses its own index.
  if p_user_id is null then
    v_ids := array(
      select l.id from public.audit_log as l where p_before is null or l.id < p_before
       order by l.id desc limit v_limit + 1
    );
  else
    v_ids := array(
      select l.id from public.audit_log as l
       where l.user_id = p_user_id and (p_before is null or l.id < p_before)
       order by l.user_id desc, l.id desc limit v_limit + 1
    );
  end if;
  select jsonb_agg(
      jsonb_build_object(
        'id', l.id,
        'admin_email', l.admin_email,
        'action', l.action,
        'before', l.before,
        'after', l.after,
        'created_at', l.created_at,
        'user', case when u.id is not null then jsonb_build_object(
          'telegram_id', u.telegram_id, 'username', u.username, 'first_name', u.first_name
        ) end
      )
      order by l.id desc
    ) into v_entries
    from public.audit_log as l
    left join public.users as u on u.id = l.user_id
   where l.id = any (v_ids[:v_limit]);
  return jsonb_build_object(
    'entries', coalesce(v_entries, '[]'::jsonb),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end,
    'timezone', private.setting('quota_timezone')
  );
end
$$;

revoke all on function public.admin_audit from public, anon, authenticated, service_role;
grant execute on function public.admin_audit to bot_backend, service_role;
comment on function public.admin_audit is 'Returns the audit log of admin actions, newest first';

-- Bans a user from every bot in an admin's name. The user gets one notice and no further answers.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first. A user who is banned already gets the new reason and no second notice.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: { banned_at: timestamptz | null, reason: text | null }
--   after: public.admin_ban_user.before
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action or user; N0004 the
--   reason is invalid; N0005 the user is an admin.
create or replace function public.admin_ban_user(
  p_user_id bigint, p_reason text, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_user public.users;
  v_known public.audit_log;
  v_before jsonb;
  v_after jsonb;
begin
  if length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'ban_user', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object('applied', false, 'before', v_known.before, 'after', v_known.after);
  elsif v_user.is_admin then
    raise exception 'an admin cannot be banned' using errcode = 'N0005';
  end if;

  v_before := jsonb_build_object('banned_at', v_user.banned_at, 'reason', v_user.ban_reason);
  update public.users as u
     set banned_at = coalesce(u.banned_at, private.clock()), ban_reason = v_reason
   where u.id = p_user_id
  returning jsonb_build_object('banned_at', u.banned_at, 'reason', u.ban_reason) into v_after;
  perform private.write_audit(v_email, 'ban_user', p_user_id, p_reference, v_before, v_after);
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after);
end
$$;

revoke all on function public.admin_ban_user from public, anon, authenticated, service_role;
grant execute on function public.admin_ban_user to bot_backend, service_role;
comment on function public.admin_ban_user is 'Bans a user from every bot in an admin''s name';

-- Checks for an admin that payments, their fulfilment, the ledger and the balances agree. Reads all of them.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   payments: int          (how many faults payments have)
--   balances: int          (how many balances differ from their ledger)
--   wrong_payments: [ { payment: bigint, wrong: text } ]   (the first ten)
--   wrong_balances: [ {
--     user_id: bigint | null, telegram_id: bigint | null   (null: all erased users together),
--     balance: numeric, ledger: numeric
--   } ]                                                    (the first ten)
-- Errors: N0001 not an admin.
create or replace function public.admin_check(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payments jsonb;
  v_balances jsonb;
begin
  perform private.require_admin(p_admin_email);
  select coalesce(
      jsonb_agg(jsonb_build_object('payment', c.payment_id, 'wrong', c.wrong) order by c.payment_id, c.wrong), '[]'::jsonb
    )
    into v_payments
    from public.check_payments() as c;
  v_balances := public.check_balances();
  return jsonb_build_object(
    'payments', jsonb_array_length(v_payments),
    'balances', jsonb_array_length(v_balances),
    'wrong_payments', jsonb_path_query_array(v_payments, '$[0 to 9]'),
    'wrong_balances', (
      select coalesce(
          jsonb_agg(
            b.value || jsonb_build_object(
              'telegram_id', (select u.telegram_id from public.users as u where u.id = (b.value ->> 'user_id')::bigint)
            )
          ),
          '[]'::jsonb
        )
        from jsonb_path_query(v_balances, '$[0 to 9]') as b (value)
    )
  );
end
$$;

revoke all on function public.admin_check from public, anon, authenticated, service_role;
grant execute on function public.admin_check to bot_backend, service_role;
comment on function public.admin_check is 'Checks for an admin that payments and balances agree';

-- Creates a promo code in an admin's name.
--
-- Concurrency: the code is unique regardless of case. With a reference it acts once, and a repeated call returns the
--   code that the first one created.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'created' | 'taken'
--   promocode: private.promocode_details   (taken: the existing one)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or code; Z0007 a value is invalid: the
--   letters of the code, kind, number, plan, uses, times or note.
create or replace function public.admin_create_promocode(
  p_code text,
  p_kind text,
  p_value integer,
  p_admin_email text,
  p_max_uses integer default null,
  p_valid_until timestamptz default null,
  p_valid_from timestamptz default null,
  p_plan text default 'PREMIUM',
  p_note text default null,
  p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_note text := nullif(trim(p_note), '');
  v_promocode public.promocodes;
  v_known public.audit_log;
begin
  if length(v_note) > 500 or coalesce(p_valid_until <= private.clock(), false) then
    raise exception 'the note must have at most 500 characters, and the end must be in the future' using errcode = 'Z0007';
  end if;
  v_known := private.find_audit_entry(p_reference, 'create_promocode', null);
  begin
    insert into public.promocodes as p (code, kind, value, plan, max_uses, valid_from, valid_until, note)
    values (
      upper(trim(p_code)), p_kind, p_value,
      case when p_kind = 'month' then p_plan end,
      p_max_uses, coalesce(p_valid_from, private.clock()), p_valid_until, v_note
    )
    on conflict (code) do nothing
    returning p.* into v_promocode;
  exception when check_violation or not_null_violation or foreign_key_violation then
    raise exception 'invalid promo code: %', sqlerrm using errcode = 'Z0007';
  end;
  if v_promocode.id is null then
    select p.* into v_promocode from public.promocodes as p where p.code = upper(trim(p_code));
    if v_known.id is not null and v_known.after ->> 'code' <> v_promocode.code then
      raise exception 'the reference was used with another code' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'outcome', case when v_known.id is not null then 'created' else 'taken' end,
      'promocode', private.promocode_details(v_promocode)
    );
  end if;
  perform private.write_audit(
    v_email, 'create_promocode', null, p_reference, '{}',
    jsonb_strip_nulls(to_jsonb(v_promocode) - '{uses,is_active,created_at}'::text[])
  );
  return jsonb_build_object('outcome', 'created', 'promocode', private.promocode_details(v_promocode));
end
$$;

revoke all on function public.admin_create_promocode from public, anon, authenticated, service_role;
grant execute on function public.admin_create_promocode to bot_backend, service_role;
comment on function public.admin_create_promocode is 'Creates a promo code in an admin''s name';

-- Finds a user for an admin by Telegram id or @username (p_identifier), with what the admin needs to know before
-- acting. undo is the last action of an admin on this user in 30 days, if it can be undone.
--
-- Concurrency: read-only. A username may have passed from one user to another: of several the one who was active last
--   is returned.
-- Locks: none.
-- Returns: jsonb
--   {
--     id: bigint, telegram_id: bigint, username: text | null, first_name: text, last_name: text | null, language: text,
--     is_admin: boolean, is_active: boolean, created_at: timestamptz, last_activity: timestamptz,
--     banned_at: timestamptz | null, ban_reason: text | null,
--     plan: text, plan_ends_at: timestamptz | null,
--     requests: int, daily_requests: int | null, month_requests: int, monthly_requests: int | null   (null: no limit),
--     bonus_credits: int,
--     free_trainings: int                     (unused ones),
--     balance: numeric, currency: text,
--     total_referrals: int,
--     money: private.user_payment_totals,
--     keys: int                               (how many API keys of their own),
--     timezone: text,
--     has_given_plan: boolean                 (an admin gave a plan that still runs),
--     undo: private.last_undoable | null,
--     plans: [ text ]                         (all plans, lowest first)
--   } | null                                  (no such user)
-- Errors: N0001 not an admin.
create or replace function public.admin_find_user(p_identifier text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_quota record;
begin
  perform private.require_admin(p_admin_email);
  if p_identifier ~ '^[0-9]{1,18}$' then
    select u.* into v_user from public.users as u where u.telegram_id = p_identifier::bigint;
  else
    select u.* into v_user
      from public.users as u
     where lower(u.username) = lower(nullif(ltrim(p_identifier, '@'), ''))
     order by u.last_activity desc
     limit 1;
  end if;
  if not found then
    return null;
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  return jsonb_build_object(
    'id', v_user.id,
    'telegram_id', v_user.telegram_id,
    'username', v_user.username,
    'first_name', v_user.first_name,
    'last_name', v_user.last_name,
    'language', coalesce(v_user.language, v_user.language_code),
    'is_admin', v_user.is_admin,
    'is_active', v_user.is_active,
    'created_at', v_user.created_at,
    'last_activity', v_user.last_activity,
    'banned_at', v_user.banned_at,
    'ban_reason', v_user.ban_reason,
    'plan', v_quota.plan,
    'plan_ends_at', private.plan_of(v_user.id) -> 'ends_at',
    'requests', v_quota.requests,
    'daily_requests', v_quota.daily_requests,
    'month_requests', v_quota.month_requests,
    'monthly_requests', v_quota.monthly_requests,
    'bonus_credits', v_user.bonus_credits,
    'free_trainings', (
      select coalesce(sum(f.quantity - f.used), 0) from public.free_trainings as f where f.user_id = v_user.id
    ),
    'balance', v_user.balance::text,
    'currency', private.setting('balance_currency'),
    'total_referrals', v_user.total_referrals,
    'money', private.user_payment_totals(v_user.id),
    'keys', (select count(*) from public.user_tokens as k where k.user_id = v_user.id),
    'timezone', private.setting('quota_timezone'),
    'has_given_plan', exists (
      select from public.subscriptions as s
       where s.user_id = v_user.id and s.source = 'admin' and s.status = 'active'
    ),
    'undo', private.last_undoable(v_user.id),
    'plans', (select jsonb_agg(l.plan order by l.vip_level) from public.subscription_limits as l)
  );
end
$$;

revoke all on function public.admin_find_user from public, anon, authenticated, service_role;
grant execute on function public.admin_find_user to bot_backend, service_role;
comment on function public.admin_find_user is 'Finds a user by Telegram id or @username for an admin';

-- Gives a user free trainings in an admin's name; a negative number takes unused ones back, down to zero. The user
-- gets one message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE), then the user's free trainings.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: int            (unused free trainings)
--   after: int
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or number;
--   N0004 the number or the reason is invalid.
create or replace function public.admin_give_trainings(
  p_user_id bigint,
  p_quantity integer,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_before bigint;
  v_after bigint;
  v_known public.audit_log;
  v_id bigint;
begin
  if coalesce(p_quantity, 0) = 0 or abs(p_quantity) > 1000000 then
    raise exception 'the trainings must not be zero and must be at most 1000000 in absolute value' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'give_trainings', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'quantity')::integer <> p_quantity then
      raise exception 'the reference was used with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'trainings', 'after', v_known.after -> 'trainings',
      'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  select coalesce(sum(f.quantity - f.used), 0) into v_before
    from public.free_trainings as f
   where f.user_id = p_user_id;
  if p_quantity > 0 then
    perform private.give_trainings(
      p_user_id, 'admin', coalesce(p_reference, gen_random_uuid()::text), p_quantity
    );
    v_after := v_before + p_quantity;
  else
    v_after := v_before - private.use_trainings(p_user_id, -p_quantity);
  end if;
  v_id := private.write_audit(
    v_email, 'give_trainings', p_user_id, p_reference,
    jsonb_build_object('trainings', v_before),
    jsonb_strip_nulls(
      jsonb_build_object('trainings', v_after, 'quantity', p_quantity, 'reason', v_reason)
    )
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'trainings', v_before, v_after)
  );
end
$$;

revoke all on function public.admin_give_trainings from public, anon, authenticated, service_role;
grant execute on function public.admin_give_trainings to bot_backend, service_role;
comment on function public.admin_give_trainings is 'Gives a user free trainings in an admin''s name';

-- Returns an admin's overview of the bots: users, requests, AI calls and their cost, for today, 7 and 30 days. A day
-- is one of the setting quota_timezone; costs are in US dollars as far as providers report them, without user API
-- keys.
--
-- Concurrency: read-only. It reads counters of 30 days and not users or requests, so it is as fast with a million of
--   them; only the active sessions are counted from the updates of the last hour.
-- Locks: none.
-- Returns: jsonb
--   users: int
--   active_sessions: int   (of the last hour)
--   day: {
--     active: int, new: int, requests: int, calls: int
--     errors: int                             (calls that failed)
--     tokens_in: int, tokens_out: int
--     cost: numeric                           (US dollars as far as providers say, without users' own keys)
--   }
--   week: public.admin_overview.day           (7 days, today included)
--   month: public.admin_overview.day          (30 days, today included)
--   days: [ { day: date, active: int, new: int, requests: int, errors: int } ]   (30, today last)
--   models: [ { provider: text, model: text, requests: int, calls: int, errors: int, cost: numeric } ]
--                                             (the 5 most used of 30 days)
-- Errors: N0001 not an admin.
create or replace function public.admin_overview(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_users bigint;
  v_overview jsonb;
begin
  perform private.require_admin(p_admin_email);
  select coalesce(sum(p.last_active), 0) into v_users
    from public.daily_active_users as p
   where p.day = '-infinity';

  with active_users as (
    select p.day, sum(p.active) as active, sum(p.last_active) as last_active
      from public.daily_active_users as p
     where p.day between v_today - 29 and v_today
     group by p.day
  ), figures as materialized (
    select
      t.day, t.provider, t.model,
      sum(t.new_users) as new_users, sum(t.requests) as requests, sum(t.calls) as calls,
      sum(t.errors) as errors, sum(t.tokens_in) as tokens_in, sum(t.tokens_out) as tokens_out,
      coalesce(sum(t.cost) filter (where not t.is_user_api_key), 0) as cost
      from public.daily_totals as t
     where t.day between v_today - 29 and v_today
     group by t.day, t.provider, t.model
  ), totals as (
    select
      f.day,
      sum(f.new_users) as new_users, sum(f.requests) as requests, sum(f.calls) as calls,
      sum(f.errors) as errors, sum(f.tokens_in) as tokens_in, sum(f.tokens_out) as tokens_out,
      sum(f.cost) as cost
      from figures as f
     group by f.day
  ), days as (
    select
      v_today - g.ago as day, g.ago,
      coalesce(p.active, 0) as active, coalesce(p.last_active, 0) as last_active,
      coalesce(t.new_users, 0) as new_users, coalesce(t.requests, 0) as requests,
      coalesce(t.calls, 0) as calls, coalesce(t.errors, 0) as errors,
      coalesce(t.tokens_in, 0) as tokens_in, coalesce(t.tokens_out, 0) as tokens_out,
      coalesce(t.cost, 0) as cost
      from generate_series(0, 29) as g (ago)
      left join active_users as p on p.day = v_today - g.ago
      left join totals as t on t.day = v_today - g.ago
  ), periods as (
    select
      w.name,
      jsonb_build_object(
        'active', sum(d.last_active), 'new', sum(d.new_users), 'requests', sum(d.requests),
        'calls', sum(d.calls), 'errors', sum(d.errors), 'tokens_in', sum(d.tokens_in),
        'tokens_out', sum(d.tokens_out), 'cost', round(sum(d.cost), 2)::text
      ) as sums
      from (values ('day', 1), ('week', 7), ('month', 30)) as w (name, length)
      join days as d on d.ago < w.length
     group by w.name
  ), models as (
    select
      f.provider, f.model,
      sum(f.requests) as requests, sum(f.calls) as calls, sum(f.errors) as errors, sum(f.cost) as cost
      from figures as f
     where f.model <> ''
     group by f.provider, f.model
     order by sum(f.requests) desc, sum(f.calls) desc, f.provider, f.model
     limit 5
  )
  select
    (select jsonb_object_agg(p.name, p.sums) from periods as p)
    || jsonb_build_object(
      'users', v_users,
      'active_sessions', public.count_active_sessions(),
      'days', (
        select jsonb_agg(
            jsonb_build_object(
              'day', d.day, 'active', d.active, 'new', d.new_users, 'requests', d.requests,
              'errors', d.errors
            )
            order by d.day
          )
          from days as d
      ),
      'models', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'provider', m.provider, 'model', m.model, 'requests', m.requests, 'calls', m.calls,
                'errors', m.errors, 'cost', round(m.cost, 2)::text
              )
              order by m.requests desc, m.calls desc, m.provider, m.model
            ),
            '[]'::jsonb
          )
          from models as m
      )
    )
    into v_overview;
  return v_overview;
end
$$;

revoke all on function public.admin_overview from public, anon, authenticated, service_role;
grant execute on function public.admin_overview to bot_backend, service_role;
comment on function public.admin_overview is 'Returns an admin''s overview of the bots';

-- Finds a payment for an admin by our number, else by the number of one of p_providers (a list of provider keys).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     ...private.payment_summary
--     left: numeric                           (what can still be refunded)
--     is_test: boolean
--     order_id: bigint | null
--     renewal_id: bigint | null
--     payer_id: bigint | null                 (the Telegram id that the provider named)
--     user: { telegram_id: bigint, username: text | null, first_name: text, last_name: text | null } | null
--     refunds: [ {
--       id: bigint, status: 'open' | 'done' | 'refused' | 'unknown' | 'failed', amount: numeric, admin_email: text,
--       error: text | null, is_accepted: boolean, at: timestamptz
--     } ]                                     (the last five, newest first)
--   } | null                                  (no such payment)
-- Errors: N0001 not an admin.
create or replace function public.admin_payment(
  p_identifier text, p_admin_email text, p_providers jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_order public.orders;
begin
  perform private.require_admin(p_admin_email);
  if p_identifier ~ '^[0-9]{1,18}$' then
    select p.* into v_payment from public.payments as p where p.id = p_identifier::bigint;
  end if;
  if v_payment.id is null then
    select p.* into v_payment
      from public.payments as p
     where p.provider = any(array(select jsonb_array_elements_text(p_providers)))
       and p.provider_payment_id = p_identifier
     order by p.id desc
     limit 1;
  end if;
  if v_payment.id is null then
    return null;
  end if;
  v_order := private.payment_order(v_payment);
  return private.payment_summary(v_payment) || jsonb_build_object(
    'left', private.refundable_amount(v_payment)::text,
    'is_test', v_payment.is_test,
    'order_id', coalesce(v_payment.order_id, v_order.id),
    'renewal_id', v_payment.renewal_id,
    'payer_id', nullif((v_payment.claims ->> 'telegram_id')::bigint, 0),
    'user', (
      select jsonb_build_object(
          'telegram_id', u.telegram_id, 'username', u.username, 'first_name', u.first_name, 'last_name', u.last_name
        )
        from public.users as u
       where u.id = coalesce(v_payment.user_id, case when v_payment.amount is null then v_order.user_id end)
    ),
    'refunds', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', r.id, 'status', r.status, 'amount', r.amount::text, 'admin_email', r.admin_email,
              'error', r.error, 'is_accepted', r.is_accepted, 'at', coalesce(r.decided_at, r.created_at)
            )
            order by r.id desc
          ),
          '[]'::jsonb
        )
        from (
          select e.* from public.refunds as e where e.payment_id = v_payment.id order by e.id desc limit 5
        ) as r
    )
  );
end
$$;

revoke all on function public.admin_payment from public, anon, authenticated, service_role;
grant execute on function public.admin_payment to bot_backend, service_role;
comment on function public.admin_payment is 'Finds a payment for an admin';

-- Lists payments for an admin, newest first, page by page: those of a user, paid for the user's orders or by the
-- user; without p_user_id those that need attention, because nothing was fulfilled or a refund is undecided.
--
-- Concurrency: read-only, over an index. A page starts below p_before, so new payments do not shift it.
-- Locks: none.
-- Returns: jsonb
--   payments: [ private.payment_summary ]
--   next: bigint | null    (p_before of the next page)
-- Errors: N0001 not an admin.
create or replace function public.admin_payments(
  p_admin_email text, p_user_id bigint default null, p_before bigint default null, p_limit integer default 8
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_below bigint := coalesce(p_before, 9223372036854775807);
  v_telegram_id text;
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  if p_user_id is null then
    v_ids := array(
      (
        select p.id from public.payments as p
         where p.problem is not null and p.status = 'completed' and p.id < v_below
         order by p.id desc limit v_limit + 1
      )
      union
      (
        select r.payment_id from public.refunds as r
         where r.status in ('open', 'unknown') and r.payment_id < v_below
         order by r.payment_id desc limit v_limit + 1
      )
      order by 1 desc
      limit v_limit + 1
    );
  else
    select u.telegram_id::text into v_telegram_id from public.users as u where u.id = p_user_id;
    -- Each half uses its own index. Materialized, so that the planner does not scan payments by id for the second half.
    v_ids := array(
      with paid_by_user as materialized (
        select p.id from public.payments as p where p.claims ->> 'telegram_id' = v_telegram_id
      )
      (
        select p.id from public.payments as p
         where p.user_id = p_user_id and p.id < v_below
         order by p.user_id desc, p.id desc limit v_limit + 1
      )
      union
      select b.id from paid_by_user as b where b.id < v_below
      order by 1 desc
      limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'payments', (
      select coalesce(jsonb_agg(private.payment_summary(p) order by p.id desc), '[]'::jsonb)
        from public.payments as p
       where p.id = any(v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_payments from public, anon, authenticated, service_role;
grant execute on function public.admin_payments to bot_backend, service_role;
comment on function public.admin_payments is 'Lists payments for an admin';

-- Lists the products for an admin in their order, hidden ones included; with p_key only that one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   products: [ private.product_card ]
--   balance_currency: text
-- Errors: N0001 not an admin.
create or replace function public.admin_products(p_admin_email text, p_key text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return jsonb_build_object(
    'products', (
      select coalesce(jsonb_agg(private.product_card(p) order by p.position, p.key), '[]'::jsonb)
        from public.products as p
       where p_key is null or p.key = p_key
    ),
    'balance_currency', private.setting('balance_currency')
  );
end
$$;

revoke all on function public.admin_products from public, anon, authenticated, service_role;
grant execute on function public.admin_products to bot_backend, service_role;
comment on function public.admin_products is 'Lists the products for an admin';

-- Lists the promo codes for an admin, newest first, page by page; with p_code only that one.
--
-- Concurrency: read-only, over an index. A page starts below p_before, so new codes do not shift it.
-- Locks: none.
-- Returns: jsonb
--   promocodes: [ private.promocode_details ]
--   next: bigint | null    (p_before of the next page)
-- Errors: N0001 not an admin.
create or replace function public.admin_promocodes(
  p_admin_email text, p_code text default null, p_before bigint default null, p_limit integer default 10
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  -- Two queries, so that each uses its own index.
  if p_code is not null then
    v_ids := array(select p.id from public.promocodes as p where p.code = upper(trim(p_code)));
  else
    v_ids := array(
      select p.id from public.promocodes as p where p_before is null or p.id < p_before
       order by p.id desc limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'promocodes', (
      select coalesce(jsonb_agg(private.promocode_details(p) order by p.id desc), '[]'::jsonb)
        from public.promocodes as p
       where p.id = any (v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_promocodes from public, anon, authenticated, service_role;
grant execute on function public.admin_promocodes to bot_backend, service_role;
comment on function public.admin_promocodes is 'Lists the promo codes for an admin, newest first';

-- Opens a refund of a payment in an admin's name: of all that is left of it, or of p_amount. With p_call_provider_now
-- the caller calls the provider at once; otherwise the job "payments" does. A payment from the balance is refunded to
-- the balance in this transaction.
--
-- p_left is what was left when the admin confirmed; if that has changed, nothing is opened.
--
-- Concurrency: the payment's row is locked and has one open refund at a time, so of two admins one opens it and the
--   other finds it. With a reference it is opened once.
-- Locks: user (KEY SHARE), payment (FOR UPDATE), refund (FOR UPDATE); for a payment from the balance then users by id
--   (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'opened'
--     | 'known'            (this reference opened it before)
--     | 'busy'             (another refund of this payment is open)
--     | 'changed'          (p_left is not what is left now)
--     | 'too_much' | 'nothing_left' | 'not_paid'
--     | 'erased'           (paid from the balance of a user who is erased)
--     | 'other_currency'   (paid from balance when balances had another currency)
--   left: numeric
--   currency: text | null
--   outgoing: outgoing
--   refund?: {
--     id: bigint, status: 'open' | 'done' | 'refused' | 'unknown' | 'failed', amount: numeric, admin_email: text
--   }
--   task?: private.lease_refund | null         (the request for the provider, for the caller to make)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, payment or amount; N0004 the amount
--   is invalid; N0007 no such payment.
create or replace function public.admin_refund_payment(
  p_payment_id bigint,
  p_amount numeric,
  p_admin_email text,
  p_reference text default null,
  p_left numeric default null,
  p_call_provider_now boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_payment public.payments;
  v_refund public.refunds;
  v_left numeric;
  v_outcome text;
  v_outgoing jsonb := '[]'::jsonb;
begin
  v_payment := private.lock_payment(p_payment_id);
  if v_payment.id is null then
    raise exception 'no such payment' using errcode = 'N0007';
  elsif p_amount <= 0 or p_amount <> round(p_amount, case v_payment.currency when 'XTR' then 0 else 2 end) then
    raise exception 'this amount cannot be refunded' using errcode = 'N0004';
  end if;
  v_left := private.refundable_amount(v_payment);
  select r.* into v_refund from public.refunds as r where r.reference = p_reference for update;
  if found then
    if v_refund.payment_id <> p_payment_id or v_refund.amount <> coalesce(p_amount, v_refund.amount) then
      raise exception 'the reference was used with another payment or amount' using errcode = 'N0003';
    end if;
    v_outcome := 'known';
  else
    select r.* into v_refund
      from public.refunds as r
     where r.payment_id = p_payment_id and r.status = 'open';
    v_outcome := case
      when coalesce(v_payment.amount, 0) = 0 then 'not_paid'
      when v_refund.id is not null then 'busy'
      when v_left = 0 then 'nothing_left'
      when v_left <> p_left then 'changed'
      when p_amount > v_left then 'too_much'
      when v_payment.provider = 'balance' and v_payment.user_id is null then 'erased'
      when v_payment.provider = 'balance' and v_payment.currency <> private.setting('balance_currency')
        then 'other_currency'
      else 'opened'
    end;
  end if;

  if v_outcome = 'opened' then
    insert into public.refunds as r (payment_id, amount, admin_email, reference, is_awaited)
    values (
      p_payment_id, coalesce(p_amount, v_left), v_email, p_reference, not p_call_provider_now and v_payment.provider <> 'balance'
    )
    returning r.* into v_refund;
    perform private.write_audit(
      v_email, 'refund_payment', v_payment.user_id, p_reference,
      jsonb_build_object('payment', v_payment.id, 'status', v_payment.status, 'refunded', v_payment.refunded::text),
      jsonb_build_object(
        'refund', v_refund.id, 'payment', v_payment.id, 'amount', v_refund.amount::text,
        'currency', v_payment.currency, 'provider', v_payment.provider
      )
    );
    if v_payment.provider = 'balance' then
      v_outgoing := private.refund_to_balance(v_payment, v_refund);
      select r.* into v_refund from public.refunds as r where r.id = v_refund.id;
    end if;
  end if;
  return jsonb_build_object(
    'outcome', v_outcome, 'left', v_left::text, 'currency', v_payment.currency, 'outgoing', v_outgoing
  )
    || case when v_refund.id is null then '{}'::jsonb else jsonb_build_object(
      'refund', jsonb_build_object(
        'id', v_refund.id, 'status', v_refund.status, 'amount', v_refund.amount::text,
        'admin_email', v_refund.admin_email
      ),
      'task', case
        when p_call_provider_now and v_outcome in ('opened', 'known') and v_refund.status = 'open'
          then private.lease_refund(v_refund.id)
      end
    ) end;
end
$$;

revoke all on function public.admin_refund_payment from public, anon, authenticated, service_role;
grant execute on function public.admin_refund_payment to bot_backend, service_role;
comment on function public.admin_refund_payment is 'Opens a refund of a payment in an admin''s name';

-- Resets the requests that a user took from the plan this month, today's included, over all bots, in an admin's name.
-- Requests on bonus credits and user API keys stay counted, as no limit counts them. The user gets one message if
-- there was something to reset. The audit log stores the requests of the day too.
--
-- Concurrency: the user's row is locked, as for every reservation. With a reference it acts once, and a repeated call
--   returns the result of the first; without one every call acts.
-- Locks: user (NO KEY UPDATE), daily_usage, monthly_usage.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: int            (requests of the month)
--   after: int
--   id: bigint             (the audit entry, for admin_undo; it keeps the day's requests too)
--   outgoing: outgoing     (the message to the user, sent once if there was something to reset)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action or user.
create or replace function public.admin_reset_user_usage(
  p_user_id bigint, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_vip_level integer;
  v_quota record;
  v_known public.audit_log;
  v_id bigint;
begin
  select u.vip_level into v_vip_level from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'reset_user_usage', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'requests', 'after', v_known.after -> 'requests',
      'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  v_quota := private.quota(p_user_id, v_vip_level);
  update public.daily_usage as d
     set requests = 0
   where d.user_id = p_user_id and d.day >= v_quota.month and d.requests > 0;
  update public.monthly_usage as m
     set requests = 0
   where m.user_id = p_user_id and m.month = v_quota.month;
  v_id := private.write_audit(
    v_email, 'reset_user_usage', p_user_id, p_reference,
    jsonb_build_object(
      'requests', v_quota.month_requests, 'month', v_quota.month, 'day_requests', v_quota.requests, 'day', v_quota.day
    ),
    jsonb_build_object('requests', 0, 'month', v_quota.month, 'day_requests', 0, 'day', v_quota.day)
  );
  return jsonb_build_object(
    'applied', true, 'before', v_quota.month_requests, 'after', 0, 'id', v_id,
    'outgoing', case
      when v_quota.month_requests > 0 then private.notify_user(p_user_id, 'gift_reset', '{}')
      else '[]'::jsonb
    end
  );
end
$$;

revoke all on function public.admin_reset_user_usage from public, anon, authenticated, service_role;
grant execute on function public.admin_reset_user_usage to bot_backend, service_role;
comment on function public.admin_reset_user_usage is 'Resets a user''s requests of the month in an admin''s name';

-- Returns revenue by currency, and how many new users became buyers, for today, 7 and 30 days.
--
-- Gross is all money received, refunds what was returned (disputes too), each on the day it happened at the provider;
-- both without the test payments of production and without purchases from the balance, whose money came with the
-- top-up. A new user counts as paying once any payment of theirs was received.
--
-- Concurrency: read-only, over an index: it reads the operations of 30 days, however many came before.
-- Locks: none.
-- Returns: jsonb
--   currencies: [ {
--     currency: text,
--     day: { gross: numeric, refunds: numeric, net: numeric },
--     week: public.admin_revenue.currencies.day,
--     month: public.admin_revenue.currencies.day
--   } ]
--   day: {
--     payments: int, refunds: int             (how many),
--     new: int                                (users who came),
--     paid: int                               (how many of them paid)
--   }
--   week: public.admin_revenue.day
--   month: public.admin_revenue.day
-- Errors: N0001 not an admin.
create or replace function public.admin_revenue(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timezone text := private.setting('quota_timezone');
  v_today date := (private.clock() at time zone v_timezone)::date;
  v_result jsonb;
begin
  perform private.require_admin(p_admin_email);
  with periods as (
    select w.name, v_today - w.days + 1 as first_day, (v_today - w.days + 1)::timestamp at time zone v_timezone as starts_at
      from (values ('day', 1), ('week', 7), ('month', 30)) as w (name, days)
  ), moves as materialized (
    select o.payment_id, o.happened_at, p.user_id, p.currency,
      case when o.kind = 'paid' then o.amount else 0 end as paid,
      case o.kind
        when 'paid' then 0 when 'refund_total' then o.amount - private.refunded_before(o) else o.amount
      end as back
      from public.payment_operations as o
      join public.payments as p on p.id = o.payment_id
     where o.happened_at >= (v_today - 29)::timestamp at time zone v_timezone
       and not o.is_undone
       and p.problem is distinct from 'test'
       and p.provider <> 'balance'
       and (o.kind = 'paid' or o.currency is null or o.currency = p.currency)
  ), sums as (
    select m.currency, w.name, sum(m.paid) as gross, sum(m.back) as refunds
      from periods as w
      join moves as m on m.happened_at >= w.starts_at
     where m.paid + m.back > 0
       and m.currency is not null  -- a refund whose payment has not been reported yet
     group by m.currency, w.name
  ), currencies as (
    select c.currency,
      jsonb_object_agg(
        w.name,
        jsonb_build_object(
          'gross', coalesce(s.gross, 0)::text, 'refunds', coalesce(s.refunds, 0)::text,
          'net', (coalesce(s.gross, 0) - coalesce(s.refunds, 0))::text
        )
      ) as figures
      from (select distinct s.currency from sums as s) as c
      cross join periods as w
      left join sums as s on s.currency = c.currency and s.name = w.name
     group by c.currency
  ), counts as (
    select w.name,
      count(distinct m.payment_id) filter (where m.paid > 0) as payments,
      count(distinct m.payment_id) filter (where m.back > 0) as refunds,
      count(distinct u.id) filter (where m.paid > 0 and u.created_at >= w.starts_at) as paid
      from periods as w
      left join moves as m on m.happened_at >= w.starts_at
      left join public.users as u on u.id = m.user_id
     group by w.name
  ), new_users as (
    select w.name, coalesce(sum(t.new_users), 0) as new_users
      from periods as w
      left join public.daily_totals as t on t.day between w.first_day and v_today
     group by w.name
  )
  select jsonb_object_agg(
      c.name,
      jsonb_build_object('payments', c.payments, 'refunds', c.refunds, 'paid', c.paid, 'new', n.new_users)
    ) || jsonb_build_object(
      'currencies', (
        select coalesce(jsonb_agg(jsonb_build_object('currency', t.currency) || t.figures order by t.currency), '[]')
          from currencies as t
      )
    )
    into v_result
    from counts as c
    join new_users as n on n.name = c.name;
  return v_result;
end
$$;

revoke all on function public.admin_revenue from public, anon, authenticated, service_role;
grant execute on function public.admin_revenue to bot_backend, service_role;
comment on function public.admin_revenue is 'Returns revenue for an admin';

-- Finds users for an admin by a part of their name or @username, at least two characters long. Order: the exact
-- username, the whole name or username, the start of a word, a part of a word; within each, the most recently active
-- first. Two characters are searched at the start of words only.
--
-- Concurrency: read-only, over an index. Of more than 500 matches, 500 are ranked.
-- Locks: none.
-- Returns: jsonb
--   {
--     users: [ {
--       telegram_id: bigint, username: text | null, first_name: text, last_name: text | null, last_activity: timestamptz
--     } ],
--     has_more: boolean
--   } | null               (the query is too short)
-- Errors: N0001 not an admin.
create or replace function public.admin_search_users(p_query text, p_admin_email text, p_limit integer default 8)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_query constant text := ltrim(private.name_words(left(p_query, 100), null, null));
  v_limit constant integer := least(greatest(p_limit, 1), 50);
  v_ids bigint[];
  v_result jsonb;
begin
  perform private.require_admin(p_admin_email);
  if length(v_query) < 2 then
    return null;
  end if;
  v_ids := array(
    select u.id from public.users as u where lower(u.username) = lower(ltrim(trim(left(p_query, 100)), '@')) limit 50
  ) || array(
    select u.id
      from public.users as u
     where private.name_grams(private.name_words(u.username, u.first_name, u.last_name)) @> private.name_grams(' ' || v_query)
       and strpos(private.name_words(u.username, u.first_name, u.last_name), ' ' || v_query) > 0
     limit 500
  );
  if cardinality(v_ids) <= v_limit and length(v_query) > 2 then
    v_ids := v_ids || array(
      select u.id
        from public.users as u
       where private.name_grams(private.name_words(u.username, u.first_name, u.last_name)) @> private.name_grams(v_query)
         and strpos(private.name_words(u.username, u.first_name, u.last_name), v_query) > 0
       limit 500
    );
  end if;
  with ranked as (
    select u.*,
      row_number() over (
        order by
          lower(u.username) is distinct from lower(ltrim(trim(p_query), '@')),
          private.name_words(null, u.first_name, u.last_name) <> ' ' || v_query,
          strpos(private.name_words(u.username, u.first_name, u.last_name), ' ' || v_query) = 0,
          u.last_activity desc,
          u.id
      ) as place
      from public.users as u
     where u.id = any(v_ids)
  )
  select jsonb_build_object(
      'users', coalesce(
        jsonb_agg(
          jsonb_build_object(
            'telegram_id', r.telegram_id, 'username', r.username, 'first_name', r.first_name, 'last_name', r.last_name,
            'last_activity', r.last_activity
          )
          order by r.place
        ) filter (where r.place <= v_limit),
        '[]'
      ),
      'has_more', count(*) > v_limit
    )
    into v_result
    from ranked as r;
  return v_result;
end
$$;

revoke all on function public.admin_search_users from public, anon, authenticated, service_role;
grant execute on function public.admin_search_users to bot_backend, service_role;
comment on function public.admin_search_users is 'Finds users for an admin by a part of their name';

-- Gives a user a plan in an admin's name, from now for p_days days or without an end; the free plan takes back what
-- admins gave. Purchased plans stay: of several plans the highest counts. The user gets one message if the plan
-- changed.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first. Days are counted from now, so a second gift does not add to the first.
-- Locks: user (NO KEY UPDATE), then subscriptions given by admins.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: private.plan_of
--   after: private.plan_of
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once if the plan changed)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user, plan or
--   number; N0004 the number of days is invalid; N0006 no such plan.
create or replace function public.admin_set_plan(
  p_user_id bigint, p_plan text, p_days integer, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_email text := private.require_admin(p_admin_email);
  v_vip_level integer;
  v_known public.audit_log;
  v_before jsonb;
  v_after jsonb;
  v_replaced bigint[];
  v_subscription bigint;
  v_id bigint;
begin
  select l.vip_level into v_vip_level from public.subscription_limits as l where l.plan = p_plan;
  if not found then
    raise exception 'no such plan' using errcode = 'N0006';
  elsif p_days not between 1 and 3660 or (v_vip_level = 0 and p_days is not null) then
    raise exception 'days must be between 1 and 3660 or null; null for the free plan' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'set_plan', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'given', (v_known.after ->> 'days')::integer) is distinct from (p_plan, p_days) then
      raise exception 'the reference was used with another plan or number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before, 'id', v_known.id, 'outgoing', '[]'::jsonb,
      'after', v_known.after - '{given,days,subscription,replaced}'::text[]
    );
  end if;

  v_before := private.plan_of(p_user_id);
  with ended as (
    update public.subscriptions as s
       set status = 'canceled', ended_at = v_now
     where s.user_id = p_user_id and s.source = 'admin' and s.status = 'active'
    returning s.id
  )
  select array_agg(e.id order by e.id) into v_replaced from ended as e;
  if v_vip_level > 0 then
    insert into public.subscriptions (user_id, plan, source, starts_at, ends_at)
    values (p_user_id, p_plan, 'admin', v_now, v_now + make_interval(days => p_days))
    returning id into v_subscription;
  end if;
  perform private.refresh_access(p_user_id);
  v_after := private.plan_of(p_user_id);
  v_id := private.write_audit(
    v_email, 'set_plan', p_user_id, p_reference, v_before,
    v_after || jsonb_build_object(
      'given', p_plan, 'days', p_days, 'subscription', v_subscription, 'replaced', coalesce(to_jsonb(v_replaced), '[]')
    )
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_plan_change(p_user_id, v_before, v_after)
  );
end
$$;

revoke all on function public.admin_set_plan from public, anon, authenticated, service_role;
grant execute on function public.admin_set_plan to bot_backend, service_role;
comment on function public.admin_set_plan is 'Gives a user a plan in an admin''s name';

-- Changes prices of a product in an admin's name: p_prices {currency: amount as text, or null to remove it}. Without
-- p_is_confirmed it changes nothing and returns what would change.
--
-- A new price applies to orders created from now on. An open order keeps its amount until it expires, and a renewal
-- keeps the amount it started with (orders.amount, renewals.amount).
--
-- Concurrency: the product's row is locked. With a reference it acts once. With p_expected, the prices that the admin
--   saw, nothing changes if another admin changed them since.
-- Locks: product (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     outcome: 'applied'   (changed; also for a repetition)
--       | 'preview'        (not confirmed)
--       | 'refused'        (see problems)
--       | 'changed'        (the prices are not p_expected)
--       | 'unchanged'      (the prices are these already)
--       | 'last'           (it is on sale, and this would remove its last price)
--     product: private.product_card           (as it is now)
--     before: private.prices_of
--     after: private.prices_of
--     jumps: { [text]: numeric }              (by currency, how many times the old price; from threefold up, from a third down)
--     problems: [ private.check_price ]
--   } | null               (no such product)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, product or prices; N0004 p_prices is
--   invalid.
create or replace function public.admin_set_prices(
  p_key text,
  p_prices jsonb,
  p_admin_email text,
  p_reference text default null,
  p_expected jsonb default null,
  p_providers jsonb default '[]',
  p_is_confirmed boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_product public.products := private.lock_product(p_key);
  v_known public.audit_log := case when v_product.key is not null then private.find_audit_entry(p_reference, 'set_prices', null) end;
  v_before jsonb;
  v_after jsonb;
  v_problems jsonb;
  v_outcome text;
begin
  if jsonb_typeof(p_prices) is distinct from 'object' or p_prices = '{}' then
    raise exception 'the prices must be an object with at least one currency' using errcode = 'N0004';
  end if;
  if v_product.key is null then
    return null;
  end if;
  if v_known.id is not null then
    if (v_known.after ->> 'product', v_known.after -> 'changed') is distinct from (p_key, p_prices) then
      raise exception 'the reference was used with another product or price' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'outcome', 'applied', 'product', private.product_card(v_product), 'before', v_known.before -> 'prices',
      'after', v_known.after -> 'prices', 'jumps', '{}'::jsonb, 'problems', '[]'::jsonb
    );
  end if;

  v_before := private.prices_of(p_key);
  select coalesce(jsonb_agg(t.problem order by t.currency), '[]')
    into v_problems
    from (
      select e.key as currency, private.check_price(v_product, e.key, e.value, p_providers) as problem
        from jsonb_each_text(p_prices) as e
       where e.value is not null or e.key !~ '^[A-Z]{3,5}$'
    ) as t
   where t.problem is not null;
  if v_problems <> '[]' then
    v_outcome := 'refused';
    v_after := v_before;
  else
    select coalesce(jsonb_object_agg(e.key, round(e.value::numeric, 2)::text) filter (where e.value is not null), '{}')
      into v_after
      from jsonb_each_text(v_before || p_prices) as e;
    v_outcome := case
      when v_before <> p_expected then 'changed'
      when v_after = v_before then 'unchanged'
      when v_after = '{}' and v_product.is_active then 'last'
      when not coalesce(p_is_confirmed, false) then 'preview'
      else 'applied'
    end;
  end if;
  if v_outcome = 'applied' then
    perform private.replace_prices(p_key, v_after);
    perform private.write_audit(
      v_email, 'set_prices', null, p_reference,
      jsonb_build_object('product', p_key, 'prices', v_before),
      jsonb_build_object('product', p_key, 'prices', v_after, 'changed', p_prices)
    );
  end if;
  return jsonb_build_object(
    'outcome', v_outcome,
    'product', private.product_card(v_product),
    'before', v_before,
    'after', v_after,
    'jumps', private.price_jumps(v_before, v_after),
    'problems', v_problems
  );
end
$$;

revoke all on function public.admin_set_prices from public, anon, authenticated, service_role;
grant execute on function public.admin_set_prices to bot_backend, service_role;
comment on function public.admin_set_prices is 'Changes prices of a product in an admin''s name';

-- Changes title and description of a product in one language in an admin's name. Without p_is_confirmed it changes
-- nothing and returns what would change. Earlier purchases show the new title too.
--
-- Concurrency: the product's row is locked. With a reference it acts once. With p_expected, the texts that the admin
--   saw, nothing changes if another admin changed them since.
-- Locks: product (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     outcome: 'applied' | 'preview' | 'refused' | 'changed' | 'unchanged'   (applied also for a repetition; preview: not
--                          confirmed; changed: the texts are not p_expected)
--     product: private.product_card           (as it is now)
--     before: { title?: text, description?: text }
--     after: public.admin_set_product_texts.before
--     problems: [ private.check_product_text ]
--   } | null               (no such product)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, product or text; N0004 the language
--   is invalid.
create or replace function public.admin_set_product_texts(
  p_key text,
  p_language text,
  p_title text,
  p_description text,
  p_admin_email text,
  p_reference text default null,
  p_expected jsonb default null,
  p_is_confirmed boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_after jsonb := jsonb_strip_nulls(
    jsonb_build_object('title', coalesce(trim(p_title), ''), 'description', nullif(trim(p_description), ''))
  );
  v_product public.products := private.lock_product(p_key);
  v_known public.audit_log := case when v_product.key is not null then private.find_audit_entry(p_reference, 'set_product_texts', null) end;
  v_before jsonb;
  v_problems jsonb;
  v_outcome text;
begin
  if coalesce(p_language, '') !~ '^[a-z]{2}$' then
    raise exception 'the language must have two letters' using errcode = 'N0004';
  end if;
  if v_product.key is null then
    return null;
  end if;
  v_before := coalesce(v_product.texts -> p_language, '{}');
  v_problems := to_jsonb(array_remove(
    array[private.check_product_text('title', v_after ->> 'title'), private.check_product_text('description', v_after ->> 'description')],
    null
  ));
  if v_known.id is not null then
    if v_known.after is distinct from v_after || jsonb_build_object('product', p_key, 'language', p_language) then
      raise exception 'the reference was used with another product or text' using errcode = 'N0003';
    end if;
    v_outcome := 'known';
  else
    v_outcome := case
      when v_problems <> '[]' then 'refused'
      when v_before <> p_expected then 'changed'
      when v_after = v_before then 'unchanged'
      when not coalesce(p_is_confirmed, false) then 'preview'
      else 'applied'
    end;
  end if;
  if v_outcome = 'applied' then
    update public.products as p
       set texts = p.texts || jsonb_build_object(p_language, v_after)
     where p.key = p_key
    returning p.* into v_product;
    perform private.write_audit(
      v_email, 'set_product_texts', null, p_reference,
      v_before || jsonb_build_object('product', p_key, 'language', p_language),
      v_after || jsonb_build_object('product', p_key, 'language', p_language)
    );
  end if;
  return jsonb_build_object(
    'outcome', case v_outcome when 'known' then 'applied' else v_outcome end,
    'product', private.product_card(v_product),
    'before', v_before,
    'after', v_after,
    'problems', v_problems
  );
end
$$;

revoke all on function public.admin_set_product_texts from public, anon, authenticated, service_role;
grant execute on function public.admin_set_product_texts to bot_backend, service_role;
comment on function public.admin_set_product_texts is 'Changes title and description of a product in an admin''s name';

-- Compares for an admin the providers' own lists of the last 30 days with what is recorded here
-- (public.payment_statement).
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   sums: [ { provider: text, currency: text, theirs: numeric, ours: numeric, unmatched: int } ]
--   days: [ { provider: text, day: date, currency: text, theirs: numeric, ours: numeric, unmatched: int } ]
--                          (the newest ten that differ)
--   unread: [ { provider: text, days: int } ]
--   read_days: int
--   foreign: int           (movements of other shops on the same accounts)
-- Errors: N0001 not an admin.
create or replace function public.admin_statement(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_result jsonb;
begin
  perform private.require_admin(p_admin_email);
  with lines as materialized (
    select s.* from public.payment_statement() as s
  )
  select jsonb_build_object(
      'sums', (
        select coalesce(jsonb_agg(to_jsonb(t) order by t.provider, t.currency), '[]'::jsonb)
          from (
            select l.provider, l.currency, sum(l.theirs)::text as theirs, sum(l.ours)::text as ours,
                   sum(l.unmatched) as unmatched
              from lines as l
             where l.currency is not null
             group by l.provider, l.currency
          ) as t
      ),
      'days', (
        select coalesce(jsonb_agg(to_jsonb(t) order by t.day desc, t.provider, t.currency), '[]'::jsonb)
          from (
            select l.provider, l.day, l.currency, l.theirs::text as theirs, l.ours::text as ours, l.unmatched
              from lines as l
             where l.unmatched > 0
             order by l.day desc, l.provider, l.currency
             limit 10
          ) as t
      ),
      'unread', (
        select coalesce(jsonb_agg(to_jsonb(t) order by t.provider), '[]'::jsonb)
          from (
            select d.provider, count(*) as days
              from public.statement_days as d
             where d.read_at is null and d.day > (private.clock() at time zone 'UTC')::date - 30
             group by d.provider
          ) as t
      ),
      'read_days', (
        select count(distinct d.day)
          from public.statement_days as d
         where d.read_at is not null and d.day > (private.clock() at time zone 'UTC')::date - 30
      ),
      'foreign', (
        select coalesce(sum(t.entries), 0)
          from (select max(l.foreign_entries) as entries from lines as l group by l.provider, l.day) as t
      )
    )
    into v_result;
  return v_result;
end
$$;

revoke all on function public.admin_statement from public, anon, authenticated, service_role;
grant execute on function public.admin_statement to bot_backend, service_role;
comment on function public.admin_statement is 'Compares the providers'' own lists with what is recorded here';

-- Shows a product to buyers, or hides it, in an admin's name. A hidden product cannot be ordered; open orders are
-- still honoured and renewals go on.
--
-- Concurrency: the product's row is locked. With a reference it acts once. With p_expected, the prices that the admin
--   saw, a product is not shown at other prices.
-- Locks: product (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     outcome: 'applied'   (switched, or it was like this already; also for a repetition)
--       | 'no_price'       (it has no price to show)
--       | 'changed'        (the prices are not p_expected)
--     product: private.product_card           (as it is now)
--   } | null               (no such product)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or product.
create or replace function public.admin_switch_product(
  p_key text, p_is_active boolean, p_admin_email text, p_reference text default null, p_expected jsonb default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_product public.products := private.lock_product(p_key);
  v_known public.audit_log := case when v_product.key is not null then private.find_audit_entry(p_reference, 'switch_product', null) end;
  v_prices jsonb;
  v_outcome text := 'applied';
begin
  if v_product.key is null then
    return null;
  end if;
  v_prices := private.prices_of(p_key);
  if v_known.id is not null then
    if (v_known.after ->> 'product', (v_known.after ->> 'is_active')::boolean) is distinct from (p_key, p_is_active) then
      raise exception 'the reference was used with another product or state' using errcode = 'N0003';
    end if;
  elsif v_product.is_active <> p_is_active then
    v_outcome := case
      when not p_is_active then 'applied'
      when v_prices = '{}' then 'no_price'
      when v_prices <> p_expected then 'changed'
      else 'applied'
    end;
    if v_outcome = 'applied' then
      update public.products as p set is_active = p_is_active where p.key = p_key returning p.* into v_product;
      perform private.write_audit(
        v_email, 'switch_product', null, p_reference,
        jsonb_build_object('product', p_key, 'is_active', not p_is_active),
        jsonb_build_object('product', p_key, 'is_active', p_is_active, 'prices', v_prices)
      );
    end if;
  end if;
  return jsonb_build_object('outcome', v_outcome, 'product', private.product_card(v_product));
end
$$;

revoke all on function public.admin_switch_product from public, anon, authenticated, service_role;
grant execute on function public.admin_switch_product to bot_backend, service_role;
comment on function public.admin_switch_product is 'Shows a product to buyers, or hides it';

-- Switches a promo code off or on again in an admin's name. What it gave so far stays, unused discounts included.
--
-- Concurrency: the code's row is locked. With a reference it acts once. A code that already has the state keeps it,
--   and no entry is written.
-- Locks: promo code (NO KEY UPDATE).
-- Returns: jsonb
--   private.promocode_details | null             (as it is now; null: no such code)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or code.
create or replace function public.admin_switch_promocode(
  p_code text, p_is_active boolean, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_promocode public.promocodes;
  v_known public.audit_log;
begin
  select p.* into v_promocode
    from public.promocodes as p
   where p.code = upper(trim(p_code))
     for no key update;
  if not found then
    return null;
  end if;
  v_known := private.find_audit_entry(p_reference, 'switch_promocode', null);
  if v_known.id is not null and v_known.after ->> 'code' <> v_promocode.code then
    raise exception 'the reference was used with another code' using errcode = 'N0003';
  elsif v_known.id is null and v_promocode.is_active <> p_is_active then
    perform private.write_audit(
      v_email, 'switch_promocode', null, p_reference,
      jsonb_build_object('code', v_promocode.code, 'is_active', v_promocode.is_active),
      jsonb_build_object('code', v_promocode.code, 'is_active', p_is_active)
    );
    update public.promocodes as p
       set is_active = p_is_active
     where p.id = v_promocode.id
    returning p.* into v_promocode;
  end if;
  return private.promocode_details(v_promocode);
end
$$;

revoke all on function public.admin_switch_promocode from public, anon, authenticated, service_role;
grant execute on function public.admin_switch_promocode to bot_backend, service_role;
comment on function public.admin_switch_promocode is 'Switches a promo code off or on again';

-- Lifts a user's ban in an admin's name, and enqueues a message to the user. A user who was not banned is not
-- changed; the audit entry is written all the same.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: public.admin_ban_user.before
--   after: public.admin_ban_user.before
--   outgoing: outgoing     (empty for a user who was not banned or got no message about the ban)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action or user.
create or replace function public.admin_unban_user(
  p_user_id bigint, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_user public.users;
  v_known public.audit_log;
  v_before jsonb;
  v_after constant jsonb := jsonb_build_object('banned_at', null, 'reason', null);
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'unban_user', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object('applied', false, 'before', v_known.before, 'after', v_known.after, 'outgoing', '[]'::jsonb);
  end if;

  v_before := jsonb_build_object('banned_at', v_user.banned_at, 'reason', v_user.ban_reason);
  update public.users as u
     set banned_at = null, ban_reason = null, ban_notified = false
   where u.id = p_user_id and u.banned_at is not null;
  perform private.write_audit(v_email, 'unban_user', p_user_id, p_reference, v_before, v_after);
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after, 'outgoing', case
    when v_user.ban_notified then private.notify_user(p_user_id, 'unbanned', '{}') else '[]'::jsonb
  end);
end
$$;

revoke all on function public.admin_unban_user from public, anon, authenticated, service_role;
grant execute on function public.admin_unban_user to bot_backend, service_role;
comment on function public.admin_unban_user is 'Lifts a user''s ban in an admin''s name';

-- Undoes what an admin did to a user: bonus credits, trainings, balance, a plan, or the reset of the limit. What the
-- user has spent since stays spent. Of a reset, this month and today are restored, earlier days of the month are not.
-- The user gets one message.
--
-- Concurrency: the user's row is locked, and an entry is undone once (a unique index on the log); a repeated call
--   returns what was done.
-- Locks: user (NO KEY UPDATE), then the rows that the action changed.
-- Returns: jsonb
--   outcome: 'undone'      (now, or by a call with this reference)
--     | 'known'            (undone before)
--     | 'replaced'         (a later change took its place, or its time is over)
--     | 'impossible'       (no such entry, not of a kind that can be undone, or its user is erased)
--   telegram_id?: bigint
--   action?: text
--   before?: jsonb         (as the action has them)
--   after?: jsonb
--   is_partial?: boolean   (less was left than was given)
--   outgoing?: outgoing    (the message to the user, sent once)
-- Errors: N0001 not an admin; N0003 the reference was used with another action.
create or replace function public.admin_undo(p_audit_id bigint, p_admin_email text, p_reference text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_entry public.audit_log;
  v_known public.audit_log;
  v_result jsonb;
  v_before jsonb;
  v_after jsonb;
  v_is_done boolean := true;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select l.* into v_entry from public.audit_log as l where l.id = p_audit_id;
  if v_entry.user_id is null or not private.is_undoable(v_entry) then
    return jsonb_build_object('outcome', 'impossible');
  end if;
  perform from public.users as u where u.id = v_entry.user_id for no key update;
  if not found then
    return jsonb_build_object('outcome', 'impossible');
  end if;
  v_result := jsonb_build_object(
    'telegram_id', (select u.telegram_id from public.users as u where u.id = v_entry.user_id), 'action', v_entry.action
  );
  select l.* into v_known
    from public.audit_log as l
   where l.action = 'undo' and (l.after ->> 'undoes')::bigint = p_audit_id;
  if found then
    return v_result || jsonb_build_object(
      'outcome', case when v_known.reference = p_reference then 'undone' else 'known' end,
      'before', v_known.before, 'after', v_known.after - '{undoes,action}'::text[], 'is_partial', v_known.after ? 'is_partial', 'outgoing', v_outgoing
    );
  end if;

  if v_entry.action = 'set_plan' then
    v_before := private.plan_of(v_entry.user_id);
    v_is_done := private.undo_plan(v_entry);
    v_after := private.plan_of(v_entry.user_id);
    v_outgoing := case when v_is_done then private.notify_plan_change(v_entry.user_id, v_before, v_after) end;
  elsif v_entry.action = 'reset_user_usage' then
    v_is_done := private.undo_reset(v_entry);
    v_before := jsonb_build_object('requests', 0);
    v_after := jsonb_build_object('requests', v_entry.before -> 'requests');
    v_outgoing := case when v_is_done then private.notify_user(v_entry.user_id, 'gift_reset_undone', '{}') end;
  else
    v_before := private.undo_amount(v_entry);
    v_after := jsonb_build_object('amount', v_before -> 'after') || case
      when (v_before ->> 'after')::numeric > (v_before ->> 'wanted')::numeric then '{"is_partial": true}'::jsonb
      else '{}'::jsonb
    end;
    v_outgoing := private.notify_adjustment(
      v_entry.user_id,
      case v_entry.action when 'add_bonus_credits' then 'credits' when 'give_trainings' then 'trainings' else 'balance' end,
      (v_before ->> 'before')::numeric,
      (v_before ->> 'after')::numeric
    );
    v_before := jsonb_build_object('amount', v_before -> 'before');
  end if;
  if not v_is_done then
    return v_result || jsonb_build_object('outcome', 'replaced');
  end if;
  perform private.write_audit(
    v_email, 'undo', v_entry.user_id, p_reference, v_before,
    v_after || jsonb_build_object('undoes', v_entry.id, 'action', v_entry.action)
  );
  return v_result || jsonb_build_object(
    'outcome', 'undone', 'before', v_before, 'after', v_after, 'is_partial', v_after ? 'is_partial', 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.admin_undo from public, anon, authenticated, service_role;
grant execute on function public.admin_undo to bot_backend, service_role;
comment on function public.admin_undo is 'Undoes what an admin did to a user';

-- Returns why an amount cannot be the price of a product. p_providers: keys of the payment providers that sell it.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb
--   currency: text         (null instead of all of it: the price is usable)
--   reason: 'currency'     (not a currency code)
--     | 'number'           (not a plain number)
--     | 'zero'             (zero or below)
--     | 'decimals'         (more than the currency has, or more than two, zeros too: 1,000 may mean a thousand)
--     | 'minimum'          (below what provider, one of p_providers, charges)
--     | 'maximum'          (10,000 Stars a month, Telegram's limit of a subscription, else 99,999,999)
--   limit: numeric | null
--   provider: text | null
-- Errors: none.
create or replace function private.check_price(
  p_product public.products, p_currency text, p_amount text, p_providers jsonb
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem constant jsonb := jsonb_build_object('currency', p_currency, 'limit', null, 'provider', null);
  v_is_stars_month constant boolean := p_currency = 'XTR' and coalesce(p_product.period = 'month', false);
  v_maximum constant numeric := case when v_is_stars_month then 10000 else 99999999 end;
  v_amount numeric;
  v_provider record;
begin
  if p_currency !~ '^[A-Z]{3,5}$' then
    return v_problem || '{"reason": "currency"}';
  elsif p_amount !~ '^-?[0-9]{1,20}([.][0-9]{1,20})?$' then
    return v_problem || '{"reason": "number"}';
  end if;
  v_amount := p_amount::numeric;
  if v_amount <= 0 then
    return v_problem || '{"reason": "zero"}';
  elsif length(split_part(p_amount, '.', 2)) > 2 or v_amount <> trunc(v_amount, private.currency_decimals(p_currency)) then
    return v_problem || jsonb_build_object('reason', 'decimals', 'limit', private.currency_decimals(p_currency)::text);
  elsif v_amount > v_maximum then
    return v_problem || jsonb_build_object(
      'reason', 'maximum', 'limit', v_maximum::text, 'provider', case when v_is_stars_month then 'telegram_stars' end
    );
  end if;
  select m.* into v_provider
    from private.price_minimums() as m
   where m.currency = p_currency and p_providers ? m.provider and m.minimum > v_amount
   order by m.minimum desc
   limit 1;
  if found then
    return v_problem || jsonb_build_object(
      'reason', 'minimum', 'limit', v_provider.minimum::text, 'provider', v_provider.provider
    );
  end if;
  return null;
end
$$;

revoke all on function private.check_price from public, anon, authenticated, service_role;
comment on function private.check_price is 'Returns why an amount cannot be the price of a product';

-- Returns why a title or a description of a product is invalid. A title has one line of at most 32 characters (the
-- limit of a Telegram invoice) and a visible one, because it stands alone on buttons; a description has at most 255
-- and may be missing. Neither may contain characters that change the text direction: a price behind such a title
-- would be displayed reversed.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb
--   field: 'title' | 'description'            (null instead of all of it: the text is usable)
--   reason: 'empty' | 'long' | 'characters'
--   length: int
--   limit: int
-- Errors: none.
create or replace function private.check_product_text(p_field text, p_text text)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_maximum constant integer := case p_field when 'title' then 32 else 255 end;
  v_reason text := case
    when p_field = 'title' and regexp_replace(
      coalesce(p_text, ''),
      '[\s\u00A0\u00AD\u034F\u115F\u1160\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\U000E0000-\U000E01EF]',
      '', 'g'
    ) = '' then 'empty'
    when length(p_text) > v_maximum then 'long'
    when replace(p_text, case p_field when 'title' then '' else E'\n' end, '') ~ '[[:cntrl:]\u2028-\u202E\u2066-\u2069]' then 'characters'
  end;
begin
  if v_reason is null then
    return null;
  end if;
  return jsonb_build_object('field', p_field, 'reason', v_reason, 'length', coalesce(length(p_text), 0), 'limit', v_maximum);
end
$$;

revoke all on function private.check_product_text from public, anon, authenticated, service_role;
comment on function private.check_product_text is 'Returns why a title or a description of a product is invalid';

-- Enqueues the alarms that waited for their admin's first message to a bot, oldest first, to be sent at once. Alarms
-- for any admin go to one whom a bot may write to. Alarms past their retention are deleted.
--
-- Concurrency: an alarm is deleted by the transaction that enqueues it, and skipped by all others meanwhile. An alarm
--   that was stored while its admin wrote for the first time is found by the next sweep.
-- Locks: the admins' users (KEY SHARE), then waiting alarms; locked rows are left to the next sweep.
-- Returns: integer, how many were enqueued.
-- Errors: none.
create or replace function private.enqueue_waiting_alarms(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_alarm record;
  v_ids bigint[] := array[]::bigint[];
begin
  delete from private.waiting_alarms as w
   where w.created_at < private.clock() - make_interval(days => private.setting('retention_alarms_days')::integer);
  for v_alarm in
    with ready as (
      select w.id, t.user_id, t.to_bot
        from private.waiting_alarms as w
        cross join lateral (
          select u.id as user_id, private.reachable_bot(u.id, u.telegram_id, w.bot) as to_bot
            from public.admins as a
            join public.users as u on u.telegram_id = a.telegram_id
           where (w.email is null or a.email = w.email)
             and private.reachable_bot(u.id, u.telegram_id, w.bot) is not null
           order by a.created_at, a.email
           limit 1
             for key share of u skip locked
        ) as t
       order by w.id
       limit p_limit
         for update of w skip locked
    ), gone as (
      delete from private.waiting_alarms as w
       using ready as r
       where w.id = r.id
      returning w.id, w.key, w.values, w.buttons, r.user_id, r.to_bot
    )
    select g.* from gone as g order by g.id
  loop
    v_ids := v_ids || (
      private.enqueue_user_message(v_alarm.user_id, v_alarm.to_bot, v_alarm.key, v_alarm.values, v_alarm.buttons)
      -> 0 ->> 'id'
    )::bigint;
  end loop;
  -- Enqueued calls are reserved for their caller for a minute; this caller does not deliver them.
  update public.telegram_outbox as o set send_after = private.clock() where o.id = any(v_ids);
  return cardinality(v_ids);
end
$$;

revoke all on function private.enqueue_waiting_alarms from public, anon, authenticated, service_role;
comment on function private.enqueue_waiting_alarms is 'Enqueues the alarms that waited for their admin''s first message';

-- Finds the audit entry of an admin's action by its reference.
--
-- Concurrency: the caller holds the user's row, so of two calls with one reference for one user the second finds the
--   entry of the first.
-- Locks: none.
-- Returns: public.audit_log, the entry; null for a new reference or none.
-- Errors: N0003, the reference was used with another action or user.
create or replace function private.find_audit_entry(p_reference text, p_action text, p_user_id bigint)
returns public.audit_log
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known public.audit_log;
begin
  select l.* into v_known from public.audit_log as l where l.reference = p_reference;
  if found and (v_known.action <> p_action or v_known.user_id is distinct from p_user_id) then
    raise exception 'the reference was used with another action or user' using errcode = 'N0003';
  end if;
  return v_known;
end
$$;

revoke all on function private.find_audit_entry from public, anon, authenticated, service_role;
comment on function private.find_audit_entry is 'Finds the audit entry of an admin''s action by its reference';

-- Returns whether an audit entry is of a kind that can be undone, and changed something.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_undoable(p_entry public.audit_log)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_entry.action
    when 'add_bonus_credits' then p_entry.before -> 'bonus_credits' <> p_entry.after -> 'bonus_credits'
    when 'give_trainings' then p_entry.before -> 'trainings' <> p_entry.after -> 'trainings'
    when 'adjust_balance' then p_entry.before -> 'balance' <> p_entry.after -> 'balance'
    when 'reset_user_usage' then p_entry.before -> 'requests' <> p_entry.after -> 'requests'
    when 'set_plan' then
      p_entry.after ->> 'subscription' is not null
      or jsonb_array_length(coalesce(p_entry.after -> 'replaced', '[]')) > 0
    else false
  end;
$$;

revoke all on function private.is_undoable from public, anon, authenticated, service_role;
comment on function private.is_undoable is 'Returns whether an admin''s action can be undone';

-- Finds the last action of an admin on a user, if it can still be undone and is not older than 30 days.
--
-- Concurrency: read-only, over an index.
-- Locks: none.
-- Returns: jsonb
--   id: bigint             (null instead of all of it: nothing to undo)
--   action: text
--   before: jsonb
--   after: jsonb
-- Errors: none.
create or replace function private.last_undoable(p_user_id bigint)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('id', l.id, 'action', l.action, 'before', l.before, 'after', l.after)
    from (
      select e.*
        from public.audit_log as e
       where e.user_id = p_user_id and e.action not in ('undo', 'refund_payment', 'refund_decided', 'ban_user', 'unban_user')
       order by e.user_id desc, e.id desc
       limit 1
    ) as l
   where private.is_undoable(l::public.audit_log)
     and l.created_at > private.clock() - interval '30 days'
     and not exists (
       select from public.audit_log as u where u.action = 'undo' and (u.after ->> 'undoes')::bigint = l.id
     );
$$;

revoke all on function private.last_undoable from public, anon, authenticated, service_role;
comment on function private.last_undoable is 'Finds the last action of an admin on a user, if it can be undone';

-- Reads a product and locks it until the transaction ends.
--
-- Concurrency: the second caller waits for the first.
-- Locks: product (NO KEY UPDATE).
-- Returns: public.products, the product; null for no such one.
-- Errors: none.
create or replace function private.lock_product(p_key text)
returns public.products
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p.* from public.products as p where p.key = p_key for no key update;
$$;

revoke all on function private.lock_product from public, anon, authenticated, service_role;
comment on function private.lock_product is 'Reads a product and locks it until the transaction ends';

-- Enqueues a message to a user whose bonus credits, trainings or balance (p_what) an admin changed.
--
-- Concurrency: see private.notify_user.
-- Locks: none.
-- Returns: jsonb, see private.notify_user; empty where nothing changed.
-- Errors: none.
create or replace function private.notify_adjustment(p_user_id bigint, p_what text, p_before numeric, p_after numeric)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_money constant boolean := p_what = 'balance';
  v_currency constant text := case when v_is_money then private.setting('balance_currency') end;
begin
  if p_before = p_after then
    return '[]'::jsonb;
  end if;
  return private.notify_user(
    p_user_id,
    format('gift_%s%s', p_what, case when p_after < p_before then '_taken' else '' end),
    jsonb_build_object(
      'count', case
        when v_is_money then jsonb_build_object('amount', abs(p_after - p_before), 'currency', v_currency)
        else to_jsonb(abs(p_after - p_before)::bigint)
      end,
      'left', case
        when v_is_money then jsonb_build_object('amount', p_after, 'currency', v_currency)
        else to_jsonb(p_after::bigint)
      end
    )
  );
end
$$;

revoke all on function private.notify_adjustment from public, anon, authenticated, service_role;
comment on function private.notify_adjustment is 'Enqueues a message to a user whose credits, trainings or balance changed';

-- Enqueues a templated message for the admins: all of them, or the one with p_admin_email. Each receives it in p_bot if they
-- have started that bot, otherwise in the bot they used last. For an admin who has not started any bot, and while there is no
-- admin, the message is stored until one starts a bot (private.store_waiting_alarm).
--
-- Concurrency: every call enqueues the messages again; the caller calls once per event. A recipient is checked once, so that
--   the message is either enqueued or stored, never both.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing): one for each admin who can be reached.
-- Errors: none.
create or replace function private.notify_admins(
  p_key text, p_values jsonb, p_buttons jsonb default null, p_bot text default null, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_admin record;
  v_message jsonb;
  v_messages jsonb := '[]'::jsonb;
begin
  for v_admin in
    select a.email, u.id as user_id, private.reachable_bot(u.id, u.telegram_id, p_bot) as bot
      from public.admins as a
      left join public.users as u on u.telegram_id = a.telegram_id
     where a.telegram_id is not null and (p_admin_email is null or a.email = p_admin_email)
     order by a.email
  loop
    v_message := private.enqueue_user_message(v_admin.user_id, v_admin.bot, p_key, p_values, p_buttons);
    if v_message = '[]' then
      perform private.store_waiting_alarm(v_admin.email, p_bot, p_key, p_values, p_buttons);
    end if;
    v_messages := v_messages || v_message;
  end loop;
  if not found and p_admin_email is null then
    perform private.store_waiting_alarm(null, p_bot, p_key, p_values, p_buttons);
  end if;
  return v_messages;
end
$$;

revoke all on function private.notify_admins from public, anon, authenticated, service_role;
comment on function private.notify_admins is 'Enqueues a templated message for the admins';

-- Enqueues a message to a user whose plan an admin changed. p_before and p_after: see private.plan_of.
--
-- Concurrency: see private.notify_user.
-- Locks: none.
-- Returns: jsonb, see private.notify_user; empty where nothing changed.
-- Errors: none.
create or replace function private.notify_plan_change(p_user_id bigint, p_before jsonb, p_after jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_free boolean;
begin
  if p_before = p_after then
    return '[]'::jsonb;
  end if;
  select coalesce(max(l.vip_level), 0) = 0 into v_is_free
    from public.subscription_limits as l
   where l.plan = p_after ->> 'plan';
  return private.notify_user(
    p_user_id,
    case when v_is_free then 'gift_plan_ended' when p_after ->> 'ends_at' is null then 'gift_plan_endless' else 'gift_plan' end,
    jsonb_build_object(
      'plan', jsonb_build_object('plan', p_after -> 'plan'),
      'before', jsonb_build_object('plan', p_before -> 'plan'),
      'until', jsonb_build_object('date', p_after -> 'ends_at')
    )
  );
end
$$;

revoke all on function private.notify_plan_change from public, anon, authenticated, service_role;
comment on function private.notify_plan_change is 'Enqueues a message to a user whose plan an admin changed';

-- Enqueues a templated message to a user about what an admin did, in the bot that the user used last. Users who are
-- banned, blocked the bots or never started one get none.
--
-- Concurrency: every call enqueues a message; the caller holds the user's row and calls once.
-- Locks: none.
-- Returns: jsonb, list of the messages to deliver now; empty when the user gets none.
-- Errors: none.
create or replace function private.notify_user(p_user_id bigint, p_key text, p_values jsonb, p_buttons jsonb default null)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text;
begin
  select private.reachable_bot(u.id, u.telegram_id, null) into v_bot
    from public.users as u
   where u.id = p_user_id and u.banned_at is null and u.is_active;
  return private.enqueue_user_message(p_user_id, v_bot, p_key, p_values, p_buttons);
end
$$;

revoke all on function private.notify_user from public, anon, authenticated, service_role;
comment on function private.notify_user is 'Enqueues a message to a user about what an admin did';

-- Finds the order of a payment. While no money was received (an attempt was declined), it is the order that the
-- provider named.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: public.orders, the order; all columns null without one.
-- Errors: none.
create or replace function private.payment_order(p_payment public.payments)
returns public.orders
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select o
    from public.orders as o
   where o.id = coalesce(
     p_payment.order_id,
     case when p_payment.amount is null then (p_payment.claims ->> 'order_id')::bigint end
   )
     and o.provider = p_payment.provider;
$$;

revoke all on function private.payment_order from public, anon, authenticated, service_role;
comment on function private.payment_order is 'Finds the order of a payment';

-- Returns what an admin's list shows of a payment: amount null when no money was received, texts of the product (null
-- without an order), at the time, what was fulfilled, and in open_refund the status of the last refund that needs
-- attention.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   provider: text
--   number: text
--   status: 'pending' | 'completed' | 'failed' | 'canceled' | 'refunded'
--   problem: 'no_order' | 'amount' | 'currency' | 'owner' | 'test' | 'second_charge' | 'withdrawn' | null
--   amount: numeric | null                    (null: no money came)
--   refunded: numeric
--   disputed: numeric
--   currency: text | null
--   at: timestamptz
--   texts: product_texts | null               (of the product; null without an order)
--   given: [ { effect: text, given: float, reversed: float } ]
--   open_refund: 'open' | 'unknown' | null    (the last refund that an admin must look at)
-- Errors: none.
create or replace function private.payment_summary(p_payment public.payments)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_payment.id,
    'provider', p_payment.provider,
    'number', p_payment.provider_payment_id,
    'status', p_payment.status,
    'problem', p_payment.problem,
    'amount', p_payment.amount::text,
    'refunded', p_payment.refunded::text,
    'disputed', p_payment.disputed::text,
    'currency', p_payment.currency,
    'at', coalesce(p_payment.completed_at, p_payment.created_at),
    'texts', (
      select d.texts
        from public.products as d
       where d.key = coalesce(
         (private.payment_order(p_payment)).product_key,
         (select r.product_key from public.renewals as r where r.id = p_payment.renewal_id)
       )
    ),
    'given', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('effect', e.effect, 'given', trim_scale(e.given), 'reversed', trim_scale(e.reversed))
            order by e.effect
          ),
          '[]'::jsonb
        )
        from public.payment_effects as e
       where e.payment_id = p_payment.id and e.effect <> 'commission'
    ),
    'open_refund', (
      select r.status
        from public.refunds as r
       where r.payment_id = p_payment.id and r.status in ('open', 'unknown')
       order by r.id desc
       limit 1
    )
  );
$$;

revoke all on function private.payment_summary from public, anon, authenticated, service_role;
comment on function private.payment_summary is 'Returns what an admin''s list shows of a payment';

-- Finds prices that change so much that a digit may be wrong: at least threefold, or to a third or less.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb, {currency: the factor, text with at most two decimals}.
-- Errors: none.
create or replace function private.price_jumps(p_before jsonb, p_after jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(t.currency, trim_scale(greatest(round(t.times, 2), 0.01))::text), '{}')
    from (
      select a.key as currency, a.value::numeric / (p_before ->> a.key)::numeric as times
        from jsonb_each_text(p_after) as a
       where p_before ? a.key
    ) as t
   where t.times >= 3 or t.times * 3 <= 1;
$$;

revoke all on function private.price_jumps from public, anon, authenticated, service_role;
comment on function private.price_jumps is 'Finds prices that change so much that a digit may be wrong';

-- Lists the smallest amounts that payment providers charge, where they publish them.
--
-- Sources: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts (by currency; it applies to the
-- currency of the account, so a converted charge can still be refused);
-- https://yookassa.ru/developers/payment-methods/bank-card and the page on SBP: one ruble; Telegram Stars: one Star.
-- CloudPayments, Prodamus and Crypto Pay publish none.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: table, rows of provider, currency, minimum.
-- Errors: none.
create or replace function private.price_minimums()
returns table (provider text, currency text, minimum numeric)
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  values
    ('telegram_stars', 'XTR', 1),
    ('yookassa', 'RUB', 1),
    ('stripe', 'USD', 0.50), ('stripe', 'AED', 2), ('stripe', 'AUD', 0.50), ('stripe', 'BGN', 1), ('stripe', 'BRL', 0.50),
    ('stripe', 'CAD', 0.50), ('stripe', 'CHF', 0.50), ('stripe', 'CZK', 15), ('stripe', 'DKK', 2.50), ('stripe', 'EUR', 0.50),
    ('stripe', 'GBP', 0.30), ('stripe', 'HKD', 4), ('stripe', 'HUF', 175), ('stripe', 'INR', 0.50), ('stripe', 'JPY', 50),
    ('stripe', 'MXN', 10), ('stripe', 'MYR', 2), ('stripe', 'NOK', 3), ('stripe', 'NZD', 0.50), ('stripe', 'PLN', 2),
    ('stripe', 'RON', 2), ('stripe', 'SEK', 3), ('stripe', 'SGD', 0.50), ('stripe', 'THB', 10);
$$;

revoke all on function private.price_minimums from public, anon, authenticated, service_role;
comment on function private.price_minimums is 'Lists the smallest amounts that payment providers charge';

-- Returns the prices of a product.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { [text]: numeric }    (by currency, with two decimals; empty without a price)
-- Errors: none.
create or replace function private.prices_of(p_key text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(c.currency, c.amount::text), '{}')
    from public.product_prices as c
   where c.product_key = p_key;
$$;

revoke all on function private.prices_of from public, anon, authenticated, service_role;
comment on function private.prices_of is 'Returns the prices of a product';

-- Returns a product for an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   key: text
--   kind: 'subscription' | 'credits' | 'balance' | 'course'
--   plan: text | null
--   period: 'month' | 'year' | null
--   quantity: numeric | null
--   texts: product_texts
--   is_active: boolean
--   prices: private.prices_of
-- Errors: none.
create or replace function private.product_card(p_product public.products)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'key', p_product.key,
    'kind', p_product.kind,
    'plan', p_product.plan,
    'period', p_product.period,
    'quantity', trim_scale(p_product.quantity)::text,
    'texts', p_product.texts,
    'is_active', p_product.is_active,
    'prices', private.prices_of(p_product.key)
  );
end
$$;

revoke all on function private.product_card from public, anon, authenticated, service_role;
comment on function private.product_card is 'Returns a product for an admin';

-- Finds a bot that may write to a user: p_bot where the user has a private chat with it, else the one of the latest
-- private chat. A message in a group does not allow a bot to write to the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the bot's name; null where no bot may write to the user.
-- Errors: none.
create or replace function private.reachable_bot(p_user_id bigint, p_telegram_id bigint, p_bot text)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select s.bot
    from public.bot_sessions as s
   where s.user_id = p_user_id and s.chat_id = p_telegram_id
   order by s.bot = p_bot desc nulls last, s.updated_at desc
   limit 1;
$$;

revoke all on function private.reachable_bot from public, anon, authenticated, service_role;
comment on function private.reachable_bot is 'Finds a bot that may write to a user';

-- Returns how much of a refund earlier refunds of the same payment have counted, where a provider reports the total
-- refunded so far and not each refund.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, 0 for a refund or dispute with an amount of its own; for a total, what is counted already, at
--   most its amount.
-- Errors: none.
create or replace function private.refunded_before(p_operation public.payment_operations)
returns numeric
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_operation.kind <> 'refund_total' then 0
    else least(
      p_operation.amount,
      (
        select greatest(
            coalesce(sum(o.amount) filter (where o.kind = 'refund' and not o.is_undone), 0),
            coalesce(
              max(o.amount) filter (
                where o.kind = 'refund_total'
                  and (o.amount, o.operation_id) < (p_operation.amount, p_operation.operation_id)
              ),
              0
            )
          )
          from public.payment_operations as o
         where o.payment_id = p_operation.payment_id
      )
    )
  end;
$$;

revoke all on function private.refunded_before from public, anon, authenticated, service_role;
comment on function private.refunded_before is 'Returns how much of a refund total earlier refunds have counted';

-- Replaces the prices of a product by p_prices.
--
-- Concurrency: the caller holds the product's row.
-- Locks: the product's prices.
-- Returns: void
-- Errors: none.
create or replace function private.replace_prices(p_key text, p_prices jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.product_prices as c where c.product_key = p_key and not p_prices ? c.currency;
  insert into public.product_prices as c (product_key, currency, amount)
  select p_key, e.key, e.value::numeric from jsonb_each_text(p_prices) as e
  on conflict (product_key, currency) do update set amount = excluded.amount where c.amount <> excluded.amount;
end
$$;

revoke all on function private.replace_prices from public, anon, authenticated, service_role;
comment on function private.replace_prices is 'Replaces the prices of a product';

-- Checks that an e-mail address belongs to an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the address as admins stores it.
-- Errors: N0001 not an admin.
create or replace function private.require_admin(p_admin_email text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text;
begin
  select a.email into v_email from public.admins as a where a.email = lower(p_admin_email);
  if not found then
    raise exception 'not an admin' using errcode = 'N0001';
  end if;
  return v_email;
end
$$;

revoke all on function private.require_admin from public, anon, authenticated, service_role;
comment on function private.require_admin is 'Checks that an e-mail address belongs to an admin';

-- Stores an alarm for an admin who has not started a bot yet, or (p_email null) for the first one who does. Beyond
-- 100 alarms only their number is stored.
--
-- Concurrency: every call stores one alarm; the caller calls once. Many calls at once may store a few more than 100.
-- Locks: the row that counts the alarms beyond 100.
-- Returns: void
-- Errors: none.
create or replace function private.store_waiting_alarm(
  p_email text, p_bot text, p_key text, p_values jsonb, p_buttons jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if (select count(*) from private.waiting_alarms as w where w.email is not distinct from p_email) < 100 then
    insert into private.waiting_alarms (email, bot, key, values, buttons)
    values (p_email, p_bot, p_key, p_values, p_buttons);
  else
    insert into private.waiting_alarms as w (email, bot, key, values)
    values (p_email, p_bot, 'admin_alarms_more', '{"count": 1}')
    on conflict (coalesce(email, '')) where key = 'admin_alarms_more' do update
      set values = jsonb_build_object('count', (w.values ->> 'count')::integer + 1);
  end if;
end
$$;

revoke all on function private.store_waiting_alarm from public, anon, authenticated, service_role;
comment on function private.store_waiting_alarm is 'Stores an alarm for an admin who has not started a bot yet';

-- Reverses a change of bonus credits, trainings or balance by an admin: takes back what was added, as much as is
-- left, or returns what was taken.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the rows that the action changed.
-- Returns: jsonb, {before, after, wanted}: the amount before, now, and what a complete reversal would give.
-- Errors: none.
create or replace function private.undo_amount(p_entry public.audit_log)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_field constant text := case p_entry.action
    when 'add_bonus_credits' then 'bonus_credits' when 'give_trainings' then 'trainings' else 'balance'
  end;
  v_change constant numeric := (p_entry.before ->> v_field)::numeric - (p_entry.after ->> v_field)::numeric;
  v_user public.users;
  v_before numeric;
  v_after numeric;
begin
  select u.* into v_user from public.users as u where u.id = p_entry.user_id;
  v_before := case v_field
    when 'bonus_credits' then v_user.bonus_credits
    when 'balance' then v_user.balance
    else (select coalesce(sum(f.quantity - f.used), 0) from public.free_trainings as f where f.user_id = v_user.id)
  end;
  v_after := greatest(v_before + v_change, 0);
  if v_after = v_before then
    null;
  elsif v_field = 'bonus_credits' then
    update public.users as u set bonus_credits = v_after where u.id = v_user.id;
  elsif v_field = 'balance' then
    perform public.adjust_balance(v_user.telegram_id, v_after - v_before, 'admin', 'admins:undo:' || p_entry.id);
  elsif v_after > v_before then
    perform private.give_trainings(v_user.id, 'admin', 'undo:' || p_entry.id, (v_after - v_before)::integer);
  else
    perform private.use_trainings(v_user.id, (v_before - v_after)::integer);
  end if;
  return jsonb_build_object('before', v_before, 'after', v_after, 'wanted', v_before + v_change);
end
$$;

revoke all on function private.undo_amount from public, anon, authenticated, service_role;
comment on function private.undo_amount is 'Reverses a change of an amount by an admin';

-- Ends the plan that an admin gave, and restores those it replaced that would still run.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the subscriptions, then as private.refresh_access.
-- Returns: boolean, false and nothing changed where a later action of an admin has changed the plan, or nothing is
--   left to undo.
-- Errors: none.
create or replace function private.undo_plan(p_entry public.audit_log)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_given constant bigint := (p_entry.after ->> 'subscription')::bigint;
  v_replaced constant bigint[] := array(select jsonb_array_elements_text(p_entry.after -> 'replaced')::bigint);
begin
  if exists (
    select from public.subscriptions as s
     where s.user_id = p_entry.user_id and s.source = 'admin' and s.status = 'active' and s.id is distinct from v_given
  ) then
    return false;
  end if;
  if v_given is not null then
    update public.subscriptions as s set status = 'canceled', ended_at = v_now where s.id = v_given and s.status = 'active';
    if not found then
      return false;
    end if;
  end if;
  update public.subscriptions as s
     set status = 'active', ended_at = null
   where s.id = any(v_replaced) and s.status = 'canceled' and (s.ends_at is null or s.ends_at > v_now);
  if v_given is null and not found then
    return false;
  end if;
  perform private.refresh_access(p_entry.user_id);
  return true;
end
$$;

revoke all on function private.undo_plan from public, anon, authenticated, service_role;
comment on function private.undo_plan is 'Reverses a plan that an admin gave or ended';

-- Restores the requests of the month that an admin reset, and those of the day while it lasts.
--
-- Concurrency: the caller holds the user's row, as every reservation does.
-- Locks: monthly_usage, daily_usage.
-- Returns: boolean, false and nothing changed in a later month.
-- Errors: none.
create or replace function private.undo_reset(p_entry public.audit_log)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  update public.monthly_usage as m
     set requests = m.requests + (p_entry.before ->> 'requests')::integer
   where m.user_id = p_entry.user_id
     and m.month = (p_entry.before ->> 'month')::date
     and m.month = date_trunc('month', v_today::timestamp)::date;
  if not found then
    return false;
  end if;
  update public.daily_usage as d
     set requests = d.requests + (p_entry.before ->> 'day_requests')::integer
   where d.user_id = p_entry.user_id
     and d.day = v_today
     and d.day = (p_entry.before ->> 'day')::date
     and d.bot = (
       select min(o.bot) from public.daily_usage as o where o.user_id = p_entry.user_id and o.day = v_today
     );
  return true;
end
$$;

revoke all on function private.undo_reset from public, anon, authenticated, service_role;
comment on function private.undo_reset is 'Reverses the reset of a user''s limit';

-- Writes an audit entry for an admin's action.
--
-- Concurrency: the reference is unique: of two different actions with one reference the second fails and is rolled
--   back. The caller has searched for it before (private.find_audit_entry), holding the user's row.
-- Locks: none.
-- Returns: bigint, the id of the entry.
-- Errors: N0003, the reference was used with another action or user.
create or replace function private.write_audit(
  p_admin_email text, p_action text, p_user_id bigint, p_reference text, p_before jsonb, p_after jsonb
)
returns bigint
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into public.audit_log (admin_email, action, user_id, reference, before, after)
  values (p_admin_email, p_action, p_user_id, p_reference, p_before, p_after)
  returning id into v_id;
  return v_id;
exception when unique_violation then
  raise exception 'the reference was used with another action or user' using errcode = 'N0003';
end
$$;

revoke all on function private.write_audit from public, anon, authenticated, service_role;
comment on function private.write_audit is 'Writes an audit entry for an admin''s action';

-- Changes a user's balance and writes the ledger entry, once per reference. Called by our own code and, with the secret key,
-- by other services of the same owner. A user whom no bot has seen yet is created; their first message to a bot still counts as
-- their first (users.has_started).
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the first call's ledger
--   entry and changes nothing. Two calls that use one reference for different users collide in its unique index; the second
--   fails with L0003. Two calls that create the same user collide in the unique telegram_id and continue with one row.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   balance: numeric       (after the call)
--   applied: boolean       (false: an earlier call applied the reference)
--   transaction_id: bigint (balance_transactions.id)
-- Errors: L0001 no Telegram user can have this id; L0002 the balance would become negative; L0003 the reference was used with
--   another amount or user; L0004 the amount, reason or reference is invalid; 40001 the user was erased at this moment (retry).
create or replace function public.adjust_balance(
  p_telegram_id bigint, p_amount numeric, p_reason text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_known public.balance_transactions;
  v_id bigint;
begin
  if p_amount is null or p_amount = 0 or p_amount <> round(p_amount, 2) or abs(p_amount) >= 10000000000 then
    raise exception 'the amount must not be zero and must have at most two decimals' using errcode = 'L0004';
  elsif coalesce(p_reason, '') = '' or coalesce(p_reference, '') not like '_%:_%' then
    raise exception 'a reason and a reference of the form service:number are required' using errcode = 'L0004';
  end if;

  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    v_user := private.create_unseen_user(p_telegram_id);
  end if;
  select t.* into v_known from public.balance_transactions as t where t.reference = p_reference;
  if found then
    if v_known.user_id is distinct from v_user.id or v_known.amount <> p_amount then
      raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
    end if;
    return jsonb_build_object(
      'balance', v_user.balance::text, 'applied', false, 'transaction_id', v_known.id
    );
  elsif v_user.balance + p_amount < 0 then
    raise exception 'the balance would become negative' using errcode = 'L0002';
  end if;

  begin
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, p_amount, v_user.balance + p_amount, p_reason, p_reference)
    returning id into v_id;
  exception when unique_violation then
    -- A concurrent call used the reference for another user.
    raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
  end;
  update public.users as u set balance = u.balance + p_amount where u.id = v_user.id
  returning u.* into v_user;
  return jsonb_build_object('balance', v_user.balance::text, 'applied', true, 'transaction_id', v_id);
end
$$;

revoke all on function public.adjust_balance from public, anon, authenticated, service_role;
grant execute on function public.adjust_balance to bot_backend, service_role;
comment on function public.adjust_balance is 'Changes a user''s balance, once per reference';

-- Verifies that every balance equals the sum of its ledger and that the ledger entries of erased users add up to zero. Scans
-- both tables completely: for a nightly job or an admin.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     user_id: bigint | null                  (null: all erased users together)
--     balance: numeric
--     ledger: numeric
--   } ]                    (the differences; empty when all agree)
-- Errors: none.
create or replace function public.check_balances()
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object('user_id', u.id, 'balance', coalesce(u.balance, 0)::text, 'ledger', coalesce(l.total, 0)::text)
      order by u.id
    ),
    '[]'::jsonb
  )
  from public.users as u
  full join (
    select t.user_id, sum(t.amount) as total
      from public.balance_transactions as t
     group by t.user_id
  ) as l on l.user_id = u.id
  where coalesce(u.balance, 0) <> coalesce(l.total, 0);
$$;

revoke all on function public.check_balances from public, anon, authenticated, service_role;
grant execute on function public.check_balances to bot_backend, service_role;
comment on function public.check_balances is 'Users whose balance differs from the sum of their ledger';

-- Returns the user API key that a user's requests use.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   provider: text         (null instead of all of it: requests go to the plan)
--   key_id: text
--   ciphertext: text       (base64)
-- Errors: none.
create or replace function private.active_token(p_user_id bigint)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'provider', t.provider,
      'key_id', t.key_id,
      'ciphertext', translate(encode(t.ciphertext, 'base64'), E'\n', '')
    )
    from public.user_tokens as t
    where t.user_id = p_user_id and t.is_active
  );
end
$$;

revoke all on function private.active_token from public, anon, authenticated, service_role;
comment on function private.active_token is 'Returns the user API key that a user''s requests use';

-- Applies what a handler changed about a user's API keys.
--
-- p_change is one of {store: {provider, ciphertext, key_id, last_four, is_checked}}, {remove: provider}, {use:
-- provider or null}, {refuse: {provider, ciphertext}}.
--
-- Concurrency: as the function it calls; the caller holds the update row and calls once.
-- Locks: as the function it calls.
-- Returns: void
-- Errors: K0001 and K0002, see public.store_user_token.
create or replace function private.change_token(p_user_id bigint, p_change jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_new jsonb := p_change -> 'store';
  v_refused jsonb := p_change -> 'refuse';
begin
  if v_new is not null then
    perform public.store_user_token(
      p_user_id, v_new ->> 'provider', v_new ->> 'ciphertext', v_new ->> 'key_id', v_new ->> 'last_four',
      coalesce((v_new ->> 'is_checked')::boolean, false)
    );
  elsif v_refused is not null then
    perform public.refuse_user_token(p_user_id, v_refused ->> 'provider', v_refused ->> 'ciphertext');
  elsif p_change ? 'remove' then
    perform public.remove_user_token(p_user_id, p_change ->> 'remove');
  elsif p_change ? 'use' then
    perform public.use_user_token(p_user_id, p_change ->> 'use');
  end if;
end
$$;

revoke all on function private.change_token from public, anon, authenticated, service_role;
comment on function private.change_token is 'Applies what a handler changed about a user''s API keys';

-- Lists a user's API keys without the key and its ciphertext, the oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     provider: text, last_four: text, key_id: text, status: 'ok' | 'refused', is_active: boolean,
--     created_at: timestamptz, checked_at: timestamptz | null
--   } ]                    (oldest first)
-- Errors: none.
create or replace function public.list_user_tokens(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'provider', t.provider,
        'last_four', t.last_four,
        'key_id', t.key_id,
        'status', t.status,
        'is_active', t.is_active,
        'created_at', t.created_at,
        'checked_at', t.checked_at
      )
      order by t.created_at, t.id
    ),
    '[]'::jsonb
  )
  from public.user_tokens as t
  where t.user_id = p_user_id;
$$;

revoke all on function public.list_user_tokens from public, anon, authenticated, service_role;
grant execute on function public.list_user_tokens to bot_backend;
comment on function public.list_user_tokens is 'Lists a user''s API keys without the key itself';

-- Removes the content of a message from an update; keeps its number, sender, chat and date.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb, the update with a message of these fields and the text "[hidden]" (log.REDACTED), which tells a
--   later worker, such as the sweep, that the content is gone.
-- Errors: none.
create or replace function private.redact_update(p_payload jsonb, p_kind text)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'update_id', p_payload -> 'update_id',
    p_kind,
    coalesce(
      (
        select jsonb_object_agg(m.key, m.value)
          from jsonb_each(p_payload -> p_kind) as m
         where m.key in ('message_id', 'from', 'chat', 'date', 'message_thread_id', 'is_topic_message')
      ),
      '{}'
    ) || '{"text": "[hidden]"}'
  );
$$;

revoke all on function private.redact_update from public, anon, authenticated, service_role;
comment on function private.redact_update is 'Removes the content of a message from an update';

-- Records that a provider rejected a user API key: it is not used any more, and requests use the plan again.
-- p_ciphertext is base64, as public.receive_update returned it.
--
-- Concurrency: only the key that was rejected is marked. A key that replaced it meanwhile, or was encrypted again, is
--   left alone; if it is invalid too, its own rejection follows.
-- Locks: the key's row.
-- Returns: jsonb
--   outcome: 'refused' | 'unknown'
-- Errors: none.
create or replace function public.refuse_user_token(p_user_id bigint, p_provider text, p_ciphertext text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.user_tokens as t
     set status = 'refused', is_active = false
   where t.user_id = p_user_id and t.provider = p_provider and t.ciphertext = decode(p_ciphertext, 'base64');
  return jsonb_build_object('outcome', case when found then 'refused' else 'unknown' end);
end
$$;

revoke all on function public.refuse_user_token from public, anon, authenticated, service_role;
grant execute on function public.refuse_user_token to bot_backend;
comment on function public.refuse_user_token is 'Records that a provider rejected a user API key';

-- Deletes a user's API key of a provider. If it was in use, requests use the plan again.
--
-- Concurrency: idempotent.
-- Locks: the key's row.
-- Returns: jsonb
--   outcome: 'removed' | 'unknown'
-- Errors: none.
create or replace function public.remove_user_token(p_user_id bigint, p_provider text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider;
  return jsonb_build_object('outcome', case when found then 'removed' else 'unknown' end);
end
$$;

revoke all on function public.remove_user_token from public, anon, authenticated, service_role;
grant execute on function public.remove_user_token to bot_backend;
comment on function public.remove_user_token is 'Deletes a user API key';

-- Stores a user's API key of an AI provider, already encrypted, and uses it from now on. It replaces an earlier key
-- of this provider. p_ciphertext is base64; p_is_checked: the provider accepted the key.
--
-- Concurrency: the user's row is locked: of two keys stored at once both are kept and one is in use, or the later one
--   where they are of one provider. A repeated call stores the same key.
-- Locks: user (NO KEY UPDATE), then the user's keys.
-- Returns: jsonb
--   outcome: 'stored' | 'replaced'
-- Errors: K0001 no such user; K0002 the values cannot be a key.
create or replace function public.store_user_token(
  p_user_id bigint,
  p_provider text,
  p_ciphertext text,
  p_key_id text,
  p_last_four text,
  p_is_checked boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_is_known boolean;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'K0001';
  end if;
  v_is_known := exists (
    select from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider
  );
  update public.user_tokens as t set is_active = false where t.user_id = p_user_id and t.is_active;
  insert into public.user_tokens as t
    (user_id, provider, ciphertext, key_id, last_four, is_active, status, created_at, checked_at)
  values (
    p_user_id, p_provider, decode(p_ciphertext, 'base64'), p_key_id, p_last_four, true, 'ok', v_now,
    case when p_is_checked then v_now end
  )
  on conflict (user_id, provider) do update
    set ciphertext = excluded.ciphertext,
        key_id = excluded.key_id,
        last_four = excluded.last_four,
        is_active = true,
        status = 'ok',
        created_at = excluded.created_at,
        checked_at = excluded.checked_at;
  return jsonb_build_object('outcome', case when v_is_known then 'replaced' else 'stored' end);
exception when check_violation or not_null_violation or invalid_parameter_value then
  -- Not Postgres' own message, because it quotes the row.
  raise exception 'the values cannot be a key' using errcode = 'K0002';
end
$$;

revoke all on function public.store_user_token from public, anon, authenticated, service_role;
grant execute on function public.store_user_token to bot_backend;
comment on function public.store_user_token is 'Stores a user API key, encrypted, and uses it';

-- Chooses which of a user's API keys is used from now on; without p_provider none, and requests use the plan. A key
-- that its provider rejected may be chosen too: the user may have repaired it there.
--
-- Concurrency: the user's row is locked, so at most one key is in use, the one chosen last.
-- Locks: user (NO KEY UPDATE), then the user's keys.
-- Returns: jsonb
--   outcome: 'chosen' | 'unknown'             (unknown changes nothing)
-- Errors: none.
create or replace function public.use_user_token(p_user_id bigint, p_provider text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if p_provider is not null and not exists (
    select from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider
  ) then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  update public.user_tokens as t set is_active = false where t.user_id = p_user_id and t.is_active;
  update public.user_tokens as t
     set is_active = true, status = 'ok'
   where t.user_id = p_user_id and t.provider = p_provider;
  return jsonb_build_object('outcome', 'chosen');
end
$$;

revoke all on function public.use_user_token from public, anon, authenticated, service_role;
grant execute on function public.use_user_token to bot_backend;
comment on function public.use_user_token is 'Chooses which API key of a user is used';

-- Records that a user's request to cancel a renewal at its provider (public.begin_cancel) failed or got no answer. A webhook
-- event that confirms the cancellation later is then confirmed to the user by a message.
--
-- Concurrency: one update of the renewal's row; a repeated call changes nothing.
-- Locks: renewal.
-- Returns: jsonb
--   outcome: 'known'       (its callback came meanwhile and says that it is stopped)
--     | 'running' | 'unknown'
--   charged_until?: timestamptz | null        (known)
--   is_over?: boolean | null                  (known: the paid period is over already)
-- Errors: none.
create or replace function public.abort_cancel(p_user_id bigint, p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
begin
  update public.renewals as r
     set cancel_requested_at = null
   where r.id = p_renewal_id and r.user_id = p_user_id
  returning r.* into v_renewal;
  return case
    when v_renewal.id is null then jsonb_build_object('outcome', 'unknown')
    when v_renewal.status in ('canceled', 'ended') then jsonb_build_object(
      'outcome', 'known',
      'charged_until', v_renewal.charged_until,
      'is_over', v_renewal.charged_until <= private.clock()
    )
    else jsonb_build_object('outcome', 'running')
  end;
end
$$;

revoke all on function public.abort_cancel from public, anon, authenticated, service_role;
grant execute on function public.abort_cancel to bot_backend;
comment on function public.abort_cancel is 'Records that a request to cancel a renewal at its provider failed';

-- Closes an open charge attempt that the provider has no record of, so that the next attempt uses another idempotency key. A
-- canceled renewal gets no further attempt: the next run ends it (private.prepare_renewal).
--
-- Concurrency: one update of the renewal's row. Only attempt p_attempt is closed, so a repeated call changes nothing.
-- Locks: renewal.
-- Returns: void
-- Errors: none.
create or replace function public.abort_charge(p_renewal_id bigint, p_attempt integer)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.renewals as r
     set attempt_started_at = null,
         lease_until = null,
         attempts = r.attempts + 1,
         charge_at = greatest(r.charged_until, private.clock())
   where r.id = p_renewal_id and r.attempts = p_attempt and r.attempt_started_at is not null;
$$;

revoke all on function public.abort_charge from public, anon, authenticated, service_role;
grant execute on function public.abort_charge to bot_backend;
comment on function public.abort_charge is 'Closes a charge attempt that the provider has no record of';

-- Changes a user's balance for a payment, through the ledger (public.adjust_balance). p_adjustment numbers the changes of one
-- effect: 0 is the fulfilment, each reversal or restoration adds one (payment_effects.adjustments).
--
-- Concurrency: the ledger's reference consists of the payment, the effect and p_adjustment, so each change counts once.
-- Locks: user (NO KEY UPDATE).
-- Returns: void
-- Errors: those of public.adjust_balance.
create or replace function private.adjust_balance_for_payment(
  p_user_id bigint, p_amount numeric, p_reason text, p_payment_id bigint, p_effect text, p_adjustment integer
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform public.adjust_balance(
    (select u.telegram_id from public.users as u where u.id = p_user_id),
    p_amount,
    p_reason,
    format('payments:%s:%s:%s', p_payment_id, p_effect, p_adjustment)
  );
end
$$;

revoke all on function private.adjust_balance_for_payment from public, anon, authenticated, service_role;
comment on function private.adjust_balance_for_payment is 'Changes a user''s balance for a payment';

-- Reverses a part of a payment effect (p_amount below zero) or restores it (above zero). Nothing happens for an erased user.
--
-- Concurrency: the caller holds the payment and the user. The ledger's reference contains the number of the adjustment; the
--   caller stores the new number.
-- Locks: user (NO KEY UPDATE, held by the caller), then the user's subscriptions of the plan.
-- Returns: numeric, the quantity reversed: at most what the user had left; 0 for a restoration.
-- Errors: none.
create or replace function private.adjust_effect(
  p_payment public.payments, p_effect public.payment_effects, p_amount numeric
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_plan text;
  v_reversed numeric := 0;
begin
  select u.* into v_user from public.users as u where u.id = p_effect.user_id;
  if not found or p_amount = 0 then
    return 0;
  end if;
  case p_effect.effect
    when 'credits' then
      v_reversed := least(-p_amount, v_user.bonus_credits);
      update public.users as u
         set bonus_credits = u.bonus_credits - v_reversed::integer
       where u.id = v_user.id;
    when 'balance', 'commission' then
      v_reversed := least(-p_amount, v_user.balance);
      if v_reversed <> 0 then
        perform private.adjust_balance_for_payment(
          v_user.id, -v_reversed, 'refund', p_payment.id, p_effect.effect, p_effect.adjustments + 1
        );
      end if;
    when 'subscription' then
      select s.plan into v_plan from public.subscriptions as s where s.id = p_effect.subscription_id;
      if p_amount > 0 then
        perform private.extend_subscription(v_user.id, v_plan, 'purchase', null, p_amount);
      else
        v_reversed := floor(private.shorten_subscription(v_user.id, v_plan, 'purchase', -p_amount));
      end if;
    else
      v_reversed := greatest(-p_amount, 0);
  end case;
  return greatest(v_reversed, 0);
end
$$;

revoke all on function private.adjust_effect from public, anon, authenticated, service_role;
comment on function private.adjust_effect is 'Reverses a part of a payment effect, or restores it';

-- Stores how many of a bot's Star transactions have been read. Called once these transactions are recorded.
--
-- Concurrency: the position only increases: a worker that has read less changes nothing.
-- Locks: the bot's row of star_positions.
-- Returns: void
-- Errors: none.
create or replace function public.advance_star_position(p_bot text, p_position integer)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.star_positions as s
     set position = greatest(s.position, p_position), read_at = private.clock()
   where s.bot = p_bot;
$$;

revoke all on function public.advance_star_position from public, anon, authenticated, service_role;
grant execute on function public.advance_star_position to bot_backend;
comment on function public.advance_star_position is 'Stores how many of a bot''s Star transactions have been read';

-- Enqueues a templated message for all admins, with a button that opens payment p_payment_id if it is given.
--
-- Concurrency: every call enqueues the messages; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, see private.notify_admins.
-- Errors: none.
create or replace function private.alarm_admins(p_key text, p_values jsonb, p_payment_id bigint default null)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.notify_admins(
    p_key,
    p_values || jsonb_build_object('payment', p_payment_id),
    case
      when p_payment_id is not null then jsonb_build_array(
        jsonb_build_array(
          jsonb_build_object('key', 'admin_button_payment', 'data', format('admin:payment:%s:new', p_payment_id))
        )
      )
    end
  );
end
$$;

revoke all on function private.alarm_admins from public, anon, authenticated, service_role;
comment on function private.alarm_admins is 'Enqueues a message for all admins, with a button to a payment';

-- Alerts the admins that a period of a renewal was not charged in time: our job did not run, or the provider did not charge (or
-- its webhook event was lost and its statement does not list the charge).
--
-- Concurrency: the caller holds the renewal's lock. renewals.alarmed_period keeps it to one alarm per period.
-- Locks: renewal (held by the caller).
-- Returns: jsonb, the messages to deliver now (see private.notify_admins); empty if the admins know.
-- Errors: none.
create or replace function private.alarm_missed_charge(p_renewal public.renewals)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.renewals as r
     set alarmed_period = r.charged_until
   where r.id = p_renewal.id and r.alarmed_period is distinct from r.charged_until;
  if not found then
    return '[]'::jsonb;
  end if;
  return private.alarm_admins(
    'renewal_alarm_missed',
    jsonb_build_object(
      'provider', jsonb_build_object('provider', p_renewal.provider),
      'number', p_renewal.provider_subscription_id,
      'money', jsonb_build_object('amount', p_renewal.amount, 'currency', p_renewal.currency),
      'until', jsonb_build_object('date', p_renewal.charged_until)
    ),
    (select max(p.id) from public.payments as p where p.user_id = p_renewal.user_id and p.provider = p_renewal.provider)
  );
end
$$;

revoke all on function private.alarm_missed_charge from public, anon, authenticated, service_role;
comment on function private.alarm_missed_charge is 'Alerts the admins that a period of a renewal was not charged in time';

-- Alerts the admins about active renewals whose next period had neither a charge nor a refusal until one day after the grace
-- period. Charges nothing and grants nothing.
--
-- Concurrency: renewals that another transaction has locked are skipped. Each period causes one alarm
--   (private.alarm_missed_charge).
-- Locks: renewals by charged_until (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.alarm_missed_charges(p_limit integer default 20)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_renewal in
    select r.*
      from public.renewals as r
     where r.status = 'active'
       and r.user_id is not null
       and r.charged_until < private.clock() - private.grace_period() - interval '1 day'
       and r.alarmed_period is distinct from r.charged_until
     order by r.charged_until
     limit p_limit
       for update skip locked
  loop
    v_outgoing := v_outgoing || private.alarm_missed_charge(v_renewal);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.alarm_missed_charges from public, anon, authenticated, service_role;
grant execute on function public.alarm_missed_charges to bot_backend;
comment on function public.alarm_missed_charges is 'Alerts the admins about renewals that were not charged';

-- Alerts the admins about a payment that they must review. p_problem is the payment's problem, or dispute.
--
-- Concurrency: every call enqueues the messages; the caller calls once per problem of a payment.
-- Locks: none.
-- Returns: jsonb, see private.enqueue_admin_message.
-- Errors: none.
create or replace function private.alarm_payment_problem(p_payment public.payments, p_problem text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.enqueue_admin_message(p_payment, 'payment_alarm_' || p_problem, '{}'::jsonb);
end
$$;

revoke all on function private.alarm_payment_problem from public, anon, authenticated, service_role;
comment on function private.alarm_payment_problem is 'Alerts the admins about a payment that they must review';

-- Alerts the admins about refunds and disputes in another currency than their payment: they are excluded from the sums and
-- reverse nothing.
--
-- Concurrency: the caller holds the payment's lock and calls once per new operation. The charge itself (kind paid), with which
--   the payment's currency becomes known, reports the operations that arrived before it.
-- Locks: none.
-- Returns: jsonb, see private.enqueue_admin_message.
-- Errors: none.
create or replace function private.alarm_refund_currency(p_payment_id bigint, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_operation public.payment_operations;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select p.* into v_payment from public.payments as p where p.id = p_payment_id;
  for v_operation in
    select o.*
      from public.payment_operations as o
     where o.payment_id = p_payment_id
       and (
         p_event ->> 'kind' = 'paid'
         or o.operation_id = coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id')
       )
       and v_payment.currency is not null
       and private.has_other_currency(o)
     order by o.kind, o.operation_id
  loop
    v_outgoing := v_outgoing || private.enqueue_admin_message(
      v_payment,
      'payment_alarm_refund_currency',
      jsonb_build_object(
        'back', jsonb_build_object('amount', v_operation.amount, 'currency', v_operation.currency)
      )
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.alarm_refund_currency from public, anon, authenticated, service_role;
comment on function private.alarm_refund_currency is 'Alerts the admins about refunds and disputes in another currency';

-- Alerts the admins about a subscription at a provider that they may have to review. p_problem: erased (it began after its user
-- was erased), running (the provider does not cancel it) or unknown (no user has it).
--
-- Concurrency: every call enqueues the messages; the caller calls once per subscription and problem.
-- Locks: none.
-- Returns: jsonb, see private.notify_admins.
-- Errors: none.
create or replace function private.alarm_subscription_problem(p_provider text, p_subscription_id text, p_problem text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.notify_admins(
    'subscription_alarm_' || p_problem,
    jsonb_build_object(
      'provider', jsonb_build_object('provider', p_provider), 'number', p_subscription_id
    )
  );
end
$$;

revoke all on function private.alarm_subscription_problem from public, anon, authenticated, service_role;
comment on function private.alarm_subscription_problem is 'Alerts the admins about a subscription at a provider';

-- Applies one payment event (shared/payments/events.py) to its payment: stores what it says of the payment, then brings the
-- payment up to date (private.settle_payment). An event of a subscription changes its renewal instead; one without a payment is
-- about an attempt that never became a charge and changes its order only. Events of kind other change nothing.
--
-- Concurrency: the payment is inserted once and its row locked. Each operation is stored under the provider's id
--   (private.upsert_operation), so a repeated event changes no sum. A decided dispute and a failed refund stay so, whatever
--   events arrive later.
-- Locks: payment, then as private.settle_payment (order, renewal, users by id), then the refund that the event decides. Without
--   a payment: order and renewal, or the renewal alone. The caller holds the users and discounts (private.lock_payers).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: M0001 an amount is missing or negative (private.upsert_operation); M0002 no user has the subscription
--   (private.change_renewal).
create or replace function private.apply_payment_event(p_provider text, p_event jsonb, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := p_event ->> 'kind';
  v_payment public.payments;
  v_is_new boolean := false;
  v_is_lost boolean := false;  -- this event decides the dispute against us
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_kind = 'other' then
    return v_outgoing;
  elsif v_kind like 'subscription\_%' then
    return private.change_renewal(p_provider, p_event);
  elsif p_event ->> 'payment_id' is null then
    return private.record_order_failure(p_provider, p_event);
  end if;

  insert into public.payments as p (provider, provider_payment_id)
  values (p_provider, p_event ->> 'payment_id')
  on conflict (provider, provider_payment_id) do nothing;
  select p.* into v_payment
    from public.payments as p
   where p.provider = p_provider and p.provider_payment_id = p_event ->> 'payment_id'
     for update;
  update public.payments as p
     set currency = coalesce(p.currency, case when v_kind = 'paid' then p_event ->> 'currency' end),
         has_failed = p.has_failed or v_kind = 'failed',
         is_canceled = p.is_canceled or v_kind = 'canceled',
         is_test = p.is_test or coalesce((p_event ->> 'is_test')::boolean, false),
         -- A repeated event does not restore a method that the renewal has taken over or deleted.
         saved_method = case
           when p.completed_at is null then coalesce(p_event ->> 'saved_method', p.saved_method)
           else p.saved_method
         end,
         claims = p.claims || jsonb_strip_nulls(
           jsonb_build_object(
             'order_id', p_event -> 'order_id',
             'subscription_id', p_event -> 'subscription_id',
             -- The first payer stays, also the 0 of an erased user.
             'telegram_id', coalesce(p.claims -> 'telegram_id', p_event -> 'telegram_id'),
             'payer', case when v_kind = 'paid' then p_event -> 'payer' end,
             'paid_at', case when v_kind = 'paid' then p_event -> 'happened_at' end,
             'period_ends_at', case when v_kind = 'paid' then p_event -> 'period_ends_at' end,
             'is_final', p_event -> 'is_final',
             'has_buyer_terms', case when v_kind = 'paid' then p_event -> 'has_buyer_terms' end,
             'is_invoice', case when v_kind = 'paid' then p_event -> 'is_invoice' end
           )
         )
   where p.id = v_payment.id;
  if v_kind in ('paid', 'refunded', 'refund_failed', 'disputed', 'dispute_won', 'dispute_lost') then
    v_is_lost := v_kind = 'dispute_lost' and not exists (
      select
        from public.payment_operations as o
       where o.payment_id = v_payment.id and o.kind = 'dispute' and o.is_final
         and o.operation_id = coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id')
    );
    v_is_new := private.upsert_operation(v_payment.id, p_event);
  end if;
  v_outgoing := private.settle_payment(v_payment.id, p_accept_test);
  if v_kind = 'pending' and exists (
    select from public.payments as p where p.id = v_payment.id and p.status = 'pending'
  ) then
    v_outgoing := v_outgoing || private.record_order_failure(p_provider, p_event);
  end if;
  if v_is_lost then
    v_outgoing := v_outgoing || private.notify_dispute_lost(v_payment.id);
  end if;
  if v_is_new then
    v_outgoing := v_outgoing || private.alarm_refund_currency(v_payment.id, p_event);
  end if;
  if v_kind in ('refunded', 'refund_failed') then
    v_outgoing := v_outgoing || private.close_refund(v_payment.id, p_event);
  end if;
  return v_outgoing;
end
$$;

revoke all on function private.apply_payment_event from public, anon, authenticated, service_role;
comment on function private.apply_payment_event is 'Applies one payment event to its payment';

-- Records that a user is canceling a renewal at its provider with our button. The screen of that button shows the result, so
-- the provider's webhook event about it sends no second confirmation.
--
-- Concurrency: the last call counts, for two minutes (private.change_renewal).
-- Locks: renewal.
-- Returns: void
-- Errors: none.
create or replace function public.begin_cancel(p_user_id bigint, p_renewal_id bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.renewals as r
     set cancel_requested_at = private.clock()
   where r.id = p_renewal_id and r.user_id = p_user_id and r.status in ('active', 'past_due');
$$;

revoke all on function public.begin_cancel from public, anon, authenticated, service_role;
grant execute on function public.begin_cancel to bot_backend;
comment on function public.begin_cancel is 'Records that a user is canceling a renewal at its provider';

-- Cancels an order whose provider refused to create a checkout: there is no way to pay it.
--
-- Concurrency: one update of the order's row. An order that has a checkout, or is not pending any more, does not change.
-- Locks: order.
-- Returns: void
-- Errors: none.
create or replace function public.cancel_order(p_order_id bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.orders as o
     set status = 'canceled'
   where o.id = p_order_id and o.status = 'pending' and o.checkout_url is null;
$$;

revoke all on function public.cancel_order from public, anon, authenticated, service_role;
grant execute on function public.cancel_order to bot_backend;
comment on function public.cancel_order is 'Cancels an order whose provider refused to create a checkout';

-- Cancels an order at the request of its buyer. A payment that arrives for it later is still fulfilled.
--
-- Concurrency: the order's row is locked; canceling twice is canceling once.
-- Locks: order.
-- Returns: jsonb
--   outcome: 'canceled' | 'closed' | 'unknown'   (closed: paid or under review)
--   outgoing?: outgoing                       (canceled: edits of its messages, to deliver now)
--   ...?private.closed_checkout               (closed)
-- Errors: none.
create or replace function public.cancel_own_order(p_user_id bigint, p_order_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_closed jsonb;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = p_order_id and o.user_id = p_user_id and o.renewal_id is null
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  v_closed := private.closed_checkout(v_order);
  if v_closed is not null then
    return v_closed;
  end if;
  update public.orders as o set status = 'canceled' where o.id = p_order_id and o.status = 'pending';
  return jsonb_build_object('outcome', 'canceled', 'outgoing', private.edit_invitation(p_order_id));
end
$$;

revoke all on function public.cancel_own_order from public, anon, authenticated, service_role;
grant execute on function public.cancel_own_order to bot_backend;
comment on function public.cancel_own_order is 'Cancels an order at the request of its buyer';

-- Cancels a renewal at the request of its user: nothing is charged any more, the paid period continues, and the saved payment
-- method is deleted.
--
-- Concurrency: the renewal's row is locked; a canceled one stays canceled. While a worker holds the lease of an open charge
--   attempt (a minute at most), it is too late to prevent the charge and too early to know its outcome: the call returns busy.
--   An open attempt without a lease stays open, so that a charge that happened is still found.
-- Locks: renewal.
-- Returns: jsonb
--   outcome: 'canceled' | 'known' | 'unknown' | 'busy'
--   charged_until?: timestamptz | null        (canceled, known)
--   is_over?: boolean | null                  (canceled, known: the paid period is over already)
-- Errors: none.
create or replace function public.cancel_renewal(p_user_id bigint, p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
begin
  select r.* into v_renewal
    from public.renewals as r
   where r.id = p_renewal_id and r.user_id = p_user_id
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_renewal.status in ('canceled', 'ended') then
    return jsonb_build_object(
      'outcome', 'known',
      'charged_until', v_renewal.charged_until,
      'is_over', v_renewal.charged_until <= private.clock()
    );
  elsif v_renewal.attempt_started_at is not null and v_renewal.lease_until > private.clock() then
    return jsonb_build_object('outcome', 'busy');
  end if;
  update public.renewals as r
     set status = 'canceled',
         canceled_at = private.clock(),
         saved_method = null,
         -- An open attempt keeps its time: its outcome is still to be queried, it may have been charged.
         charge_at = case
           when r.charge_at is not null and r.attempt_started_at is null then greatest(r.charged_until, private.clock())
           else r.charge_at
         end
   where r.id = v_renewal.id;
  return jsonb_build_object(
    'outcome', 'canceled',
    'charged_until', v_renewal.charged_until,
    'is_over', v_renewal.charged_until <= private.clock()
  );
end
$$;

revoke all on function public.cancel_renewal from public, anon, authenticated, service_role;
grant execute on function public.cancel_renewal to bot_backend;
comment on function public.cancel_renewal is 'Cancels a renewal at the request of its user';

-- Cancels the pending orders of a renewal. A payment that arrives for one later is still fulfilled.
--
-- Concurrency: the caller holds the renewal. Payments lock the order before the renewal, so waiting for an order here could
--   deadlock: locked orders are skipped. A skipped order is being paid, or expires.
-- Locks: orders (FOR UPDATE SKIP LOCKED).
-- Returns: void
-- Errors: none.
create or replace function private.cancel_renewal_orders(p_renewal_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.orders as o
     set status = 'canceled'
    from (
      select w.id
        from public.orders as w
       where w.renewal_id = p_renewal_id and w.status = 'pending'
         for update skip locked
    ) as w
   where o.id = w.id;
$$;

revoke all on function private.cancel_renewal_orders from public, anon, authenticated, service_role;
comment on function private.cancel_renewal_orders is 'Cancels the pending orders of a renewal';

-- Changes the e-mail address or phone number that receives the receipts of a user's renewals that have not ended: in the orders
-- that began them, from which the orders of later periods copy it (private.order_of_period), and in pending orders of a period.
--
-- Concurrency: the last call counts. The user's lock keeps an erasure from running in between, which would leave the new
--   contact behind.
-- Locks: user (KEY SHARE), then the orders by id.
-- Returns: void
-- Errors: none.
create or replace function public.change_receipt_contact(p_user_id bigint, p_contact text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select from public.users as u where u.id = p_user_id for key share;
  update public.orders as o
     set contact = p_contact
    from (
      select w.id
        from public.orders as w
       where w.user_id = p_user_id
         and w.contact is not null
         and (
           -- The order that began the renewal.
           w.id in (
             select nullif(split_part(r.provider_subscription_id, 'order:', 2), '')::bigint
               from public.renewals as r
              where r.user_id = p_user_id and r.status <> 'ended'
           )
           or w.status = 'pending' and w.renewal_id in (
             select r.id from public.renewals as r where r.user_id = p_user_id and r.status <> 'ended'
           )
         )
       order by w.id
         for update
    ) as w
   where o.id = w.id;
$$;

revoke all on function public.change_receipt_contact from public, anon, authenticated, service_role;
grant execute on function public.change_receipt_contact to bot_backend;
comment on function public.change_receipt_contact is 'Changes the receipt contact of a user''s renewals';

-- Applies a provider's event about a subscription that it charges itself: active, past_due, canceled or ended.
--
-- The renewal of an erased user stays ended; if its subscription still runs at the provider, it is marked to be canceled there
-- (private.save_orphaned_renewal), and the admins get one message about a subscription that began after the erasure. The user
-- gets no message about the end of a renewal whose cancellation was confirmed, nor within two minutes after they canceled it
-- with our button (public.begin_cancel).
--
-- Concurrency: the renewal's row is locked. A repeated status changes nothing, nor do active and past_due while the provider
--   must still cancel the subscription (next_cancel_attempt_at).
-- Locks: renewal.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: M0002 no user has this subscription. Its first payment may arrive later, so the provider must repeat the event.
create or replace function private.change_renewal(p_provider text, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text := substr(p_event ->> 'kind', length('subscription_') + 1);
  v_renewal public.renewals;
  v_is_new_orphan boolean;
begin
  select r.* into v_renewal
    from public.renewals as r
   where r.provider = p_provider and r.provider_subscription_id = p_event ->> 'subscription_id'
     for update;
  if v_renewal.user_id is null then
    v_is_new_orphan := private.save_orphaned_renewal(p_provider, p_event, v_status in ('active', 'past_due'));
    if v_is_new_orphan is null then
      raise exception 'no user has this subscription' using errcode = 'M0002';
    elsif v_is_new_orphan then
      return private.alarm_subscription_problem(p_provider, p_event ->> 'subscription_id', 'erased');
    end if;
    return '[]'::jsonb;
  elsif v_renewal.status = v_status
    or (v_renewal.next_cancel_attempt_at is not null and v_status in ('active', 'past_due'))
  then
    return '[]'::jsonb;
  end if;
  update public.renewals as r
     set status = v_status,
         canceled_at = case v_status
           when 'canceled' then coalesce((p_event ->> 'happened_at')::timestamptz, private.clock())
           when 'ended' then r.canceled_at
         end,
         ended_at = case when v_status = 'ended' then private.clock() end
   where r.id = v_renewal.id;
  if v_status = 'ended' and v_renewal.status = 'canceled' then
    return '[]'::jsonb;  -- the cancellation was confirmed
  elsif v_status in ('canceled', 'ended') and v_renewal.cancel_requested_at > private.clock() - interval '2 minutes' then
    return '[]'::jsonb;  -- the screen of the button shows it
  end if;
  return private.enqueue_user_message(
    v_renewal.user_id,
    v_renewal.bot,
    case
      when v_status = 'ended' and v_renewal.charged_until <= private.clock() then 'renewal_given_up'
      else 'renewal_' || v_status
    end,
    jsonb_build_object(
      'title', private.product_titles(v_renewal.product_key),
      'until', jsonb_build_object(
        'date',
        v_renewal.charged_until + case v_status when 'past_due' then private.grace_period() else interval '0' end
      )
    )
  );
end
$$;

revoke all on function private.change_renewal from public, anon, authenticated, service_role;
comment on function private.change_renewal is 'Applies a provider''s event about a subscription';

-- Pays an order from its user's balance, applied like every provider's payment, and debits the amount.
--
-- Concurrency: the caller has just created the order, or waited for the call that created it. The fulfilment comes before the
--   debit, because it locks buyer and referrer in the order of their ids; without enough balance all of it is rolled back.
-- Locks: see public.pay_from_balance.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: L0002 the balance is too low; M0004 the order cannot be paid (any more).
create or replace function private.charge_balance(p_order public.orders)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_number text := format('orders:%s', p_order.id);
  v_outgoing jsonb;
begin
  v_outgoing := private.apply_payment_event(
    'balance',
    jsonb_build_object(
      'kind', 'paid', 'payment_id', v_number, 'order_id', p_order.id, 'amount', p_order.amount,
      'currency', p_order.currency
    ),
    false
  );
  if exists (
    select from public.payments as p
     where p.provider = 'balance' and p.provider_payment_id = v_number and p.problem is not null
  ) then
    raise exception 'the order cannot be paid any more' using errcode = 'M0004';
  end if;
  perform public.adjust_balance(
    (select u.telegram_id from public.users as u where u.id = p_order.user_id),
    -p_order.amount,
    'purchase',
    v_number || ':paid'
  );
  return v_outgoing;
end
$$;

revoke all on function private.charge_balance from public, anon, authenticated, service_role;
comment on function private.charge_balance is 'Pays an order from its user''s balance';

-- Answers a provider's precheck: may this user pay this order now? Called for providers that ask before they charge.
--
-- Concurrency: read-only. The payment itself is checked again when it is recorded (private.claim_payment).
-- Locks: none.
-- Returns: jsonb
--   'ok'                   (also for the first order of a subscription where a period may be due or it is canceled: some
--                          providers ask for each period)
--     | 'unknown'          (no such order)
--     | 'owner'            (another user's order)
--     | 'amount'           (amount or currency are missing or not those of the order)
--     | 'paid'             (paid, or the first order of a subscription that runs: a second one cannot begin with it)
--     | 'renewing'         (ordered before the running subscription began: the user was not asked about replacing it)
--     | 'expired'          (also the order of an erased user, or one whose discount another order has now)
-- Errors: none.
create or replace function public.check_order(
  p_provider text, p_order_id bigint, p_telegram_id bigint, p_amount numeric, p_currency text
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(coalesce(
    (
      select case
          when o.user_id is null then 'expired'
          when p_telegram_id is not null and u.telegram_id is distinct from p_telegram_id then 'owner'
          when o.currency is distinct from p_currency or o.amount is distinct from p_amount then 'amount'
          when o.status = 'completed' and not (o.renews and private.is_period_due(o)) then 'paid'
          when o.status = 'canceled' or (o.status = 'pending' and o.expires_at <= private.clock()) then 'expired'
          when private.is_discount_gone(o) then 'expired'
          when o.status = 'pending' and o.renews and exists (
            select from public.renewals as r
             where r.user_id = o.user_id and r.status in ('active', 'past_due') and r.created_at > o.created_at
          ) then 'renewing'
          else 'ok'
        end
        from public.orders as o
        left join public.users as u on u.id = o.user_id
       where o.id = p_order_id and o.provider = p_provider
    ),
    'unknown'
  ));
$$;

revoke all on function public.check_order from public, anon, authenticated, service_role;
grant execute on function public.check_order to bot_backend;
comment on function public.check_order is 'Answers a provider''s precheck of an order';

-- Verifies that payments, their fulfilment, refunds and the balance ledger agree. For admins and tests.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: table (payment_id bigint, wrong text), one row per contradiction; none if everything agrees.
-- Errors: none.
create or replace function public.check_payments()
returns table (payment_id bigint, wrong text)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with sums as (
    select
      p.id,
      p.status,
      p.amount,
      p.refunded,
      p.disputed,
      p.problem,
      p.order_id,
      (select sum(o.amount) from public.payment_operations as o where o.payment_id = p.id and o.kind = 'paid') as paid,
      (
        select coalesce(sum(o.amount), 0)
          from public.payment_operations as o
         where o.payment_id = p.id
           and o.kind = 'dispute'
           and not o.is_undone
           and not private.has_other_currency(o)
      ) as in_dispute,
      (
        select greatest(
            coalesce(sum(o.amount) filter (where o.kind = 'refund' and not o.is_undone), 0),
            coalesce(max(o.amount) filter (where o.kind = 'refund_total'), 0)
          )
          from public.payment_operations as o
         where o.payment_id = p.id and not private.has_other_currency(o)
      ) as went_back,
      (select count(*) from public.payment_effects as e where e.payment_id = p.id and e.effect <> 'commission') as effects
    from public.payments as p
  )
  select s.id, 'the amount differs from the charge' from sums as s where s.amount is distinct from s.paid
  union all
  select s.id, 'the disputed sum differs from the disputes'
    from sums as s
   where s.disputed <> s.in_dispute
  union all
  select s.id, 'the refunded sum differs from the refunds'
    from sums as s
   where s.refunded <> s.went_back
  union all
  select s.id, 'the status does not follow from the sums'
    from sums as s
   where (s.amount is not null) <> (s.status in ('completed', 'refunded'))
      or (s.amount > 0 and (s.refunded + s.disputed >= s.amount) <> (s.status = 'refunded'))
  union all
  select s.id, 'paid and not fulfilled' from sums as s where s.amount is not null and s.problem is null and s.effects <> 1
  union all
  select s.id, 'fulfilled and not paid' from sums as s where s.effects > 0 and (s.problem is not null or s.amount is null)
  union all
  select s.id, 'an order was fulfilled twice'
    from sums as s
   where s.effects > 0
     and exists (select from sums as t where t.order_id = s.order_id and t.id < s.id and t.effects > 0)
  union all
  select s.id, 'the discount of a fulfilled order is not consumed'
    from sums as s
    join public.orders as o on o.id = s.order_id
    join public.promocode_usages as u on u.promocode_id = o.promocode_id and u.user_id = o.user_id
   where s.effects > 0 and u.consumed_at is null
  union all
  select s.id, 'its discount was used for another order, too'
    from sums as s
    join public.orders as o on o.id = s.order_id
   where s.effects > 0
     and exists (
       select
         from public.orders as p
        where p.promocode_id = o.promocode_id
          and p.user_id = o.user_id
          and p.id < o.id
          and exists (
            select
              from public.payments as q
              join public.payment_effects as e on e.payment_id = q.id
             where q.order_id = p.id
          )
     )
  union all
  select s.id, 'fully refunded and not reversed'
    from sums as s
    join public.payment_effects as e on e.payment_id = s.id
   where s.status = 'refunded' and e.reversal_target <> e.given
  union all
  select r.payment_id, 'a refund is done without its operation'
    from public.refunds as r
   where r.status = 'done'
     and not exists (
       select from public.payment_operations as o
        where o.payment_id = r.payment_id
          and o.kind in ('refund', 'refund_total')
          and o.operation_id = r.operation_id
          and o.amount >= r.amount
          and not o.is_undone
     )
  union all
  select p.id, 'the ledger differs from what was paid from balance'
    from public.payments as p
   where p.provider = 'balance'
     and coalesce(p.refunded - p.amount, 0) <> (
       select coalesce(sum(t.amount), 0)
         from public.balance_transactions as t
        where t.reference = p.provider_payment_id || ':paid'
           or t.reference in (select 'refunds:' || r.id from public.refunds as r where r.payment_id = p.id)
     )
  union all
  select e.payment_id, 'the ledger differs from the balance effects'
    from public.payment_effects as e
   where e.effect in ('balance', 'commission')
     and e.given - e.reversed <> (
       select coalesce(sum(t.amount), 0)
         from public.balance_transactions as t
        where t.reference like format('payments:%s:%s:%%', e.payment_id, e.effect)
     );
$$;

revoke all on function public.check_payments from public, anon, authenticated, service_role;
grant execute on function public.check_payments to bot_backend, service_role;
comment on function public.check_payments is 'Verifies that payments, their fulfilment and the ledger agree';

-- Returns which events of a page of a provider's statement must be recorded. p_events: [{key, events}], the payment events of
-- each webhook event that should have reported them.
--
-- Concurrency: read-only. An event that is recorded in between is recorded twice, which changes nothing.
-- Locks: none.
-- Returns: jsonb
--   { [text]: 'known'      (by event key; nothing to do)
--     | 'missing'          (to be recorded under its key)
--     | 'changed'          (recorded, but undone, or its fee named, since)
--     | 'foreign'          (about nothing of ours)
--   }
-- Errors: none.
create or replace function public.check_statement(p_provider text, p_events jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(e.value ->> 'key', s.state), '{}'::jsonb)
    from jsonb_array_elements(p_events) as e (value)
    cross join lateral (
      select coalesce(
          (
            array_agg(t.state order by array_position(array['missing', 'changed', 'foreign', 'known'], t.state))
          )[1],
          'known'
        ) as state
        from jsonb_array_elements(e.value -> 'events') as n (value)
        cross join lateral private.listed_event_state(p_provider, n.value) as t (state)
    ) as s;
$$;

revoke all on function public.check_statement from public, anon, authenticated, service_role;
grant execute on function public.check_statement to bot_backend;
comment on function public.check_statement is 'Returns which events of a provider''s statement must be recorded';

-- Returns the state that an order's invitation messages must show instead of the invitation. Payments of another user or of a
-- test do not count.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: paid, held (under review), refunded, disputed (by the payer's bank), withdrawn or expired; null while the
--   order can be paid.
-- Errors: none.
create or replace function private.checkout_state(p_order public.orders)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.status, p.problem, p.disputed
      from public.payments as p
     where p.order_id = p_order.id
       and p.amount > 0
       and (p.problem is null or p.problem in ('amount', 'currency', 'withdrawn'))
  )
  select case
      when exists (select from own as p where p.status = 'completed' and p.problem is null) then 'paid'
      when exists (select from own as p where p.status = 'completed') then 'held'
      when exists (select from own as p where p.disputed > 0) then 'disputed'
      when exists (select from own as p where p.status = 'refunded') then 'refunded'
      when p_order.status = 'completed' then 'paid'
      when p_order.status = 'withdrawn' then 'withdrawn'
      when p_order.status = 'canceled' or p_order.expires_at <= private.clock() then 'expired'
    end;
$$;

revoke all on function private.checkout_state from public, anon, authenticated, service_role;
comment on function private.checkout_state is 'Returns the state that an order''s invitation messages show';

-- Claims renewals whose charge is due now, of the providers in p_providers (a list of keys), and ends those that must not be
-- charged any more. Not charged are: a canceled renewal, a banned user, and a renewal whose last charge was refunded or
-- disputed. If the plan continues from another source, the charge moves to the end of that (private.prepare_renewal).
--
-- Concurrency: renewals that another transaction has locked are skipped; a renewal whose user is being erased is tried again
--   after a minute. A claimed attempt stays open until its outcome is recorded, and is claimed again after growing pauses (ten
--   minutes at first) with the same order and attempt number, hence the same idempotency key. After 20 hours (the provider
--   forgets keys after 24), or once the user has canceled or is banned, the attempt is only queried (is_status_check).
-- Locks: renewals by charge_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED) and its orders (SKIP
--   LOCKED).
-- Returns: jsonb
--   due: int            (how many were due)
--   charges: [ private.lease_charge ]
--   outgoing: outgoing
-- Errors: none.
create or replace function public.claim_due_renewals(p_providers jsonb, p_limit integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_due integer := 0;
  v_charge jsonb;
  v_charges jsonb := '[]'::jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_renewal in
    select r.*
      from public.renewals as r
     where r.charge_at <= v_now and p_providers ? r.provider
     order by r.charge_at
     limit p_limit
       for update skip locked
  loop
    v_due := v_due + 1;
    perform from public.users as u where u.id = v_renewal.user_id for key share skip locked;
    if not found then
      update public.renewals as r set charge_at = v_now + interval '1 minute' where r.id = v_renewal.id;
    elsif v_renewal.attempt_started_at is null then
      v_outgoing := v_outgoing || private.prepare_renewal(v_renewal);
    end if;
    v_charge := private.lease_charge(v_renewal.id);
    if v_charge is not null then
      v_charges := v_charges || v_charge;
    end if;
  end loop;
  return jsonb_build_object('due', v_due, 'charges', v_charges, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.claim_due_renewals from public, anon, authenticated, service_role;
grant execute on function public.claim_due_renewals to bot_backend;
comment on function public.claim_due_renewals is 'Claims renewals whose charge is due';

-- Claims orders whose state must be queried at their provider now (p_providers: a list of keys), and cancels pending orders
-- that expired a day ago.
--
-- Concurrency: orders that another transaction has locked are skipped. A claimed order is claimed again after a pause that
--   grows with its age: five minutes for a new one, hours after days.
-- Locks: orders (FOR UPDATE SKIP LOCKED): the expired ones by expires_at, then the claimed ones by the time of their last
--   query.
-- Returns: jsonb
--   [ { id: bigint, provider: text, reference: text } ]
-- Errors: none.
create or replace function public.claim_open_orders(p_providers jsonb, p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_orders jsonb;
begin
  update public.orders as o
     set status = 'canceled'
    from (
      select e.id
        from public.orders as e
       where e.status = 'pending' and e.expires_at < v_now - interval '1 day'
       order by e.expires_at
       limit p_limit
         for update skip locked
    ) as e
   where o.id = e.id;
  with due as (
    select o.id
      from public.orders as o
     where o.status in ('pending', 'withdrawn')
       and o.expires_at > v_now - interval '1 day'
       and o.checkout_reference is not null
       and p_providers ? o.provider
       and o.created_at < v_now - interval '5 minutes'
       and coalesce(o.checked_at, '-infinity')
         < v_now - greatest(interval '5 minutes', (v_now - o.created_at) / 6)
     order by coalesce(o.checked_at, o.created_at)
     limit p_limit
       for update skip locked
  ),
  claimed as (
    update public.orders as o set checked_at = v_now from due where o.id = due.id
    returning o.id, o.provider, o.checkout_reference
  )
  select coalesce(
      jsonb_agg(jsonb_build_object('id', c.id, 'provider', c.provider, 'reference', c.checkout_reference)), '[]'
    )
    into v_orders
    from claimed as c;
  return v_orders;
end
$$;

revoke all on function public.claim_open_orders from public, anon, authenticated, service_role;
grant execute on function public.claim_open_orders to bot_backend;
comment on function public.claim_open_orders is 'Claims orders whose state must be queried at their provider';

-- Claims refunds that must be sent to their provider now, and gives up those whose idempotency key has expired: their outcome
-- becomes unknown and the admin gets a message. A refund that the provider accepted is awaited for a week; one that was never
-- sent, because its provider is not configured, for a day. p_providers: {key: lifetime of the provider's idempotency keys in
-- seconds}.
--
-- Concurrency: refunds whose payment another transaction has locked, and those of users who are being erased, are skipped. A
--   claimed refund is claimed again after a minute, then after growing intervals.
-- Locks: for each refund: user (KEY SHARE SKIP LOCKED), payment (FOR UPDATE SKIP LOCKED), refund (FOR UPDATE).
-- Returns: jsonb
--   tasks: [ private.lease_refund ]
--   outgoing: outgoing
-- Errors: none.
create or replace function public.claim_open_refunds(p_providers jsonb, p_limit integer default 20)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_payment public.payments;
  v_refund public.refunds;
  v_is_fresh boolean;
  v_max_wait interval;
  v_tasks jsonb := '[]'::jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select r.id, r.payment_id
      from public.refunds as r
     where r.status = 'open' and r.next_attempt_at <= v_now
     order by r.next_attempt_at
     limit p_limit
  loop
    select p.* into v_payment from public.payments as p where p.id = v_due.payment_id;
    perform from public.users as u where u.id = v_payment.user_id for key share skip locked;
    continue when v_payment.user_id is not null and not found;
    perform from public.payments as p where p.id = v_payment.id for update skip locked;
    continue when not found;
    select r.* into v_refund
      from public.refunds as r
     where r.id = v_due.id and r.status = 'open' and r.next_attempt_at <= v_now
       for update;
    continue when not found;

    v_is_fresh := coalesce(
      v_refund.first_attempt_at > v_now - make_interval(secs => (p_providers ->> v_payment.provider)::integer),
      v_refund.first_attempt_at is null
    );
    v_max_wait := case
      when v_refund.is_accepted then interval '7 days'
      when v_refund.first_attempt_at is null then interval '1 day'
      else interval '0'
    end;
    if p_providers ? v_payment.provider and v_is_fresh then
      update public.refunds as r set is_awaited = true where r.id = v_refund.id;
      v_tasks := v_tasks || private.lease_refund(v_refund.id);
    elsif v_refund.created_at > v_now - v_max_wait then
      update public.refunds as r set next_attempt_at = v_now + interval '30 minutes' where r.id = v_refund.id;
    else
      v_refund.is_awaited := true;
      v_outgoing := v_outgoing || private.decide_refund(v_payment, v_refund, 'unknown', null, v_refund.error);
    end if;
  end loop;
  return jsonb_build_object('tasks', v_tasks, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.claim_open_refunds from public, anon, authenticated, service_role;
grant execute on function public.claim_open_refunds to bot_backend;
comment on function public.claim_open_refunds is 'Claims refunds that must be sent to their provider';

-- Matches a payment to our order, or to a period of a renewal (or both: an order that we made for a period), and checks that it
-- pays what was agreed; otherwise sets the problem that holds it for review.
--
-- An order must be paid with its own amount and currency. A period of a subscription that the provider renews by itself may
-- cost anything that the provider calls paid, because credit, coupons, proration and tax change the charge. This does not hold
-- if the buyer may have set the terms (has_buyer_terms: CloudPayments, where the browser can begin a subscription, and a
-- payment by a link of Prodamus): a lower amount than agreed, or another currency, is held.
--
-- Concurrency: the caller holds the payment's lock. The order's lock makes the second of two charges for one order a
--   second_charge. Payments of one user's renewals are serialized by an advisory lock, taken before any renewal or user is
--   locked, because a renewal that begins replaces the others (private.replace_renewals). Nothing has been fulfilled yet.
-- Locks: payment (held by the caller), order, an advisory lock of the user's renewals, renewal.
-- Returns: public.payments, the row with its order or renewal, its user and its problem (null: it may be fulfilled).
-- Errors: none.
create or replace function private.claim_payment(p_payment public.payments, p_accept_test boolean)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments := p_payment;
  v_order public.orders;
  v_renewal public.renewals;
  v_has_other boolean;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = (p_payment.claims ->> 'order_id')::bigint and o.provider = p_payment.provider
     for update;
  if v_order.renews or p_payment.claims ? 'subscription_id' then
    perform pg_advisory_xact_lock(
      hashtextextended(
        'renewals:' || coalesce(
          v_order.user_id,
          (
            select r.user_id
              from public.renewals as r
             where r.provider = p_payment.provider
               and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
          ),
          0
        ),
        0
      )
    );
  end if;
  select r.* into v_renewal
    from public.renewals as r
   where r.id = v_order.renewal_id
      or (
        r.provider = p_payment.provider
        and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
      )
     for update;
  v_has_other := exists (
    select from public.payments as p
     where p.order_id = v_order.id and p.id <> p_payment.id and p.problem is null and p.amount is not null
  );
  if v_renewal.id is not null and v_order.renewal_id is null and (v_order.id is null or v_has_other) then
    v_order := null;  -- a later period
  else
    v_renewal := null;
  end if;
  update public.payments as p
     set order_id = v_order.id,
         renewal_id = coalesce(v_order.renewal_id, v_renewal.id),
         user_id = coalesce(v_order.user_id, v_renewal.user_id),
         problem = private.payment_problem(p, v_order, v_renewal, v_has_other, p_accept_test)
   where p.id = p_payment.id
  returning p.* into v_payment;
  return v_payment;
end
$$;

revoke all on function private.claim_payment from public, anon, authenticated, service_role;
comment on function private.claim_payment is 'Matches a payment to its order or renewal and checks it';

-- Claims subscriptions that their provider (p_providers: a list of keys) must be asked to cancel now: those of erased users,
-- and those that another renewal has replaced.
--
-- Concurrency: renewals that another transaction has locked are skipped. A claimed one is claimed again after growing pauses, a
--   day at most, until the provider confirms (public.record_cancel_result).
-- Locks: renewals by next_cancel_attempt_at (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   [ {
--     id: bigint, provider: text, subscription_id: text,
--     telegram_id: bigint | null              (null: erased)
--     payment_id: text | null                 (its last charge)
--     payer: text | null
--   } ]
-- Errors: none.
create or replace function public.claim_renewals_to_cancel(p_providers jsonb, p_limit integer default 4)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select r.id
      from public.renewals as r
     where r.next_cancel_attempt_at <= private.clock() and p_providers ? r.provider
     order by r.next_cancel_attempt_at
     limit p_limit
       for update skip locked
  ),
  claimed as (
    update public.renewals as r
       set next_cancel_attempt_at = private.clock()
             + least((r.cancel_attempts + 1) * (r.cancel_attempts + 1), 1440) * interval '1 minute',
           cancel_attempts = r.cancel_attempts + 1
      from due
     where r.id = due.id
    returning r.id, r.provider, r.provider_subscription_id, r.user_id, r.payer
  )
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', c.id,
          'provider', c.provider,
          'subscription_id', c.provider_subscription_id,
          'telegram_id', (select u.telegram_id from public.users as u where u.id = c.user_id),
          'payer', coalesce(c.payer, l.claims ->> 'payer'),
          'payment_id', l.provider_payment_id
        )
      ),
      '[]'::jsonb
    )
    from claimed as c
    left join lateral (
      select p.provider_payment_id, p.claims
        from public.payments as p
       where p.provider = c.provider and p.claims ->> 'subscription_id' = c.provider_subscription_id
       order by p.id desc
       limit 1
    ) as l on true;
$$;

revoke all on function public.claim_renewals_to_cancel from public, anon, authenticated, service_role;
grant execute on function public.claim_renewals_to_cancel to bot_backend;
comment on function public.claim_renewals_to_cancel is 'Claims subscriptions that their provider must cancel';

-- Leases one day of a provider's statement to one worker (p_providers: a list of keys). Days that were never read come first,
-- the oldest first. A day is read two hours after its end (UTC), and again 1, 3, 7, 14 and 28 days after it, because refunds
-- fail and disputes are decided later. Nothing older than 30 days is read.
--
-- Concurrency: days that another transaction has locked or leased are skipped. The lease lasts two minutes and each stored page
--   renews it (public.save_statement_page). An interrupted walk continues after the last page that was stored.
-- Locks: one statement day (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   {
--     provider: text, day: date, since: timestamptz, until: timestamptz, cursor: text,
--     is_late: boolean                        (the day has been due for two days)
--   } | null               (nothing is due)
-- Errors: none.
create or replace function public.claim_statement(p_providers jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_last date := ((v_now - interval '2 hours') at time zone 'UTC')::date - 1;
  v_day public.statement_days;
begin
  insert into public.statement_days (provider, day)
  select p.provider, v_last - n.days
    from jsonb_array_elements_text(p_providers) as p (provider)
    cross join generate_series(0, 28) as n (days)
   where not exists ( -- all days of a provider are inserted together, once a day
     select from public.statement_days as d where d.provider = p.provider and d.day = v_last
   )
  on conflict (provider, day) do nothing;
  select d.* into v_day
    from public.statement_days as d
   where p_providers ? d.provider
     and d.day between v_last - 28 and v_last
     and (d.read_at is null or d.next_read_at <= v_now)
     and coalesce(d.lease_until, '-infinity') <= v_now
   order by d.read_at is not null, d.day, d.provider
   limit 1
     for update skip locked;
  if not found then
    return null;
  end if;
  update public.statement_days as d
     set lease_until = v_now + interval '2 minutes',
         started_at = case when d.cursor = '' then v_now else d.started_at end
   where d.provider = v_day.provider and d.day = v_day.day;
  return jsonb_build_object(
    'provider', v_day.provider,
    'day', v_day.day,
    'since', v_day.day::timestamp at time zone 'UTC',
    'until', (v_day.day + 1)::timestamp at time zone 'UTC',
    'cursor', v_day.cursor,
    'is_late', v_day.read_at is null and v_now > (v_day.day + 3)::timestamp at time zone 'UTC'
  );
end
$$;

revoke all on function public.claim_statement from public, anon, authenticated, service_role;
grant execute on function public.claim_statement to bot_backend;
comment on function public.claim_statement is 'Leases one day of a provider''s statement to one worker';

-- Edits the messages that invite to pay orders which have expired, so that they no longer do.
--
-- Concurrency: orders that another transaction has locked are skipped until the next run. Each message is edited once
--   (private.edit_invitation).
-- Locks: orders by expires_at (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   outgoing               (edits of the messages)
-- Errors: none.
create or replace function public.close_invitations(p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order_id bigint;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_order_id in
    select o.id
      from public.orders as o
     where cardinality(o.message_ids) > 0 and o.message_state is null and o.expires_at <= private.clock()
     order by o.expires_at
     limit p_limit
       for update skip locked
  loop
    v_outgoing := v_outgoing || private.edit_invitation(v_order_id);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.close_invitations from public, anon, authenticated, service_role;
grant execute on function public.close_invitations to bot_backend;
comment on function public.close_invitations is 'Edits the messages that invite to pay expired orders';

-- Finds the refund request that an operation reported by the provider belongs to, and records that it is done or failed.
--
-- Concurrency: the caller holds the payment's lock and has stored the operation; a status that is recorded already changes
--   nothing. The answer to our own request names the refund. A webhook event is matched by the provider's id and, while that is
--   unknown, by the amount: the request was made before the operation arrived, and a payment has at most one open refund.
-- Locks: payment (held by the caller), refund.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.close_refund(p_payment_id bigint, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_refund public.refunds;
  v_operation public.payment_operations;
  v_status text;
begin
  select o.* into v_operation
    from public.payment_operations as o
   where o.payment_id = p_payment_id
     and o.kind in ('refund', 'refund_total')
     and o.operation_id = coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id')
     and not private.has_other_currency(o);
  select r.* into v_refund
    from public.refunds as r
   where r.payment_id = p_payment_id
     and (
       r.id = (p_event ->> 'refund_id')::bigint
       or r.operation_id = v_operation.operation_id
       or (
         r.status in ('open', 'unknown')
         and r.operation_id is null
         and r.amount = v_operation.amount
         and r.created_at <= v_operation.created_at
       )
     )
   order by
     r.id = (p_event ->> 'refund_id')::bigint desc nulls last,
     r.operation_id = v_operation.operation_id desc nulls last,
     r.id desc
   limit 1
     for update;
  v_status := case when v_operation.is_undone then 'failed' else 'done' end;
  if v_refund.id is null or v_refund.status = v_status then
    return '[]'::jsonb;
  end if;
  select p.* into v_payment from public.payments as p where p.id = p_payment_id;
  return private.decide_refund(
    v_payment, v_refund, v_status, v_operation.operation_id, p_event ->> 'reason'
  );
end
$$;

revoke all on function private.close_refund from public, anon, authenticated, service_role;
comment on function private.close_refund is 'Records that a refund is done or failed';

-- Describes an order that is paid or under review, for a button that would open its checkout again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'closed'      (null instead of all of it: any other order)
--   state: 'paid' | 'held'
--   texts: product_texts
--   amount: numeric
--   currency: text
-- Errors: none.
create or replace function private.closed_checkout(p_order public.orders)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'outcome', 'closed',
      'state', s.state,
      'texts', p.texts,
      'amount', p_order.amount::text,
      'currency', p_order.currency
    )
    from private.checkout_state(p_order) as s (state)
    join public.products as p on p.key = p_order.product_key
   where s.state in ('paid', 'held');
$$;

revoke all on function private.closed_checkout from public, anon, authenticated, service_role;
comment on function private.closed_checkout is 'Describes an order that is paid or under review';

-- Marks the discount of a fulfilled order as used, and withdraws the user's other orders that were made with it.
--
-- Concurrency: a discount is consumed once. The caller holds the discount (private.lock_payers), the order and the user.
-- Locks: discount (held by the caller), then the other orders by id.
-- Returns: void
-- Errors: none.
create or replace function private.consume_discount(p_order_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
begin
  select o.* into v_order from public.orders as o where o.id = p_order_id and o.promocode_id is not null;
  if not found then
    return;
  end if;
  update public.promocode_usages as u
     set consumed_at = private.clock()
   where u.promocode_id = v_order.promocode_id and u.user_id = v_order.user_id and u.consumed_at is null;
  perform private.withdraw_orders(v_order.user_id, v_order.promocode_id, v_order.id);
end
$$;

revoke all on function private.consume_discount from public, anon, authenticated, service_role;
comment on function private.consume_discount is 'Marks the discount of a fulfilled order as used';

-- Creates an order of one product at its current price, less the user's discount unless the order renews or tops up the
-- balance. From balance (provider balance, see public.pay_from_balance) everything except a top-up is sold, in balance_currency
-- and for one period. The order expires after order_hours, or with its discount if that is sooner.
--
-- p_reference: idempotency key. p_message_id: message whose button was tapped; if it invites to pay an order already (a double
-- tap, or an old screen), the same choice gets that order, and an order that is paid or under review is closed.
-- p_next_product_key: product for which a top-up is made, offered once it is paid. p_reuse: the same choice at the same price
-- gets the buyer's open order, whichever message or device it was chosen on, unless an attempt to pay it failed or it expires
-- within the hour.
--
-- Concurrency: a reference has one order, and every call with it gets that order. The user's lock makes an erasure run before
--   it or find the order. A discount is bound to one order at a time: its row is locked and the order that had it is withdrawn.
--   With p_reuse an advisory lock serializes the calls of one user, so that two devices get one order.
-- Locks: user (KEY SHARE), with p_reuse an advisory lock of the user's orders, discount, orders by id: the order in which
--   private.lock_payers locks, so that recording a payment at the same time cannot deadlock.
-- Returns: jsonb
--   outcome: 'created' | 'known'
--     | 'reused'           (an earlier call made it and it has a checkout, whose link may have run out since)
--     | 'closed'           (the message's order is paid or under review)
--     | 'not_for_sale'     (switched off, no price in this currency, or not sold from balance)
--   ...?private.order_details                    (created, known, reused)
--   ...?private.closed_checkout               (closed)
-- Errors: M0003 no such user.
create or replace function public.create_order(
  p_user_id bigint,
  p_product_key text,
  p_provider text,
  p_currency text,
  p_bot text,
  p_renews boolean default false,
  p_contact text default null,
  p_reference text default null,
  p_next_product_key text default null,
  p_message_id bigint default null,
  p_reuse boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_outcome text := 'known';
  v_invited public.orders;
  v_quote public.orders;
  v_closed jsonb;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such user' using errcode = 'M0003';
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  if v_order.id is null and p_message_id is not null then
    select o.* into v_invited
      from public.orders as o
     where o.user_id = p_user_id and o.bot = p_bot and p_message_id = any(o.message_ids)
     order by o.id desc
     limit 1;
    v_closed := private.closed_checkout(v_invited);
    if v_closed is not null then
      return v_closed;
    elsif v_invited.checkout_url is not null
      and private.checkout_state(v_invited) is null
      and 'failed' <> all(v_invited.notified)
      and (v_invited.product_key, v_invited.provider, v_invited.currency) = (p_product_key, p_provider, p_currency)
      and v_invited.renews = p_renews
    then
      v_order := v_invited;
      v_outcome := 'reused';
    end if;
  end if;
  if v_order.id is not null then
    return private.order_details(v_order, v_outcome);
  end if;

  v_quote := private.quote_order(p_user_id, p_product_key, p_provider, p_currency, p_renews, p_reuse);
  if v_quote.product_key is null then
    return jsonb_build_object('outcome', 'not_for_sale');
  end if;
  v_quote.bot := p_bot;
  v_quote.contact := p_contact;
  v_quote.next_product_key := case when v_quote.kind = 'balance' then p_next_product_key end;
  if not v_quote.renews and v_quote.kind <> 'balance' then
    -- A concurrent call with this reference may have created the order while this one waited for the discount.
    select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
    if v_order.id is not null then
      return private.order_details(v_order, v_outcome);
    end if;
  end if;
  -- Another choice: the message will invite to pay the new order.
  update public.orders as o set message_ids = array_remove(o.message_ids, p_message_id) where o.id = v_invited.id;
  if p_reuse then
    v_order := private.find_reusable_order(v_quote);
    update public.orders as o
       set message_ids = array_append(array_remove(o.message_ids, p_message_id), p_message_id)
     where o.id = v_order.id and p_message_id is not null;
    if v_order.id is not null then
      return private.order_details(v_order, case when v_order.checkout_url is null then 'known' else 'reused' end);
    end if;
  end if;

  if v_quote.promocode_id is not null then
    perform private.withdraw_orders(p_user_id, v_quote.promocode_id, null);
  end if;
  insert into public.orders as o (
    user_id, product_key, provider, currency, amount, kind, plan, period, quantity, renews, contact, bot,
    reference, expires_at, full_amount, promocode_id, next_product_key
  )
  values (
    p_user_id, v_quote.product_key, p_provider, p_currency, v_quote.amount, v_quote.kind, v_quote.plan, v_quote.period,
    v_quote.quantity, v_quote.renews, p_contact, p_bot, p_reference, v_quote.expires_at, v_quote.full_amount,
    v_quote.promocode_id, v_quote.next_product_key
  )
  on conflict (reference) do nothing
  returning o.* into v_order;
  if v_order.id is not null then
    return private.order_details(v_order, 'created');
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  return private.order_details(v_order, 'known');
end
$$;

revoke all on function public.create_order from public, anon, authenticated, service_role;
grant execute on function public.create_order to bot_backend;
comment on function public.create_order is 'Creates an order of one product';

-- Returns the number of decimals of a currency: none for Stars and currencies without a fraction, otherwise two.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, 0 or 2.
-- Errors: none.
create or replace function private.currency_decimals(p_currency text)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_currency in (
      'XTR', 'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
    ) then 0
    else 2
  end;
$$;

revoke all on function private.currency_decimals from public, anon, authenticated, service_role;
comment on function private.currency_decimals is 'Returns the number of decimals of a currency';

-- Records the outcome of a refund, also in the audit log, and sends it to the admin who requested the refund, if they were
-- shown that it was still unknown or if a recorded outcome changes. For a refund that we requested ourselves (admin_email
-- system: private.refund_orphaned_payment) all admins get a message, unless it is done.
--
-- Concurrency: the caller holds the payment and the refund and calls once per change of the status.
-- Locks: refund (held by the caller).
-- Returns: jsonb, see private.enqueue_admin_message; empty if no admin is to be notified.
-- Errors: none.
create or replace function private.decide_refund(
  p_payment public.payments, p_refund public.refunds, p_status text, p_operation_id text, p_error text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.refunds as r
     set status = p_status,
         operation_id = coalesce(p_operation_id, r.operation_id),
         error = left(nullif(p_error, ''), 500),
         decided_at = private.clock()
   where r.id = p_refund.id;
  perform private.write_audit(
    p_refund.admin_email, 'refund_decided', p_payment.user_id, null,
    jsonb_build_object('refund', p_refund.id, 'payment', p_payment.id, 'status', p_refund.status),
    jsonb_build_object(
      'refund', p_refund.id, 'payment', p_payment.id, 'status', p_status, 'amount', p_refund.amount::text,
      'currency', p_payment.currency
    )
  );
  if (p_refund.admin_email = 'system' and p_status = 'done')
    or (p_refund.admin_email <> 'system' and not p_refund.is_awaited and p_refund.status = 'open')
  then
    return '[]'::jsonb;
  end if;
  return private.enqueue_admin_message(
    p_payment,
    'refund_result_' || p_status,
    jsonb_build_object('back', jsonb_build_object('amount', p_refund.amount, 'currency', p_payment.currency)),
    nullif(p_refund.admin_email, 'system')
  );
end
$$;

revoke all on function private.decide_refund from public, anon, authenticated, service_role;
comment on function private.decide_refund is 'Records the outcome of a refund';

-- Records that the provider declined an attempt to charge a period. The next attempt follows after the pause that the setting
-- renewal_retry_hours gives. After the last one, or if the payment method can never be charged again (p_is_final), the renewal
-- ends. If the provider refused the receipt contact (p_is_about_contact), the user is asked for another one.
--
-- Concurrency: the caller holds the order; the renewal's row is locked. Without an open attempt nothing changes. The next
--   attempt has another idempotency key, so that the provider does not repeat this refusal.
-- Locks: order (held by the caller), renewal, then the renewal's other orders if it ends (SKIP LOCKED).
-- Returns: jsonb, the messages to deliver now (outgoing): the user gets one about the first refusal and one about the end.
-- Errors: none.
create or replace function private.decline_charge(
  p_order public.orders, p_is_final boolean, p_is_about_contact boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_hours numeric;
begin
  select r.* into v_renewal from public.renewals as r where r.id = p_order.renewal_id for update;
  if v_renewal.attempt_started_at is null then
    return '[]'::jsonb;
  end if;
  update public.orders as o set checkout_reference = null where o.id = p_order.id;
  v_hours := (private.setting('renewal_retry_hours')::jsonb ->> v_renewal.attempts)::numeric;
  update public.renewals as r
     set status = case r.status when 'active' then 'past_due' else r.status end,
         attempts = r.attempts + 1,
         attempt_started_at = null,
         lease_until = null,
         charge_at = case
           when r.status = 'canceled' then greatest(r.charged_until, v_now)
           when v_hours is null then greatest(v_now, r.charged_until + private.grace_period())
           else v_now + make_interval(secs => (v_hours * 3600)::double precision)
         end
   where r.id = v_renewal.id;
  if v_renewal.status = 'canceled' then
    return '[]'::jsonb;
  elsif p_is_final then
    return private.end_renewal(v_renewal, 'renewal_given_up');
  elsif v_renewal.status <> 'active' then
    return '[]'::jsonb;
  end if;
  return private.enqueue_user_message(
    v_renewal.user_id,
    v_renewal.bot,
    case when p_is_about_contact then 'renewal_contact_refused' else 'renewal_past_due' end,
    jsonb_build_object(
      'title', private.product_titles(v_renewal.product_key),
      'until', jsonb_build_object('date', v_renewal.charged_until + private.grace_period())
    ),
    case when p_is_about_contact then '[[{"key": "renewal_contact_button", "data": "contact:change"}]]'::jsonb end
  );
end
$$;

revoke all on function private.decline_charge from public, anon, authenticated, service_role;
comment on function private.decline_charge is 'Records that a charge of a period was declined';

-- Subtracts a percentage from a price. The result is rounded down to the currency's decimals (private.currency_decimals) and is
-- at least 1, the least that providers charge.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: numeric, the price to pay; the full price without a percentage, or if nothing can be subtracted.
-- Errors: none.
create or replace function private.discounted_price(p_price numeric, p_currency text, p_percent integer)
returns numeric
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select least(
    p_price,
    greatest(
      1,
      trunc(
        p_price * (100 - coalesce(p_percent, 0)) / 100,
        private.currency_decimals(p_currency)
      )
    )
  );
$$;

revoke all on function private.discounted_price from public, anon, authenticated, service_role;
comment on function private.discounted_price is 'Subtracts a percentage from a price';

-- Edits the messages that invite to pay an order, so that they show its state (private.checkout_state) instead of the
-- invitation.
--
-- Concurrency: the order's row is locked and stores the state that its messages show, so each state is written once.
-- Locks: order.
-- Returns: jsonb, the edits to deliver now (outgoing); empty if the order has no message, can still be paid, or its messages
--   show the state.
-- Errors: none.
create or replace function private.edit_invitation(p_order_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_state text;
  v_sum jsonb;
  v_message_id bigint;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = p_order_id and cardinality(o.message_ids) > 0 and o.user_id is not null
     for update;
  if not found then
    return v_outgoing;
  end if;
  v_state := private.checkout_state(v_order);
  if v_state is null or v_state is not distinct from v_order.message_state then
    return v_outgoing;
  end if;
  update public.orders as o set message_state = v_state where o.id = p_order_id;
  -- The sum may differ from the price: a wrong amount was held and refunded, or a coupon paid a part.
  select jsonb_build_object(
      'amount', sum(case when v_state = 'refunded' then p.refunded else p.amount end), 'currency', p.currency
    )
    into v_sum
    from public.payments as p
   where p.order_id = p_order_id
     and p.status = case when v_state = 'refunded' then 'refunded' else 'completed' end
     and (v_state = 'refunded' or v_state = 'paid' and p.problem is null)
     and p.problem is distinct from 'owner'
     and p.problem is distinct from 'test'
     and p.problem is distinct from 'second_charge'
   group by p.currency
   order by sum(p.amount) desc
   limit 1;
  foreach v_message_id in array v_order.message_ids loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_order.user_id,
      v_order.bot,
      case v_state
        when 'paid' then 'invitation_paid'
        when 'held' then 'invitation_held'
        when 'refunded' then 'invitation_refunded'
        when 'disputed' then 'invitation_disputed'
        when 'withdrawn' then 'invitation_withdrawn'
        else 'invitation_expired'
      end,
      jsonb_build_object(
        'title', private.product_titles(v_order.product_key),
        'price', coalesce(v_sum, jsonb_build_object('amount', v_order.amount, 'currency', v_order.currency))
      ),
      case
        when v_state in ('refunded', 'withdrawn', 'expired')
          then jsonb_build_array(
            jsonb_build_array(jsonb_build_object('key', 'invitation_again', 'data', 'other:' || p_order_id))
          )
      end,
      v_message_id
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.edit_invitation from public, anon, authenticated, service_role;
comment on function private.edit_invitation is 'Edits the messages that invite to pay an order';

-- Ends a renewal that we charge ourselves: deletes the saved payment method and cancels the pending orders. p_key: text of the
-- message to the user; null: no message.
--
-- Concurrency: the caller holds the renewal's lock. An order that another transaction has locked is skipped: a payment for it
--   may just be recorded; otherwise it expires.
-- Locks: renewal (held by the caller), then its pending orders (SKIP LOCKED).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.end_renewal(p_renewal public.renewals, p_key text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.renewals as r
     set status = 'ended',
         ended_at = private.clock(),
         saved_method = null,
         charge_at = null,
         attempt_started_at = null,
         lease_until = null
   where r.id = p_renewal.id;
  perform private.cancel_renewal_orders(p_renewal.id);
  if p_key is null then
    return '[]'::jsonb;
  end if;
  return private.enqueue_user_message(
    p_renewal.user_id,
    p_renewal.bot,
    p_key,
    jsonb_build_object(
      'title', private.product_titles(p_renewal.product_key),
      'until', jsonb_build_object('date', p_renewal.charged_until)
    )
  );
end
$$;

revoke all on function private.end_renewal from public, anon, authenticated, service_role;
comment on function private.end_renewal is 'Ends a renewal that we charge ourselves';

-- Enqueues a message about a payment for the admins, with a button that opens it: for all of them, or the one with
-- p_admin_email. The bot that sold the order is preferred (private.notify_admins).
--
-- Concurrency: every call enqueues the message again; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.enqueue_admin_message(
  p_payment public.payments, p_key text, p_values jsonb, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.notify_admins(
    p_key,
    jsonb_build_object(
      'payment', p_payment.id,
      'provider', jsonb_build_object('provider', p_payment.provider),
      'number', p_payment.provider_payment_id,
      'money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency)
    ) || p_values,
    jsonb_build_array(
      jsonb_build_array(
        jsonb_build_object('key', 'admin_button_payment', 'data', format('admin:payment:%s:new', p_payment.id))
      )
    ),
    (select o.bot from public.orders as o where o.id = p_payment.order_id),
    p_admin_email
  );
end
$$;

revoke all on function private.enqueue_admin_message from public, anon, authenticated, service_role;
comment on function private.enqueue_admin_message is 'Enqueues a message about a payment for the admins';

-- Reminds users that a purchased, trial or promo subscription expires: three days before, one day before, and when it has
-- expired. No reminder before the end is sent to a user whose renewal is active; that user is notified after the grace period.
-- No reminder is sent when another subscription continues the plan, or when the subscription is shorter than the time before
-- its end.
--
-- Concurrency: subscriptions that another transaction has locked and users who are being erased are skipped. A reminder is
--   stored in subscriptions.reminded and sent once; an extended subscription is reminded of again. A reminder that is more than
--   a day late is not sent: the next one is more accurate.
-- Locks: subscriptions by ends_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_expiry_reminders(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.source, k.until, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select private.effective_end(s.user_id, s.plan, s.source, s.ends_at) as until
      ) as k
      cross join lateral (
        select case
            when k.until <= v_now then 'over'
            when k.until <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select coalesce(
            (select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1),
            -- Without an order (trial, promo code): the bot that the user used last.
            (select private.reachable_bot(u.id, u.telegram_id, null) from public.users as u where u.id = s.user_id)
          ) as bot
      ) as b on true
     where s.source in ('purchase', 'trial', 'promo')
       and s.ends_at between v_now - interval '1 day' - private.grace_period() and v_now + interval '3 days'
       and k.until between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
       and s.starts_at < s.ends_at - case r.reminder
         when 'days' then interval '3 days'
         when 'day' then interval '1 day'
         else interval '0'
       end
       and not exists (
         select
           from public.subscriptions as a
           join public.subscription_limits as l on l.plan = a.plan
           join public.subscription_limits as m on m.plan = s.plan
          where a.user_id = s.user_id
            and a.status = 'active'
            and l.vip_level >= m.vip_level
            and (a.ends_at is null or a.ends_at > s.ends_at)
       )
       and (
         r.reminder = 'over'
         or not exists (
           select from public.renewals as n
            where n.user_id = s.user_id and n.status in ('active', 'past_due')
         )
       )
     order by s.ends_at
     limit p_limit
       for update of s skip locked
  loop
    perform from public.users as u where u.id = v_due.user_id for key share skip locked;
    continue when not found;
    update public.subscriptions as s
       set reminded = v_due.reminder || ' ' || s.ends_at::text
     where s.id = v_due.id;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_due.user_id,
      v_due.bot,
      'ends_' || case v_due.source when 'trial' then 'trial_' else '' end || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.until))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_expiry_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_expiry_reminders to bot_backend;
comment on function public.enqueue_expiry_reminders is 'Reminds users that a subscription expires';

-- Reminds users once of an unpaid order, order_reminder_hours after it was created (0: never). An order is skipped when
-- anything shows that the user no longer needs it: a payment (also one under review or pending), expiry, a newer order of the
-- same product, a purchase of the same product or plan, a discount that is bound to another order, a ban, or a blocked bot.
--
-- Concurrency: orders that another transaction has locked and users who are being erased are skipped. The reminder is stored in
--   orders.notified, so it is sent once.
-- Locks: orders by expires_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_order_reminders(p_limit integer default 100)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_hours numeric := private.setting('order_reminder_hours')::numeric;
  v_order public.orders;
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_hours <= 0 then
    return v_outgoing;
  end if;
  for v_order in
    select o.*
      from public.orders as o
     where o.status = 'pending'
       and o.expires_at > v_now
       and o.created_at <= v_now - make_interval(secs => (v_hours * 3600)::double precision)
       and o.renewal_id is null
       and not o.notified && array['pending', 'reminder']
       and not private.is_discount_gone(o)
       and exists (select from public.users as u where u.id = o.user_id and u.banned_at is null and u.is_active)
       and not exists (select from public.payments as p where p.order_id = o.id)
       and not exists (
         select
           from public.orders as e
          where e.user_id = o.user_id
            and (e.product_key = o.product_key or e.plan = o.plan)
            and (e.completed_at > o.created_at or (e.id > o.id and e.product_key = o.product_key))
       )
     order by o.expires_at
     limit p_limit
       for update of o skip locked
  loop
    perform from public.users as u where u.id = v_order.user_id for key share skip locked;
    continue when not found;
    update public.orders as o set notified = o.notified || 'reminder'::text where o.id = v_order.id;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_order.user_id,
      v_order.bot,
      'order_reminder',
      jsonb_build_object(
        'title', private.product_titles(v_order.product_key),
        'price', jsonb_build_object('amount', v_order.amount, 'currency', v_order.currency)
      ),
      case when v_order.checkout_url is not null then jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'buy_pay_button', 'url', v_order.checkout_url))
      ) else '[]'::jsonb end
      || jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'buy_other', 'data', 'other:' || v_order.id))
      ),
      p_order_id => v_order.id
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_order_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_order_reminders to bot_backend;
comment on function public.enqueue_order_reminders is 'Reminds users of unpaid orders';

-- Enqueues a templated message for a user: a text key, its values, and rows of buttons ({key: text key, data or url}). Python
-- renders it in the user's language when it is delivered. With p_message_id it edits that message; with p_order_id it is an
-- invitation to pay that order, whose message id is stored after delivery (public.save_invitation).
--
-- Concurrency: every call enqueues one message; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, a list with the enqueued message (outgoing), which the caller delivers now; empty for an erased user, or
--   without a bot.
-- Errors: none.
create or replace function private.enqueue_user_message(
  p_user_id bigint, p_bot text, p_key text, p_values jsonb, p_buttons jsonb default null,
  p_message_id bigint default null, p_order_id bigint default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_parameters jsonb;
begin
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', p_key,
      'languages', jsonb_build_array(u.language, u.language_code),
      'timezone', private.setting('quota_timezone'),
      'values', p_values
    ) || jsonb_strip_nulls(jsonb_build_object('buttons', p_buttons, 'message_id', p_message_id, 'order_id', p_order_id))
    into v_parameters
    from public.users as u
   where u.id = p_user_id;
  if not found or p_bot is null then
    return '[]'::jsonb;
  end if;
  return jsonb_build_array(
    jsonb_build_object(
      'bot', p_bot,
      'id', (private.enqueue_calls(
        p_bot, null, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'template',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.enqueue_user_message from public, anon, authenticated, service_role;
comment on function private.enqueue_user_message is 'Enqueues a templated message for a user';

-- Finds the discount for a user's next one-off purchase: the greatest one; the others stay for later purchases.
--
-- Concurrency: read-only. Until something is bought, the order that was created last has the discount.
-- Locks: none.
-- Returns: public.promocode_usages, the row; all its columns are null if there is none.
-- Errors: none.
create or replace function private.find_discount(p_user_id bigint)
returns public.promocode_usages
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select u.*
    from public.promocode_usages as u
   where u.user_id = p_user_id
     and u.percent is not null
     and u.consumed_at is null
     and (u.expires_at is null or u.expires_at > (select private.clock()))
   order by u.percent desc, u.promocode_id
   limit 1;
$$;

revoke all on function private.find_discount from public, anon, authenticated, service_role;
comment on function private.find_discount is 'Finds the discount for a user''s next one-off purchase';

-- Finds the recipient of messages about a payment, the bot to send them in, and what was bought. For a payment without an
-- order, or for another user's order, the recipient is the payer if the provider reports them (Telegram); the bot is then the
-- one that the user used last.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (user_id, bot, product_key, amount, currency): user_id and bot are null if no recipient is known; the product, amount
--   and currency of the order are null without an order.
-- Errors: none.
create or replace function private.find_payer(
  p_payment public.payments, out user_id bigint, out bot text, out product_key text, out amount numeric,
  out currency text
)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  select b.product_key, b.bot, b.amount, b.currency into product_key, bot, amount, currency
    from (
      select o.product_key, o.bot, o.amount, o.currency from public.orders as o where o.id = p_payment.order_id
      union all
      select r.product_key, r.bot, r.amount, r.currency
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b;
  user_id := p_payment.user_id;
  if p_payment.problem in ('no_order', 'owner') then
    select u.id into user_id
      from public.users as u
     where u.telegram_id = nullif((p_payment.claims ->> 'telegram_id')::bigint, 0);
  end if;
  if bot is null then
    select s.bot into bot
      from public.bot_sessions as s
     where s.user_id = find_payer.user_id
     order by s.updated_at desc
     limit 1;
  end if;
end
$$;

revoke all on function private.find_payer from public, anon, authenticated, service_role;
comment on function private.find_payer is 'Recipient of messages about a payment, bot and product';

-- Finds the buyer's newest open order that equals p_quote (private.quote_order): the same product, provider, price, discount
-- and terms in the same bot. An order whose payment failed once, or that expires within the hour, is not reused.
--
-- Concurrency: read-only. The caller holds an advisory lock of the user's orders, so that two devices find the same order.
-- Locks: none.
-- Returns: public.orders, the row; null if there is none.
-- Errors: none.
create or replace function private.find_reusable_order(p_quote public.orders)
returns public.orders
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select o.*
    from public.orders as o
   where o.user_id = p_quote.user_id
     and o.bot = p_quote.bot
     and o.product_key = p_quote.product_key
     and o.provider = p_quote.provider
     and o.currency = p_quote.currency
     and o.amount = p_quote.amount
     and o.renews = p_quote.renews
     and o.contact is not distinct from p_quote.contact
     and o.next_product_key is not distinct from p_quote.next_product_key
     and o.promocode_id is not distinct from p_quote.promocode_id
     and o.renewal_id is null
     and o.status = 'pending'
     and 'failed' <> all(o.notified)
     and o.expires_at > (select private.clock()) + interval '1 hour'
     and private.checkout_state(o) is null
   order by o.id desc
   limit 1;
$$;

revoke all on function private.find_reusable_order from public, anon, authenticated, service_role;
comment on function private.find_reusable_order is 'Finds an open order that equals a quoted one';

-- Reconciles a day of a provider's statement that was read to its end with our records, alerts the admins once about each
-- difference, and deletes what is older than 60 days.
--
-- Concurrency: the caller holds the day's lock. Reported differences are marked (statement_entries.alarmed_at,
--   payment_operations.alarmed_at).
-- Locks: statement day (held by the caller), then the entries and operations that differ.
-- Returns: jsonb
--   is_current: boolean                  (true)
--   outgoing: outgoing
--   differences: [ { kind: text, number: text, payment: bigint | null, what: 'only_theirs' | 'only_ours' | 'differs' } ]
--     (new ones. number: the provider's id of the operation; payment: our payment; only_theirs: only the provider lists it;
--      only_ours: only our records have it)
--   sums: [ { currency: text, theirs: numeric | null, ours: numeric | null } ]   (of the day)
--   foreign: int                         (number of entries that are not about this database)
-- Errors: none.
create or replace function private.finish_statement(p_provider text, p_day date)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_differences jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select coalesce(
      jsonb_agg(
        jsonb_build_object('kind', l.kind, 'number', l.number, 'payment', l.payment_id, 'what', case
          when l.ours is null then 'only_theirs'
          when l.theirs is null then 'only_ours'
          else 'differs'
        end)
        order by l.kind, l.number
      ),
      '[]'::jsonb
    )
    into v_differences
    from private.statement_lines(p_day, p_day, p_provider) as l
   where (l.ours is distinct from l.theirs or l.our_currency is distinct from l.their_currency) and not l.is_alarmed;
  if v_differences <> '[]' then
    update public.statement_entries as e
       set alarmed_at = v_now
      from jsonb_array_elements(v_differences) as g (value)
     where e.provider = p_provider and e.kind = g.value ->> 'kind' and e.number = g.value ->> 'number';
    update public.payment_operations as o
       set alarmed_at = v_now
      from jsonb_array_elements(v_differences) as g (value)
     where g.value ->> 'what' = 'only_ours'
       and o.payment_id = (g.value ->> 'payment')::bigint
       and private.statement_kind(o.kind) = g.value ->> 'kind'
       and o.operation_id = g.value ->> 'number';
    v_outgoing := private.alarm_admins(
      'statement_alarm',
      (
        select jsonb_build_object(
            'provider', jsonb_build_object('provider', p_provider),
            'day', p_day,
            'only_theirs', count(*) filter (where g.value ->> 'what' = 'only_theirs'),
            'only_ours', count(*) filter (where g.value ->> 'what' = 'only_ours'),
            'differs', count(*) filter (where g.value ->> 'what' = 'differs'),
            'numbers', string_agg(g.value ->> 'number', ', ' order by g.place) filter (where g.place <= 5)
          )
          from jsonb_array_elements(v_differences) with ordinality as g (value, place)
      ),
      (select min((g.value ->> 'payment')::bigint) from jsonb_array_elements(v_differences) as g (value))
    );
  end if;
  delete from public.statement_entries as e where e.provider = p_provider and e.day < p_day - 60;
  delete from public.statement_days as d where d.provider = p_provider and d.day < p_day - 60;
  return jsonb_build_object(
    'is_current', true,
    'outgoing', v_outgoing,
    'differences', v_differences,
    'sums', (
      select coalesce(
          jsonb_agg(jsonb_build_object('currency', s.currency, 'theirs', s.theirs::text, 'ours', s.ours::text)),
          '[]'::jsonb
        )
        from public.payment_statement(p_day, p_day) as s
       where s.provider = p_provider and s.currency is not null
    ),
    'foreign', (
      select count(*)
        from public.statement_entries as e
       where e.provider = p_provider and e.day = p_day and not e.is_ours
    )
  );
end
$$;

revoke all on function private.finish_statement from public, anon, authenticated, service_role;
comment on function private.finish_statement is 'Reconciles a day of a provider''s statement with our records';

-- Grants what a payment was made for: plan time, bonus credits, balance or a course. Completes the order, consumes its
-- discount, creates or extends the renewal, cancels the renewals that it replaces, pays the referrer's commission, and sends
-- the buyer a message. A purchase from balance shows the result on its own screen instead; a payment that was refunded before
-- it arrived sends none.
--
-- Concurrency: the caller holds the payment and its order and has checked that nothing was granted; effects are also unique per
--   payment. Buyer and referrer are locked in the order of their ids, so that two payments with the same two users cannot
--   deadlock.
-- Locks: payment and order (held by the caller), buyer and referrer by id (NO KEY UPDATE), then the buyer's subscriptions,
--   other orders with the same discount by id, and renewals.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.fulfil_payment(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_purchase record;
  v_referrer_id bigint;
  v_given numeric;
  v_ends_at timestamptz;
  v_offer jsonb;
  v_is_resumed boolean;
  v_replaced jsonb;
begin
  select b.kind, b.plan, b.period, b.quantity, b.bot, b.product_key, b.order_id, b.next_product_key
    into v_purchase
    from (
      select o.product_key, o.kind, o.plan, o.period, o.quantity, o.bot, o.id as order_id, o.next_product_key
        from public.orders as o
       where o.id = p_payment.order_id
      union all
      select r.product_key, r.kind, r.plan, r.period, null::numeric, r.bot, null::bigint, null::text
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b;
  select r.referrer_id into v_referrer_id
    from public.user_referrals as r
   where r.referred_id = p_payment.user_id and r.status = 'completed';
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- null: erased in between

  select g.given, g.ends_at into v_given, v_ends_at
    from private.grant_purchase(
      p_payment, v_purchase.kind, v_purchase.plan, v_purchase.period, v_purchase.quantity
    ) as g;
  perform private.pay_commission(p_payment, v_referrer_id);

  update public.orders as o
     set status = 'completed', completed_at = v_now
   where o.id = p_payment.order_id and o.status <> 'completed';
  perform private.consume_discount(p_payment.order_id);
  v_is_resumed := private.save_renewal(p_payment, v_ends_at);
  v_replaced := private.replace_renewals(p_payment, v_is_resumed);
  if p_payment.status = 'refunded' or p_payment.provider = 'balance' then
    return v_replaced;
  end if;
  v_offer := private.offer_after_top_up(p_payment.user_id, v_purchase.order_id, v_purchase.next_product_key);
  return private.enqueue_user_message(
    p_payment.user_id,
    v_purchase.bot,
    case
      when v_offer is not null then 'paid_balance_continues'
      when v_is_resumed then 'renewed_resumed'
      when p_payment.renewal_id is null then 'paid_' || v_purchase.kind
      else 'renewed'
    end,
    jsonb_build_object('title', private.product_titles(v_purchase.product_key))
    || case v_purchase.kind
         when 'subscription' then jsonb_build_object('until', jsonb_build_object('date', v_ends_at))
         when 'course' then '{}'
         when 'balance' then jsonb_build_object(
           'quantity', jsonb_build_object('amount', v_given, 'currency', private.setting('balance_currency'))
         )
         else jsonb_build_object('quantity', trim_scale(v_given))
       end
    || coalesce(v_offer -> 'values', '{}'),
    v_offer -> 'buttons'
  ) || v_replaced;
end
$$;

revoke all on function private.fulfil_payment from public, anon, authenticated, service_role;
comment on function private.fulfil_payment is 'Grants what a payment was made for';

-- Describes an order that its buyer wants to pay after all, like public.create_order for an order that it reuses.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'reused' | 'closed'              (paid or under review)
--     | 'gone'                                (not the user's, canceled or expired)
--   ...?private.order_details                    (reused)
--   ...?private.closed_checkout               (closed)
-- Errors: none.
create or replace function public.get_open_order(p_user_id bigint, p_order_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = p_order_id and o.user_id = p_user_id and o.renewal_id is null;
  return coalesce(
    private.closed_checkout(v_order),
    case
      when v_order.status = 'pending' and v_order.checkout_url is not null and private.checkout_state(v_order) is null
      then private.order_details(v_order, 'reused')
    end,
    jsonb_build_object('outcome', 'gone')
  );
end
$$;

revoke all on function public.get_open_order from public, anon, authenticated, service_role;
grant execute on function public.get_open_order to bot_backend;
comment on function public.get_open_order is 'Describes an order that its buyer wants to pay after all';

-- Grants what was bought with a payment (plan time, bonus credits, balance or a course) and records it as the payment's effect.
--
-- Concurrency: the caller holds the payment and the user and has checked that nothing was granted; the effect is also unique
--   per payment, so that a second grant fails.
-- Locks: user (held by the caller), then the user's subscriptions of the plan.
-- Returns: (given, ends_at), the quantity granted (payment_effects.given) and the new end of the plan; null without a plan.
-- Errors: none.
create or replace function private.grant_purchase(
  p_payment public.payments,
  p_kind text,
  p_plan text,
  p_period text,
  p_quantity numeric,
  out given numeric,
  out ends_at timestamptz
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_subscription_id bigint;
begin
  case p_kind
    when 'subscription' then
      select e.subscription_id, e.seconds into v_subscription_id, given
        from private.extend_subscription(p_payment.user_id, p_plan, 'purchase', p_period, null) as e;
      select s.ends_at into ends_at from public.subscriptions as s where s.id = v_subscription_id;
    when 'credits' then
      given := p_quantity;
      update public.users as u set bonus_credits = u.bonus_credits + given::integer where u.id = p_payment.user_id;
    when 'balance' then
      given := p_quantity;
      perform private.adjust_balance_for_payment(p_payment.user_id, given, 'payment', p_payment.id, 'balance', 0);
    else
      given := 1;
  end case;
  insert into public.payment_effects (payment_id, effect, user_id, subscription_id, given)
  values (p_payment.id, p_kind, p_payment.user_id, v_subscription_id, grant_purchase.given);
end
$$;

revoke all on function private.grant_purchase from public, anon, authenticated, service_role;
comment on function private.grant_purchase is 'Grants what was bought with a payment';

-- Returns whether the last charge of a renewal was fully refunded or is disputed. Such a renewal is not charged again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_last_charge_refunded(p_renewal public.renewals)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select p.status = 'refunded' or p.disputed > 0
        from public.payments as p
       where p.amount > 0
         and p.problem is null
         and (
           p.renewal_id = p_renewal.id
           or p.order_id = nullif(split_part(p_renewal.provider_subscription_id, 'order:', 2), '')::bigint
         )
       order by p.id desc
       limit 1
    ),
    false
  );
$$;

revoke all on function private.is_last_charge_refunded from public, anon, authenticated, service_role;
comment on function private.is_last_charge_refunded is 'Whether the last charge of a renewal was refunded or is disputed';

-- Returns whether the admins got a message within a day about the subscription of an erased user that this payment is for, one
-- that was never paid before the erasure.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_orphan_reported(p_payment public.payments)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.renewals as r
     where r.provider = p_payment.provider
       and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
       and r.user_id is null
       and r.charged_until is null
       and r.created_at > private.clock() - interval '1 day'
  );
$$;

revoke all on function private.is_orphan_reported from public, anon, authenticated, service_role;
comment on function private.is_orphan_reported is 'Whether the admins were alerted about an erased user''s subscription';

-- Returns whether an event on a provider's statement is about this database: its payment is known, or it names an order or a
-- subscription of ours. An account may serve other shops and environments, whose order numbers may equal ours; so an event that
-- happened before the order was created is not about it (ten minutes are allowed for clocks that differ).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_our_listed_event(p_provider text, p_event jsonb)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
      select from public.payments as p
       where p.provider = p_provider and p.provider_payment_id = p_event ->> 'payment_id'
    )
    or exists (
      select from public.orders as o
       where o.id = (p_event ->> 'order_id')::bigint
         and o.provider = p_provider
         and o.created_at < coalesce((p_event ->> 'happened_at')::timestamptz, 'infinity') + interval '10 minutes'
    )
    or exists (
      select from public.renewals as r
       where r.provider = p_provider
         and r.provider_subscription_id = p_event ->> 'subscription_id'
         -- Telegram's id of a subscription is that of its order, which the condition above covers.
         and p_event ->> 'subscription_id' is distinct from p_event ->> 'order_id'
    );
$$;

revoke all on function private.is_our_listed_event from public, anon, authenticated, service_role;
comment on function private.is_our_listed_event is 'Whether an event on a provider''s statement is about this database';

-- Returns whether another payment was fulfilled for the same period of a subscription. An invoice for a change within the
-- period has the same period end and grants nothing more.
--
-- Concurrency: read-only. The caller holds the order or the renewal, so of two payments for one period the second one finds the
--   first.
-- Locks: none.
-- Returns: boolean; false if the provider does not report the period's end.
-- Errors: none.
create or replace function private.is_period_paid(p_payment public.payments)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.payments as p
     where p.provider = p_payment.provider
       and p.claims ->> 'subscription_id' = p_payment.claims ->> 'subscription_id'
       and p.id <> p_payment.id
       and p.problem is null
       and p.amount is not null
       and (p.claims ->> 'period_ends_at')::timestamptz = (p_payment.claims ->> 'period_ends_at')::timestamptz
  );
$$;

revoke all on function private.is_period_paid from public, anon, authenticated, service_role;
comment on function private.is_period_paid is 'Whether another payment was fulfilled for the same period';

-- Returns whether a payment shows that a canceled or ended subscription runs again: the provider charges it by its own
-- schedule, and did so after the cancellation. A charge that was made before and arrives later shows nothing, nor does one
-- while the provider must still cancel the subscription (next_cancel_attempt_at). Providers report whole seconds: a charge
-- within the second of the cancellation counts as later, because a running renewal that is shown as canceled costs the user
-- more than a canceled one that is shown as running.
--
-- Concurrency: read-only. The caller holds the renewal's lock.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_resumed(p_renewal public.renewals, p_payment public.payments)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    p_renewal.status in ('canceled', 'ended')
    and p_renewal.user_id is not null
    and p_renewal.next_cancel_attempt_at is null
    and p_renewal.provider_subscription_id not like 'order:%'
    and p_payment.status = 'completed'
    and coalesce((p_payment.claims ->> 'paid_at')::timestamptz, p_payment.completed_at)
      >= date_trunc('second', coalesce(p_renewal.canceled_at, p_renewal.ended_at)),
    false
  );
$$;

revoke all on function private.is_resumed from public, anon, authenticated, service_role;
comment on function private.is_resumed is 'Whether a payment shows that a canceled subscription runs again';

-- Returns whether repeating the transaction may avoid an error: SQLSTATE classes 40 (serialization failure, deadlock), 53
-- (insufficient resources), 55 (lock not available) and 57 (operator intervention). An exception handler for others re-raises
-- these, so that the caller repeats the whole transaction.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_retryable(p_sqlstate text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select left(p_sqlstate, 2) in ('40', '53', '55', '57');
$$;

revoke all on function private.is_retryable from public, anon, authenticated, service_role;
comment on function private.is_retryable is 'Whether repeating the transaction may avoid an error';

-- Returns whether an event of this subscription was given up before, because no user had the subscription for a day
-- (public.record_payment_event).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_subscription_ignored(p_provider text, p_subscription_id text)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.payment_events as e
     where e.provider = p_provider
       and e.user_id is null
       and e.processed_at is not null
       and e.error is not null
       and e.events @> jsonb_build_array(jsonb_build_object('subscription_id', p_subscription_id))
  );
$$;

revoke all on function private.is_subscription_ignored from public, anon, authenticated, service_role;
comment on function private.is_subscription_ignored is 'Whether an event of this subscription was given up before';

-- Returns the user's newest order that was paid from balance. Screens shown before the next purchase share this number as their
-- idempotency key, so that a purchase from any of them is made once.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: bigint, the order's id; 0 without one.
-- Errors: none.
create or replace function public.last_balance_order(p_user_id bigint)
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(max(o.id), 0) from public.orders as o where o.user_id = p_user_id and o.provider = 'balance';
$$;

revoke all on function public.last_balance_order from public, anon, authenticated, service_role;
grant execute on function public.last_balance_order to bot_backend;
comment on function public.last_balance_order is 'Returns the user''s newest order that was paid from balance';

-- Leases the open charge attempt of a renewal to one worker for a minute. While the outcome stays unknown, the attempt is
-- leased again: after ten minutes at first, then at growing intervals (a sixth of its age).
--
-- Concurrency: the caller holds the renewal's lock, and charge_at moves ahead, so an attempt has one worker at a time. A
--   repeated attempt has the same order and attempt number, and so the same idempotency key at the provider.
-- Locks: renewal (held by the caller).
-- Returns: jsonb
--   id: bigint             (null instead of all of it: no attempt is open)
--   attempt: int
--   order_id: bigint
--   provider: text
--   saved_method: text | null
--   is_status_check: boolean       (only look whether the attempt succeeded)
--   attempt_started_at: timestamptz  (since when the attempt is open)
--   reference: text | null                    (the provider's number of a charge that was under way)
--   texts: product_texts
--   amount: numeric
--   currency: text
--   contact: text | null
--   telegram_id: bigint
--   languages: [ text | null ]
--   bot: text
-- Errors: none.
create or replace function private.lease_charge(p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_order public.orders;
  v_user public.users;
begin
  update public.renewals as r
     set lease_until = v_now + interval '1 minute',
         charge_at = v_now + greatest(interval '10 minutes', (v_now - r.attempt_started_at) / 6)
   where r.id = p_renewal_id and r.attempt_started_at is not null and r.charge_at <= v_now
  returning r.* into v_renewal;
  if not found then
    return null;
  end if;
  v_order := private.order_of_period(v_renewal);
  select u.* into v_user from public.users as u where u.id = v_renewal.user_id;
  return jsonb_build_object(
    'id', v_renewal.id,
    'attempt', v_renewal.attempts,
    'order_id', v_order.id,
    'provider', v_renewal.provider,
    'saved_method', v_renewal.saved_method,
    'is_status_check', v_renewal.saved_method is null
      or v_user.banned_at is not null
      or v_renewal.attempt_started_at < v_now - interval '20 hours',
    'attempt_started_at', v_renewal.attempt_started_at,
    'reference', v_order.checkout_reference,
    'texts', (select p.texts from public.products as p where p.key = v_renewal.product_key),
    'amount', v_order.amount::text,
    'currency', v_order.currency,
    'contact', v_order.contact,
    'telegram_id', v_user.telegram_id,
    'languages', jsonb_build_array(v_user.language, v_user.language_code),
    'bot', v_renewal.bot
  );
end
$$;

revoke all on function private.lease_charge from public, anon, authenticated, service_role;
comment on function private.lease_charge is 'Leases the open charge attempt of a renewal to one worker';

-- Leases a refund to one worker for a minute and returns what the call to the provider needs.
--
-- Concurrency: the caller holds the refund's lock, and next_attempt_at moves ahead. A repeated call to the provider has the
--   same key.
-- Locks: refund (held by the caller).
-- Returns: jsonb
--   id: bigint
--   key: text              (idempotency key for the provider)
--   attempt: int
--   provider: text
--   number: text           (the provider's payment number)
--   amount: numeric
--   currency: text
--   is_whole: boolean
--   telegram_id: bigint | null                (who paid; null: erased)
--   contact: text | null                      (for the receipt)
--   texts: product_texts | null               (of the product, for the receipt; null without an order)
--   languages: [ text | null ]
-- Errors: none.
create or replace function private.lease_refund(p_refund_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task jsonb;
begin
  update public.refunds as r
     set attempts = r.attempts + 1,
         first_attempt_at = coalesce(r.first_attempt_at, v_now),
         next_attempt_at = v_now + interval '1 minute'
   where r.id = p_refund_id;
  select jsonb_build_object(
      'id', r.id,
      'key', r.key,
      'attempt', r.attempts,
      'provider', p.provider,
      'number', p.provider_payment_id,
      'amount', r.amount::text,
      'currency', p.currency,
      'is_whole', r.amount = p.amount,
      'telegram_id', coalesce(nullif((p.claims ->> 'telegram_id')::bigint, 0), u.telegram_id),
      'contact', coalesce(
        o.contact,
        -- A renewal has no contact: the one of the user's last order with this provider.
        (
          select e.contact
            from public.orders as e
           where e.user_id = n.user_id and e.provider = n.provider and e.contact is not null
           order by e.id desc
           limit 1
        )
      ),
      'texts', d.texts,
      'languages', jsonb_build_array(u.language, u.language_code)
    )
    into v_task
    from public.refunds as r
    join public.payments as p on p.id = r.payment_id
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as n on n.id = p.renewal_id
    left join public.products as d on d.key = coalesce(o.product_key, n.product_key)
    left join public.users as u on u.id = p.user_id
   where r.id = p_refund_id;
  return v_task;
end
$$;

revoke all on function private.lease_refund from public, anon, authenticated, service_role;
comment on function private.lease_refund is 'Leases a refund to one worker';

-- Detaches the message that invites to pay an order, because its buyer goes back to the product's page in it. If the order is
-- paid or under review, the message stays attached and shows that.
--
-- Concurrency: the order's row is locked; a repeated call changes nothing.
-- Locks: order.
-- Returns: jsonb
--   outcome: 'left' | 'closed' | 'unknown'
--   product_key?: text     (left)
--   renews?: boolean       (left)
--   ...?private.closed_checkout               (closed)
-- Errors: none.
create or replace function public.leave_checkout(
  p_user_id bigint, p_order_id bigint, p_message_id bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_closed jsonb;
begin
  select o.* into v_order from public.orders as o where o.id = p_order_id and o.user_id = p_user_id for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  v_closed := private.closed_checkout(v_order);
  if v_closed is not null then
    return v_closed;
  end if;
  update public.orders as o
     set message_ids = array_remove(o.message_ids, p_message_id)
   where o.id = p_order_id and p_message_id = any(o.message_ids);
  return jsonb_build_object('outcome', 'left', 'product_key', v_order.product_key, 'renews', v_order.renews);
end
$$;

revoke all on function public.leave_checkout from public, anon, authenticated, service_role;
grant execute on function public.leave_checkout to bot_backend;
comment on function public.leave_checkout is 'Detaches the message that invites to pay an order';

-- Links a webhook event to the user that it concerns, the payer before the buyer. If that user has been erased, the event and
-- its payments are anonymized instead. The body of an event that concerns no user and contains only events of kind other is
-- deleted.
--
-- Concurrency: the caller holds the event's lock; a repetition finds the same user.
-- Locks: event (held by the caller), payments, refunds.
-- Returns: void
-- Errors: none.
create or replace function private.link_event_to_users(p_event_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_event public.payment_events;
  v_user_id bigint;
begin
  select e.* into v_event from public.payment_events as e where e.id = p_event_id;
  select p.user_id into v_user_id
    from private.users_of_event(v_event.provider, v_event.events) as p
   order by p.user_id is null, p.is_payer desc
   limit 1;
  if v_user_id is not null then
    update public.payment_events as e set user_id = v_user_id where e.id = p_event_id;
  elsif found then
    perform private.anonymize_payments(
      array(
        select p.id
          from public.payments as p
         where p.provider = v_event.provider
           and p.provider_payment_id = any(
             array(select n.value ->> 'payment_id' from jsonb_array_elements(v_event.events) as n)
           )
      )
    );
    perform private.anonymize_payment_events(array[p_event_id]);
  elsif v_event.events <> '[]'
    and not exists (select from jsonb_array_elements(v_event.events) as n where n.value ->> 'kind' <> 'other')
  then
    update public.payment_events as e set body = '' where e.id = p_event_id;
  end if;
end
$$;

revoke all on function private.link_event_to_users from public, anon, authenticated, service_role;
comment on function private.link_event_to_users is 'Links a webhook event to the user that it concerns';

-- Links the webhook events of a payment that arrived before its order was known.
--
-- Concurrency: the caller holds the payment's lock. Events that another transaction has locked are skipped: it links them
--   itself.
-- Locks: events of the payment without a user (FOR UPDATE SKIP LOCKED).
-- Returns: void
-- Errors: none.
create or replace function private.link_events_of_payment(p_payment public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  for v_id in
    select e.id
      from public.payment_events as e
     where e.user_id is null
       and e.provider = p_payment.provider
       and e.events @> jsonb_build_array(jsonb_build_object('payment_id', p_payment.provider_payment_id))
       for update skip locked
  loop
    perform private.link_event_to_users(v_id);
  end loop;
end
$$;

revoke all on function private.link_events_of_payment from public, anon, authenticated, service_role;
comment on function private.link_events_of_payment is 'Links the earlier webhook events of a payment to its user';

-- Locks the discount for a user's next one-off purchase, so that it is bound to one order at a time.
--
-- Concurrency: waits for the transaction that has the lock, then searches again, because the discount may have been used by
--   then.
-- Locks: discount, before the orders that have it (as private.lock_payers).
-- Returns: public.promocode_usages, see private.find_discount.
-- Errors: none.
create or replace function private.lock_discount(p_user_id bigint)
returns public.promocode_usages
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_discount public.promocode_usages := private.find_discount(p_user_id);
begin
  loop
    exit when v_discount.promocode_id is null;
    perform
      from public.promocode_usages as u
     where u.promocode_id = v_discount.promocode_id and u.user_id = p_user_id and u.consumed_at is null
       for update;
    exit when found;
    v_discount := private.find_discount(p_user_id);
  end loop;
  return v_discount;
end
$$;

revoke all on function private.lock_discount from public, anon, authenticated, service_role;
comment on function private.lock_discount is 'Locks the discount for a user''s next one-off purchase';

-- Locks the discounts of orders until the transaction ends.
--
-- Concurrency: locks are taken in the order of the primary key, so that two calls cannot deadlock.
-- Locks: discounts by (promocode_id, user_id). Call it after locking the users and before locking the orders, the order in
--   which public.create_order locks.
-- Returns: void
-- Errors: none.
create or replace function private.lock_order_discounts(p_order_ids bigint[])
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform
    from public.promocode_usages as u
   where (u.promocode_id, u.user_id) in (
     select o.promocode_id, o.user_id
       from public.orders as o
      where o.id = any(p_order_ids) and o.promocode_id is not null
   )
   order by u.promocode_id, u.user_id
     for update;
end
$$;

revoke all on function private.lock_order_discounts from public, anon, authenticated, service_role;
comment on function private.lock_order_discounts is 'Locks the discounts of orders';

-- Locks the users that payment events concern against erasure until the transaction ends, then the discounts of the events'
-- orders, so that no order is created with a discount whose order is being paid.
--
-- Concurrency: every transaction that changes a user's payments locks the user first. An erasure locks the user exclusively,
--   then the user's rows: it therefore never waits for a transaction that waits for it.
-- Locks: users by id (KEY SHARE), then discounts by (promocode_id, user_id).
-- Returns: void
-- Errors: none.
create or replace function private.lock_payers(p_provider text, p_events jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_ids bigint[] := array(select e.user_id from private.users_of_event(p_provider, p_events) as e);
begin
  perform from public.users as u where u.id = any(v_user_ids) order by u.id for key share;
  perform private.lock_order_discounts(
    array(
      select (n.value ->> 'order_id')::bigint from jsonb_array_elements(p_events) as n
      union
      select (p.claims ->> 'order_id')::bigint
        from public.payments as p
       where p.provider = p_provider
         and p.provider_payment_id = any(
           array(select n.value ->> 'payment_id' from jsonb_array_elements(p_events) as n)
         )
    )
  );
end
$$;

revoke all on function private.lock_payers from public, anon, authenticated, service_role;
comment on function private.lock_payers is 'Locks the users that payment events concern';

-- Locks a payment's user against erasure, then the payment.
--
-- Concurrency: the same order as everywhere: the user, then the payment.
-- Locks: user (KEY SHARE), payment.
-- Returns: public.payments, the current row; all its columns are null if there is none.
-- Errors: none.
create or replace function private.lock_payment(p_payment_id bigint)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
begin
  perform
    from public.users as u
   where u.id = (select p.user_id from public.payments as p where p.id = p_payment_id)
     for key share;
  select p.* into v_payment from public.payments as p where p.id = p_payment_id for update;
  return v_payment;
end
$$;

revoke all on function private.lock_payment from public, anon, authenticated, service_role;
comment on function private.lock_payment is 'Locks a payment and its user';

-- Notifies the buyer that a dispute was decided in their favor: the money is refunded, and which part of the purchase was
-- reversed.
--
-- Concurrency: the caller calls once, when the dispute is decided.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing); empty if the dispute moved no money or the payment was never
--   fulfilled.
-- Errors: none.
create or replace function private.notify_dispute_lost(p_payment_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_payer record;
  v_effect record;
  v_plan jsonb;
begin
  select p.* into v_payment from public.payments as p where p.id = p_payment_id;
  select b.* into v_payer from private.find_payer(v_payment) as b;
  if v_payment.disputed = 0 or v_payment.problem is not null or v_payer.product_key is null then
    return '[]'::jsonb;
  end if;
  select e.effect, e.reversed, s.plan into v_effect
    from public.payment_effects as e
    left join public.subscriptions as s on s.id = e.subscription_id
   where e.payment_id = p_payment_id and e.effect <> 'commission' and e.user_id = v_payer.user_id and e.reversed > 0;
  v_plan := private.plan_of(v_payer.user_id);
  return private.enqueue_user_message(
    v_payer.user_id,
    v_payer.bot,
    case
      when v_effect.effect = 'credits' then 'dispute_lost_credits'
      when v_effect.effect = 'balance' then 'dispute_lost_balance'
      when v_effect.plan <> v_plan ->> 'plan' then 'dispute_lost_plan'
      when v_effect.plan is not null and v_plan ->> 'ends_at' is not null then 'dispute_lost_time'
      else 'dispute_lost'
    end,
    jsonb_build_object(
      'title', private.product_titles(v_payer.product_key),
      'money', jsonb_build_object('amount', v_payment.disputed, 'currency', v_payment.currency),
      'plan', jsonb_build_object('plan', v_effect.plan),
      'until', jsonb_build_object('date', v_plan ->> 'ends_at'),
      'quantity', case v_effect.effect
        when 'balance' then jsonb_build_object(
          'amount', v_effect.reversed, 'currency', private.setting('balance_currency')
        )
        else to_jsonb(trim_scale(v_effect.reversed))
      end
    )
  );
end
$$;

revoke all on function private.notify_dispute_lost from public, anon, authenticated, service_role;
comment on function private.notify_dispute_lost is 'Notifies the buyer what a dispute that they won has reversed';

-- Notifies the payer that a payment is held for review, why it is not fulfilled, and what happens next. Admins decide about it
-- (private.alarm_payment_problem); the payer is notified of the refund.
--
-- Concurrency: the caller holds the payment's lock and calls once per problem.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing); empty if the payer is not a known user or everything is refunded
--   already.
-- Errors: none.
create or replace function private.notify_payment_held(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payer record;
begin
  if p_payment.status <> 'completed' then
    return '[]'::jsonb;
  end if;
  select b.* into v_payer from private.find_payer(p_payment) as b;
  return private.enqueue_user_message(
    v_payer.user_id,
    v_payer.bot,
    'payment_held_' || p_payment.problem,
    jsonb_build_object('money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency))
    || case when v_payer.product_key is null then '{}'::jsonb else jsonb_build_object(
      'title', private.product_titles(v_payer.product_key),
      'price', jsonb_build_object('amount', v_payer.amount, 'currency', v_payer.currency)
    ) end
  );
end
$$;

revoke all on function private.notify_payment_held from public, anon, authenticated, service_role;
comment on function private.notify_payment_held is 'Notifies the payer that a payment is held for review';

-- Notifies the buyer of a refund (partial or full), of a dispute, and of what reversed either.
--
-- Concurrency: the caller calls when the sums or the reversed quantities have changed.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing); empty for a dispute that is already decided in the buyer's favor,
--   which private.notify_dispute_lost reports.
-- Errors: none.
create or replace function private.notify_refund(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payer record;
  v_back numeric := p_payment.refunded + p_payment.disputed - p_before.refunded - p_before.disputed;
begin
  if v_back = 0 then  -- the refund was recorded before the payment was settled
    v_back := p_payment.refunded + p_payment.disputed;
  end if;
  if p_payment.disputed > p_before.disputed and not exists (
    select
      from public.payment_operations as o
     where o.payment_id = p_payment.id and o.kind = 'dispute' and not o.is_final
  ) then
    return '[]'::jsonb;  -- already lost by us: private.notify_dispute_lost notifies
  end if;
  select b.* into v_payer from private.find_payer(p_payment) as b;
  return private.enqueue_user_message(
    v_payer.user_id,
    v_payer.bot,
    case
      when v_payer.product_key is null then 'refunded_unknown'
      when p_payment.problem is not null then 'refunded_unused'
      when p_payment.disputed < p_before.disputed then 'dispute_won'
      when v_back < 0 then 'refund_undone'
      when p_payment.disputed > p_before.disputed then 'disputed'
      when p_payment.provider = 'balance' and p_payment.status = 'completed' then 'refunded_part_to_balance'
      when p_payment.provider = 'balance' then 'refunded_to_balance'
      when p_payment.status = 'completed' then 'refunded_part'
      else 'refunded'
    end,
    jsonb_build_object('money', jsonb_build_object('amount', abs(v_back), 'currency', p_payment.currency))
    || case
         when v_payer.product_key is null then '{}'::jsonb
         else jsonb_build_object('title', private.product_titles(v_payer.product_key))
       end
  );
end
$$;

revoke all on function private.notify_refund from public, anon, authenticated, service_role;
comment on function private.notify_refund is 'Notifies the buyer of a refund or dispute';

-- Offers the product for which a top-up was made: one tap buys it from balance. If the balance is still too low, the button
-- opens the page that shows what is missing.
--
-- Concurrency: read-only. The button carries the price and the top-up's order as idempotency key, so that
--   public.pay_from_balance buys once, however often it is tapped.
-- Locks: none.
-- Returns: jsonb {values: {wanted, price}, buttons} for private.enqueue_user_message; null if the product is not sold from
--   balance.
-- Errors: none.
create or replace function private.offer_after_top_up(p_user_id bigint, p_order_id bigint, p_product_key text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_currency text := private.setting('balance_currency');
  v_price numeric;
  v_data text;
begin
  select private.discounted_price(c.amount, c.currency, d.percent) into v_price
    from public.products as p
    join public.product_prices as c on c.product_key = p.key and c.currency = v_currency
    cross join private.find_discount(p_user_id) as d
   where p.key = p_product_key and p.is_active and p.kind <> 'balance';
  if v_price is null then
    return null;
  end if;
  v_data := format('bal!:%s:%s:t%s', p_product_key, trim_scale(v_price), p_order_id);
  if octet_length(v_data) > 64 or (select u.balance < v_price from public.users as u where u.id = p_user_id) then
    v_data := format('bal:%s', p_product_key);
  end if;
  return jsonb_build_object(
    'values', jsonb_build_object(
      'wanted', private.product_titles(p_product_key),
      'price', jsonb_build_object('amount', v_price, 'currency', v_currency)
    ),
    'buttons', jsonb_build_array(jsonb_build_array(jsonb_build_object('key', 'balance_buy', 'data', v_data)))
  );
end
$$;

revoke all on function private.offer_after_top_up from public, anon, authenticated, service_role;
comment on function private.offer_after_top_up is 'Offers the product for which a top-up was made';

-- Describes an order for its checkout.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: text          (p_outcome)
--   id: bigint
--   status: 'pending' | 'completed' | 'canceled' | 'withdrawn'
--   provider: text
--   kind: 'subscription' | 'credits' | 'balance' | 'course'
--   texts: product_texts
--   amount: numeric
--   full_amount: numeric | null               (without the discount; null when there is none)
--   currency: text
--   period: 'month' | 'year' | null
--   renews: boolean
--   contact: text | null
--   expires_at: timestamptz
--   checkout_url: text | null
--   checkout_reference: text | null
-- Errors: none.
create or replace function private.order_details(p_order public.orders, p_outcome text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'outcome', p_outcome,
      'id', p_order.id,
      'status', p_order.status,
      'provider', p_order.provider,
      'kind', p_order.kind,
      'texts', p.texts,
      'amount', p_order.amount::text,
      'full_amount', p_order.full_amount::text,
      'currency', p_order.currency,
      'period', p_order.period,
      'renews', p_order.renews,
      'contact', p_order.contact,
      'expires_at', p_order.expires_at,
      'checkout_url', p_order.checkout_url,
      'checkout_reference', p_order.checkout_reference
    )
    from public.products as p
   where p.key = p_order.product_key;
$$;

revoke all on function private.order_details from public, anon, authenticated, service_role;
comment on function private.order_details is 'Describes an order for its checkout';

-- Returns the order that charges the next period of a renewal, and creates it on the first call. The receipt goes to the
-- contact of the renewal's first order.
--
-- Concurrency: the caller holds the renewal's lock. The order's idempotency key is made of the renewal and the start of the
--   period, so a period has one order however many attempts it takes.
-- Locks: none.
-- Returns: public.orders, the order.
-- Errors: none.
create or replace function private.order_of_period(p_renewal public.renewals)
returns public.orders
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := format('renewals:%s:%s', p_renewal.id, extract(epoch from p_renewal.charged_until));
  v_order public.orders;
begin
  insert into public.orders (
    user_id, product_key, provider, currency, amount, kind, plan, period, renewal_id, contact, bot, reference,
    expires_at
  )
  values (
    p_renewal.user_id, p_renewal.product_key, p_renewal.provider, p_renewal.currency, p_renewal.amount,
    p_renewal.kind, p_renewal.plan, p_renewal.period, p_renewal.id,
    (
      select o.contact
        from public.orders as o
       where o.id = nullif(split_part(p_renewal.provider_subscription_id, 'order:', 2), '')::bigint
    ),
    p_renewal.bot, v_reference, private.clock() + interval '30 days'
  )
  on conflict (reference) do nothing;
  select o.* into v_order from public.orders as o where o.reference = v_reference;
  return v_order;
end
$$;

revoke all on function private.order_of_period from public, anon, authenticated, service_role;
comment on function private.order_of_period is 'The order that charges the next period of a renewal';

-- Pays the referrer's commission for a payment in balance_currency. A payment from balance earns none: the top-up that it
-- spends has earned it already.
--
-- Concurrency: the effect commission is unique per payment, so it is paid once. The caller holds both users.
-- Locks: referrer (held by the caller).
-- Returns: void
-- Errors: those of public.adjust_balance.
create or replace function private.pay_commission(p_payment public.payments, p_referrer_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share numeric := round(
    p_payment.amount * private.setting('referral_commission_percent')::numeric / 100, 2
  );
begin
  if p_referrer_id is null
    or v_share <= 0
    or p_payment.currency <> private.setting('balance_currency')
    or p_payment.provider = 'balance'
  then
    return;
  end if;
  insert into public.payment_effects (payment_id, effect, user_id, given)
  values (p_payment.id, 'commission', p_referrer_id, v_share)
  on conflict (payment_id, effect) do nothing;
  if found then
    perform private.adjust_balance_for_payment(p_referrer_id, v_share, 'referral commission', p_payment.id, 'commission', 0);
  end if;
end
$$;

revoke all on function private.pay_commission from public, anon, authenticated, service_role;
comment on function private.pay_commission is 'Pays the referrer''s commission for a payment';

-- Buys one product from the user's balance: the order, the payment (provider balance), its fulfilment and the ledger entry
-- (reference orders:<id>:paid) are one transaction. The price is the one in balance_currency, less the user's discount. A
-- subscription is bought for one period and does not renew.
--
-- Concurrency: a reference has one order, so a repeated or concurrent call gets the same order and it is paid once. Calls with
--   different references are serialized by the user's row lock: the balance cannot become negative.
-- Locks: user (KEY SHARE), discount, orders that lose the discount, order, payment, then users by id (NO KEY UPDATE), the same
--   order as in public.record_payment_event.
-- Returns: jsonb
--   outcome: 'paid' | 'known'
--     | 'not_for_sale'     (inactive, no price in balance_currency, or a top-up; without the other keys)
--   id?: bigint            (of the order)
--   texts?: product_texts
--   kind?: 'subscription' | 'credits' | 'balance' | 'course'
--   amount?: numeric
--   quantity?: numeric | null
--   currency?: text
--   until?: timestamptz | null                (end of the plan that was bought)
--   state?: 'paid' | 'held' | 'refunded' | 'disputed' | 'withdrawn' | 'expired' | null
--   balance?: numeric
--   outgoing?: outgoing
-- Errors: M0003 no such user; L0002 the balance is too low; L0005 the price differs from p_amount, the price that the buyer saw
--   (null: any); M0004 the reference belongs to an order that is not paid from balance, or to one that cannot be paid any more.
create or replace function public.pay_from_balance(
  p_user_id bigint, p_product_key text, p_bot text, p_reference text, p_amount numeric default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_made jsonb := public.create_order(
    p_user_id, p_product_key, 'balance', private.setting('balance_currency'), p_bot, p_reference => p_reference
  );
  v_order public.orders;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select o.* into v_order from public.orders as o where o.id = (v_made ->> 'id')::bigint;
  if v_made ->> 'outcome' = 'not_for_sale' then
    return v_made;
  elsif v_order.provider is distinct from 'balance' then
    raise exception 'the reference belongs to an order that is not paid from balance' using errcode = 'M0004';
  elsif v_order.status <> 'completed' then
    if v_order.amount <> p_amount then
      raise exception 'the price has changed' using errcode = 'L0005';
    end if;
    v_outgoing := private.charge_balance(v_order);
  end if;
  return jsonb_build_object(
    'outcome', case when v_order.status = 'completed' then 'known' else 'paid' end,
    'id', v_order.id,
    'texts', v_made -> 'texts',
    'kind', v_order.kind,
    'amount', v_order.amount::text,
    'quantity', trim_scale(v_order.quantity)::text,
    'currency', v_order.currency,
    'until', (
      select s.ends_at
        from public.payments as p
        join public.payment_effects as e on e.payment_id = p.id
        join public.subscriptions as s on s.id = e.subscription_id
       where p.order_id = v_order.id
    ),
    'state', private.checkout_state(v_order),
    'balance', (select u.balance::text from public.users as u where u.id = p_user_id),
    'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.pay_from_balance from public, anon, authenticated, service_role;
grant execute on function public.pay_from_balance to bot_backend;
comment on function public.pay_from_balance is 'Buys one product from the user''s balance';

-- Lists a user's payments and unpaid orders, newest first. A payment that is not fulfilled is under review until it is
-- refunded; its order is not listed besides.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint | null                       (of the payment; null: an unpaid order)
--     order_id: bigint | null                 (of an order that can still be paid)
--     texts: product_texts | null             (null: a payment whose order is unknown)
--     amount: numeric
--     currency: text
--     status: 'pending' | 'expired' | 'canceled' | 'withdrawn'   (unpaid orders)
--       | 'review' | 'disputed' | 'completed' | 'failed' | 'refunded'
--     provider: text
--     refunded: numeric
--     at: timestamptz                         (when it was paid, or ordered)
--   } ]
-- Errors: none.
create or replace function public.payment_history(p_user_id bigint, p_limit integer default 10)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user_id and p.problem is distinct from 'owner'
     union all
    select p.*
      from public.users as u
      join public.payments as p
        on p.claims ->> 'telegram_id' = u.telegram_id::text and p.problem in ('owner', 'no_order')
     where u.id = p_user_id and p.user_id is distinct from u.id
  ), lines as (
    select
      p.id, null::bigint as order_id, d.texts, p.amount, p.currency,
      case
        when p.problem is not null and p.status = 'completed' then 'review'
        when p.disputed > 0 then 'disputed'
        else p.status
      end as status,
      p.provider, p.refunded + p.disputed as refunded, p.completed_at as at
    from own as p
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as r on r.id = p.renewal_id
    left join public.products as d on d.key = coalesce(o.product_key, r.product_key)
    where p.amount is not null
    union all
    select
      null,
      case when s.is_payable then o.id end,
      d.texts, o.amount, o.currency,
      case when o.status = 'pending' and o.expires_at <= (select private.clock()) then 'expired' else o.status end,
      o.provider, 0, o.created_at
    from public.orders as o
    join public.products as d on d.key = o.product_key
    cross join lateral (
      select o.status = 'pending' and o.renewal_id is null and o.checkout_url is not null
        and private.checkout_state(o) is null as is_payable
    ) as s
    where o.user_id = p_user_id
      and o.status <> 'completed'
      and not exists (select from own as p where p.order_id = o.id and p.amount is not null)
    order by at desc
    limit least(p_limit, 50)
  )
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', l.id,
          'order_id', l.order_id,
          'texts', l.texts,
          'amount', l.amount::text,
          'currency', l.currency,
          'status', l.status,
          'provider', l.provider,
          'refunded', l.refunded::text,
          'at', l.at
        )
        order by l.at desc
      ),
      '[]'
    )
    from lines as l;
$$;

revoke all on function public.payment_history from public, anon, authenticated, service_role;
grant execute on function public.payment_history to bot_backend;
comment on function public.payment_history is 'A user''s payments and unpaid orders';

-- Returns why a payment must be held for review instead of being fulfilled: it does not pay what was agreed for its order or
-- renewal (one of both is null). The rules for amounts are those of private.claim_payment.
--
-- Concurrency: read-only. The caller holds the payment and its order or renewal, so of two payments for one order or period the
--   second one finds the first (p_has_other, private.is_period_paid).
-- Locks: none.
-- Returns: text, a payments.problem; null: the payment may be fulfilled.
-- Errors: none.
create or replace function private.payment_problem(
  p_payment public.payments, p_order public.orders, p_renewal public.renewals, p_has_other boolean, p_accept_test boolean
)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_amount numeric := coalesce(p_order.amount, p_renewal.amount);
  v_currency text := coalesce(p_order.currency, p_renewal.currency);
  v_user_id bigint := coalesce(p_order.user_id, p_renewal.user_id);
  v_is_period boolean := p_renewal.id is not null
    or (p_order.renews and p_order.renewal_id is null and coalesce((p_payment.claims ->> 'is_invoice')::boolean, false));
  v_accepts_charged_amount boolean := v_is_period
    and (
      not coalesce((p_payment.claims ->> 'has_buyer_terms')::boolean, false)
      or (p_payment.amount >= v_amount and p_payment.currency = v_currency)
    );
begin
  return case
    when p_order.id is null and p_renewal.id is null then 'no_order'
    when p_payment.is_test and not p_accept_test then 'test'
    when not v_accepts_charged_amount and p_payment.currency is distinct from v_currency then 'currency'
    when not v_accepts_charged_amount and p_payment.amount <> v_amount then 'amount'
    when v_user_id is null or not coalesce(
      (p_payment.claims ->> 'telegram_id')::bigint = (select u.telegram_id from public.users as u where u.id = v_user_id), true
    ) then 'owner'
    when p_has_other and p_order.id is not null then 'second_charge'
    when p_order.id is not null and private.is_discount_gone(p_order) then 'withdrawn'
    when v_is_period
      and (p_payment.amount <> v_amount or p_payment.claims ? 'is_invoice')
      and private.is_period_paid(p_payment)
      then 'second_charge'
  end;
end
$$;

revoke all on function private.payment_problem from public, anon, authenticated, service_role;
comment on function private.payment_problem is 'Why a payment must be held for review';

-- Compares provider statements with our records: one row per provider, day (UTC) and currency, for the days that have been
-- read. Amounts are net of refunds, disputes and affiliates' commissions. The default range is the last 30 days.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: table, newest day first. difference: ours - theirs, 0 if all agree; unmatched: movements that differ or exist on one
--   side only; foreign_entries: entries that are not ours (another shop on the account). A day without movements has one row
--   without a currency.
-- Errors: none.
create or replace function public.payment_statement(p_first date default null, p_last date default null)
returns table (
  provider text,
  day date,
  currency text,
  theirs numeric,
  ours numeric,
  difference numeric,
  unmatched bigint,
  foreign_entries bigint,
  read_at timestamptz
)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with days as (
    select coalesce(p_first, (private.clock() at time zone 'UTC')::date - 30) as first,
           coalesce(p_last, (private.clock() at time zone 'UTC')::date) as last
  ),
  lines as (
    select l.* from days as d cross join lateral private.statement_lines(d.first, d.last) as l
  ),
  sides as (
    select l.provider, l.day, l.their_currency as currency, l.theirs, 0 as ours,
           l.ours is distinct from l.theirs or l.our_currency is distinct from l.their_currency as is_unmatched
      from lines as l
     where l.theirs is not null
    union all
    select l.provider, l.day, l.our_currency, 0, l.ours,
           l.theirs is null or l.our_currency is distinct from l.their_currency
      from lines as l
     where l.ours is not null
  ),
  sums as (
    select s.provider, s.day, s.currency, sum(s.theirs) as theirs, sum(s.ours) as ours,
           count(*) filter (where s.is_unmatched) as unmatched
      from sides as s
     group by s.provider, s.day, s.currency
  )
  select d.provider, d.day, s.currency, coalesce(s.theirs, 0), coalesce(s.ours, 0),
         coalesce(s.ours - s.theirs, 0), coalesce(s.unmatched, 0),
         (
           select count(*)
             from public.statement_entries as e
            where e.provider = d.provider and e.day = d.day and not e.is_ours
         ),
         d.read_at
    from days as w
    join public.statement_days as d on d.day between w.first and w.last and d.read_at is not null
    left join sums as s on s.provider = d.provider and s.day = d.day
   order by d.day desc, d.provider, s.currency;
$$;

revoke all on function public.payment_statement from public, anon, authenticated, service_role;
grant execute on function public.payment_statement to bot_backend, service_role;
comment on function public.payment_statement is 'Compares provider statements with our records';

-- Processes a renewal that is due: ends it, postpones it to the end of the plan that the user has from another source, or
-- starts a charge attempt (attempt_started_at).
--
-- Concurrency: the caller holds the renewal and its user, and no attempt is open.
-- Locks: renewal (held by the caller), then its unpaid orders (SKIP LOCKED) if it ends or is postponed.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.prepare_renewal(p_renewal public.renewals)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outgoing jsonb := '[]'::jsonb;
  v_now timestamptz := private.clock();
  v_tries integer := 1 + jsonb_array_length(private.setting('renewal_retry_hours')::jsonb);
  v_paid_until timestamptz;
begin
  if p_renewal.status = 'canceled'
    or p_renewal.saved_method is null
    or exists (select from public.users as u where u.id = p_renewal.user_id and u.banned_at is not null)
    or private.is_last_charge_refunded(p_renewal)
  then
    return private.end_renewal(p_renewal, null);
  end if;
  select max(s.ends_at) into v_paid_until
    from public.subscriptions as s
   where s.user_id = p_renewal.user_id
     and s.plan = p_renewal.plan
     and s.status = 'active';
  if v_paid_until > v_now then
    perform private.cancel_renewal_orders(p_renewal.id);
    update public.renewals as r
       set status = 'active', attempts = 0, charged_until = v_paid_until, charge_at = v_paid_until
     where r.id = p_renewal.id;
  else
    -- No attempt within the grace period: the job did not run. The admins are alerted before the late charge.
    if p_renewal.attempts = 0 and p_renewal.charged_until < v_now - private.grace_period() then
      v_outgoing := private.alarm_missed_charge(p_renewal);
    end if;
    if p_renewal.attempts >= v_tries or p_renewal.charged_until < v_now - interval '30 days' then
      return v_outgoing || private.end_renewal(p_renewal, 'renewal_given_up');
    end if;
    update public.renewals as r set attempt_started_at = v_now where r.id = p_renewal.id;
  end if;
  return v_outgoing;
end
$$;

revoke all on function private.prepare_renewal from public, anon, authenticated, service_role;
comment on function private.prepare_renewal is 'Ends, postpones or starts to charge a renewal that is due';

-- Returns the titles of a product; languages without a title are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { [text]: text }      (by language)
-- Errors: none.
create or replace function private.product_titles(p_product_key text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(t.key, t.value -> 'title'), '{}')
    from public.products as p
    cross join jsonb_each(p.texts) as t
   where p.key = p_product_key and t.value ->> 'title' <> '';
$$;

revoke all on function private.product_titles from public, anon, authenticated, service_role;
comment on function private.product_titles is 'The titles of a product by language';

-- Lists the products on sale with their prices and the user's discounted prices, sorted by position. A product without a price
-- is not on sale. Renewing purchases and top-ups have no discount.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     kind: 'subscription' | 'credits' | 'balance' | 'course'
--     plan: text | null
--     period: 'month' | 'year' | null
--     quantity: numeric | null
--     texts: product_texts
--     prices: { [text]: numeric }             (by currency)
--     discount: { percent: int, until: timestamptz | null, prices: { [text]: numeric } } | null
--                                             (prices that the discount lowers; null: no discount)
--   } ]                                       (by position)
-- Errors: none.
create or replace function public.products_for_sale(p_user_id bigint default null)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'key', p.key,
          'kind', p.kind,
          'plan', p.plan,
          'period', p.period,
          'quantity', trim_scale(p.quantity)::text,
          'texts', p.texts,
          'prices', s.prices,
          'discount', case when s.reduced is not null then jsonb_build_object(
            'percent', d.percent, 'until', d.expires_at, 'prices', s.reduced
          ) end
        )
        order by p.position, p.key
      ),
      '[]'
    )
    from public.products as p
    cross join private.find_discount(p_user_id) as d
    join lateral (
      select
        jsonb_object_agg(c.currency, c.amount::text) as prices,
        jsonb_object_agg(c.currency, r.amount::text) filter (where r.amount < c.amount) as reduced,
        count(*) as count
        from public.product_prices as c
        cross join lateral private.discounted_price(
          c.amount, c.currency, case when p.kind <> 'balance' then d.percent end
        ) as r (amount)
       where c.product_key = p.key
    ) as s on s.count > 0
   where p.is_active;
$$;

revoke all on function public.products_for_sale from public, anon, authenticated, service_role;
grant execute on function public.products_for_sale to bot_backend;
comment on function public.products_for_sale is 'Products on sale with their prices';

-- Computes the order that public.create_order inserts: the product's terms and current price, the user's discount, and the
-- expiry. An order that renews or tops up the balance has no discount.
--
-- Concurrency: with p_reuse an advisory lock serializes the calls of one user. The discount is locked, so that it is bound to
--   one order at a time.
-- Locks: with p_reuse an advisory lock of the user's orders, then the discount.
-- Returns: public.orders, a row that is not stored yet; null if the product is not for sale: inactive, without a price in the
--   currency, or not sold from balance.
-- Errors: none.
create or replace function private.quote_order(
  p_user_id bigint, p_product_key text, p_provider text, p_currency text, p_renews boolean, p_reuse boolean
)
returns public.orders
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_product public.products;
  v_discount public.promocode_usages;
  v_quote public.orders;
begin
  select p.* into v_product from public.products as p where p.key = p_product_key and p.is_active;
  select c.amount into v_quote.full_amount
    from public.product_prices as c
   where c.product_key = v_product.key and c.currency = p_currency;
  if v_quote.full_amount is null
    or (p_provider = 'balance' and (v_product.kind = 'balance' or p_currency <> private.setting('balance_currency')))
  then
    return null;
  end if;
  v_quote.user_id := p_user_id;
  v_quote.product_key := v_product.key;
  v_quote.provider := p_provider;
  v_quote.currency := p_currency;
  v_quote.kind := v_product.kind;
  v_quote.plan := v_product.plan;
  v_quote.period := v_product.period;
  v_quote.quantity := v_product.quantity;
  v_quote.renews := p_renews and v_product.kind = 'subscription' and p_provider <> 'balance';
  v_quote.expires_at := private.clock() + make_interval(hours => private.setting('order_hours')::integer);
  if p_reuse then
    perform pg_advisory_xact_lock(hashtextextended(format('orders of %s', p_user_id), 0));
  end if;
  if not v_quote.renews and v_product.kind <> 'balance' then
    v_discount := private.lock_discount(p_user_id);
  end if;
  v_quote.amount := private.discounted_price(v_quote.full_amount, p_currency, v_discount.percent);
  if v_quote.amount < v_quote.full_amount then
    v_quote.promocode_id := v_discount.promocode_id;
    v_quote.expires_at := least(v_quote.expires_at, v_discount.expires_at);
  else
    v_quote.full_amount := null;
  end if;
  return v_quote;
end
$$;

revoke all on function private.quote_order from public, anon, authenticated, service_role;
comment on function private.quote_order is 'Computes an order at the current price';

-- Records whether a provider canceled a subscription, of an erased user or replaced by another renewal. Until it has, the
-- provider is asked again (public.claim_renewals_to_cancel); after the third failure the admins get one message.
--
-- Concurrency: the renewal's row is locked; a canceled subscription stays so.
-- Locks: renewal.
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.record_cancel_result(p_renewal_id bigint, p_is_canceled boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
begin
  select r.* into v_renewal from public.renewals as r where r.id = p_renewal_id for update;
  if p_is_canceled then
    update public.renewals as r
       set next_cancel_attempt_at = null, cancel_attempts = 0, payer = null
     where r.id = v_renewal.id;
  elsif v_renewal.next_cancel_attempt_at is not null and v_renewal.cancel_attempts = 3 then
    return jsonb_build_object(
      'outgoing',
      private.alarm_subscription_problem(v_renewal.provider, v_renewal.provider_subscription_id, 'running')
    );
  end if;
  return jsonb_build_object('outgoing', '[]'::jsonb);
end
$$;

revoke all on function public.record_cancel_result from public, anon, authenticated, service_role;
grant execute on function public.record_cancel_result to bot_backend;
comment on function public.record_cancel_result is 'Records whether a provider canceled a subscription';

-- Records what happened to an order before any money arrived: a payment is pending or an attempt failed (the buyer gets one
-- message for each), or the checkout was canceled (the order is canceled). A failed or canceled attempt of an order that we
-- made for a period of a renewal goes to private.decline_charge; that order stays open for the next attempt.
--
-- Concurrency: the order's row is locked and orders.notified keeps each message to one. A completed order does not change.
-- Locks: order, then its renewal (private.decline_charge).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.record_order_failure(p_provider text, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := p_event ->> 'kind';
  v_order public.orders;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = (p_event ->> 'order_id')::bigint and o.provider = p_provider
     for update;
  if not found or v_order.status = 'completed' then
    return '[]'::jsonb;
  elsif v_order.renewal_id is not null then
    if v_kind not in ('failed', 'canceled') then
      return '[]'::jsonb;  -- pending: our own charge attempt, which the buyer does not see
    end if;
    return private.decline_charge(
      v_order,
      v_kind = 'canceled' or coalesce((p_event ->> 'is_final')::boolean, false),
      p_event ->> 'reason' = 'contact_refused'
    );
  elsif v_order.status <> 'pending' then
    return '[]'::jsonb;
  elsif v_kind = 'canceled' then
    update public.orders as o set status = 'canceled' where o.id = v_order.id;
    return private.edit_invitation(v_order.id);
  elsif v_kind not in ('pending', 'failed') or v_kind = any(v_order.notified) then
    return '[]'::jsonb;
  end if;
  update public.orders as o set notified = o.notified || v_kind where o.id = v_order.id;
  return private.enqueue_user_message(
    v_order.user_id,
    v_order.bot,
    'payment_' || v_kind,
    jsonb_build_object('title', private.product_titles(v_order.product_key))
  );
end
$$;

revoke all on function private.record_order_failure from public, anon, authenticated, service_role;
comment on function private.record_order_failure is 'Records a pending, failed or canceled attempt to pay an order';

-- Stores a webhook event of a payment provider and applies its payment events. If applying fails, the event is stored with its
-- error, and the provider is asked to repeat it for a day; then it is retried from here (public.retry_payment_events). An event
-- of a subscription that no user has (another shop may share the account) is given up after a day: its other payment events are
-- applied, its body is deleted, and the admins are alerted once per subscription. Later events of that subscription are given
-- up at once.
--
-- Concurrency: the event is unique and its row locked, so a repeated event returns known. Applying runs in a subtransaction:
--   its failure rolls back and leaves the stored event. Deadlocks, lock timeouts and other retryable errors are not stored as
--   the event's error: they end the whole call, which the caller repeats. The users are locked before anything else, so an
--   erasure, which locks the user exclusively first, cannot deadlock with it.
-- Locks: users by id (KEY SHARE), discounts of the orders, event, then for each payment event as private.settle_payment:
--   payment, order, renewal, users by id (NO KEY UPDATE, which does not conflict with KEY SHARE); last, unmatched payments
--   (SKIP LOCKED).
-- Returns: jsonb
--   outcome: 'applied'
--     | 'known'            (applied or given up before)
--     | 'ignored'          (given up)
--     | 'failed'           (the provider must repeat it, unless is_late)
--   outgoing?: outgoing    (applied, ignored)
--   error?: text           (ignored, failed)
--   is_alarm?: boolean     (ignored: the first event of its subscription)
--   is_late?: boolean      (known, failed: first received at least a day ago, so it is retried from here)
-- Errors: none of its own. Retryable errors (classes 40, 53, 55 and 57, private.is_retryable) store nothing.
create or replace function public.record_payment_event(
  p_provider text,
  p_event_key text,
  p_type text,
  p_body text,
  p_events jsonb,
  p_accept_test boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_stored public.payment_events;
  v_event jsonb;
  v_outgoing jsonb := '[]'::jsonb;
  v_error text;
  v_is_late boolean;
  v_ignored text;
  v_is_alarm boolean := false;
begin
  perform private.lock_payers(p_provider, p_events);
  insert into public.payment_events as e (provider, event_key, type, body, events)
  values (p_provider, p_event_key, p_type, p_body, p_events)
  on conflict (provider, event_key) do update
    set attempts = e.attempts + 1
  returning e.* into v_stored;
  v_is_late := v_stored.received_at <= private.clock() - interval '1 day';
  if v_stored.processed_at is not null then
    return jsonb_build_object('outcome', 'known') || case when v_is_late then '{"is_late": true}' else '{}' end::jsonb;
  end if;

  begin
    for v_event in select n.value from jsonb_array_elements(p_events) as n (value)
    loop
      begin
        v_outgoing := v_outgoing || private.apply_payment_event(p_provider, v_event, p_accept_test);
      exception when sqlstate 'M0002' then
        v_ignored := v_event ->> 'subscription_id';
        if not private.is_subscription_ignored(p_provider, v_ignored) then
          if not v_is_late then
            raise;
          end if;
          v_is_alarm := true;
          v_outgoing := v_outgoing || private.alarm_subscription_problem(p_provider, v_ignored, 'unknown');
        end if;
      end;
    end loop;
    v_outgoing := v_outgoing || private.settle_unmatched_payments(p_accept_test);
  exception when others then
    if private.is_retryable(sqlstate) then
      raise;
    end if;
    get stacked diagnostics v_error = message_text;
    v_error := sqlstate || ' ' || v_error;
  end;
  update public.payment_events as e
     set processed_at = case when v_error is null then private.clock() end,
         error = coalesce(v_error, 'M0002 given up: no user has the subscription ' || v_ignored),
         body = case when v_error is null and v_ignored is not null then '' else e.body end
   where e.id = v_stored.id;
  perform private.link_event_to_users(v_stored.id);
  if v_error is not null then
    return jsonb_build_object('outcome', 'failed', 'error', v_error, 'is_late', v_is_late);
  elsif v_ignored is not null then
    return jsonb_build_object(
      'outcome', 'ignored',
      'error', 'M0002 no user has the subscription ' || v_ignored,
      'is_alarm', v_is_alarm,
      'outgoing', v_outgoing
    );
  end if;
  return jsonb_build_object('outcome', 'applied', 'outgoing', v_outgoing);
end
$$;

revoke all on function public.record_payment_event from public, anon, authenticated, service_role;
grant execute on function public.record_payment_event to bot_backend;
comment on function public.record_payment_event is 'Stores a webhook event of a payment provider and applies it';

-- Records a provider's answer to a refund request whose money has not visibly moved: accepted (the outcome follows), refused,
-- or unsure. A refund that moved money is a payment event instead (private.close_refund).
--
-- Concurrency: the refund's row is locked, and a decided refund does not change. A refusal counts only as the answer to the
--   first attempt: after an attempt without an answer it may refer to the repetition alone, while the first one was executed.
-- Locks: user (KEY SHARE), payment, refund.
-- Returns: jsonb
--   status: 'open' | 'done' | 'refused' | 'unknown' | 'failed'
--   is_accepted: boolean
--   error: text | null
--   outgoing: outgoing
-- Errors: none.
create or replace function public.record_refund_result(p_refund_id bigint, p_answer text, p_error text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_payment public.payments;
  v_refund public.refunds;
  v_outgoing jsonb := '[]'::jsonb;
begin
  v_payment := private.lock_payment((select r.payment_id from public.refunds as r where r.id = p_refund_id));
  select r.* into v_refund from public.refunds as r where r.id = p_refund_id for update;
  if v_refund.status = 'open' and p_answer = 'refused' and v_refund.attempts <= 1 and not v_refund.is_accepted then
    v_outgoing := private.decide_refund(v_payment, v_refund, 'refused', null, p_error);
  elsif v_refund.status = 'open' then
    update public.refunds as r
       set is_accepted = r.is_accepted or p_answer = 'accepted',
           is_awaited = true,
           error = left(p_error, 500),
           -- Growing pauses, half an hour at most.
           next_attempt_at = v_now + least(r.attempts * r.attempts, 30) * interval '1 minute'
     where r.id = p_refund_id;
  end if;
  select r.* into v_refund from public.refunds as r where r.id = p_refund_id;
  return jsonb_build_object(
    'status', v_refund.status, 'is_accepted', v_refund.is_accepted, 'error', v_refund.error, 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.record_refund_result from public, anon, authenticated, service_role;
grant execute on function public.record_refund_result to bot_backend;
comment on function public.record_refund_result is 'Records a provider''s answer to a refund request';

-- Refunds a charge that arrived after its user was erased, since it cannot be fulfilled, and has its subscription canceled at
-- the provider. A payment that was already under review before the erasure stays with the admins.
--
-- Concurrency: the caller holds the payment's lock; the refund's reference is unique per payment. The job `payments` executes
--   the refund like any other.
-- Locks: payment (held by the caller), renewal (private.save_orphaned_renewal).
-- Returns: void
-- Errors: none.
create or replace function private.refund_orphaned_payment(p_payment public.payments, p_before public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_payment.user_id is not null
    or coalesce(p_payment.order_id, p_payment.renewal_id) is null
    or p_payment.problem = 'test'
    or p_payment.provider = 'balance'
    -- Held for review before the erasure: an admin decides.
    or (p_before.amount is not null and p_before.problem is distinct from 'no_order')
  then
    return;
  end if;
  perform private.save_orphaned_renewal(p_payment.provider, p_payment.claims, true);
  insert into public.refunds (payment_id, amount, admin_email, reference)
  select p_payment.id, private.refundable_amount(p_payment), 'system', 'erased:' || p_payment.id
   where private.refundable_amount(p_payment) > 0
  on conflict (reference) do nothing;
end
$$;

revoke all on function private.refund_orphaned_payment from public, anon, authenticated, service_role;
comment on function private.refund_orphaned_payment is 'Refunds a charge that arrived after its user was erased';

-- Executes the refund of a payment that was made from balance: credits the amount (reference refunds:<id>) and reverses the
-- fulfilment, like every provider's refund.
--
-- Concurrency: the caller holds the payment's lock and has just created the refund; the ledger's reference is unique.
-- Locks: as private.apply_payment_event (payment, held by the caller; order, users by id, refund).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: those of public.adjust_balance.
create or replace function private.refund_to_balance(p_payment public.payments, p_refund public.refunds)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := format('refunds:%s', p_refund.id);
  v_outgoing jsonb;
begin
  v_outgoing := private.apply_payment_event(
    'balance',
    jsonb_build_object(
      'kind', 'refunded', 'payment_id', p_payment.provider_payment_id, 'operation_id', v_reference,
      'amount', p_refund.amount, 'currency', p_payment.currency, 'refund_id', p_refund.id
    ),
    false
  );
  perform public.adjust_balance(
    (select u.telegram_id from public.users as u where u.id = p_payment.user_id),
    p_refund.amount,
    'refund',
    v_reference
  );
  return v_outgoing;
end
$$;

revoke all on function private.refund_to_balance from public, anon, authenticated, service_role;
comment on function private.refund_to_balance is 'Executes the refund of a payment made from balance';

-- Returns the refundable rest of a payment: the amount paid without refunds, disputes and open refund requests.
--
-- Concurrency: read-only; the result is stable while the caller holds the payment's lock.
-- Locks: none.
-- Returns: numeric, never negative.
-- Errors: none.
create or replace function private.refundable_amount(p_payment public.payments)
returns numeric
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select greatest(
      coalesce(p_payment.amount, 0) - p_payment.refunded - p_payment.disputed - coalesce(sum(r.amount), 0), 0
    )
    from public.refunds as r
   where r.payment_id = p_payment.id and r.status = 'open';
$$;

revoke all on function private.refundable_amount from public, anon, authenticated, service_role;
comment on function private.refundable_amount is 'Returns the refundable rest of a payment';

-- Postpones a day of a provider's statement whose reading failed: by half an hour per consecutive failure, at most six hours.
--
-- Concurrency: every call counts a failure and extends lease_until; stored pages are kept.
-- Locks: statement day.
-- Returns: void
-- Errors: none.
create or replace function public.release_statement(p_provider text, p_day date)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.statement_days as d
     set failures = d.failures + 1,
         lease_until = private.clock() + interval '30 minutes' * least(d.failures + 1, 12)
   where d.provider = p_provider and d.day = p_day;
$$;

revoke all on function public.release_statement from public, anon, authenticated, service_role;
grant execute on function public.release_statement to bot_backend;
comment on function public.release_statement is 'Postpones a day of a provider''s statement after a failure';

-- Cancels the user's other renewals when one has begun or resumed, so that a user is charged by one renewal. The paid periods
-- continue. Subscriptions that a provider charges are canceled there by the job `payments` (renewals.next_cancel_attempt_at). A
-- payment of a later period neither begins nor replaces a renewal.
--
-- Concurrency: payments of one user's renewals are serialized by an advisory lock (private.claim_payment). An open charge
--   attempt is completed first, as in public.cancel_renewal.
-- Locks: the user's other renewals.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.replace_renewals(p_payment public.payments, p_is_resumed boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_new_id bigint;
  v_old record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select r.id into v_new_id
    from public.renewals as r
   where r.user_id = p_payment.user_id
     and r.status in ('active', 'past_due')
     and case
       when p_payment.renewal_id is not null then p_is_resumed and r.id = p_payment.renewal_id
       else r.provider = p_payment.provider
         and r.provider_subscription_id = coalesce(
           p_payment.claims ->> 'subscription_id', 'order:' || p_payment.order_id
         )
     end;
  if not found then
    return v_outgoing;
  end if;
  for v_old in
    update public.renewals as r
       set status = 'canceled',
           canceled_at = private.clock(),
           saved_method = null,
           charge_at = case
             when r.charge_at is not null and r.attempt_started_at is null then greatest(r.charged_until, private.clock())
             else r.charge_at
           end,
           next_cancel_attempt_at = case when r.provider_subscription_id not like 'order:%' then private.clock() end
     where r.user_id = p_payment.user_id and r.status in ('active', 'past_due') and r.id <> v_new_id
    returning r.bot, r.provider, r.product_key
  loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      p_payment.user_id,
      v_old.bot,
      'renewal_replaced',
      jsonb_build_object(
        'title', private.product_titles(v_old.product_key), 'provider', jsonb_build_object('provider', v_old.provider)
      )
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.replace_renewals from public, anon, authenticated, service_role;
comment on function private.replace_renewals is 'Cancels the renewals that a new one replaces';

-- Applies stored events of the last seven days that could not be applied when they arrived.
--
-- Concurrency: events that another transaction has locked are skipped, and applying an event twice changes nothing. The users
--   are locked before the event, as everywhere; their erasure may have emptied the event in between, so it is read again.
-- Locks: for each event: users by id (KEY SHARE) and discounts, event (FOR UPDATE SKIP LOCKED), then as
--   public.record_payment_event.
-- Returns: jsonb
--   applied: int
--   failed: int
--   ignored: int           (given up with an alarm)
--   outgoing: outgoing
-- Errors: those of public.record_payment_event.
create or replace function public.retry_payment_events(p_limit integer default 50, p_accept_test boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_event public.payment_events;
  v_result jsonb;
  v_applied integer := 0;
  v_failed integer := 0;
  v_ignored integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_event in
    select e.*
      from public.payment_events as e
     where e.processed_at is null
       and e.received_at > private.clock() - interval '7 days'
     order by e.received_at
     limit p_limit
  loop
    perform private.lock_payers(v_event.provider, v_event.events);
    select e.* into v_event
      from public.payment_events as e
     where e.id = v_event.id and e.processed_at is null
       for update skip locked;
    continue when not found;
    v_result := public.record_payment_event(
      v_event.provider, v_event.event_key, v_event.type, v_event.body, v_event.events, p_accept_test
    );
    v_applied := v_applied + (v_result ->> 'outcome' = 'applied')::integer;
    v_failed := v_failed + (v_result ->> 'outcome' = 'failed')::integer;
    v_ignored := v_ignored + coalesce((v_result ->> 'is_alarm')::boolean, false)::integer;
    v_outgoing := v_outgoing || coalesce(v_result -> 'outgoing', '[]');
  end loop;
  return jsonb_build_object(
    'applied', v_applied, 'failed', v_failed, 'ignored', v_ignored, 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.retry_payment_events from public, anon, authenticated, service_role;
grant execute on function public.retry_payment_events to bot_backend;
comment on function public.retry_payment_events is 'Applies stored events that could not be applied when they arrived';

-- Reverses the fulfilment of a payment in proportion to what was refunded or disputed, and restores it when a refund failed or
-- a dispute was won. Credits, balance and plan time never become negative: what the user no longer had is not reversed, and not
-- restored either. For an erased user only the target is updated.
--
-- Concurrency: the caller holds the payment's lock. The quantity to reverse is stored (payment_effects.reversal_target), so
--   that the same sums change nothing again.
-- Locks: users of the effects by id (NO KEY UPDATE), effects.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.reverse_fulfilment(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share numeric := least(
    1, coalesce((p_payment.refunded + p_payment.disputed) / nullif(p_payment.amount, 0), 0)
  );
  v_effect public.payment_effects;
  v_target numeric;
  v_reversed numeric;
  v_has_changed boolean := false;
begin
  perform from public.users as u
    where u.id in (select e.user_id from public.payment_effects as e where e.payment_id = p_payment.id)
    order by u.id
      for no key update;
  for v_effect in
    select e.* from public.payment_effects as e where e.payment_id = p_payment.id order by e.effect
  loop
    v_target := case
      when v_share = 1 then v_effect.given
      when v_effect.effect in ('balance', 'commission') then round(v_effect.given * v_share, 2)
      when v_effect.effect = 'course' then 0
      else floor(v_effect.given * v_share)
    end;
    if v_effect.user_id is null then
      v_target := greatest(v_target, v_effect.reversed);  -- an erased user's reversal is not restored
    end if;
    continue when v_target = v_effect.reversal_target;
    v_has_changed := true;
    if v_target > v_effect.reversal_target then
      v_reversed := v_effect.reversed + private.adjust_effect(p_payment, v_effect, v_effect.reversal_target - v_target);
    else
      v_reversed := least(v_effect.reversed, v_target);
      perform private.adjust_effect(p_payment, v_effect, v_effect.reversed - v_reversed);
    end if;
    update public.payment_effects as e
       set reversal_target = v_target, reversed = v_reversed, adjustments = e.adjustments + 1
     where e.payment_id = v_effect.payment_id and e.effect = v_effect.effect;
  end loop;
  -- The buyer is notified of every refund, also of one too small to reverse anything.
  if not v_has_changed and p_payment.refunded + p_payment.disputed = p_before.refunded + p_before.disputed then
    return '[]'::jsonb;
  end if;
  return private.notify_refund(p_payment, p_before);
end
$$;

revoke all on function private.reverse_fulfilment from public, anon, authenticated, service_role;
comment on function private.reverse_fulfilment is 'Reverses or restores the fulfilment of a payment';

-- Stores the checkout of an order: its URL, the provider's id of it, and the message that invites to pay it.
--
-- Concurrency: one update of the order's row; the last call counts. A completed order keeps its checkout, and an order whose
--   buyer was erased in between gets none.
-- Locks: order.
-- Returns: void
-- Errors: none.
create or replace function public.save_checkout(
  p_order_id bigint, p_url text, p_reference text, p_message_id bigint default null
)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.orders as o
     set checkout_url = p_url,
         checkout_reference = nullif(p_reference, ''),
         message_ids = case
           when p_message_id is null then o.message_ids
           else array_append(array_remove(o.message_ids, p_message_id), p_message_id)
         end
   where o.id = p_order_id and o.status <> 'completed' and o.user_id is not null;
$$;

revoke all on function public.save_checkout from public, anon, authenticated, service_role;
grant execute on function public.save_checkout to bot_backend;
comment on function public.save_checkout is 'Stores the checkout of an order';

-- Adds a message that invites to pay an order. If the order can no longer be paid, the message is edited at once; the edit
-- waits in the outbox for the sweep.
--
-- Concurrency: the update locks the order's row; a message is stored once. The order of an erased buyer gets none.
-- Locks: order.
-- Returns: void
-- Errors: none.
create or replace function public.save_invitation(p_order_id bigint, p_message_id bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.orders as o
     set message_ids = array_append(array_remove(o.message_ids, p_message_id), p_message_id), message_state = null
   where o.id = p_order_id and o.user_id is not null;
  select private.edit_invitation(p_order_id);
$$;

revoke all on function public.save_invitation from public, anon, authenticated, service_role;
grant execute on function public.save_invitation to bot_backend;
comment on function public.save_invitation is 'Adds a message that invites to pay an order';

-- Stores the subscription of an erased user at its provider, and whether it must be canceled there. Its order or its earlier
-- payment shows that the user is erased. The renewal may not exist yet, if the user paid after the erasure.
--
-- Concurrency: a renewal is unique by the provider's id. One that must be canceled stays so until the provider reports that the
--   subscription has stopped.
-- Locks: renewal.
-- Returns: boolean: true for a new renewal, false for a known one, null if the subscription belongs to no erased user.
-- Errors: none.
create or replace function private.save_orphaned_renewal(p_provider text, p_claims jsonb, p_is_running boolean)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_subscription_id text := p_claims ->> 'subscription_id';
begin
  update public.renewals as r
     set next_cancel_attempt_at = case when p_is_running then coalesce(r.next_cancel_attempt_at, private.clock()) end,
         cancel_attempts = case when r.next_cancel_attempt_at is null or not p_is_running then 0 else r.cancel_attempts end,
         payer = case when p_is_running then coalesce(p_claims ->> 'payer', r.payer) end
   where r.provider = p_provider and r.provider_subscription_id = v_subscription_id and r.user_id is null;
  if found then
    return false;
  end if;
  insert into public.renewals (
    product_key, provider, provider_subscription_id, status, currency, amount, plan, period, bot, ended_at,
    next_cancel_attempt_at, payer
  )
  select
    o.product_key, o.provider, v_subscription_id, 'ended', o.currency, o.amount, o.plan, o.period, o.bot,
    private.clock(),
    case when p_is_running then private.clock() end,
    case when p_is_running then p_claims ->> 'payer' end
    from public.orders as o
   where o.provider = p_provider
     and o.user_id is null
     and o.plan is not null
     and o.period is not null
     and v_subscription_id is not null
     and (
       o.id = (p_claims ->> 'order_id')::bigint
       or o.id in (
         select (p.claims ->> 'order_id')::bigint
           from public.payments as p
          where p.provider = p_provider and p.claims ->> 'subscription_id' = v_subscription_id
       )
     )
   limit 1
  on conflict (provider, provider_subscription_id) do nothing;
  return case when found then true end;
end
$$;

revoke all on function private.save_orphaned_renewal from public, anon, authenticated, service_role;
comment on function private.save_orphaned_renewal is 'Stores the subscription of an erased user';

-- Creates the renewal that a payment begins, or extends the one that it pays a period of. The saved payment method moves from
-- the payment to the renewal, which deletes it once nothing is charged any more. A canceled subscription that its provider
-- charged later runs again: the user resumed it there, or paid the old link once more (Stars).
--
-- Concurrency: a renewal is unique by the provider's id. The caller holds the payment.
-- Locks: renewal.
-- Returns: boolean, true if a canceled renewal runs again.
-- Errors: none.
create or replace function private.save_renewal(p_payment public.payments, p_ends_at timestamptz)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
  v_is_resumed boolean;
begin
  select r.* into v_renewal from public.renewals as r where r.id = p_payment.renewal_id for update;
  v_is_resumed := private.is_resumed(v_renewal, p_payment);
  update public.renewals as r
     set status = case when r.status = 'past_due' or v_is_resumed then 'active' else r.status end,
         canceled_at = case when not v_is_resumed then r.canceled_at end,
         ended_at = case when not v_is_resumed then r.ended_at end,
         attempts = 0,
         attempt_started_at = null,
         lease_until = null,
         saved_method = case
           when r.status in ('active', 'past_due') and r.saved_method is not null
             then coalesce(p_payment.saved_method, r.saved_method)
         end,
         charge_at = case when r.charge_at is not null then p_ends_at end,
         charged_until = p_ends_at
   where r.id = p_payment.renewal_id;
  insert into public.renewals (
    user_id, product_key, provider, provider_subscription_id, currency, amount, plan, period, bot,
    saved_method, charged_until, charge_at
  )
  select
    o.user_id, o.product_key, o.provider,
    coalesce(p_payment.claims ->> 'subscription_id', 'order:' || o.id),
    o.currency, o.amount, o.plan, o.period, o.bot,
    case when p_payment.claims ->> 'subscription_id' is null then p_payment.saved_method end,
    p_ends_at,
    case when p_payment.claims ->> 'subscription_id' is null then p_ends_at end
    from public.orders as o
   where o.id = p_payment.order_id
     and o.renews
     and coalesce(p_payment.claims ->> 'subscription_id', p_payment.saved_method) is not null
  on conflict (provider, provider_subscription_id) do nothing;
  update public.payments as p set saved_method = null where p.id = p_payment.id and p.saved_method is not null;
  return v_is_resumed;
end
$$;

revoke all on function private.save_renewal from public, anon, authenticated, service_role;
comment on function private.save_renewal is 'Creates or extends the renewal of a payment';

-- Stores a page of a provider's statement (p_events: [{key, events}], recorded before) and the cursor of the next page. p_next
-- null: it was the last page, so entries that the statement no longer lists are deleted, the next reading is scheduled, and the
-- day is reconciled (private.finish_statement).
--
-- Concurrency: the day's row is locked and entries are unique by the provider's id. Only the worker whose page began at the
--   stored cursor (p_cursor) advances it; the page of another one is ignored.
-- Locks: statement day, then its entries.
-- Returns: jsonb
--   is_current: boolean    (false: another worker has moved the walk on)
--   outgoing: outgoing
--   sums?: [ { currency: text, theirs: numeric, ours: numeric } ]   (with the last page, as are differences and foreign)
--   differences?: [ { kind: text, number: text, payment: bigint | null, what: 'only_theirs' | 'only_ours' | 'differs' } ]
--                          (new differences)
--   foreign?: int          (movements of other shops)
-- Errors: none.
create or replace function public.save_statement_page(
  p_provider text, p_day date, p_cursor text, p_next text, p_events jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day public.statement_days;
begin
  select d.* into v_day
    from public.statement_days as d
   where d.provider = p_provider and d.day = p_day
     for update;
  if not found or v_day.cursor <> p_cursor then
    return jsonb_build_object('is_current', false, 'outgoing', '[]'::jsonb);
  end if;
  insert into public.statement_entries as s (
    provider, kind, number, payment_number, day, currency, amount, fee, is_undone, is_ours, seen_at
  )
  select distinct on (l.kind, l.number)
         p_provider, l.kind, l.number, l.value ->> 'payment_id', p_day, l.value ->> 'currency',
         (l.value ->> 'amount')::numeric, coalesce((l.value ->> 'fee')::numeric, 0),
         (l.value ->> 'kind') in ('refund_failed', 'dispute_won'), private.is_our_listed_event(p_provider, l.value), v_now
    from (
      select n.value,
             e.place,
             private.statement_kind(n.value ->> 'kind') as kind,
             coalesce(n.value ->> 'operation_id', n.value ->> 'payment_id') as number
        from jsonb_array_elements(p_events) with ordinality as e (value, place)
        cross join jsonb_array_elements(e.value -> 'events') as n (value)
    ) as l
   where l.kind is not null
     and l.number is not null
     and l.value ->> 'payment_id' is not null
     and l.value ->> 'amount' is not null
     and l.value ->> 'currency' is not null
   order by l.kind, l.number, l.place desc
  on conflict (provider, kind, number) do update
    set day = excluded.day,
        amount = excluded.amount,
        fee = excluded.fee,
        is_undone = excluded.is_undone,
        is_ours = s.is_ours or excluded.is_ours,
        seen_at = excluded.seen_at;
  if p_next is not null then
    update public.statement_days as d
       set cursor = p_next, lease_until = v_now + interval '2 minutes', failures = 0
     where d.provider = p_provider and d.day = p_day;
    return jsonb_build_object('is_current', true, 'outgoing', '[]'::jsonb);
  end if;
  -- Entries that this walk did not see are no longer listed.
  delete from public.statement_entries as s
   where s.provider = p_provider and s.day = p_day and s.seen_at < v_day.started_at;
  update public.statement_days as d
     set cursor = '',
         read_at = v_now,
         lease_until = null,
         failures = 0,
         next_read_at = (
           select min(m.due)
             from unnest(array[1, 3, 7, 14, 28]) as n (days)
             cross join lateral (
               select (p_day + 1 + n.days)::timestamp at time zone 'UTC' + interval '2 hours' as due
             ) as m
            where m.due > v_now
         )
   where d.provider = p_provider and d.day = p_day;
  return private.finish_statement(p_provider, p_day);
end
$$;

revoke all on function public.save_statement_page from public, anon, authenticated, service_role;
grant execute on function public.save_statement_page to bot_backend;
comment on function public.save_statement_page is 'Stores a page of a provider''s statement';

-- Brings a payment up to date after its operations changed: derives its sums and status, matches it to its order or renewal,
-- fulfils it or holds it for review, and reverses the refunded and disputed share. A payment of an erased user is refunded.
--
-- Concurrency: the caller holds the payment's lock. Everything is derived from stored rows, so a repetition changes nothing and
--   sends nothing again.
-- Locks: payment, order (before any user), as private.claim_payment (the order's lock, an advisory lock of the user's renewals,
--   renewal), unlinked events of the payment (SKIP LOCKED), then users by id (NO KEY UPDATE).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.settle_payment(p_payment_id bigint, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before public.payments;
  v_payment public.payments;
  v_outgoing jsonb := '[]'::jsonb;
  v_is_new boolean;
begin
  select p.* into v_before from public.payments as p where p.id = p_payment_id for update;
  perform from public.orders as o where o.id = v_before.order_id for no key update;  -- before any user
  v_payment := private.sum_payment(p_payment_id);
  if v_payment.amount is null then
    if v_payment.status in ('failed', 'canceled') and v_payment.status <> v_before.status then
      return private.record_order_failure(
        v_payment.provider,
        v_payment.claims || jsonb_build_object('kind', v_payment.status)
      );
    end if;
    return v_outgoing;
  end if;

  v_is_new := not exists (select from public.payment_effects as e where e.payment_id = p_payment_id);
  if v_is_new then
    v_payment := private.claim_payment(v_payment, p_accept_test);
    if coalesce(v_before.order_id, v_before.renewal_id) is null
      and coalesce(v_payment.order_id, v_payment.renewal_id) is not null
    then
      perform private.link_events_of_payment(v_payment);
    end if;
    if v_payment.problem is not null then
      -- No alarm for an unmatched or repeated invoice of amount 0.
      if v_payment.problem is distinct from v_before.problem
        and (v_payment.amount > 0 or v_payment.problem not in ('no_order', 'second_charge'))
      then
        if not private.is_orphan_reported(v_payment) then
          v_outgoing := v_outgoing || private.alarm_payment_problem(v_payment, v_payment.problem);
        end if;
        v_outgoing := v_outgoing || private.notify_payment_held(v_payment);
      end if;
      perform private.refund_orphaned_payment(v_payment, v_before);
      if v_payment.refunded > v_before.refunded then
        v_outgoing := v_outgoing || private.notify_refund(v_payment, v_before);
      end if;
      return v_outgoing || private.edit_invitation(v_payment.order_id);
    end if;
    v_outgoing := v_outgoing || private.fulfil_payment(v_payment);
  end if;
  v_outgoing := v_outgoing || private.reverse_fulfilment(v_payment, v_before);
  if v_payment.disputed > v_before.disputed then
    v_outgoing := v_outgoing || private.alarm_payment_problem(v_payment, 'dispute');
  end if;
  return v_outgoing || private.edit_invitation(v_payment.order_id);
end
$$;

revoke all on function private.settle_payment from public, anon, authenticated, service_role;
comment on function private.settle_payment is 'Brings a payment and its fulfilment up to date';

-- Settles payments that arrived before the order or renewal they belong to, once that exists. At most 20 per call.
--
-- Concurrency: payments that another transaction has locked are skipped: it settles them itself. Payments of users who are
--   being erased are skipped until the next event.
-- Locks: payments by id (FOR UPDATE SKIP LOCKED), each followed by its users by id (KEY SHARE SKIP LOCKED), its order's
--   discount, then as private.settle_payment. Elsewhere the discount is locked before the payment, so a concurrent event of the
--   same payment can deadlock here; the call that Postgres ends (40P01) is repeated.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.settle_unmatched_payments(p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_waiting public.payments;
  v_user_ids bigint[];
  v_held integer;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_waiting in
    select p.*
      from public.payments as p
     where p.problem = 'no_order'
       and (
         exists (
           select from public.renewals as r
            where r.provider = p.provider and r.provider_subscription_id = p.claims ->> 'subscription_id'
         )
         or exists (
           select from public.orders as o
            where o.id = (p.claims ->> 'order_id')::bigint and o.provider = p.provider
         )
       )
     order by p.id
     limit 20
       for update skip locked
  loop
    v_user_ids := array(
      select distinct e.user_id
        from private.users_of_event(v_waiting.provider, jsonb_build_array(v_waiting.claims)) as e
       where e.user_id is not null
    );
    perform from public.users as u where u.id = any(v_user_ids) order by u.id for key share skip locked;
    get diagnostics v_held = row_count;
    continue when v_held < cardinality(v_user_ids);
    perform private.lock_order_discounts(array[(v_waiting.claims ->> 'order_id')::bigint]);
    v_outgoing := v_outgoing || private.settle_payment(v_waiting.id, p_accept_test);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.settle_unmatched_payments from public, anon, authenticated, service_role;
comment on function private.settle_unmatched_payments is 'Settles payments that arrived before their order or renewal';

-- Returns the position from which a bot's list of Star transactions is read next, and creates it on the first call.
--
-- Concurrency: the row is inserted once; later calls only read it.
-- Locks: none.
-- Returns: jsonb
--   position: int          (offset of the next call of getStarTransactions)
--   since: timestamptz     (older transactions are skipped)
-- Errors: none.
create or replace function public.star_position(p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.star_positions (bot) values (p_bot) on conflict (bot) do nothing;
  return (
    select jsonb_build_object('position', s.position, 'since', s.since)
      from public.star_positions as s
     where s.bot = p_bot
  );
end
$$;

revoke all on function public.star_position from public, anon, authenticated, service_role;
grant execute on function public.star_position to bot_backend;
comment on function public.star_position is 'Position from which a bot''s list of Star transactions is read next';

-- Derives the sums and the status of a payment from its operations. Paid outweighs failed and canceled in any order of arrival;
-- a provider may report a period as paid without a charge (amount 0). Refunds and disputes in another currency than the
-- payment's are excluded (private.alarm_refund_currency).
--
-- Concurrency: the caller holds the payment's lock; derived from payment_operations alone.
-- Locks: payment (held by the caller).
-- Returns: public.payments, the updated row.
-- Errors: none.
create or replace function private.sum_payment(p_payment_id bigint)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_paid numeric;
  v_refunded numeric;
  v_disputed numeric;
  v_payment public.payments;
begin
  select
    sum(o.amount) filter (where o.kind = 'paid'),
    greatest(
      coalesce(sum(o.amount) filter (where o.kind = 'refund' and not o.is_undone), 0),
      coalesce(max(o.amount) filter (where o.kind = 'refund_total'), 0)
    ),
    coalesce(sum(o.amount) filter (where o.kind = 'dispute' and not o.is_undone), 0)
    into v_paid, v_refunded, v_disputed
    from public.payment_operations as o
   where o.payment_id = p_payment_id and not private.has_other_currency(o);
  update public.payments as p
     set amount = v_paid,
         refunded = v_refunded,
         disputed = v_disputed,
         status = case
           when v_paid > 0 and v_refunded + v_disputed >= v_paid then 'refunded'
           when v_paid is not null then 'completed'
           when p.is_canceled then 'canceled'
           when p.has_failed then 'failed'
           else 'pending'
         end,
         completed_at = case when v_paid is not null then coalesce(p.completed_at, private.clock()) end
   where p.id = p_payment_id
  returning p.* into v_payment;
  return v_payment;
end
$$;

revoke all on function private.sum_payment from public, anon, authenticated, service_role;
comment on function private.sum_payment is 'Derives the sums and the status of a payment';

-- Returns which of these event keys (p_keys: a list) have no event of the provider.
--
-- Concurrency: read-only. An event that arrives in between is recorded twice, which changes nothing.
-- Locks: none.
-- Returns: jsonb
--   [ text ]               (event keys)
-- Errors: none.
create or replace function public.unrecorded_events(p_provider text, p_keys jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(k.value), '[]'::jsonb)
    from jsonb_array_elements_text(p_keys) as k (value)
   where not exists (
     select from public.payment_events as e where e.provider = p_provider and e.event_key = k.value
   );
$$;

revoke all on function public.unrecorded_events from public, anon, authenticated, service_role;
grant execute on function public.unrecorded_events to bot_backend;
comment on function public.unrecorded_events is 'Returns which event keys have no event';

-- Stores an operation of a payment (charge, refund, dispute) under the provider's id of it.
--
-- Concurrency: the caller holds the payment's lock. For a known operation, the decision changes once at most (is_final); a
--   greater refund or dispute amount, a greater fee and a currency that was missing are taken over; the first time stays.
--   Refunds that a provider reports as one running total (is_total) share a kind whose greatest sum counts.
-- Locks: payment (held by the caller), operation.
-- Returns: boolean, true for a new operation.
-- Errors: M0001 the amount is missing or negative.
create or replace function private.upsert_operation(p_payment_id bigint, p_event jsonb)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := p_event ->> 'kind';
  v_amount numeric := (p_event ->> 'amount')::numeric;
  v_is_total boolean := coalesce((p_event ->> 'is_total')::boolean, false);
  v_is_new boolean;
begin
  if (v_amount is null and v_kind in ('paid', 'refunded', 'disputed')) or v_amount < 0 then
    raise exception 'the amount of a % event is missing or negative', v_kind using errcode = 'M0001';
  end if;
  insert into public.payment_operations as o (
    payment_id, kind, operation_id, amount, currency, is_undone, is_final, fee, happened_at
  )
  values (
    p_payment_id,
    case
      when v_kind = 'paid' then 'paid'
      when v_kind = 'refunded' and v_is_total then 'refund_total'
      when v_kind in ('refunded', 'refund_failed') then 'refund'
      else 'dispute'
    end,
    coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id'),
    coalesce(v_amount, 0),
    p_event ->> 'currency',
    v_kind in ('refund_failed', 'dispute_won'),
    v_kind in ('refund_failed', 'dispute_won', 'dispute_lost'),
    coalesce((p_event ->> 'fee')::numeric, 0),
    coalesce((p_event ->> 'happened_at')::timestamptz, private.clock())
  )
  on conflict (payment_id, kind, operation_id) do update
    set amount = case
          when o.kind = 'paid' then o.amount else greatest(o.amount, excluded.amount)
        end,
        currency = coalesce(o.currency, excluded.currency),
        fee = greatest(o.fee, excluded.fee),
        is_undone = case when o.is_final then o.is_undone else excluded.is_undone end,
        is_final = o.is_final or excluded.is_final
  returning o.xmax = 0 into v_is_new;
  return v_is_new;
end
$$;

revoke all on function private.upsert_operation from public, anon, authenticated, service_role;
comment on function private.upsert_operation is 'Stores an operation of a payment under the provider''s id';

-- Sums a user's payments for the admins. Payments that were not fulfilled (problem) are left out of the sums.
--
-- Concurrency: read-only; reads the user's payments over an index.
-- Locks: none.
-- Returns: jsonb
--   payments: int          (how many brought money)
--   sums: [ { currency: text, paid: numeric, refunded: numeric } ]   (without payments that were not fulfilled)
--   chargebacks: int       (payments that a bank took back and did not return)
-- Errors: none.
create or replace function private.user_payment_totals(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user_id and p.amount > 0
  ), sums as (
    select o.currency, sum(o.amount) as paid, sum(o.refunded) as refunded
      from own as o
     where o.problem is null
     group by o.currency
  )
  select jsonb_build_object(
    'payments', (select count(*) from own as o),
    'sums', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('currency', s.currency, 'paid', s.paid::text, 'refunded', s.refunded::text)
            order by s.currency
          ),
          '[]'::jsonb
        )
        from sums as s
    ),
    'chargebacks', (select count(*) from own as o where o.disputed > 0)
  );
$$;

revoke all on function private.user_payment_totals from public, anon, authenticated, service_role;
comment on function private.user_payment_totals is 'Sums a user''s payments for the admins';

-- Finds the users that payment events concern: the payer, if the provider reports them, and the buyer of the order or renewal.
-- A payment that is already recorded contributes its attributes (payments.claims) too.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table, one row per user found; user_id is null for the order or renewal of an erased user.
-- Errors: none.
create or replace function private.users_of_event(p_provider text, p_events jsonb)
returns table (user_id bigint, is_payer boolean)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_telegram_ids bigint[];
  v_order_ids bigint[];
  v_subscription_ids text[];
begin
  -- Arrays instead of joins: they have a few elements, which the planner knows from the array.
  select
    array_agg((t.claims ->> 'telegram_id')::bigint),
    array_agg((t.claims ->> 'order_id')::bigint),
    array_agg(t.claims ->> 'subscription_id')
    into v_telegram_ids, v_order_ids, v_subscription_ids
    from (
      select n.value as claims from jsonb_array_elements(p_events) as n
      union all
      select p.claims
        from public.payments as p
       where p.provider = p_provider
         and p.provider_payment_id = any(
           array(select n.value ->> 'payment_id' from jsonb_array_elements(p_events) as n)
         )
    ) as t;
  return query
    select u.id, true from public.users as u where u.telegram_id = any(v_telegram_ids)
    union all
    select o.user_id, false from public.orders as o where o.id = any(v_order_ids) and o.provider = p_provider
    union all
    select r.user_id, false
      from public.renewals as r
     where r.provider = p_provider and r.provider_subscription_id = any(v_subscription_ids);
end
$$;

revoke all on function private.users_of_event from public, anon, authenticated, service_role;
comment on function private.users_of_event is 'Users that payment events concern';

-- Withdraws a user's unpaid orders whose discount is being bound to another order (p_except_order_id; null: one that does not
-- exist yet). A withdrawn order cannot be paid; a payment that arrives for it is held for review.
--
-- Concurrency: the caller holds the discount's lock, which recording a payment of one of these orders needs too.
-- Locks: the orders by id.
-- Returns: void
-- Errors: none.
create or replace function private.withdraw_orders(p_user_id bigint, p_promocode_id bigint, p_except_order_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order_id bigint;
begin
  for v_order_id in
    select w.id
      from public.orders as w
     where w.user_id = p_user_id
       and w.promocode_id = p_promocode_id
       and w.id is distinct from p_except_order_id
       and w.status in ('pending', 'canceled')
     order by w.id
       for update
  loop
    update public.orders as o set status = 'withdrawn' where o.id = v_order_id;
    perform private.edit_invitation(v_order_id);  -- delivered by the sweep
  end loop;
end
$$;

revoke all on function private.withdraw_orders from public, anon, authenticated, service_role;
comment on function private.withdraw_orders is 'Withdraws orders whose discount another order uses';

-- Anonymizes what accounting keeps of a user's payments. Deleting the user's row then sets user_id to null through
-- the foreign keys.
--
-- Concurrency: the caller has locked the user exclusively, and functions that change payments lock their users first
--   (private.lock_payers), so nothing changes these rows now.
-- Locks: the user's renewals (FOR UPDATE) by id, payment events, payments, refunds, orders.
-- Returns: void
-- Errors: Y0002, a renewal is running: the provider would go on charging a customer who is no longer known here.
create or replace function private.anonymize_payment_data(p_user public.users)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.renewals as r where r.user_id = p_user.id order by r.id for update;
  if exists (
    select from public.renewals as r where r.user_id = p_user.id and r.status in ('active', 'past_due')
  ) then
    raise exception 'a renewal is running' using errcode = 'Y0002';
  end if;
  update public.renewals as r
     set status = 'ended',
         ended_at = coalesce(r.ended_at, private.clock()),
         saved_method = null,
         charge_at = null,
         attempt_started_at = null,
         lease_until = null,
         payer = null
   where r.user_id = p_user.id;

  perform private.anonymize_payment_events(array(select e.id from public.payment_events as e where e.user_id = p_user.id));
  -- Events without a user: search their bodies for the user's Telegram id and receipt contacts.
  perform private.anonymize_payment_events(
    array(
      select e.id
        from public.payment_events as e
       where e.user_id is null
         and e.body <> ''
         and exists (
           select
             from (
               select p_user.telegram_id::text as word
               union all
               select o.contact from public.orders as o where o.user_id = p_user.id
             ) as w
            where strpos(e.body, w.word) > 0 or strpos(e.body, replace(w.word, '@', '%40')) > 0
         )
    )
  );
  perform private.anonymize_payments(
    array(
      select p.id from public.payments as p where p.user_id = p_user.id
      union
      select p.id from public.payments as p where p.claims ->> 'telegram_id' = p_user.telegram_id::text
    )
  );
  update public.orders as o
     set status = case o.status when 'pending' then 'canceled' else o.status end,
         contact = null,
         checkout_url = null,
         checkout_reference = null,
         message_ids = null
   where o.user_id = p_user.id;
end
$$;

revoke all on function private.anonymize_payment_data from public, anon, authenticated, service_role;
comment on function private.anonymize_payment_data is 'Anonymizes what accounting keeps of a user''s payments';

-- Removes everything personal from payment events. What stays identifies a repeated event; for an event that is not
-- applied yet, it also says what happened to the money.
--
-- Concurrency: idempotent.
-- Locks: payment events.
-- Returns: void
-- Errors: none.
create or replace function private.anonymize_payment_events(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.payment_events as e
     set user_id = null,
         body = '',
         error = null,
         events = case
           when e.processed_at is not null then '[]'
           else (
             select coalesce(
                 jsonb_agg(
                   n.value - array['saved_method', 'payer', 'reason']
                   -- 0 stands for a payer who is not a user here.
                   || case when n.value ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
                   order by n.position
                 ),
                 '[]'
               )
               from jsonb_array_elements(e.events) with ordinality as n (value, position)
           )
         end
   where e.id = any(p_ids);
$$;

revoke all on function private.anonymize_payment_events from public, anon, authenticated, service_role;
comment on function private.anonymize_payment_events is 'Removes everything personal from payment events';

-- Removes everything personal from payments: the saved payment method, the provider's id of the payer, the payer's
-- Telegram id (0 from now on, so that money of another person is not attributed to the owner of the order), and a
-- provider's reason to refuse a refund.
--
-- Concurrency: idempotent.
-- Locks: payments, then refunds.
-- Returns: void
-- Errors: none.
create or replace function private.anonymize_payments(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.payments as p
     set saved_method = null,
         claims = p.claims - 'payer' || case when p.claims ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
   where p.id = any(p_ids);
  update public.refunds as r set error = null where r.payment_id = any(p_ids) and r.error is not null;
$$;

revoke all on function private.anonymize_payments from public, anon, authenticated, service_role;
comment on function private.anonymize_payments is 'Removes everything personal from payments';

-- Removes everything personal from an update, and deletes its outbox items. Bot and update_id stay, so a redelivery
-- is recognised and gets an empty 200.
--
-- Concurrency: the caller holds the update row. A worker that still processes the update has lost it, because the
--   attempt changes.
-- Locks: outbox items, then update row.
-- Returns: void
-- Errors: none.
create or replace function private.anonymize_update(p_bot text, p_update_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  delete from public.telegram_outbox as o where o.bot = p_bot and o.update_id = p_update_id;
  update public.telegram_updates as t
     set status = 'finished',
         attempt = t.attempt + 1,
         chat_id = null,
         thread_id = 0,
         user_id = null,
         payload = null,
         delivery = null,
         lease_until = null,
         reservation = null,
         reserved_on = null,
         reserved_from = null,
         reserved_cost = null,
         answer = null,
         error = null
   where t.bot = p_bot and t.update_id = p_update_id;
$$;

revoke all on function private.anonymize_update from public, anon, authenticated, service_role;
comment on function private.anonymize_update is 'Removes everything personal from an update';

-- Gives a user who was erased and returns what had been used up: referral, free trial, trainings of channels,
-- redeemed promo codes and the wrong ones of today, requests of today and this month, a ban. Everything else starts
-- from zero.
--
-- Concurrency: the caller has just inserted the user's row, or holds one that another service created; what that
--   service gave stays. The tombstone is deleted, and saved again by the next erasure.
-- Locks: the row of erased_users, user, then trainings, counters and promo codes of the user.
-- Returns: public.users, the user's row.
-- Errors: none.
create or replace function private.apply_tombstone(p_user_id bigint, p_hash text)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_tombstone public.erased_users;
  v_user public.users;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  delete from public.erased_users as e where e.user_hash = decode(p_hash, 'hex') returning e.* into v_tombstone;
  if found then
    update public.users as u
       set is_newcomer = u.is_newcomer and not v_tombstone.used ? 'referral',
           trial_used = u.trial_used or v_tombstone.used ? 'trial',
           banned_at = coalesce(u.banned_at, (v_tombstone.used ->> 'banned_at')::timestamptz)
     where u.id = p_user_id;
    insert into public.free_trainings (user_id, source, reference, quantity)
    select p_user_id, 'channel', c.reference, 0
      from jsonb_array_elements_text(v_tombstone.used -> 'channels') as c (reference)
    on conflict (user_id, source, reference) do nothing;
    insert into public.daily_usage as u (user_id, bot, day, requests)
    select p_user_id, d.bot, d.day, d.requests
      from jsonb_to_recordset(v_tombstone.usage -> 'daily') as d (bot text, day date, requests integer)
     where d.day >= v_today
    on conflict (user_id, day, bot) do update set requests = u.requests + excluded.requests;
    insert into public.monthly_usage as u (user_id, month, requests)
    select p_user_id, m.month, m.requests
      from jsonb_to_recordset(v_tombstone.usage -> 'monthly') as m (month date, requests integer)
     where m.month >= date_trunc('month', v_today::timestamp)
    on conflict (user_id, month) do update set requests = u.requests + excluded.requests;
    -- Consumed: the erasure deleted what the code gave, unused discounts included.
    insert into public.promocode_usages (promocode_id, user_id, given, consumed_at)
    select p.id, p_user_id, '{}', private.clock()
      from public.promocodes as p
     where p.id in (
       select substr(k.key, length('promocode:') + 1)::bigint
         from jsonb_object_keys(v_tombstone.used) as k (key)
        where starts_with(k.key, 'promocode:')
     )
    on conflict (promocode_id, user_id) do nothing;
    insert into public.promocode_attempts as p (user_id, day, failed_attempts)
    select p_user_id, t.day, t.failed_attempts
      from jsonb_to_record(v_tombstone.usage -> 'promocode_attempts') as t (day date, failed_attempts integer)
     where t.day >= v_today
    on conflict (user_id) do update set day = excluded.day, failed_attempts = greatest(p.failed_attempts, excluded.failed_attempts);
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id;
  return v_user;
end
$$;

revoke all on function private.apply_tombstone from public, anon, authenticated, service_role;
comment on function private.apply_tombstone is 'Gives a returning user what had been used up';

-- Erases the user of an update, as the last change of this update. What accounting needs stays without the user:
-- orders and payments, the ledger, whose remaining balance is booked out first, and the audit log of admins. Users
-- whom they referred, or who referred them, keep their credits.
--
-- p_erasure {hash, balance}: the key of the tombstone in erased_users, and the balance that the user agreed to lose.
-- The update keeps its answer without the chat id, and its outbox items until they are delivered.
--
-- Concurrency: the caller holds the update row and has locked the user exclusively (private.lock_user): every other
--   change of the user's data is committed, or will find no user. Update rows of the user that are locked right now
--   are skipped; their workers anonymize them when they try to lock the user.
-- Locks: as private.anonymize_payment_data and private.save_tombstone, waiting alarms, update row, the user's other
--   update rows (FOR UPDATE SKIP LOCKED), outbox items, audit log, calls to AI providers, referrals, user.
-- Returns: void
-- Errors: Y0001, the balance is higher than the user agreed to lose; Y0002, a renewal is running.
create or replace function private.erase_user(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is higher than the user agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference does not identify the user.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.anonymize_payment_data(v_user);
  perform private.save_tombstone(v_user, p_erasure ->> 'hash');

  -- An error message may quote the user's text.
  update private.waiting_alarms as w
     set values = w.values || '{"error": "—"}'
   where w.key = 'owner_alert'
     and exists (
       select
         from public.telegram_updates as t
        where t.bot = w.values ->> 'bot'
          and t.update_id = (w.values ->> 'update_id')::bigint
          and t.user_id = v_user.id
     );
  update public.telegram_updates as t
     set chat_id = null, thread_id = 0, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.anonymize_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  delete from private.waiting_alarms as w where w.values ->> 'user' = v_user.telegram_id::text;
  -- Bodies that could not be parsed have no user_id: search them for the Telegram id.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'invalid' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - 'reason', after = l.after - 'reason'
   where l.user_id = v_user.id;
  delete from public.api_usage as a where a.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  -- Foreign keys delete the remaining rows or set their user_id to null.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_user from public, anon, authenticated, service_role;
comment on function private.erase_user is 'Erases the user of an update';

-- Clears the request counters of tombstones that are older than 32 days, and deletes the tombstones that hold nothing
-- else.
--
-- Concurrency: rows that another sweep or a returning user has locked are skipped.
-- Locks: erased_users (FOR UPDATE SKIP LOCKED), by erased_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.expire_tombstones(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_hashes bytea[];
begin
  select array_agg(o.user_hash) into v_hashes
    from (
      select e.user_hash
        from public.erased_users as e
       where e.usage <> '{}' and e.erased_at < (select private.clock()) - interval '32 days'
       order by e.erased_at
       limit p_limit
         for update skip locked
    ) as o;
  delete from public.erased_users as e where e.user_hash = any(v_hashes) and e.used = '{}';
  update public.erased_users as e set usage = '{}' where e.user_hash = any(v_hashes);
  return coalesce(cardinality(v_hashes), 0);
end
$$;

revoke all on function private.expire_tombstones from public, anon, authenticated, service_role;
comment on function private.expire_tombstones is 'Clears the request counters of old tombstones';

-- Returns all data stored about a user, for that user (/mydata). A long conversation comes in parts: messages after
-- number p_after, oldest first, up to p_bytes of text and at least one. The sections (private.user_data_sections)
-- come with the first part.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   {
--     sections: { [text]: jsonb } | null      (in the first part only: one key a subject, rows as the tables have them,
--                                             without data of other users)
--     messages: [ {
--       bot: text, chat_id: bigint, thread_id: bigint, role: 'user' | 'assistant', content: text,
--       message_id: bigint | null, created_at: timestamptz
--     } ]                                     (oldest first, after number p_after; p_bytes of text, one message at least)
--     next: bigint | null                     (p_after of the next part; null at the end)
--   } | null                                  (no such user)
-- Errors: none.
create or replace function public.export_user_data(
  p_user_id bigint, p_after bigint default 0, p_bytes integer default 5000000
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages jsonb;
  v_last bigint;
begin
  if not exists (select from public.users as u where u.id = p_user_id) then
    return null;
  end if;
  select coalesce(jsonb_agg(to_jsonb(m.message) - array['id', 'user_id'] order by m.id), '[]'), max(m.id)
    into v_messages, v_last
    from (
      select r.id, r as message,
        sum(octet_length(r.content)) over (order by r.id) - octet_length(r.content) as bytes_before
        from public.messages as r
       where r.user_id = p_user_id and r.id > p_after
       order by r.id
       limit 20000
    ) as m
   where m.bytes_before < p_bytes;
  return jsonb_build_object(
    'sections', case when p_after = 0 then private.user_data_sections(p_user_id) end,
    'messages', v_messages,
    'next', case
      when exists (select from public.messages as r where r.user_id = p_user_id and r.id > v_last) then v_last
    end
  );
end
$$;

revoke all on function public.export_user_data from public, anon, authenticated, service_role;
grant execute on function public.export_user_data to bot_backend;
comment on function public.export_user_data is 'Returns all data stored about a user';

-- Locks the user of an update against concurrent erasure (KEY SHARE) until the transaction ends; with p_alone
-- exclusively, for the erasure itself. If the user was erased since the update was received, anonymizes the update.
--
-- Concurrency: the caller holds the update row and calls this before it changes anything of the user. An erasure
--   waits for every transaction that has locked the user, and skips locked update rows; their workers anonymize them
--   here. So no data of the user remain, whichever comes first, and there is no deadlock.
-- Locks: user (KEY SHARE, with p_alone FOR UPDATE), after the update row that the caller holds.
-- Returns: boolean, whether the user still exists; true for an update without a user.
-- Errors: none.
create or replace function private.lock_user(p_update public.telegram_updates, p_alone boolean default false)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_update.user_id is null then
    return true;
  elsif p_alone then
    perform from public.users as u where u.id = p_update.user_id for update;
  else
    perform from public.users as u where u.id = p_update.user_id for key share;
  end if;
  if found then
    return true;
  end if;
  perform private.anonymize_update(p_update.bot, p_update.update_id);
  return false;
end
$$;

revoke all on function private.lock_user from public, anon, authenticated, service_role;
comment on function private.lock_user is 'Locks the user of an update until the transaction ends';

-- Collects what is stored about a user's payments: orders, payments, refunds, what was fulfilled, renewals and events
-- of providers. Data about another person who paid for the user are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.payments_section(p_user public.users)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user.id
       and coalesce(p.claims ->> 'telegram_id', p_user.telegram_id::text) = p_user.telegram_id::text
    union
    select p.* from public.payments as p where p.claims ->> 'telegram_id' = p_user.telegram_id::text
  )
  select jsonb_build_object(
    'orders', (
      select coalesce(jsonb_agg(to_jsonb(o) - 'user_id' order by o.id), '[]')
        from public.orders as o
       where o.user_id = p_user.id
    ),
    'payments', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['user_id', 'claims'] order by p.id), '[]') from own as p
    ),
    'operations', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.payment_id, o.created_at, o.kind, o.operation_id), '[]')
        from public.payment_operations as o
       where o.payment_id = any(array(select p.id from own as p))
    ),
    'refunds', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'admin_email' order by r.id), '[]')
        from public.refunds as r
       where r.payment_id = any(array(select p.id from own as p))
    ),
    'effects', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.payment_id, e.effect), '[]')
        from public.payment_effects as e
       where e.user_id = p_user.id
    ),
    'renewals', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'user_id' order by r.id), '[]')
        from public.renewals as r
       where r.user_id = p_user.id
    ),
    'events', (
      select coalesce(jsonb_agg(to_jsonb(e) - array['id', 'user_id'] order by e.received_at, e.id), '[]')
        from public.payment_events as e
       where e.user_id = p_user.id
    )
  );
$$;

revoke all on function private.payments_section from public, anon, authenticated, service_role;
comment on function private.payments_section is 'Collects what is stored about a user''s payments';

-- Returns how long data about users are kept: every setting retention_….
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { [text]: int }        (every setting retention_…, without that prefix)
-- Errors: none.
create or replace function public.retention_periods()
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(substr(s.key, length('retention_') + 1), s.value)
    from private.settings as s
   where starts_with(s.key, 'retention_');
$$;

revoke all on function public.retention_periods from public, anon, authenticated, service_role;
grant execute on function public.retention_periods to bot_backend;
comment on function public.retention_periods is 'Returns how long data about users are kept';

-- Stores what a user who is being erased must not get again, under a keyed hash that does not identify the user:
-- referral, free trial, trainings of channels, promo codes, requests of today and this month, wrong promo codes of
-- today, a ban. A user who used nothing leaves no row.
--
-- Concurrency: the caller has locked the user exclusively. A user who was erased before, returned and is erased again
--   has one row.
-- Locks: the row of erased_users.
-- Returns: void
-- Errors: none.
create or replace function private.save_tombstone(p_user public.users, p_hash text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_used jsonb := jsonb '{}';
  v_usage jsonb := jsonb '{}';
  v_daily jsonb;
  v_monthly jsonb;
  v_channels jsonb;
  v_promocode_tries jsonb;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  if not p_user.is_newcomer
    or exists (select from public.user_referrals as r where r.referred_id = p_user.id)
  then
    v_used := v_used || '{"referral": true}';
  end if;
  if p_user.trial_used
    -- A buyer gets no trial either, and after the erasure the purchase is not visible any more.
    or exists (select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase')
  then
    v_used := v_used || '{"trial": true}';
  end if;
  v_used := v_used || coalesce(
    (
      select jsonb_object_agg('promocode:' || u.promocode_id, true)
        from public.promocode_usages as u
       where u.user_id = p_user.id
    ),
    '{}'::jsonb
  );
  if p_user.banned_at is not null then
    v_used := v_used || jsonb_build_object('banned_at', p_user.banned_at);
  end if;
  select jsonb_agg(f.reference order by f.id) into v_channels
    from public.free_trainings as f
   where f.user_id = p_user.id and f.source = 'channel';
  if v_channels is not null then
    v_used := v_used || jsonb_build_object('channels', v_channels);
  end if;
  select jsonb_agg(jsonb_build_object('bot', d.bot, 'day', d.day, 'requests', d.requests)) into v_daily
    from public.daily_usage as d
   where d.user_id = p_user.id
     and d.day >= v_today
     and d.requests > 0;
  if v_daily is not null then
    v_usage := jsonb_build_object('daily', v_daily);
  end if;
  select jsonb_agg(jsonb_build_object('month', m.month, 'requests', m.requests)) into v_monthly
    from public.monthly_usage as m
   where m.user_id = p_user.id
     and m.month >= date_trunc('month', v_today::timestamp)
     and m.requests > 0;
  if v_monthly is not null then
    v_usage := v_usage || jsonb_build_object('monthly', v_monthly);
  end if;
  select v_usage || jsonb_build_object('promocode_attempts', jsonb_build_object('day', t.day, 'failed_attempts', t.failed_attempts))
    into v_promocode_tries
    from public.promocode_attempts as t
   where t.user_id = p_user.id and t.day >= v_today and t.failed_attempts > 0;
  v_usage := coalesce(v_promocode_tries, v_usage);
  if v_used = '{}' and v_usage = '{}' then
    return;
  end if;
  insert into public.erased_users as e (user_hash, used, usage)
  values (decode(p_hash, 'hex'), v_used, v_usage)
  on conflict (user_hash) do update
    set used = e.used || excluded.used,
        usage = excluded.usage,
        erased_at = excluded.erased_at;
end
$$;

revoke all on function private.save_tombstone from public, anon, authenticated, service_role;
comment on function private.save_tombstone is 'Stores what an erased user must not get again';

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      )
    ),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Checks whether a user may enter a promo code today and locks the user's counter of wrong codes. The setting
-- promocode_daily_attempts limits wrong codes; the count restarts with the next day of the setting quota_timezone.
--
-- Concurrency: the counter's row stays locked until the transaction ends, so attempts of one user are serialized. A repeated
--   call of the last counted attempt passes even at the limit.
-- Locks: promocode_attempts.
-- Returns: boolean, true: a repetition of the last counted attempt (same reference); false: a new attempt; null: the limit is
--   reached.
-- Errors: none.
create or replace function private.begin_promocode_attempt(p_user_id bigint, p_reference text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_attempts public.promocode_attempts;
begin
  insert into public.promocode_attempts as t (user_id, day)
  values (p_user_id, v_today)
  on conflict (user_id) do update
    set failed_attempts = case t.day when excluded.day then t.failed_attempts else 0 end,
        day = excluded.day
  returning t.* into v_attempts;
  if v_attempts.last_reference = p_reference then
    return true;
  elsif v_attempts.failed_attempts >= private.setting('promocode_daily_attempts')::integer then
    return null;
  end if;
  return false;
end
$$;

revoke all on function private.begin_promocode_attempt from public, anon, authenticated, service_role;
comment on function private.begin_promocode_attempt is 'Checks and locks a user''s counter of wrong promo codes';

-- Grants what a promo code is for and stores the redemption. Months extend the user's plan from the end of what they have; a
-- discount is kept until the next one-time purchase (private.find_discount).
--
-- Concurrency: the caller has locked the code and checked that this user may redeem it; besides, (promocode_id, user_id) is the
--   primary key of redemptions.
-- Locks: user (NO KEY UPDATE; not for a discount), subscription or trainings; the code's row is locked by the caller.
-- Returns: jsonb
--   code: text             (the grant as shown to the user)
--   kind: 'month' | 'credits' | 'trainings' | 'percent'
--   value: int             (months, credits, trainings, or percent)
--   plan?: text
--   until?: timestamptz    (end of the plan or of the discount, if any)
-- Errors: Z0006 the reference was used with another code or user; it rolls the whole grant back.
create or replace function private.grant_promocode(p_promocode public.promocodes, p_user_id bigint, p_reference text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz;
  v_given jsonb;
begin
  case p_promocode.kind
    when 'month' then
      for v_month in 1..p_promocode.value loop
        perform private.extend_subscription(p_user_id, p_promocode.plan, 'promo', 'month', null);
      end loop;
      select max(s.ends_at) into v_until
        from public.subscriptions as s
       where s.user_id = p_user_id and s.plan = p_promocode.plan and s.source = 'promo' and s.status = 'active';
    when 'credits' then
      update public.users as u set bonus_credits = u.bonus_credits + p_promocode.value where u.id = p_user_id;
    when 'trainings' then
      perform private.give_trainings(p_user_id, 'promo', 'promocode:' || p_promocode.id, p_promocode.value);
    else  -- percent: applied to the next purchase
      v_until := p_promocode.valid_until;
  end case;
  v_given := jsonb_strip_nulls(
    jsonb_build_object(
      'code', p_promocode.code,
      'kind', p_promocode.kind,
      'value', p_promocode.value,
      'plan', p_promocode.plan,
      'until', v_until
    )
  );
  insert into public.promocode_usages (promocode_id, user_id, reference, given, percent, expires_at)
  values (
    p_promocode.id, p_user_id, p_reference, v_given,
    case p_promocode.kind when 'percent' then p_promocode.value end,
    case p_promocode.kind when 'percent' then p_promocode.valid_until end
  )
  on conflict (reference) do nothing;
  if not found then
    raise exception 'the reference was used with another code or user' using errcode = 'Z0006';
  end if;
  update public.promocodes as p set uses = p.uses + 1 where p.id = p_promocode.id;
  return v_given;
end
$$;

revoke all on function private.grant_promocode from public, anon, authenticated, service_role;
comment on function private.grant_promocode is 'Grants what a promo code is for';

-- Returns a promo code with its current state, for admins.
--
-- Concurrency: read-only; computed from the given row and the time.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   code: text
--   kind: 'month' | 'credits' | 'trainings' | 'percent'
--   value: int
--   plan: text | null
--   max_uses: int | null
--   uses: int
--   valid_from: timestamptz
--   valid_until: timestamptz | null
--   is_active: boolean
--   note: text | null
--   created_at: timestamptz
--   state: 'active' | 'off' | 'used_up' | 'over' | 'not_yet'
-- Errors: none.
create or replace function private.promocode_details(p_promocode public.promocodes)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(p_promocode) || jsonb_build_object(
    'state', case
      when not p_promocode.is_active then 'off'
      when p_promocode.valid_until <= private.clock() then 'over'
      when p_promocode.uses >= p_promocode.max_uses then 'used_up'
      when p_promocode.valid_from > private.clock() then 'not_yet'
      else 'active'
    end
  );
$$;

revoke all on function private.promocode_details from public, anon, authenticated, service_role;
comment on function private.promocode_details is 'A promo code with its current state';

-- Redeems a promo code for a user. A discount applies to the next one-time purchase (private.find_discount). An attempt that
-- grants nothing is an outcome, not an error, so that it counts towards the daily limit.
--
-- Concurrency: a repeated call with the same reference grants nothing more and returns what the first one granted. The lock on
--   promocode_attempts serializes the attempts of one user, the lock on the code its redemptions: each user redeems it once,
--   and never more than max_uses users.
-- Locks: user (KEY SHARE), promocode_attempts, code (NO KEY UPDATE), then as private.grant_promocode.
-- Returns: jsonb
--   outcome: 'redeemed' | 'already_used' | 'unknown' | 'expired' | 'used_up' | 'not_yet'
--     | 'too_many_attempts'   (the setting promocode_daily_attempts is reached; the code is not looked up)
--   code?: text            (redeemed, already_used; as are kind, value, plan and until)
--   kind?: 'month' | 'credits' | 'trainings' | 'percent'
--   value?: int
--   plan?: text
--   until?: timestamptz    (end of the plan or discount)
--   is_unused?: boolean    (already_used: a discount that can still be used)
--   from?: timestamptz     (not_yet: start of its validity)
-- Errors: Z0005 no such user; Z0006 the reference was used with another code or user.
create or replace function public.redeem_promocode(p_user_id bigint, p_code text, p_reference text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_is_repeat boolean;
  v_promocode public.promocodes;
  v_usage public.promocode_usages;
  v_outcome text;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0005';
  end if;
  v_is_repeat := private.begin_promocode_attempt(p_user_id, p_reference);
  if v_is_repeat is null then
    return jsonb_build_object('outcome', 'too_many_attempts');
  end if;
  select p.* into v_promocode
    from public.promocodes as p
   where p.code = upper(trim(p_code))
     for no key update;
  select u.* into v_usage
    from public.promocode_usages as u
   where u.promocode_id = v_promocode.id and u.user_id = p_user_id;
  if v_usage.reference = p_reference then
    return v_usage.given || jsonb_build_object('outcome', 'redeemed');
  elsif v_usage.user_id is not null then
    return v_usage.given || jsonb_build_object(
      'outcome', 'already_used',
      'is_unused', v_usage.percent is not null
        and v_usage.consumed_at is null
        and coalesce(v_usage.expires_at > v_now, true)
    );
  end if;

  v_outcome := case
    when v_promocode.id is null then 'unknown'
    when not v_promocode.is_active or v_promocode.valid_until <= v_now then 'expired'
    when v_promocode.uses >= v_promocode.max_uses then 'used_up'
    when v_promocode.valid_from > v_now then 'not_yet'
  end;
  if v_outcome is not null then
    if not v_is_repeat then
      update public.promocode_attempts as t
         set failed_attempts = t.failed_attempts + 1, last_reference = p_reference
       where t.user_id = p_user_id;
    end if;
    return jsonb_strip_nulls(
      jsonb_build_object(
        'outcome', v_outcome, 'from', case v_outcome when 'not_yet' then v_promocode.valid_from end
      )
    );
  end if;
  return private.grant_promocode(v_promocode, p_user_id, p_reference) || jsonb_build_object('outcome', 'redeemed');
end
$$;

revoke all on function public.redeem_promocode from public, anon, authenticated, service_role;
grant execute on function public.redeem_promocode to bot_backend, service_role;
comment on function public.redeem_promocode is 'Redeems a promo code for a user';

-- Records who referred a new user. Credits follow with the first served request.
--
-- Concurrency: referred_id is unique, so the first referrer stays. Both users are locked, so neither is erased
--   meanwhile.
-- Locks: referrer (KEY SHARE), then user (KEY SHARE).
-- Returns: text, attached | already_attached | self | unknown_code | not_new (served before, erased and returned, or
--   the two would refer each other).
-- Errors: none.
create or replace function private.attach_referral(p_user_id bigint, p_referral_code text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_referrer_id bigint;
  v_is_newcomer boolean;
begin
  select u.id into v_referrer_id from public.users as u where u.referral_code = lower(p_referral_code)
    for key share;
  if not found then
    return 'unknown_code';
  elsif v_referrer_id = p_user_id then
    return 'self';
  end if;
  select u.is_newcomer into v_is_newcomer from public.users as u where u.id = p_user_id
    for key share;
  if exists (select from public.user_referrals as r where r.referred_id = p_user_id) then
    return 'already_attached';
  elsif not coalesce(v_is_newcomer, false) or private.is_referred_by(v_referrer_id, p_user_id) then
    return 'not_new';
  end if;
  insert into public.user_referrals (referrer_id, referred_id)
  values (v_referrer_id, p_user_id)
  on conflict (referred_id) do nothing;
  return case when found then 'attached' else 'already_attached' end;
end
$$;

revoke all on function private.attach_referral from public, anon, authenticated, service_role;
comment on function private.attach_referral is 'Records who referred a new user';

-- Attaches a new user who has no referrer yet to the owner of a referral code, and completes the referral: both users
-- get bonus credits. For our own code and other services; a bot completes a referral itself at the first served
-- request.
--
-- Concurrency: fifty calls at once complete it once (private.settle_referral). The first referrer stays: the code of
--   another one changes nothing.
-- Locks: as private.attach_referral and private.settle_referral.
-- Returns: jsonb
--   outcome: 'completed' | 'already_completed' | 'self' | 'unknown_code' | 'not_new' | 'limit_reached'
--   referrer_credits: int
--   referred_credits: int
-- Errors: none.
create or replace function public.complete_referral(p_user_id bigint, p_referral_code text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outcome text := private.attach_referral(p_user_id, p_referral_code);
  v_referral public.user_referrals;
begin
  if v_outcome in ('attached', 'already_attached') then
    select r.* into v_referral
      from public.user_referrals as r
      join public.users as u on u.id = r.referrer_id
     where r.referred_id = p_user_id and u.referral_code = lower(p_referral_code);
    v_outcome := case when found then private.settle_referral(p_user_id) else 'not_new' end;
  end if;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_user_id;
  return jsonb_build_object(
    'outcome', v_outcome,
    'referrer_credits', case when v_outcome = 'completed' then v_referral.referrer_credits else 0 end,
    'referred_credits', case when v_outcome = 'completed' then v_referral.referred_credits else 0 end
  );
end
$$;

revoke all on function public.complete_referral from public, anon, authenticated, service_role;
grant execute on function public.complete_referral to bot_backend, service_role;
comment on function public.complete_referral is 'Completes a referral: both users get bonus credits, once';

-- Returns whether a user was referred by another one, directly or through others, at most 100 steps away: referrals
-- must not form a cycle.
--
-- Concurrency: read-only. Two newcomers who attach to each other at the same moment may both pass;
--   private.settle_referral, which locks both, then completes only the first.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_referred_by(p_user_id bigint, p_ancestor_id bigint)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with recursive line (user_id, steps) as (
    select p_user_id, 0
    union all
    select r.referrer_id, l.steps + 1
      from line as l
      join public.user_referrals as r on r.referred_id = l.user_id
     where l.steps < 100
  )
  select exists (select from line as l where l.user_id = p_ancestor_id and l.steps > 0);
$$;

revoke all on function private.is_referred_by from public, anon, authenticated, service_role;
comment on function private.is_referred_by is 'Returns whether a user was referred by another one';

-- Completes a user's first served request: clears `is_newcomer`, settles a pending referral and enqueues a message to
-- the referrer.
--
-- Concurrency: the caller holds the update row. Of two first requests at once the second finds the referral
--   completed. No user is locked before private.settle_referral locks both in the order of their ids.
-- Locks: referrer and user (NO KEY UPDATE) by id, then the referral.
-- Returns: jsonb
--   outbox_item            (null instead of all of it: no referrer, or the referrer is banned)
-- Errors: none.
create or replace function private.on_first_request(p_user_id bigint, p_bot text, p_update_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_referral public.user_referrals;
  v_parameters jsonb;
  v_id bigint;
begin
  if not exists (select from public.users as u where u.id = p_user_id and u.is_newcomer) then
    return null;
  end if;
  select r.* into v_referral
    from public.user_referrals as r
   where r.referred_id = p_user_id and r.status = 'pending';
  if not found or private.settle_referral(p_user_id) <> 'completed' then
    update public.users as u set is_newcomer = false where u.id = p_user_id;
    return null;
  end if;
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', 'referral_notice',
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', jsonb_build_object('name', jsonb_build_object('name', n.first_name), 'credits', r.referrer_credits)
    )
    into v_parameters
    from public.user_referrals as r
    join public.users as u on u.id = r.referrer_id
    join public.users as n on n.id = r.referred_id
   where r.id = v_referral.id and u.banned_at is null;
  if not found then  -- the referrer was erased, or is banned and gets no message
    return null;
  end if;
  v_id := (
    private.enqueue_calls(
      p_bot, p_update_id, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
    ) ->> 0
  )::bigint;
  return jsonb_build_object('id', v_id, 'method', 'template', 'parameters', v_parameters);
end
$$;

revoke all on function private.on_first_request from public, anon, authenticated, service_role;
comment on function private.on_first_request is 'Completes what follows a user''s first served request';

-- Returns the result of a user's invitations: the referral code, how many users came with it, for how many credits
-- were granted, how many credits, and what a referral is worth now.
--
-- Concurrency: read-only, over user_referrals_referrer_idx.
-- Locks: none.
-- Returns: jsonb
--   {
--     code: text
--     invited: int                            (how many came with the code)
--     completed: int                          (for how many credits were given)
--     credits: int                            (how many credits)
--     referrer_credits: int                   (what one is worth now)
--     referred_credits: int
--     was_referred: boolean
--   } | null                                  (no such user)
-- Errors: none.
create or replace function public.referral_overview(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'code', u.referral_code,
    'invited', r.invited,
    'completed', u.total_referrals,
    'credits', r.credits,
    'referrer_credits', private.setting('referral_referrer_credits')::integer,
    'referred_credits', private.setting('referral_referred_credits')::integer,
    'was_referred', exists (select from public.user_referrals as w where w.referred_id = u.id)
  )
  from public.users as u
  cross join lateral (
    select count(*) as invited, coalesce(sum(i.referrer_credits), 0) as credits
      from public.user_referrals as i
     where i.referrer_id = u.id
  ) as r
  where u.id = p_user_id;
$$;

revoke all on function public.referral_overview from public, anon, authenticated, service_role;
grant execute on function public.referral_overview to bot_backend;
comment on function public.referral_overview is 'Returns the result of a user''s invitations';

-- Completes a pending referral: both users get their credits; or ends it without credits when the referrer has
-- reached the setting referral_daily_limit. If the referrer was erased, the referred user still gets theirs.
--
-- Concurrency: both users are locked in the order of their ids, so two referrals that cross cannot deadlock. The
--   status is read under the lock and changes once.
-- Locks: both users (NO KEY UPDATE) by id, then the referral (FOR UPDATE).
-- Returns: text, completed | already_completed | limit_reached | not_new (the two referred each other, or the
--   referral was erased).
-- Errors: none.
create or replace function private.settle_referral(p_referred_id bigint)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_referral public.user_referrals;
  v_day_begins timestamptz;
  v_timezone text := private.setting('quota_timezone');
  v_today integer;
begin
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id;
  perform from public.users as u
    where u.id in (v_referral.referrer_id, p_referred_id)
    order by u.id
      for no key update;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id for update;
  if v_referral.id is null then  -- erased concurrently
    return 'not_new';
  elsif v_referral.status = 'completed' then
    return 'already_completed';
  elsif v_referral.status = 'limit_reached' then
    return 'limit_reached';
  elsif exists (
    select from public.user_referrals as r
     where r.referred_id = v_referral.referrer_id
       and r.referrer_id = p_referred_id
       and r.status = 'completed'
  ) then
    return 'not_new';
  end if;

  v_day_begins := date_trunc('day', v_now at time zone v_timezone) at time zone v_timezone;
  select count(*) into v_today
    from public.user_referrals as r
   where r.referrer_id = v_referral.referrer_id
     and r.status = 'completed'
     and r.completed_at >= v_day_begins;
  if v_today >= private.setting('referral_daily_limit')::integer then
    update public.user_referrals as r
       set status = 'limit_reached', completed_at = v_now
     where r.id = v_referral.id;
    return 'limit_reached';
  end if;

  update public.user_referrals as r
     set status = 'completed',
         completed_at = v_now,
         referrer_credits = case
           when r.referrer_id is null then 0
           else private.setting('referral_referrer_credits')::integer
         end,
         referred_credits = private.setting('referral_referred_credits')::integer
   where r.id = v_referral.id
  returning r.* into v_referral;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referrer_credits,
         referral_credits = u.referral_credits + v_referral.referrer_credits,
         total_referrals = u.total_referrals + 1
   where u.id = v_referral.referrer_id;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referred_credits
   where u.id = p_referred_id;
  return 'completed';
end
$$;

revoke all on function private.settle_referral from public, anon, authenticated, service_role;
comment on function private.settle_referral is 'Completes a pending referral';

-- Lists the users who referred the most others in a period, for contests and reports of other services: p_since
-- included, p_until excluded (null: until now), 100 at most.
--
-- Concurrency: read-only, over user_referrals_completed_at_idx.
-- Locks: none.
-- Returns: jsonb
--   [ { user_id: bigint, telegram_id: bigint, first_name: text, username: text | null, referrals: int, credits: int } ]
--                          (the most first)
-- Errors: none.
create or replace function public.top_referrers(
  p_since timestamptz, p_until timestamptz default null, p_limit integer default 10
)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'user_id', u.id,
        'telegram_id', u.telegram_id,
        'first_name', u.first_name,
        'username', u.username,
        'referrals', t.referrals,
        'credits', t.credits
      )
      order by t.referrals desc, u.id
    ),
    '[]'::jsonb
  )
  from (
    select r.referrer_id, count(*) as referrals, sum(r.referrer_credits) as credits
      from public.user_referrals as r
     where r.status = 'completed'
       and r.referrer_id is not null
       and r.completed_at >= p_since
       and (p_until is null or r.completed_at < p_until)
     group by r.referrer_id
     order by count(*) desc, r.referrer_id
     limit least(p_limit, 100)
  ) as t
  join public.users as u on u.id = t.referrer_id;
$$;

revoke all on function public.top_referrers from public, anon, authenticated, service_role;
grant execute on function public.top_referrers to bot_backend, service_role;
comment on function public.top_referrers is 'Lists the users who referred the most others in a period';

-- Adds a calendar month or year in the time zone quota_timezone, at the same wall-clock time. The result falls on day
-- p_anchor_day of the month, or on its last day if the month is shorter.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: timestamptz, the end of the period.
-- Errors: none.
create or replace function private.add_period(p_from timestamptz, p_period text, p_anchor_day integer)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timezone text := private.setting('quota_timezone');
  v_local timestamp := p_from at time zone v_timezone;
  v_month timestamp := date_trunc('month', v_local)
    + case p_period when 'year' then interval '1 year' else interval '1 month' end;
  v_last_day integer := extract(day from v_month + interval '1 month' - interval '1 day');
begin
  return (
    v_month
    + make_interval(days => least(p_anchor_day, v_last_day) - 1)
    + (v_local - date_trunc('day', v_local))
  ) at time zone v_timezone;
end
$$;

revoke all on function private.add_period from public, anon, authenticated, service_role;
comment on function private.add_period is 'Adds a calendar month or year';

-- Returns the day of the month on which a period that begins at p_from ends. This is the anchor day of the previous period
-- (p_known) if p_from falls on that day, or on the last day of a shorter month: a month from 31 January ends in February, the
-- next one on 31 March. Otherwise reversed or granted time has moved the start, and the day of p_from is the new anchor.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: smallint, the day of the month.
-- Errors: none.
create or replace function private.anchor_day(p_from timestamptz, p_known smallint)
returns smallint
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_local timestamp := p_from at time zone private.setting('quota_timezone');
  v_last_day integer := extract(day from date_trunc('month', v_local) + interval '1 month' - interval '1 day');
  v_day smallint := extract(day from v_local);
begin
  return case when least(p_known, v_last_day) = v_day and p_known is not null then p_known else v_day end;
end
$$;

revoke all on function private.anchor_day from public, anon, authenticated, service_role;
comment on function private.anchor_day is 'Returns the day of the month on which a period ends';

-- Returns when a subscription stops: at its end, or after the grace period (private.grace_period) while a renewal of the plan
-- is running, because its charge may be late. A subscription granted by an admin stops at its end.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz; null without an end.
-- Errors: none.
create or replace function private.effective_end(p_user_id bigint, p_plan text, p_source text, p_ends_at timestamptz)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_ends_at + case
      when p_source <> 'admin' and exists (
        select from public.renewals as r
         where r.user_id = p_user_id and r.plan = p_plan and r.status in ('active', 'past_due')
      ) then private.grace_period()
      else interval '0'
    end;
$$;

revoke all on function private.effective_end from public, anon, authenticated, service_role;
comment on function private.effective_end is 'Returns when a subscription stops, grace period included';

-- Expires subscriptions whose time is over, grace period included, of at most p_limit users.
--
-- Concurrency: users whose row another transaction has locked are skipped and found by the next sweep. The user is locked
--   before their subscriptions, as everywhere.
-- Locks: users by id (NO KEY UPDATE SKIP LOCKED), each followed by their subscriptions.
-- Returns: integer, the number of users with an expired subscription.
-- Errors: none.
create or replace function private.expire_subscriptions(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_user_id bigint;
  v_count integer := 0;
begin
  for v_user_id in
    select u.id
      from public.users as u
     where u.id in (
       select s.user_id
         from public.subscriptions as s
        where s.status = 'active'
          and s.ends_at <= v_now
          and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) <= v_now
        order by s.ends_at
        limit p_limit
     )
     order by u.id
       for no key update skip locked
  loop
    update public.subscriptions as s
       set status = 'expired', ended_at = v_now
     where s.user_id = v_user_id
       and s.status = 'active'
       and s.ends_at <= v_now
       and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) <= v_now;
    if found then  -- not found: a concurrent sweep expired them between the two statements
      perform private.refresh_access(v_user_id);
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end
$$;

revoke all on function private.expire_subscriptions from public, anon, authenticated, service_role;
comment on function private.expire_subscriptions is 'Expires subscriptions whose time is over';

-- Grants a user a plan for a period (p_period) or for a number of seconds (p_seconds), starting at the end of what they have of
-- the plan from any source, otherwise now. What admins grant runs in parallel to the rest. During the grace period the time
-- still starts at the old end: the days of grace are not free.
--
-- Concurrency: the user's row is locked, so two purchases are added one after the other. Every call extends; the caller calls
--   once per event.
-- Locks: user (NO KEY UPDATE), then the user's subscription of this plan and source.
-- Returns: (subscription_id, seconds), the subscription and the seconds that were added.
-- Errors: none.
create or replace function private.extend_subscription(
  p_user_id bigint,
  p_plan text,
  p_source text,
  p_period text,
  p_seconds numeric,
  out subscription_id bigint,
  out seconds numeric
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_running public.subscriptions;
  v_last public.subscriptions;
  v_start timestamptz;
  v_anchor_day smallint;
  v_end timestamptz;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_running
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source
     and s.status = 'active' and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) > v_now
   order by s.ends_at desc
   limit 1
     for update;
  select s.* into v_last
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin'
     and s.status = 'active' and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) > v_now
   order by s.ends_at desc
   limit 1;
  v_start := coalesce(v_last.ends_at, v_now);
  v_anchor_day := private.anchor_day(v_start, v_last.anchor_day);
  v_end := case
    when p_period is null then v_start + make_interval(secs => p_seconds::double precision)
    else private.add_period(v_start, p_period, v_anchor_day)
  end;
  if v_running.id is not null then
    update public.subscriptions as s
       set ends_at = v_end, anchor_day = v_anchor_day
     where s.id = v_running.id;
    subscription_id := v_running.id;
  else
    update public.subscriptions as s  -- over, but not expired by the sweep yet
       set status = 'expired', ended_at = v_now
     where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source and s.status = 'active';
    insert into public.subscriptions as s (user_id, plan, source, starts_at, ends_at, anchor_day)
    values (p_user_id, p_plan, p_source, v_now, v_end, v_anchor_day)
    returning s.id into subscription_id;
  end if;
  seconds := extract(epoch from v_end - v_start);
  perform private.refresh_access(p_user_id);
end
$$;

revoke all on function private.extend_subscription from public, anon, authenticated, service_role;
comment on function private.extend_subscription is 'Grants a user a plan for a period';

-- Returns the highest level of a user's current plans, grace period included. This function alone defines which plans are
-- current.
--
-- Concurrency: read-only. A caller that stores the level locks the user first.
-- Locks: none.
-- Returns: integer, a subscription_limits.vip_level; 0 without a plan.
-- Errors: none.
create or replace function private.level_of(p_user_id bigint)
returns integer
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(max(l.vip_level), 0)
    from public.subscriptions as s
    join public.subscription_limits as l on l.plan = s.plan
   where s.user_id = p_user_id
     and s.status = 'active'
     and coalesce(private.effective_end(s.user_id, s.plan, s.source, s.ends_at), 'infinity') > (select private.clock());
$$;

revoke all on function private.level_of from public, anon, authenticated, service_role;
comment on function private.level_of is 'Returns the highest level of a user''s current plans';

-- Returns a user's plan and its end; during the grace period, the end of that.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plan: text
--   ends_at: timestamptz | null               (null without an end, and for the free plan)
-- Errors: none.
create or replace function private.plan_of(p_user_id bigint)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'plan', q.plan,
      'ends_at', nullif(
        max(
          case
            when s.ends_at is null then 'infinity'
            when s.ends_at > private.clock() then s.ends_at
            else private.effective_end(s.user_id, s.plan, s.source, s.ends_at)
          end
        ),
        'infinity'
      )
    )
    from public.users as u
    cross join lateral private.quota(u.id, u.vip_level) as q
    left join public.subscriptions as s
      on s.user_id = u.id and s.status = 'active' and s.plan = q.plan
   where u.id = p_user_id
   group by q.plan;
$$;

revoke all on function private.plan_of from public, anon, authenticated, service_role;
comment on function private.plan_of is 'Returns a user''s plan and its end';

-- Derives a user's access from their subscriptions: vip_level is the highest level of their current plans, is_paid whether it
-- is above the free plan. An admin always has is_paid.
--
-- Concurrency: the user's row is locked first, so the later of two calls sees the changes of both.
-- Locks: user (NO KEY UPDATE).
-- Returns: void
-- Errors: none.
create or replace function private.refresh_access(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_vip_level integer;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  v_vip_level := private.level_of(p_user_id);
  if v_user.vip_level <> v_vip_level or v_user.is_paid <> (v_vip_level > 0 or v_user.is_admin) then
    update public.users as u
       set vip_level = v_vip_level, is_paid = v_vip_level > 0 or u.is_admin
     where u.id = p_user_id;
  end if;
end
$$;

revoke all on function private.refresh_access from public, anon, authenticated, service_role;
comment on function private.refresh_access is 'Derives vip_level and is_paid from the subscriptions';

-- Removes time of a plan from a user, at most what is left of it. Subscriptions of other sources that follow it end earlier by
-- as much.
--
-- Concurrency: the user's row is locked. Every call shortens; the caller calls once per event.
-- Locks: user (NO KEY UPDATE), then the user's subscriptions of the plan.
-- Returns: numeric, the seconds that were removed.
-- Errors: none.
create or replace function private.shorten_subscription(
  p_user_id bigint, p_plan text, p_source text, p_seconds numeric
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_running public.subscriptions;
  v_end timestamptz;
  v_seconds numeric;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_running
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source
     and s.status = 'active' and s.ends_at > v_now
   order by s.ends_at desc
   limit 1
     for update;
  if not found then
    return 0;
  end if;
  v_seconds := least(p_seconds, extract(epoch from v_running.ends_at - v_now));
  -- Subscriptions of several sources follow each other (private.extend_subscription): the last one ends earlier now.
  select max(s.ends_at) - make_interval(secs => v_seconds::double precision) into v_end
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin' and s.status = 'active';
  update public.subscriptions as s
     set ends_at = greatest(
           s.ends_at - make_interval(secs => v_seconds::double precision), s.starts_at + interval '1 second'
         ),
         status = case when v_seconds < p_seconds or s.ends_at - v_now <= make_interval(secs => v_seconds::double precision)
           then 'canceled' else s.status end,
         ended_at = case when v_seconds < p_seconds or s.ends_at - v_now <= make_interval(secs => v_seconds::double precision)
           then v_now end
   where s.id = v_running.id;
  update public.subscriptions as s
     set ends_at = greatest(v_end, s.starts_at + interval '1 second')
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin'
     and s.id <> v_running.id and s.status = 'active' and s.ends_at > v_end;
  perform private.refresh_access(p_user_id);
  return v_seconds;
end
$$;

revoke all on function private.shorten_subscription from public, anon, authenticated, service_role;
comment on function private.shorten_subscription is 'Removes time of a plan from a user';

-- Describes a user's plan and the renewals that have not ended, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plan: text | null      (null: no such user)
--   ends_at: timestamptz | null
--   renewals: [ {
--     id: bigint
--     plan: text
--     texts: product_texts
--     provider: text
--     provider_subscription_id: text
--     status: 'active' | 'past_due' | 'canceled'
--     amount: numeric
--     currency: text
--     period: text
--     charged_until: timestamptz | null
--     effective_end: timestamptz | null          (when its plan stops, days of grace included, after all reversals; null: over,
--                                             or without an end)
--     payment_id: text | null                 (its last charge)
--     payer: text | null                      (how the provider names who pays, where it has no number for them)
--   } ]                                       (those that are not over, newest first)
-- Errors: none.
create or replace function public.subscription_overview(p_user_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'plan', private.plan_of(p_user_id) ->> 'plan',
    'ends_at', private.plan_of(p_user_id) ->> 'ends_at',
    'renewals', coalesce(
      (
        select jsonb_agg(
            jsonb_build_object(
              'id', r.id,
              'plan', r.plan,
              'texts', p.texts,
              'provider', r.provider,
              'provider_subscription_id', r.provider_subscription_id,
              'status', r.status,
              'amount', r.amount::text,
              'currency', r.currency,
              'period', r.period,
              'charged_until', r.charged_until,
              'effective_end', k.effective_end,
              'payment_id', l.provider_payment_id,
              'payer', l.claims ->> 'payer'
            )
            order by r.id desc
          )
          from public.renewals as r
          join public.products as p on p.key = r.product_key
          left join lateral (
            select y.provider_payment_id, y.claims
              from public.payments as y
             where y.renewal_id = r.id
                or (
                  y.user_id = p_user_id
                  and y.provider = r.provider
                  and y.claims ->> 'subscription_id' = r.provider_subscription_id
                )
             order by y.id desc
             limit 1
          ) as l on true
          cross join lateral (
            select nullif(max(e.effective_end), 'infinity') as effective_end
              from public.subscriptions as s
              cross join lateral (
                select coalesce(private.effective_end(s.user_id, s.plan, s.source, s.ends_at), 'infinity') as effective_end
              ) as e
             where s.user_id = p_user_id and s.plan = r.plan and s.status = 'active' and e.effective_end > private.clock()
          ) as k
         where r.user_id = p_user_id and r.status <> 'ended'
      ),
      '[]'
    )
  );
$$;

revoke all on function public.subscription_overview from public, anon, authenticated, service_role;
grant execute on function public.subscription_overview to bot_backend;
comment on function public.subscription_overview is 'Describes a user''s plan and renewals';

-- Applies what a handler changed in its session and in the user's preferences.
--
-- p_changes may hold mode, data (keys to set; null removes one), language, price_currency, is_active, referrer_code
-- (private.attach_referral), token (a change of a user API key, private.change_token) and clear_history (true deletes
-- the conversation). public.finish_update handles its other keys.
--
-- Concurrency: the caller holds the update row and calls once. Session data are merged into the row key by key, so
--   two updates of one session lose nothing.
-- Locks: user (where a preference changes), for a referral referrer and user (KEY SHARE), for a key the user (NO KEY
--   UPDATE), then messages and session.
-- Returns: void
-- Errors: those of private.change_token.
create or replace function private.change_session(
  p_update public.telegram_updates, p_changes jsonb, p_reservation text
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_changes ?| array['language', 'price_currency', 'is_active'] then
    update public.users as u
       set language = coalesce(p_changes ->> 'language', u.language),
           price_currency = coalesce(p_changes ->> 'price_currency', u.price_currency),
           is_active = coalesce((p_changes ->> 'is_active')::boolean, u.is_active)
     where u.id = p_update.user_id;
  end if;
  if p_changes ? 'referrer_code' then
    perform private.attach_referral(p_update.user_id, p_changes ->> 'referrer_code');
  end if;
  if p_changes ? 'token' then
    perform private.change_token(p_update.user_id, p_changes -> 'token');
  end if;
  if (p_changes ->> 'clear_history')::boolean then
    delete from public.messages as m
     where m.user_id = p_update.user_id and m.bot = p_update.bot and m.chat_id = p_update.chat_id
       and m.thread_id = p_update.thread_id;
  end if;
  update public.bot_sessions as s
     set mode = coalesce(p_changes ->> 'mode', s.mode),
         session_data = case
           when p_changes ? 'data' then (s.session_data || (p_changes -> 'data')) - array(
             select d.key from jsonb_each(p_changes -> 'data') as d where d.value = 'null'
           )
           else s.session_data
         end,
         stats_data = case
           when p_reservation = 'settled' then s.stats_data || jsonb_build_object(
             'requests', coalesce((s.stats_data ->> 'requests')::bigint, 0) + 1
           )
           else s.stats_data
         end,
         last_update_id = case
           when p_update.kind in ('message', 'edited_message') then p_update.update_id
           else s.last_update_id
         end,
         updated_at = private.clock()
   where s.user_id = p_update.user_id and s.bot = p_update.bot and s.chat_id = p_update.chat_id
     and s.thread_id = p_update.thread_id;
end
$$;

revoke all on function private.change_session from public, anon, authenticated, service_role;
comment on function private.change_session is 'Applies what a handler changed in its session';

-- Extends the lease of a held part of a long text while the user's next message is processed, which takes the part
-- along (shared/features/chat/paste.py). The sweep leaves the part alone until then.
--
-- Concurrency: a part that another worker has locked or claimed is skipped, and this message is handled alone. The
--   claim ends with the lease of this message (p_lease_seconds).
-- Locks: update row of the part (FOR UPDATE SKIP LOCKED), then the session.
-- Returns: jsonb, the session's data; without the note of the part when the part was answered or is being answered.
-- Errors: none.
create or replace function private.claim_held_part(p_session public.bot_sessions, p_lease_seconds integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part bigint := (p_session.session_data -> 'paste' ->> 'update_id')::bigint;
begin
  update public.telegram_updates as t
     set lease_until = private.clock() + make_interval(secs => p_lease_seconds - 60)  -- the sweep waits a minute longer
    from (
      select h.bot, h.update_id
        from public.telegram_updates as h
       where h.bot = p_session.bot and h.update_id = v_part and h.user_id = p_session.user_id and h.status = 'failed'
         for update skip locked
    ) as held
   where t.bot = held.bot and t.update_id = held.update_id;
  if found then
    return p_session.session_data;
  end if;
  update public.bot_sessions as s
     set session_data = s.session_data - 'paste'
   where s.user_id = p_session.user_id and s.bot = p_session.bot and s.chat_id = p_session.chat_id
     and s.thread_id = p_session.thread_id
     and (s.session_data -> 'paste' ->> 'update_id')::bigint = v_part
     and not exists (
       select from public.telegram_updates as t
        where t.bot = p_session.bot and t.update_id = v_part and t.status in ('working', 'failed')
     );
  return p_session.session_data - 'paste';
end
$$;

revoke all on function private.claim_held_part from public, anon, authenticated, service_role;
comment on function private.claim_held_part is 'Keeps the sweep from a held part that the next message takes along';

-- Leases due outbox items of all bots, the oldest first, at most p_limit. An item waits behind an earlier one of the
-- same update and chat that is delayed or being sent, so messages stay in order.
--
-- Concurrency: each item is locked, skipped by other senders, and its send_after moved one minute ahead.
-- Locks: outbox items (FOR UPDATE SKIP LOCKED), by send_after.
-- Returns: jsonb
--   [ { id: bigint, bot: text, update_id: bigint | null, method: text, parameters: jsonb } ]
-- Errors: none.
create or replace function public.claim_outbox(p_limit integer)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select o.id
      from public.telegram_outbox as o
     where o.send_after <= (select private.clock())
       and not exists (
         select from public.telegram_outbox as e
          where e.bot = o.bot and e.update_id = o.update_id and e.chat_id = o.chat_id and e.id < o.id
            and e.send_after > (select private.clock())
       )
     order by o.send_after, o.id
     limit p_limit
       for update skip locked
  ), claimed as (
    update public.telegram_outbox as o
       set send_after = private.clock() + interval '1 minute'
      from due
     where o.id = due.id
    returning o.id, o.bot, o.update_id, o.method, o.parameters
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', c.id, 'bot', c.bot, 'update_id', c.update_id, 'method', c.method, 'parameters', c.parameters
      )
      order by c.id
    ),
    '[]'::jsonb
  )
  from claimed as c;
$$;

revoke all on function public.claim_outbox from public, anon, authenticated, service_role;
grant execute on function public.claim_outbox to bot_backend;
comment on function public.claim_outbox is 'Leases due outbox items';

-- Stores an update, or finds it, and decides whether this delivery processes it; if so, takes the lease. A row older
-- than 48 hours never counts as a duplicate, because Telegram may restart the numbering after a quiet week.
--
-- p_reservation, p_reserved_on, p_reserved_cost: the reservation that a new row is stored with (of the plan, where
-- p_reserved_on is set). The caller takes the request, or corrects the row, in the same transaction.
--
-- Concurrency: deliveries of one update meet in the primary key and then in its row lock, so one of them processes it
--   and the others get the state of the row. A repeated call of the same delivery, whose first response was lost,
--   keeps the lease it has.
-- Locks: update row (FOR UPDATE).
-- Returns: record, outcome (work | busy | finished | crash_limit: its fifth worker crashed), is_new (this call stored the
--   row) and the columns of a row that it found.
-- Errors: none.
create or replace function private.claim_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_user_id bigint,
  p_payload jsonb,
  p_lease_seconds integer,
  p_now timestamptz,
  p_thread bigint,
  p_reservation text,
  p_reserved_on date,
  p_reserved_cost numeric,
  out outcome text,
  out is_new boolean,
  out attempt integer,
  out failures integer,
  out crash_count integer,
  out reservation text,
  out received_at timestamptz,
  out lease_until timestamptz
)
returns record
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := p_now;
  v_update public.telegram_updates;
begin
  is_new := true;
  attempt := 1;
  failures := 0;
  crash_count := 0;
  received_at := p_now;
  lease_until := p_now + make_interval(secs => p_lease_seconds);
  loop
    insert into public.telegram_updates as t
      (bot, update_id, kind, status, chat_id, thread_id, user_id, payload, delivery, lease_until, received_at,
       reservation, reserved_on, reserved_from, reserved_cost)
    values (
      p_bot, p_update_id, p_kind, 'working', p_chat_id, p_thread, p_user_id, p_payload, p_delivery,
      claim_update.lease_until, p_now,
      p_reservation, p_reserved_on, case when p_reserved_on is not null then 'plan' end, p_reserved_cost
    )
    on conflict (bot, update_id) do nothing;
    if found then
      outcome := 'work';
      return;
    end if;

    select t.* into v_update
      from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = p_update_id
       for update;
    exit when found and v_update.received_at >= private.clock() - interval '48 hours';
    -- The row vanished between the two statements, or is an older update with the same number. The condition on
    -- received_at spares a new row that a concurrent delivery has inserted.
    delete from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = p_update_id
       and t.received_at < private.clock() - interval '48 hours';
  end loop;
  is_new := false;
  v_now := private.clock();  -- waiting for the lock takes time

  if v_update.status in ('finished', 'dead_lettered') then
    outcome := 'finished';
  elsif v_update.status = 'working' and v_update.delivery = p_delivery then
    outcome := 'work';
  elsif v_update.status = 'working' and v_update.lease_until > v_now then
    outcome := 'busy';
  else
    update public.telegram_updates as t
       set status = 'working',
           delivery = p_delivery,
           attempt = t.attempt + 1,
           crash_count = t.crash_count + (t.status = 'working')::integer,
           lease_until = claim_update.lease_until
     where t.bot = p_bot and t.update_id = p_update_id
    returning t.* into v_update;
    outcome := case when v_update.crash_count >= 5 then 'crash_limit' else 'work' end;
  end if;
  attempt := v_update.attempt;
  failures := v_update.failures;
  crash_count := v_update.crash_count;
  reservation := v_update.reservation;
  received_at := v_update.received_at;
  lease_until := v_update.lease_until;
end
$$;

revoke all on function private.claim_update from public, anon, authenticated, service_role;
comment on function private.claim_update is 'Stores an update, or finds it, and takes a free lease';

-- Leases the outbox items of one finished update that are due. An item waits behind an earlier one of the same update
-- and chat that is delayed or being sent, so messages stay in order.
--
-- Concurrency: each item is locked and its send_after moved one minute ahead, so no other sender takes it meanwhile.
-- Locks: outbox items of the update (FOR UPDATE SKIP LOCKED), by id.
-- Returns: jsonb, [{id, method, parameters}] in order; null when none is due.
-- Errors: none.
create or replace function private.claim_update_outbox(p_bot text, p_update_id bigint)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select o.id
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id and o.send_after <= private.clock()
       and not exists (
         select from public.telegram_outbox as e
          where e.bot = o.bot and e.update_id = o.update_id and e.chat_id = o.chat_id and e.id < o.id
            and e.send_after > private.clock()
       )
     order by o.id
       for update skip locked
  ), claimed as (
    update public.telegram_outbox as o
       set send_after = private.clock() + interval '1 minute'
      from due
     where o.id = due.id
    returning o.id, o.method, o.parameters
  )
  select jsonb_agg(
    jsonb_build_object('id', c.id, 'method', c.method, 'parameters', c.parameters) order by c.id
  )
  from claimed as c;
$$;

revoke all on function private.claim_update_outbox from public, anon, authenticated, service_role;
comment on function private.claim_update_outbox is 'Leases the due outbox items of one finished update';

-- Counts the sessions in which a user wrote or tapped a button within the last p_minutes: one per user, bot, chat and
-- topic. p_minutes is limited to 1 to 1440.
--
-- Concurrency: read-only, over telegram_updates_received_at_idx.
-- Locks: none.
-- Returns: bigint, the number of sessions.
-- Errors: none.
create or replace function public.count_active_sessions(p_minutes integer default 60)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A variable, because a condition on a volatile function cannot use the index.
  v_now timestamptz := private.clock();
begin
  return (
    select count(*)
      from (
        select distinct t.bot, t.user_id, t.chat_id, t.thread_id
          from public.telegram_updates as t
         where t.received_at > v_now - make_interval(mins => least(greatest(p_minutes, 1), 1440))
           and t.user_id is not null
           and t.chat_id is not null
      ) as s
  );
end
$$;

revoke all on function public.count_active_sessions from public, anon, authenticated, service_role;
grant execute on function public.count_active_sessions to bot_backend, service_role;
comment on function public.count_active_sessions is 'Counts the sessions that were active within the last minutes';

-- Stores an authentic body that cannot be processed (not JSON, too large, or no update) as a dead letter for the
-- owner. p_update_id is a digest of the body where it has no number.
--
-- Concurrency: the number is the primary key; the first body is kept.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'dead_lettered' | 'known'
-- Errors: none.
create or replace function public.dead_letter_update(
  p_bot text, p_update_id bigint, p_error text, p_body text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.telegram_updates (bot, update_id, kind, status, payload, error)
  values (p_bot, p_update_id, 'invalid', 'dead_lettered', to_jsonb(p_body), left(p_error, 2000))
  on conflict (bot, update_id) do nothing;
  return jsonb_build_object('outcome', case when found then 'dead_lettered' else 'known' end);
end
$$;

revoke all on function public.dead_letter_update from public, anon, authenticated, service_role;
grant execute on function public.dead_letter_update to bot_backend;
comment on function public.dead_letter_update is 'Stores a body that cannot be processed as a dead letter';

-- Deletes messages of conversations that are older than the setting retention_messages_days.
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: messages (FOR UPDATE SKIP LOCKED), by created_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_messages(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_deleted integer;
begin
  delete from public.messages as m
   using (
     select o.id
       from public.messages as o
      where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
      order by o.created_at
      limit p_limit
        for update skip locked
   ) as old
   where m.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_messages from public, anon, authenticated, service_role;
comment on function private.delete_old_messages is 'Deletes messages past their retention';

-- Deletes updates that are older than the setting retention_updates_hours, dead letters after retention_dead_letters_days.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: update rows (FOR UPDATE SKIP LOCKED), by received_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_updates(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_deleted integer;
begin
  delete from public.telegram_updates as t
   using (
     select o.bot, o.update_id
       from public.telegram_updates as o
      where o.received_at < v_now - make_interval(hours => private.setting('retention_updates_hours')::integer)
        and (
          o.status <> 'dead_lettered'
          or o.received_at < v_now - make_interval(days => private.setting('retention_dead_letters_days')::integer)
        )
      order by o.received_at
      limit p_limit
        for update skip locked
   ) as old
   where t.bot = old.bot and t.update_id = old.update_id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_updates from public, anon, authenticated, service_role;
comment on function private.delete_old_updates is 'Deletes updates past their retention';

-- Stores Bot API calls in the outbox. The caller has a minute to deliver them before the sweep does.
--
-- Concurrency: the caller holds the update row and stores its calls once.
-- Locks: none.
-- Returns: jsonb, list of their ids, in order.
-- Errors: none.
create or replace function private.enqueue_calls(p_bot text, p_update_id bigint, p_calls jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_send_after timestamptz := private.clock() + interval '1 minute';
  v_call jsonb;
  v_id bigint;
  v_ids jsonb := '[]'::jsonb;
begin
  for v_index in 0 .. jsonb_array_length(p_calls) - 1 loop
    v_call := p_calls -> v_index;
    insert into public.telegram_outbox as o (bot, chat_id, update_id, method, parameters, send_after)
    values (
      p_bot, (v_call -> 'parameters' ->> 'chat_id')::bigint, p_update_id, v_call ->> 'method',
      v_call -> 'parameters', v_send_after
    )
    returning o.id into v_id;
    v_ids := v_ids || to_jsonb(v_id);
  end loop;
  return v_ids;
end
$$;

revoke all on function private.enqueue_calls from public, anon, authenticated, service_role;
comment on function private.enqueue_calls is 'Stores Bot API calls in the outbox';

-- Records that the sweep could not read a stale update, whose lease no worker holds. The third failure dead-letters
-- it, so the sweep does not return to it.
--
-- Concurrency: the lease is taken under the row lock and released by public.fail_update. A worker that holds the
--   lease keeps it.
-- Locks: update row, then those of public.fail_update.
-- Returns: jsonb
--   ...public.fail_update                     (superseded: another worker has it, or it is finished)
-- Errors: none.
create or replace function public.fail_stale_update(p_bot text, p_update_id bigint, p_error text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt integer;
begin
  update public.telegram_updates as t
     set status = 'working', attempt = t.attempt + 1
   where t.bot = p_bot
     and t.update_id = p_update_id
     and t.status in ('working', 'failed')
     and t.lease_until <= (select private.clock())
  returning t.attempt into v_attempt;
  if not found then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  return public.fail_update(p_bot, p_update_id, v_attempt, p_error);
end
$$;

revoke all on function public.fail_stale_update from public, anon, authenticated, service_role;
grant execute on function public.fail_stale_update to bot_backend;
comment on function public.fail_stale_update is 'Records that a stale update could not be read; the third failure dead-letters it';

-- Records that processing an update failed, and releases its lease. The reserved request is released unless an AI
-- provider charged for it; then it stays settled and the next attempt reserves no other. After three failures of our
-- own code the update is dead-lettered, so it cannot block its chat for a day.
--
-- p_counts is false when the database, the network or a deployment failed and not our code; p_final dead-letters at
-- once. p_answer (the apology) and p_alert (values of the admins' alarm) are used only for a dead-lettered update.
-- p_usage: the calls to AI providers so far (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared; a worker that lost its lease changes nothing. A repeated
--   call for a dead-lettered update returns the stored answer.
-- Locks: update row, user (KEY SHARE), then as private.release_usage and private.record_usage.
-- Returns: jsonb
--   outcome: 'retry' | 'dead_lettered' | 'superseded'
--   failures?: int         (retry, dead_lettered)
--   answer?: jsonb         (retry, dead_lettered)
-- Errors: none.
create or replace function public.fail_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_error text,
  p_counts boolean default true,
  p_final boolean default false,
  p_answer jsonb default null,
  p_alert jsonb default null,
  p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_failures integer;
  v_is_dead_letter boolean;
  v_is_paid boolean;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status = 'dead_lettered' and v_update.attempt = p_attempt then
    return jsonb_build_object(
      'outcome', 'dead_lettered', 'failures', v_update.failures, 'answer', v_update.answer
    );
  elsif v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return jsonb_build_object('outcome', 'superseded');
  elsif not private.lock_user(v_update) then  -- erased concurrently
    return jsonb_build_object('outcome', 'superseded');
  end if;

  v_is_paid := coalesce(
    v_update.reservation = 'settled' or v_update.reservation = 'reserved' and private.has_billed_call(p_usage), false
  );
  if v_update.reservation = 'reserved' and not v_is_paid then
    perform private.release_usage(
      v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from
    );
  end if;
  perform private.record_usage(v_update, p_usage, coalesce(v_is_paid and v_update.reservation = 'reserved', false));
  v_failures := v_update.failures + p_counts::integer;
  v_is_dead_letter := p_final or v_failures >= 3;
  if v_is_dead_letter and p_alert is not null then
    perform private.notify_admins('owner_alert', p_alert, p_bot => p_bot);
  end if;
  update public.telegram_updates as t
     set status = case when v_is_dead_letter then 'dead_lettered' else 'failed' end,
         failures = v_failures,
         lease_until = case when not v_is_dead_letter then private.clock() end,
         reservation = case when v_is_paid then 'settled' end,
         reserved_on = case when v_is_paid then t.reserved_on end,
         reserved_from = case when v_is_paid then t.reserved_from end,
         reserved_cost = null,
         answer = case when v_is_dead_letter then p_answer end,
         error = left(p_error, 2000)
   where t.bot = p_bot and t.update_id = p_update_id;
  return jsonb_build_object(
    'outcome', case when v_is_dead_letter then 'dead_lettered' else 'retry' end,
    'failures', v_failures,
    'answer', case when v_is_dead_letter then p_answer end
  );
end
$$;

revoke all on function public.fail_update from public, anon, authenticated, service_role;
grant execute on function public.fail_update to bot_backend;
comment on function public.fail_update is 'Records a failure; the third one dead-letters the update';

-- Commits everything the handler of an update changed, together with its answer: the second and last database call of
-- an update.
--
-- p_session: changes of the session and the user (private.change_session), and
--   hold (seconds): keep the update open; the next message finishes it, or the sweep processes it after that time
--   finish_held: update_id of a held update that this one answers too
--   ban_notified: the answer tells the user about the ban; of two such updates only the first one's answer is kept
--   erase {hash, balance}: erase the user (private.erase_user)
-- p_messages [{role, content, message_id}]: the conversation to store; it replaces rows of an edited message_id.
-- p_reservation: settled when a reserved request was served. Otherwise the request is released, unless a provider
-- call was billed, or a provider was called and the releases of the day (setting daily_releases) are used up.
-- p_outgoing: Bot API calls to enqueue. p_usage: the calls to AI providers (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared: a worker that lost its lease changes nothing, and a
--   repeated call after a lost response changes nothing and gets the same answer. Only the worker that finishes
--   records p_usage, so each call counts once. Session data are merged key by key and never written back whole, so a
--   button and a message at once lose nothing. For a user who was erased meanwhile nothing is written.
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), for a first request referrer and user by id,
--   request counters, the held update (FOR UPDATE SKIP LOCKED), session and messages, counters of AI calls.
-- Returns: jsonb
--   outcome: 'finished' | 'superseded'
--   outgoing?: [ bigint ]  (finished: the ids of p_outgoing, in order)
--   referral_message?: private.on_first_request | null    (finished: the message to the referrer, to deliver now)
--   withheld?: boolean     (finished: p_answer must not be sent, because the user got it already)
-- Errors: Y0001 and Y0002, see private.erase_user; K0001 and K0002, see private.change_token.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]',
  p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_answer jsonb := p_answer;
  v_hold interval := make_interval(secs => (p_session ->> 'hold')::double precision);
  v_outgoing jsonb := '[]'::jsonb;
  v_referral_message jsonb;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(jsonb_agg(o.id order by o.id), '[]'::jsonb) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return jsonb_build_object(
      'outcome', 'finished', 'outgoing', v_outgoing,
      'withheld', p_answer is not null and v_update.answer is null
    );
  elsif not private.lock_user(v_update, p_session ? 'erase') then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    p_reservation := case
      when private.has_billed_call(p_usage) then 'settled'
      when private.release_usage(
        v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from, p_usage <> '[]'
      ) then 'released'
      else 'settled'
    end;
  elsif p_reservation = 'settled' then
    v_referral_message := private.on_first_request(v_update.user_id, p_bot, p_update_id);
  end if;
  if p_session ? 'ban_notified' and not private.mark_ban_notified(v_update.user_id) then
    v_answer := null;
    p_outgoing := '[]';
  end if;
  if p_session ? 'finish_held' then
    update public.telegram_updates as t
       set status = 'finished', payload = null, error = null, lease_until = null
      from (
        select h.bot, h.update_id
          from public.telegram_updates as h
         where h.bot = p_bot and h.update_id = (p_session ->> 'finish_held')::bigint
           and h.user_id = v_update.user_id and h.status = 'failed'
           for update skip locked
      ) as held
     where t.bot = held.bot and t.update_id = held.update_id;
  end if;
  perform private.change_session(v_update, p_session, p_reservation);
  if p_messages <> '[]' then
    if v_update.kind = 'edited_message' then
      delete from public.messages as m
       where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
         and m.thread_id = v_update.thread_id and m.message_id = (p_messages -> 0 ->> 'message_id')::bigint;
    end if;
    insert into public.messages (user_id, bot, chat_id, thread_id, role, content, message_id, created_at)
    select v_update.user_id, p_bot, v_update.chat_id, v_update.thread_id, m.value ->> 'role', m.value ->> 'content',
      (m.value ->> 'message_id')::bigint, v_now
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  perform private.record_usage(
    v_update, p_usage, p_reservation is not distinct from 'settled' and v_update.reservation = 'reserved'
  );
  if p_outgoing <> '[]' then
    v_outgoing := private.enqueue_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = case when v_hold is null then 'finished' else 'failed' end,
         payload = case when v_hold is not null then t.payload end,
         error = null,
         lease_until = v_now + v_hold - interval '1 minute',  -- the sweep waits a minute longer
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = case when v_hold is null then v_answer end
   where t.bot = p_bot and t.update_id = p_update_id;
  if p_session ? 'erase' then
    perform private.erase_user(v_update, p_session -> 'erase');
  end if;
  return jsonb_build_object(
    'outcome', 'finished', 'outgoing', v_outgoing, 'referral_message', v_referral_message,
    'withheld', p_answer is not null and v_answer is null
  );
end
$$;

revoke all on function public.finish_update from public, anon, authenticated, service_role;
grant execute on function public.finish_update to bot_backend;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- Moves the sessions and conversations of a group to the supergroup that it became. Telegram reports both ids, once
-- in each chat. Updates in progress move with their chat, so what they commit is found in the new one. A session that
-- the supergroup already has, because its first message can arrive before the report, is kept and gets what it lacks.
--
-- Concurrency: a second call finds nothing left to move.
-- Locks: open updates of the group (FOR UPDATE) by bot and update_id, its users (KEY SHARE) by id, then their
--   sessions.
-- Returns: jsonb
--   sessions: int          (how many were moved)
-- Errors: none.
create or replace function public.migrate_chat(p_old bigint, p_new bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_moved bigint;
begin
  if p_old = p_new then
    return jsonb_build_object('sessions', 0);
  end if;
  update public.telegram_updates as t
     set chat_id = p_new
    from (
      select o.bot, o.update_id
        from public.telegram_updates as o
       where o.status in ('working', 'failed') and o.chat_id = p_old
       order by o.bot, o.update_id
         for update
    ) as open_update
   where t.bot = open_update.bot and t.update_id = open_update.update_id;
  perform from public.users as u
    where u.id in (select s.user_id from public.bot_sessions as s where s.chat_id = p_old and s.chat_id < 0)
    order by u.id
      for key share;

  with moved as (
    delete from public.bot_sessions as s
     where s.chat_id = p_old and s.chat_id < 0
    returning s.*
  ), talk as (
    update public.messages as m
       set chat_id = p_new
      from moved as o
     where m.user_id = o.user_id and m.bot = o.bot and m.chat_id = p_old and m.thread_id = o.thread_id
  ), kept as (
    insert into public.bot_sessions as s
      (user_id, bot, chat_id, thread_id, mode, session_data, stats_data, last_update_id, created_at, updated_at)
    select o.user_id, o.bot, p_new, o.thread_id, o.mode, o.session_data, o.stats_data, o.last_update_id, o.created_at, o.updated_at
      from moved as o
    on conflict (user_id, bot, chat_id, thread_id) do update
      set mode = case when s.mode = 'chat' then excluded.mode else s.mode end,
          session_data = excluded.session_data || s.session_data,
          stats_data = excluded.stats_data || s.stats_data || jsonb_build_object(
            'requests',
            coalesce((excluded.stats_data ->> 'requests')::bigint, 0) + coalesce((s.stats_data ->> 'requests')::bigint, 0)
          ),
          last_update_id = greatest(s.last_update_id, excluded.last_update_id),
          created_at = least(s.created_at, excluded.created_at)
  )
  select count(*) into v_moved from moved;
  return jsonb_build_object('sessions', v_moved);
end
$$;

revoke all on function public.migrate_chat from public, anon, authenticated, service_role;
grant execute on function public.migrate_chat to bot_backend;
comment on function public.migrate_chat is 'Moves the sessions of a group to the supergroup that it became';

-- Finds the session of a user in a chat or topic, or creates it.
--
-- Concurrency: two first messages at once meet in the primary key, and both get the one row.
-- Locks: where the session is created, user (KEY SHARE), then the session.
-- Returns: public.bot_sessions, the row.
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.open_session(p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint)
returns public.bot_sessions
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_session public.bot_sessions;
begin
  select s.* into v_session
    from public.bot_sessions as s
   where s.user_id = p_user_id and s.bot = p_bot and s.chat_id = p_chat_id and s.thread_id = p_thread;
  if not found then
    perform from public.users as u where u.id = p_user_id for key share;
    if not found then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    insert into public.bot_sessions as s (user_id, bot, chat_id, thread_id)
    values (p_user_id, p_bot, p_chat_id, p_thread)
    on conflict (user_id, bot, chat_id, thread_id) do update set updated_at = s.updated_at
    returning s.* into v_session;
  end if;
  return v_session;
end
$$;

revoke all on function private.open_session from public, anon, authenticated, service_role;
comment on function private.open_session is 'Finds or creates the session of a user in a chat';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     ban?: { reason: text | null, notified: boolean } | null
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_session public.bot_sessions;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency')
    into v_timezone, v_currency;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  end if;
  if v_session.session_data ? 'paste' and p_kind = 'message'
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content into v_edited_question
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     order by m.id desc
     limit 1;
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_user.created_at = v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters
      )
      else '[]'::json
    end,
    'edited_question', v_edited_question
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Returns the newest messages of a session, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, are left out.
--
-- The result is json and built as text: for 50 messages a quarter of the CPU of jsonb, which would be parsed and printed
-- again (docs/performance.md).
--
-- Concurrency: read-only, over messages_session_idx.
-- Locks: none.
-- Returns: json, [{role, content}]; empty when there are none.
-- Errors: none.
create or replace function private.recent_messages(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint default null,
  p_characters integer default null
)
returns json
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_message record;
  v_items text;
begin
  for v_message in
    select r.role, r.content
      from public.messages as r
     where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
       and (p_without is null or r.message_id is distinct from p_without)
     order by r.id desc
     limit p_limit
  loop
    p_characters := p_characters - length(v_message.content);
    exit when p_characters < 0;
    v_items := concat_ws(
      ', ',
      '{"role": "' || v_message.role || '", "content": ' || to_json(v_message.content) || '}',
      v_items
    );
  end loop;
  return ('[' || coalesce(v_items, '') || ']')::json;
end
$$;

revoke all on function private.recent_messages from public, anon, authenticated, service_role;
comment on function private.recent_messages is 'Returns the newest messages of a session, oldest first';

-- Records the delivery results of outbox items.
--
-- p_results: [{id, outcome: sent | refused | blocked | later, retry_after (seconds), error}]. Items that were sent or
-- refused for good are deleted. blocked: the user blocked the bot, and users.is_active becomes false. later: retried
-- after 5 seconds, doubled with each attempt up to an hour, and never before retry_after. An item older than 24 hours
-- is given up.
--
-- Concurrency: an item that is gone is skipped. Items of one update stay in order, because the sender stops at the
--   first that must wait and reports those behind it as waiting too. The commit does not wait for the disk: if the
--   server crashes within the second that follows, the sweep delivers the items once more.
-- Locks: users who blocked a bot, then outbox items.
-- Returns: jsonb
--   dropped: int           (how many were given up after a day of attempts)
-- Errors: none.
create or replace function public.record_deliveries(p_results jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_dropped integer;
begin
  perform set_config('synchronous_commit', 'off', true);
  if not p_results @? '$[*] ? (@.outcome != "sent")' then
    delete from public.telegram_outbox as o
     where o.id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)));
    return '{"dropped": 0}'::jsonb;
  end if;
  update public.users as u
     set is_active = false
    from jsonb_array_elements(p_results) as r (value)
    join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
   where r.value ->> 'outcome' = 'blocked' and u.telegram_id = o.chat_id;
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' in ('sent', 'refused', 'blocked');
  update public.telegram_outbox as o
     set attempts = o.attempts + 1,
         error = left(r.value ->> 'error', 500),
         send_after = v_now + make_interval(
           secs => greatest((r.value ->> 'retry_after')::double precision, least(5 * 2 ^ o.attempts, 3600))
         )
    from jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' = 'later';
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and o.created_at < v_now - interval '24 hours';
  get diagnostics v_dropped = row_count;
  return jsonb_build_object('dropped', v_dropped);
end
$$;

revoke all on function public.record_deliveries from public, anon, authenticated, service_role;
grant execute on function public.record_deliveries to bot_backend;
comment on function public.record_deliveries is 'Records the delivery results of outbox items';

-- Releases the requests reserved by updates that are older than ten minutes and whose lease ended more than 30 seconds ago.
--
-- Concurrency: update rows that another sweep or a worker has locked are skipped. The reservation is removed from the row
--   in the same transaction, so it is released once.
-- Locks: update rows (FOR UPDATE SKIP LOCKED) by user id, each with its user (KEY SHARE, then as private.release_usage).
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.release_stale_requests(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_stale public.telegram_updates;
  v_released integer := 0;
begin
  for v_stale in
    select t.*
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < v_now - interval '30 seconds'
       and t.received_at < v_now - interval '10 minutes'
       and t.reservation = 'reserved'
     order by t.user_id
     limit p_limit
       for update skip locked
  loop
    continue when not private.lock_user(v_stale);
    perform private.release_usage(
      v_stale.user_id, v_stale.bot, v_stale.reserved_on, v_stale.reserved_from
    );
    update public.telegram_updates as t
       set reservation = null, reserved_on = null, reserved_from = null, reserved_cost = null
     where t.bot = v_stale.bot and t.update_id = v_stale.update_id;
    v_released := v_released + 1;
  end loop;
  return v_released;
end
$$;

revoke all on function private.release_stale_requests from public, anon, authenticated, service_role;
comment on function private.release_stale_requests is 'Releases the requests reserved by stale updates';

-- Answers a redelivery of a finished or dead-lettered update: with the stored answer and the outbox items that are
-- due.
--
-- The answer is null once a later message of the same session was received: Telegram sends a chat's messages one
-- after another, so the answer to this one has arrived. p_chat_id is the chat of this delivery; it completes an
-- answer whose chat id an erasure removed.
--
-- Concurrency: the caller holds the update row. Outbox items are leased for a minute when they are handed out, so a
--   redelivery and the sweep never send the same ones.
-- Locks: outbox items of the update (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb, {outcome: finished, answer, outgoing: [{id, method, parameters}]}, or {outcome: busy, retry_after
--   (seconds)} while another worker sends the first items of the update.
-- Errors: none.
create or replace function private.replay_answer(p_bot text, p_update_id bigint, p_chat_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_outgoing jsonb;
  v_arrived boolean;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id;
  v_outgoing := private.claim_update_outbox(p_bot, p_update_id);
  if v_outgoing is null and exists (
    select from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id and o.attempts = 0
  ) then
    return jsonb_build_object('outcome', 'busy', 'retry_after', 5);
  end if;
  select coalesce(max(s.last_update_id) > p_update_id, false) into v_arrived
    from public.bot_sessions as s
   where s.user_id = v_update.user_id and s.bot = p_bot and s.chat_id = v_update.chat_id
     and s.thread_id = v_update.thread_id
     and v_update.kind in ('message', 'edited_message');
  return jsonb_build_object(
    'outcome', 'finished',
    'answer', case
      when v_arrived then null
      when v_update.chat_id is null then v_update.answer || jsonb_build_object('chat_id', p_chat_id)
      else v_update.answer
    end,
    'outgoing', coalesce(v_outgoing, '[]'::jsonb)
  );
end
$$;

revoke all on function private.replay_answer from public, anon, authenticated, service_role;
comment on function private.replay_answer is 'Answers a redelivery of a finished update';

-- Reserves one AI request for an update whose handler finds out late that it needs the AI, or that the user API key
-- cannot be used. For plain text public.receive_update has reserved it already.
--
-- p_cost: US dollars that the question may cost at most. p_is_user_api_key: the question uses a user API key, and
-- nothing is taken from the plan.
--
-- Concurrency: the update row is locked; an update reserves one request, however often it asks. An earlier attempt
--   that was billed stays settled.
-- Locks: update row, user (KEY SHARE), then as private.reserve_usage.
-- Returns: jsonb
--   outcome: 'superseded' | 'reserved' | 'user_api_key' | 'settled' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost'
--                          (settled: an earlier attempt was paid for)
--   releases_left?: int | null
-- Errors: none.
create or replace function public.reserve_request(
  p_bot text, p_update_id bigint, p_attempt integer, p_cost numeric default 0, p_is_user_api_key boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_reserved record;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return jsonb_build_object('outcome', 'superseded');
  elsif not private.lock_user(v_update) then  -- erased concurrently
    return jsonb_build_object('outcome', 'superseded');
  end if;
  if v_update.reservation in ('reserved', 'settled') then
    return jsonb_build_object('outcome', v_update.reservation, 'releases_left', 0);
  end if;
  v_reserved := private.reserve_usage(
    v_update.user_id, p_bot, p_update_id, p_cost, p_is_user_api_key, private.setting('quota_timezone')
  );
  update public.telegram_updates as t
     set reservation = v_reserved.reservation,
         reserved_on = v_reserved.reserved_on,
         reserved_from = v_reserved.reserved_from,
         reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
   where t.bot = p_bot and t.update_id = p_update_id;
  return jsonb_build_object('outcome', v_reserved.reservation, 'releases_left', v_reserved.releases_left);
end
$$;

revoke all on function public.reserve_request from public, anon, authenticated, service_role;
grant execute on function public.reserve_request to bot_backend;
comment on function public.reserve_request is 'Reserves one AI request for an update';

-- Hands out updates whose worker crashed or failed and that Telegram did not redeliver within a minute, the longest
-- waiting first. p_bots: a JSON list of bot names; null for all.
--
-- Concurrency: an update moves to the end of the queue when it is handed out, so one that can never be finished does
--   not block the others. The lease decides which worker processes it.
-- Locks: update rows (FOR UPDATE SKIP LOCKED), by lease_until.
-- Returns: jsonb
--   [ { bot: text, update_id: bigint, payload: jsonb } ]   (longest waiting first)
-- Errors: none.
create or replace function public.stale_updates(p_limit integer, p_bots jsonb default null)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with stale as (
    select t.bot, t.update_id, t.lease_until
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < (select private.clock()) - interval '1 minute'
       and (p_bots is null or p_bots ? t.bot)
     order by t.lease_until
     limit p_limit
       for update skip locked
  ), moved as (
    update public.telegram_updates as t
       set lease_until = private.clock()
      from stale as s
     where t.bot = s.bot and t.update_id = s.update_id
    returning t.bot, t.update_id, t.payload, s.lease_until as waiting_since
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object('bot', m.bot, 'update_id', m.update_id, 'payload', m.payload)
      order by m.waiting_since
    ),
    '[]'::jsonb
  )
  from moved as m;
$$;

revoke all on function public.stale_updates from public, anon, authenticated, service_role;
grant execute on function public.stale_updates to bot_backend;
comment on function public.stale_updates is 'Hands out updates whose worker crashed or failed';

-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms)
-- Errors: none.
create or replace function public.sweep(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'released', private.release_stale_requests(p_limit),
    'updates', private.delete_old_updates(p_limit),
    'messages', private.delete_old_messages(p_limit),
    'erased', private.expire_tombstones(p_limit),
    'subscriptions', private.expire_subscriptions(p_limit),
    'months', private.maintain_usage_partitions(),
    'alarms', private.enqueue_waiting_alarms(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';

-- Alerts the admins, once a day for each bot and kind of limit, that a daily cost limit stopped questions. p_kind:
-- user_cost (the first user of the day who reached the limit of a user) or bot_cost.
--
-- Concurrency: of two calls at once the second finds the first one's row and sends no alert.
-- Locks: the row of cost_alerts, only for the first alert of a day.
-- Returns: void
-- Errors: none.
create or replace function private.alert_cost_limit(p_bot text, p_day date, p_kind text, p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Read first, because a conflict would write a row version for every stopped message.
  if exists (select from private.cost_alerts as c where c.bot = p_bot and c.kind = p_kind and c.day >= p_day) then
    return;
  end if;
  insert into private.cost_alerts (bot, kind, day) values (p_bot, p_kind, p_day)
  on conflict (bot, kind) do update set day = excluded.day where cost_alerts.day < excluded.day;
  if not found then
    return;
  end if;
  perform private.notify_admins(
    case p_kind when 'user_cost' then 'admin_alert_user_cost' else 'admin_alert_bot_cost' end,
    jsonb_build_object(
      'bot', p_bot,
      'limit', private.setting(case p_kind when 'user_cost' then 'daily_cost_user' else 'daily_cost_bot' end),
      'user', (select s.telegram_id from public.users as s where s.id = p_user_id)
    ),
    p_bot => p_bot
  );
end
$$;

revoke all on function private.alert_cost_limit from public, anon, authenticated, service_role;
comment on function private.alert_cost_limit is 'Alerts the admins once a day that a daily cost limit stopped questions';

-- Returns what a bot spent on AI calls on a day, in US dollars, without the calls on user API keys.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, the sum over the bot's rows of the day.
-- Errors: none.
create or replace function private.bot_cost(p_bot text, p_day date)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(sum(t.cost), 0)
      from public.daily_totals as t
     where t.day = p_day and t.bot = p_bot and not t.is_user_api_key
  );
end
$$;

revoke all on function private.bot_cost from public, anon, authenticated, service_role;
comment on function private.bot_cost is 'Returns what a bot spent on AI calls on a day';

-- Adds a new user to the totals of the day.
--
-- Concurrency: the caller has just inserted or started the user's row, which happens once.
-- Locks: one of the sixteen rows of daily_totals for new users.
-- Returns: void
-- Errors: none.
create or replace function private.count_new_user(p_user_id bigint, p_now timestamptz)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.daily_totals as t (day, provider, model, is_user_api_key, shard, new_users)
  values (
    (p_now at time zone private.setting('quota_timezone'))::date, '', '', false, p_user_id & 15, 1
  )
  on conflict (day, bot, provider, model, is_user_api_key, shard) do update
    set new_users = t.new_users + excluded.new_users;
$$;

revoke all on function private.count_new_user from public, anon, authenticated, service_role;
comment on function private.count_new_user is 'Adds a new user to the totals of the day';

-- Creates the partition of api_usage for one month (UTC), and moves the month's rows out of the default partition.
--
-- Concurrency: the name is that of the month, so an existing partition is left alone; of two runs at once one waits
--   for the table and then finds it. A future month locks the default partition only, and writers go on; a month that
--   has begun locks the whole table for a moment, because a row on its way into the default partition would be
--   rejected there.
-- Locks: api_usage_default, or api_usage for a month that has begun (ACCESS EXCLUSIVE), waiting 200 ms at most.
-- Returns: boolean, whether it created the partition; false also when the table was in use for longer: the next run
--   tries again.
-- Errors: none.
create or replace function private.create_usage_partition(p_month timestamptz)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '200ms'
as $$
declare
  v_name text := 'api_usage_' || to_char(p_month, 'YYYY_MM');
  v_until timestamptz := p_month + interval '1 month';
begin
  if to_regclass('public.' || v_name) is not null then
    return false;
  end if;
  if p_month <= private.clock() then
    lock table public.api_usage in access exclusive mode;
  else
    lock table public.api_usage_default in access exclusive mode;
  end if;
  if to_regclass('public.' || v_name) is not null then
    return false;
  end if;
  execute format(
    'create table public.%I (like public.api_usage including defaults including constraints)', v_name
  );
  execute format('alter table public.%I enable row level security', v_name);
  execute format('revoke all on table public.%I from public, anon, authenticated, service_role', v_name);
  execute format(
    'with moved as (
       delete from public.api_usage_default where created_at >= %L and created_at < %L returning *
     )
     insert into public.%I select * from moved',
    p_month, v_until, v_name
  );
  execute format(
    'alter table public.api_usage attach partition public.%I for values from (%L) to (%L)',
    v_name, p_month, v_until
  );
  return true;
exception when lock_not_available or deadlock_detected then
  return false;
end
$$;

revoke all on function private.create_usage_partition from public, anon, authenticated, service_role;
comment on function private.create_usage_partition is 'Creates the partition of api_usage for one month';

-- Drops one partition of api_usage with all its rows; the counters keep their sums.
--
-- Concurrency: a second run finds it gone. Writers wait for a moment; a table that is in use for longer is left to
--   the next run.
-- Locks: the partition and api_usage (ACCESS EXCLUSIVE), waiting 200 ms at most.
-- Returns: boolean, whether it dropped the partition.
-- Errors: none.
create or replace function private.drop_usage_partition(p_name text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
begin
  execute format('drop table if exists public.%I', p_name);
  return true;
exception when lock_not_available or deadlock_detected then
  return false;
end
$$;

revoke all on function private.drop_usage_partition from public, anon, authenticated, service_role;
comment on function private.drop_usage_partition is 'Drops one partition of api_usage';

-- Returns the usage of a user: the plan, requests used and left for the day and the month, the last 30 days, this
-- month's AI calls by provider, and the result of referrals. Reads counters only, so the time does not depend on the
-- age of the account.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plan: text
--   features: [ text ]
--   history_length: int | null                (null: MAX_HISTORY_LENGTH)
--   timezone: text
--   bonus_credits: int
--   day: {
--     begins: date
--     used: int                               (of the plan)
--     bonus_used: int
--     limit: int | null                       (null: no limit)
--     remaining: int | null                   (bonus credits included; null: no limit)
--     resets_at: timestamptz
--   }
--   month: public.get_user_usage_stats.day
--   days: private.usage_days                  (today last)
--   providers: private.usage_by_provider      (of this month)
--   referrals: {
--     total: int                              (that counted),
--     pending: int                            (1000 stands for more),
--     earned: int                             (bonus credits)
--   }
-- Errors: U0001 no such user.
create or replace function public.get_user_usage_stats(p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_quota record;
  v_days jsonb;
  v_bonus_month integer;
  v_pending integer;
  v_left_today bigint;
  v_left_month bigint;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found then
    raise exception 'no such user' using errcode = 'U0001';
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  -- null without a limit, which least() ignores.
  v_left_month := case
    when v_quota.monthly_requests is not null
    then greatest(v_quota.monthly_requests - v_quota.month_requests, 0)
  end;
  v_left_today := least(
    case when v_quota.daily_requests is not null then greatest(v_quota.daily_requests - v_quota.requests, 0) end,
    v_left_month
  );

  v_days := private.usage_days(p_user_id, v_quota.day);
  select coalesce(sum(m.bonus_requests), 0) into v_bonus_month
    from public.monthly_usage as m
   where m.user_id = p_user_id and m.month = v_quota.month;
  select count(*) into v_pending
    from (
      select from public.user_referrals as r
       where r.referrer_id = p_user_id and r.status = 'pending'
       limit 1000
    ) as p;

  return jsonb_build_object(
    'plan', v_quota.plan,
    'features', v_quota.features,
    'history_length', v_quota.history_length,
    'timezone', private.setting('quota_timezone'),
    'bonus_credits', v_user.bonus_credits,
    'day', jsonb_build_object(
      'begins', v_quota.day,
      'used', v_quota.requests,
      'bonus_used', v_days -> -1 -> 'bonus_requests',
      'limit', v_quota.daily_requests,
      'remaining', v_left_today + v_user.bonus_credits,
      'resets_at', v_quota.resets_at
    ),
    'month', jsonb_build_object(
      'begins', v_quota.month,
      'used', v_quota.month_requests,
      'bonus_used', v_bonus_month,
      'limit', v_quota.monthly_requests,
      'remaining', v_left_month + v_user.bonus_credits,
      'resets_at', v_quota.month_resets_at
    ),
    'days', v_days,
    'providers', private.usage_by_provider(p_user_id, v_quota.month),
    'referrals', jsonb_build_object(
      'total', v_user.total_referrals, 'pending', v_pending, 'earned', v_user.referral_credits
    )
  );
end
$$;

revoke all on function public.get_user_usage_stats from public, anon, authenticated, service_role;
grant execute on function public.get_user_usage_stats to bot_backend, service_role;
comment on function public.get_user_usage_stats is 'Returns the usage of a user, in constant time';

-- Returns whether an AI provider charged the owner for any call of an update: a call on the owner's key that has a
-- cost, however small. p_usage: see private.record_usage.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.has_billed_call(p_usage jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select exists (
      select from jsonb_array_elements(p_usage) as c (call)
       where c.call ->> 'cost' is not null and not coalesce((c.call ->> 'is_user_api_key')::boolean, false)
    )
  );
end
$$;

revoke all on function private.has_billed_call from public, anon, authenticated, service_role;
comment on function private.has_billed_call is 'Returns whether an AI provider charged the owner for any call of an update';

-- Returns whether a bot may spend p_cost more today within its daily cost limit p_limit (US dollars). p_day is today
-- in the time zone of the quota. p_update_id: the question's update, whose own reserved cost is left out.
--
-- Concurrency: far from the limit nothing is locked. Within 200 questions of it, more than can be in progress because
--   Telegram opens at most 100 connections to a bot, calls for the bot are serialized until the transaction ends, and
--   the reserved cost of questions in progress counts too.
-- Locks: near the limit an advisory lock of the bot; the caller holds the update row and the user.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_within_bot_cost_limit(
  p_bot text, p_day date, p_update_id bigint, p_cost numeric, p_limit numeric
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_spent numeric := private.bot_cost(p_bot, p_day);
  v_open numeric;
begin
  if v_spent + 200 * p_cost <= p_limit or v_spent + p_cost > p_limit then
    return v_spent + p_cost <= p_limit;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('cost of ' || p_bot, 0));
  select coalesce(sum(t.reserved_cost), 0) into v_open
    from public.telegram_updates as t
   where t.lease_until > (select private.clock())
     and t.status in ('working', 'failed')
     and t.bot = p_bot
     and t.update_id <> p_update_id;
  return private.bot_cost(p_bot, p_day) + v_open + p_cost <= p_limit;
end
$$;

revoke all on function private.is_within_bot_cost_limit from public, anon, authenticated, service_role;
comment on function private.is_within_bot_cost_limit is 'Returns whether a bot may spend more today within its daily cost limit';

-- Creates the partitions of api_usage for this month, the next two and every month that has rows in the default
-- partition, and drops those older than the setting retention_usage_months.
--
-- Concurrency: an advisory lock lets one run work; the second does nothing, because each would wait for what the
--   other holds. Writers: see private.create_usage_partition.
-- Locks: an advisory lock, then as private.create_usage_partition and private.drop_usage_partition.
-- Returns: integer, how many partitions were created or dropped.
-- Errors: none.
create or replace function private.maintain_usage_partitions()
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  v_this_month timestamptz := date_trunc('month', private.clock());
  v_oldest timestamptz := v_this_month
    - make_interval(months => greatest(private.setting('retention_usage_months')::integer, 1));
  v_month timestamptz;
  v_name text;
  v_changed integer := 0;
begin
  -- Two runs at once would deadlock on the partitions; the second one has nothing to do.
  if not pg_try_advisory_xact_lock(hashtext('maintain_usage_partitions')) then
    return 0;
  end if;
  for v_month in
    select g.month
      from generate_series(v_this_month, v_this_month + interval '2 months', interval '1 month') as g (month)
    union
    select date_trunc('month', d.created_at) from public.api_usage_default as d
  loop
    v_changed := v_changed + private.create_usage_partition(v_month)::integer;
  end loop;
  for v_name in
    select c.relname
      from pg_catalog.pg_inherits as i
      join pg_catalog.pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'public.api_usage'::regclass
       and c.relname ~ '^api_usage_\d{4}_\d{2}$'
       and to_date(right(c.relname, 7), 'YYYY_MM') < v_oldest
  loop
    v_changed := v_changed + private.drop_usage_partition(v_name)::integer;
  end loop;
  return v_changed;
end
$$;

revoke all on function private.maintain_usage_partitions from public, anon, authenticated, service_role;
comment on function private.maintain_usage_partitions is 'Creates and drops partitions of api_usage';

-- Records an update's calls to AI providers: a row per call, and the counters of the user and the day.
--
-- p_usage: [{provider, model, kind, status, ms, request_bytes, response_bytes, tokens_in, tokens_out, cost,
-- is_user_api_key}] in the order of the calls; the last one produced the answer, if any did. p_is_settled: a reserved
-- request was served. On a user API key nothing is reserved, and the status of the last call decides. A figure that
-- is not a number, is negative or exceeds its column is left out (0 where the column needs a number), because a
-- provider's report must never undo its answer.
--
-- Concurrency: the caller holds the update row and calls once, in the transaction that finishes it. All updates take
--   the counters in the same order, call by call, and one update only one of the sixteen rows of a figure.
-- Locks: daily_usage, then by provider, model and is_user_api_key the row of monthly_api_usage and that of daily_totals.
-- Returns: void
-- Errors: none.
create or replace function private.record_usage(
  p_update public.telegram_updates, p_usage jsonb, p_is_settled boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_day date;
  v_shard integer := p_update.update_id & 15;
  v_last jsonb := p_usage -> -1;
  v_is_own boolean := coalesce((p_usage -> -1 ->> 'is_user_api_key')::boolean, false);
  v_call jsonb;
  v_row public.api_usage;
  v_is_last boolean;
  v_rows jsonb := '[]'::jsonb;
  v_count integer := jsonb_array_length(p_usage);
  v_requests integer := (p_is_settled or (v_is_own and v_last ->> 'status' in ('ok', 'part')))::integer;
begin
  if v_last is null and v_requests = 0 then
    return;
  end if;
  v_now := private.clock();
  v_day := (v_now at time zone private.setting('quota_timezone'))::date;

  if v_is_own and v_requests > 0 then
    insert into public.daily_usage as u (user_id, bot, day, user_api_key_requests)
    values (p_update.user_id, p_update.bot, v_day, 1)
    on conflict (user_id, day, bot) do update set user_api_key_requests = u.user_api_key_requests + 1;
  end if;
  if v_last is null then
    insert into public.daily_totals as t (day, bot, provider, model, is_user_api_key, shard, requests)
    values (v_day, p_update.bot, '', '', false, v_shard, v_requests)
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests;
    return;
  end if;

  for v_index in 0 .. v_count - 1 loop
    v_call := p_usage -> v_index;
    insert into public.api_usage (
      user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes,
      tokens_in, tokens_out, cost, is_user_api_key, created_at
    )
    values (
      p_update.user_id, p_update.bot, coalesce(v_call ->> 'provider', ''), coalesce(v_call ->> 'model', ''),
      case when v_call ->> 'kind' in ('image', 'video') then v_call ->> 'kind' else 'chat' end,
      coalesce(v_call ->> 'status', ''), coalesce(private.usage_count(v_call ->> 'ms'), 0),
      coalesce(private.usage_count(v_call ->> 'request_bytes'), 0),
      coalesce(private.usage_count(v_call ->> 'response_bytes'), 0),
      private.usage_count(v_call ->> 'tokens_in'), private.usage_count(v_call ->> 'tokens_out'),
      private.usage_cost(v_call ->> 'cost'), coalesce((v_call ->> 'is_user_api_key')::boolean, false), v_now
    )
    returning * into v_row;
    if v_count > 1 then
      v_rows := v_rows || to_jsonb(v_row);
    end if;
  end loop;
  if v_count > 1 then
    v_rows := (
      select jsonb_agg(r.value order by r.value ->> 'provider', r.value ->> 'model', r.value ->> 'is_user_api_key')
        from jsonb_array_elements(v_rows) as r (value)
    );
  end if;
  for v_index in 0 .. v_count - 1 loop
    if v_count > 1 then
      v_row := jsonb_populate_record(v_row, v_rows -> v_index);
    end if;
    v_is_last := (v_row.provider, v_row.model, v_row.is_user_api_key)
      = (v_last ->> 'provider', v_last ->> 'model', v_is_own);
    insert into public.monthly_api_usage as m
      (user_id, month, provider, model, is_user_api_key, calls, errors, tokens_in, tokens_out, cost, ms, day, day_cost)
    values (
      p_update.user_id, date_trunc('month', v_day::timestamp)::date, v_row.provider, v_row.model,
      v_row.is_user_api_key, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms, v_day, coalesce(v_row.cost, 0)
    )
    on conflict (user_id, month, provider, model, is_user_api_key) do update
      set calls = m.calls + excluded.calls,
          errors = m.errors + excluded.errors,
          tokens_in = m.tokens_in + excluded.tokens_in,
          tokens_out = m.tokens_out + excluded.tokens_out,
          cost = m.cost + excluded.cost,
          ms = m.ms + excluded.ms,
          day = excluded.day,
          day_cost = excluded.day_cost + case when m.day = excluded.day then m.day_cost else 0 end;
    insert into public.daily_totals as t
      (day, bot, provider, model, is_user_api_key, shard, requests, calls, errors, tokens_in, tokens_out, cost, ms)
    values (
      v_day, p_update.bot, v_row.provider, v_row.model, v_row.is_user_api_key, v_shard,
      case when v_is_last then v_requests else 0 end, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms
    )
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests,
          calls = t.calls + excluded.calls,
          errors = t.errors + excluded.errors,
          tokens_in = t.tokens_in + excluded.tokens_in,
          tokens_out = t.tokens_out + excluded.tokens_out,
          cost = t.cost + excluded.cost,
          ms = t.ms + excluded.ms;
    if v_is_last then
      v_requests := 0;  -- counted
    end if;
  end loop;
end
$$;

revoke all on function private.record_usage from public, anon, authenticated, service_role;
comment on function private.record_usage is 'Records an update''s calls to AI providers and their sums';

-- Returns one AI request to where it was taken from: the plan's day and month, or the bonus credits. With
-- p_is_limited the release counts towards the setting daily_releases.
--
-- Concurrency: the caller holds the update row and calls only while its reservation is "reserved". The user's row is
--   locked before the counters, as for a reservation. Requests that an admin has reset meanwhile are not returned a
--   second time: the month is changed only if the day was.
-- Locks: user (NO KEY UPDATE), daily_usage, monthly_usage.
-- Returns: boolean, false and nothing changed when p_is_limited and the releases of the day are used up.
-- Errors: none.
create or replace function private.release_usage(
  p_user_id bigint, p_bot text, p_day date, p_reserved_from text, p_is_limited boolean default false
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_bonus integer := (p_reserved_from = 'bonus')::integer;
  v_is_plan integer := 1 - v_is_bonus;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if p_is_limited and (
    select coalesce(sum(d.releases), 0) from public.daily_usage as d where d.user_id = p_user_id and d.day = p_day
  ) >= private.setting('daily_releases')::integer then
    return false;
  end if;
  if v_is_bonus > 0 then
    update public.users as u set bonus_credits = u.bonus_credits + 1 where u.id = p_user_id;
  end if;
  update public.daily_usage as u
     set requests = u.requests - v_is_plan,
         bonus_requests = u.bonus_requests - v_is_bonus,
         releases = u.releases + p_is_limited::integer
   where u.user_id = p_user_id and u.bot = p_bot and u.day = p_day
     and u.requests >= v_is_plan and u.bonus_requests >= v_is_bonus;
  if found then
    update public.monthly_usage as u
       set requests = u.requests - v_is_plan,
           bonus_requests = u.bonus_requests - v_is_bonus
     where u.user_id = p_user_id and u.month = date_trunc('month', p_day::timestamp)::date
       and u.requests >= v_is_plan and u.bonus_requests >= v_is_bonus;
  end if;
  return true;
end
$$;

revoke all on function private.release_usage from public, anon, authenticated, service_role;
comment on function private.release_usage is 'Returns one reserved AI request';

-- Decides whether a user's question may go to the AI, and reserves a request for it: from the plan while its day and
-- its month both have one left, then from bonus credits. Checks in this order: requests left, daily cost of the user,
-- daily cost of the bot, questions in progress. On a user API key only the last one applies.
--
-- p_timezone: the setting quota_timezone. p_cost: the most that the question may cost in US dollars. The reserved cost
-- of other questions in progress is added to what was spent, so the cost limits also hold for questions that arrive
-- together.
--
-- Concurrency: the user's row is locked, so two questions never pass a check together. The caller holds the update
--   row and calls only while that has no reservation.
-- Locks: user (NO KEY UPDATE), near the bot's cost limit an advisory lock of the bot, then daily_usage and
--   monthly_usage.
-- Returns: record
--   reservation
--     reserved     with the day it counts for (and so the month) and its source (plan | bonus)
--     user_api_key      nothing is taken
--     refused      no requests left
--     user_cost, bot_cost   the daily cost limit is reached
--     in_progress  the user has as many questions in progress as allowed
--   releases_left: how many failed requests may still be released today
--   plan and what follows it: as private.quota returns them, with this request counted; null on a user API key
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.reserve_usage(
  p_user_id bigint,
  p_bot text,
  p_update_id bigint,
  p_cost numeric,
  p_is_user_api_key boolean,
  p_timezone text,
  out reservation text,
  out reserved_on date,
  out reserved_from text,
  out releases_left integer,
  out plan text,
  out features text[],
  out history_length integer,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz,
  out month_requests integer,
  out monthly_requests integer,
  out month_resets_at timestamptz,
  out timezone text
)
returns record
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user record;
  v_quota record;
  v_limits record;
begin
  select u.vip_level, u.bonus_credits into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  v_now := private.clock();  -- waiting for the lock takes time
  select
    (select (s.value #>> '{}')::integer from private.settings as s where s.key = 'questions_in_progress') as questions,
    (select (s.value #>> '{}')::integer from private.settings as s where s.key = 'daily_releases') as releases,
    (select (s.value #>> '{}')::numeric from private.settings as s where s.key = 'daily_cost_user') as user_cost,
    (select (s.value #>> '{}')::numeric from private.settings as s where s.key = 'daily_cost_bot') as bot_cost,
    count(*) as open_questions,
    count(*) filter (where t.reservation = 'reserved') as open_requests,
    coalesce(sum(t.reserved_cost), 0) as open_cost
    into v_limits
    from public.telegram_updates as t
   where t.user_id = p_user_id
     -- Behind a subquery, so that the planner takes the user's rows and not telegram_updates_open_idx: that holds the open
     -- updates of all users, but looks smaller.
     and t.status = (select 'working')
     and t.lease_until > v_now
     and t.reservation in ('reserved', 'user_api_key', 'settled')
     and (t.bot, t.update_id) <> (p_bot, p_update_id);

  if p_is_user_api_key then
    reservation := case when v_limits.open_questions < v_limits.questions then 'user_api_key' else 'in_progress' end;
    return;
  end if;
  v_quota := private.quota(p_user_id, v_user.vip_level, p_timezone);
  plan := v_quota.plan;
  features := v_quota.features;
  history_length := v_quota.history_length;
  requests := v_quota.requests;
  daily_requests := v_quota.daily_requests;
  resets_at := v_quota.resets_at;
  month_requests := v_quota.month_requests;
  monthly_requests := v_quota.monthly_requests;
  month_resets_at := v_quota.month_resets_at;
  timezone := v_quota.timezone;
  if coalesce(v_quota.requests < v_quota.daily_requests, true)
    and coalesce(v_quota.month_requests < v_quota.monthly_requests, true)
  then
    reserved_from := 'plan';
  elsif v_user.bonus_credits > 0 then
    reserved_from := 'bonus';
  end if;
  reservation := case
    when reserved_from is null then 'refused'
    when v_limits.user_cost > 0
      and private.user_cost(p_user_id, v_quota.day) + v_limits.open_cost + p_cost > v_limits.user_cost then 'user_cost'
    when v_limits.bot_cost > 0
      and not private.is_within_bot_cost_limit(p_bot, v_quota.day, p_update_id, p_cost, v_limits.bot_cost) then 'bot_cost'
    when v_limits.open_questions >= v_limits.questions then 'in_progress'
    else 'reserved'
  end;
  if reservation <> 'reserved' then
    reserved_from := null;
    if reservation in ('user_cost', 'bot_cost') then
      perform private.alert_cost_limit(p_bot, v_quota.day, reservation, p_user_id);
    end if;
    return;
  end if;

  reserved_on := v_quota.day;
  if reserved_from = 'bonus' then
    update public.users as u set bonus_credits = u.bonus_credits - 1 where u.id = p_user_id;
  else
    requests := requests + 1;
    month_requests := month_requests + 1;
  end if;
  insert into public.daily_usage as u (user_id, bot, day, requests, bonus_requests)
  values (
    p_user_id, p_bot, v_quota.day, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, day, bot) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  insert into public.monthly_usage as u (user_id, month, requests, bonus_requests)
  values (
    p_user_id, v_quota.month, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, month) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  releases_left := greatest(v_limits.releases - v_limits.open_requests - v_quota.releases, 0);
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated, service_role;
comment on function private.reserve_usage is 'Decides whether a question may go to the AI, and reserves a request';

-- Returns the AI calls of a user in a month by provider, from counters.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     provider: text, calls: int, errors: int, user_api_key_calls: int, tokens_in: int, tokens_out: int,
--     cost: float, user_api_key_cost: float        (US dollars, as far as the provider says),
--     average_ms: int
--   } ]                                       (the most used first)
-- Errors: none.
create or replace function private.usage_by_provider(p_user_id bigint, p_month date)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'provider', s.provider,
          'calls', s.calls,
          'errors', s.errors,
          'user_api_key_calls', s.user_api_key_calls,
          'tokens_in', s.tokens_in,
          'tokens_out', s.tokens_out,
          'cost', s.cost,
          'user_api_key_cost', s.user_api_key_cost,
          'average_ms', round(s.ms / s.calls)
        )
        order by s.calls desc, s.provider
      ),
      '[]'
    )
    from (
      select
        m.provider, sum(m.calls) as calls, sum(m.errors) as errors,
        coalesce(sum(m.calls) filter (where m.is_user_api_key), 0) as user_api_key_calls,
        sum(m.tokens_in) as tokens_in, sum(m.tokens_out) as tokens_out, sum(m.cost) as cost,
        coalesce(sum(m.cost) filter (where m.is_user_api_key), 0) as user_api_key_cost, sum(m.ms) as ms
        from public.monthly_api_usage as m
       where m.user_id = p_user_id and m.month = p_month
       group by m.provider
    ) as s;
$$;

revoke all on function private.usage_by_provider from public, anon, authenticated, service_role;
comment on function private.usage_by_provider is 'Returns the AI calls of a user in a month by provider';

-- Parses the cost of a call in US dollars.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: numeric, at most 999999 with 8 decimals; null for what is not a number, is negative or exceeds the column.
-- Errors: none.
create or replace function private.usage_cost(p_value text)
returns numeric
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_value ~ '^\d{1,6}(\.\d{1,40})?([eE]-\d{1,2})?$' then
    return round(least(p_value::numeric, 999999), 8);
  end if;
  return null;
end
$$;

revoke all on function private.usage_cost from public, anon, authenticated, service_role;
comment on function private.usage_cost is 'Parses the cost of a call; null where it makes no sense';

-- Parses a count that a provider or our code reports, and rounds it.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer; null for what is not a number, is negative or exceeds an integer.
-- Errors: none.
create or replace function private.usage_count(p_value text)
returns integer
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_value ~ '^\d{1,10}(\.\d{1,30})?$' and round(p_value::numeric) <= 2147483647 then
    return round(p_value::numeric);
  end if;
  return null;
end
$$;

revoke all on function private.usage_count from public, anon, authenticated, service_role;
comment on function private.usage_count is 'Parses a count; null where it makes no sense';

-- Returns the requests of a user on the 30 days that end with p_day, over all bots.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { day: date, requests: int, bonus_requests: int, user_api_key_requests: int } ]   (30, p_day last)
-- Errors: none.
create or replace function private.usage_days(p_user_id bigint, p_day date)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    jsonb_agg(
      jsonb_build_object(
        'day', d.day,
        'requests', d.requests,
        'bonus_requests', d.bonus_requests,
        'user_api_key_requests', d.user_api_key_requests
      )
      order by d.day
    )
    from (
      select
        g.day::date as day,
        coalesce(sum(u.requests), 0) as requests,
        coalesce(sum(u.bonus_requests), 0) as bonus_requests,
        coalesce(sum(u.user_api_key_requests), 0) as user_api_key_requests
        from generate_series((p_day - 29)::timestamp, p_day::timestamp, interval '1 day') as g (day)
        left join (
          select r.day, r.requests, r.bonus_requests, r.user_api_key_requests
            from public.daily_usage as r
           where r.user_id = p_user_id and r.day between p_day - 29 and p_day
        ) as u on u.day = g.day::date
       group by g.day
    ) as d;
$$;

revoke all on function private.usage_days from public, anon, authenticated, service_role;
comment on function private.usage_days is 'Returns the requests of a user on 30 days';

-- Returns what a user's questions cost on a day, in US dollars, without the calls on user API keys. p_day is today in
-- the time zone of the quota.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, the sum over the user's models.
-- Errors: none.
create or replace function private.user_cost(p_user_id bigint, p_day date)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(sum(m.day_cost), 0)
      from public.monthly_api_usage as m
     where m.user_id = p_user_id
       and m.month = date_trunc('month', p_day::timestamp)::date
       and m.day = p_day
       and not m.is_user_api_key
  );
end
$$;

revoke all on function private.user_cost from public, anon, authenticated, service_role;
comment on function private.user_cost is 'Returns what a user''s questions cost on a day';
