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
comment on column public.erased_users.used is 'One-time benefits used, by name: referral, promocode:<id>, trial, channels (whose free trainings were received), xp and badges (awards of rules that give once, and all badges); also banned_at, without the reason of the ban';
comment on column public.erased_users.usage is 'Requests used on the day and in the month of the erasure, so that an erasure does not reset the limits';
alter table public.erased_users enable row level security;
revoke all on table public.erased_users from public, anon, authenticated, service_role;
