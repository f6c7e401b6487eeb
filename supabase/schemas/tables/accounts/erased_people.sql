-- What somebody who was erased must not collect again when they come back. Nothing here tells who it is.

create table public.erased_people (
  -- HMAC-SHA256 of the Telegram id. Its key is in no database, so a copy of this table cannot be tried out.
  person_hash bytea primary key check (length(person_hash) = 32),
  used jsonb not null default '{}' check (jsonb_typeof(used) = 'object'),
  usage jsonb not null default '{}' check (jsonb_typeof(usage) = 'object'),
  erased_at timestamptz not null default private.clock()
);

-- The sweep lets go of counters whose month is over.
create index erased_people_usage_idx on public.erased_people (erased_at) where usage <> '{}';

comment on table public.erased_people is 'What an erased person must not collect again';
comment on column public.erased_people.person_hash is 'HMAC-SHA256 of the Telegram id, keyed with PERSON_HASH_KEY';
comment on column public.erased_people.used is 'What is given once in a life, by its name: "referral", "promocode:<its id>", "trial", and "channels" whose free trainings they had; and "banned_at", whose reason is not kept';
comment on column public.erased_people.usage is 'Requests used on the day and in the month of the erasure, so that it gives no new ones';
alter table public.erased_people enable row level security;
revoke all on table public.erased_people from public, anon, authenticated, service_role;
