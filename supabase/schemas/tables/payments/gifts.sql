-- Gifts: plans that were bought for other users. The first user who opens the link gets the plan; a refund takes it back.

create table public.gifts (
  payment_id bigint primary key references public.payments (id) on delete cascade,
  user_id bigint references public.users (id) on delete set null,
  bot text not null check (bot <> ''),
  product_key text not null references public.products (key) on update cascade,
  plan text not null,
  period text not null check (period in ('month', 'year')),
  token text not null unique default private.random_code(),
  taken_by bigint references public.users (id) on delete set null,
  taken_at timestamptz,
  ends_at timestamptz,
  seconds numeric not null default 0 check (seconds >= 0),
  seconds_revoked numeric not null default 0 check (seconds_revoked >= 0 and seconds_revoked <= seconds),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  created_at timestamptz not null default private.clock(),
  check (taken_by is null or taken_at is not null)
);

create index gifts_user_idx on public.gifts (user_id, payment_id);
create index gifts_taken_by_idx on public.gifts (taken_by);
create index gifts_product_idx on public.gifts (product_key);

comment on table public.gifts is 'Plans bought for another user, each accepted once by its link';
comment on column public.gifts.user_id is 'Buyer; null: erased, the link still works';
comment on column public.gifts.bot is 'Bot of the order, to which the link leads';
comment on column public.gifts.token is 'What the link holds';
comment on column public.gifts.seconds is 'Time that was added to the recipient''s plan';
comment on column public.gifts.ends_at is 'When the time that was added ends; a refund takes nothing after it';
comment on column public.gifts.seconds_revoked is 'Time that a refund took from the recipient again';
comment on column public.gifts.revoked_at is 'When a refund or dispute took the gift back; null: valid';
alter table public.gifts enable row level security;
revoke all on table public.gifts from public, anon, authenticated, service_role;
