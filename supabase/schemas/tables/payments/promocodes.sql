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
  batch_id bigint references public.promocode_batches (id),
  check (uses <= max_uses),
  check ((kind = 'month') = (plan is not null)),
  check (
    value between 1 and case kind when 'month' then 36 when 'credits' then 1000000 when 'trainings' then 1000 else 99 end
  )
);

create index promocodes_plan_idx on public.promocodes (plan);
create index promocodes_batch_idx on public.promocodes (batch_id, id);

comment on table public.promocodes is 'Promo codes';
comment on column public.promocodes.code is 'Stored in capitals; input is case-insensitive';
comment on column public.promocodes.value is 'Number of months, bonus credits or trainings, or percent of discount';
comment on column public.promocodes.plan is 'Plan that kind month grants';
comment on column public.promocodes.max_uses is 'Maximum number of redemptions; null: unlimited';
comment on column public.promocodes.uses is 'Number of redemptions, including those of erased users';
comment on column public.promocodes.valid_until is 'End of validity, also of redeemed discounts; null: none';
comment on column public.promocodes.batch_id is 'Batch of codes that work once each; null: a code of its own';
comment on column public.promocodes.note is 'Purpose, for the admins';
alter table public.promocodes enable row level security;
revoke all on table public.promocodes from public, anon, authenticated, service_role;
revoke all on sequence public.promocodes_id_seq from public, anon, authenticated, service_role;
