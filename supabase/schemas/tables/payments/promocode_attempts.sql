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
