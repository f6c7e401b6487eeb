-- Words that give something to whoever says them: a month, bonus credits, trainings, or a part off the next purchase.
-- Switching one off, or its end, takes nothing back from those who redeemed it.

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

comment on table public.promocodes is 'Words that give something to whoever says them';
comment on column public.promocodes.code is 'In capitals: it is the same in whatever case it is written';
comment on column public.promocodes.value is 'How many months, bonus credits or trainings, or how many percent off';
comment on column public.promocodes.plan is 'What a month is of';
comment on column public.promocodes.max_uses is 'How many people it is for; null: for any number';
comment on column public.promocodes.uses is 'How many redeemed it, those who were erased since included';
comment on column public.promocodes.valid_until is 'A discount that was redeemed ends then, too; null: never';
comment on column public.promocodes.note is 'What it is for, for the admins';
alter table public.promocodes enable row level security;
revoke all on table public.promocodes from public, anon, authenticated, service_role;
revoke all on sequence public.promocodes_id_seq from public, anon, authenticated, service_role;
