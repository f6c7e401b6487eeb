-- How often a person named a wrong promo code on their last day of doing so, so that codes cannot be guessed.

create table public.promocode_tries (
  user_id bigint primary key references public.users (id) on delete cascade,
  day date not null,
  tries integer not null default 0 check (tries >= 0),
  last_reference text
);

comment on table public.promocode_tries is 'How often a person named a wrong promo code';
comment on column public.promocode_tries.day is 'A day in the time zone of the setting quota_timezone; on another one all begins anew';
comment on column public.promocode_tries.last_reference is 'Of the last wrong one: told again it is the same one';
alter table public.promocode_tries enable row level security;
revoke all on table public.promocode_tries from public, anon, authenticated, service_role;
