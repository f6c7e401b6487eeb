-- What we asked to be paid for. Its product and price are kept as they were then.
--
-- pending ─▶ completed   paid, and given
--    ├─────▶ canceled    its time ran out, or the provider gave it up; late money is honoured all the same
--    └─────▶ withdrawn   another order has its discount; money for it is held, to be refunded

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
  told text[] not null default '{}',
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  message_ids bigint[],
  message_state text check (message_state in ('paid', 'held', 'refunded', 'disputed', 'withdrawn', 'expired')),
  full_amount numeric(12, 2) check (full_amount >= amount),
  promocode_id bigint references public.promocodes (id),
  continues text,
  check ((full_amount is null) = (promocode_id is null))
);

create index orders_user_idx on public.orders (user_id, id);
create index orders_product_idx on public.orders (product_key);
create index orders_promocode_idx on public.orders (promocode_id);
create index orders_renewal_idx on public.orders (renewal_id);
-- Reconciliation looks at those that may still be paid.
create index orders_open_idx on public.orders (expires_at) where status in ('pending', 'withdrawn');

-- Messages that still invite to pay, by when they end.
create index orders_invited_idx on public.orders (expires_at) where cardinality(message_ids) > 0 and message_state is null;

comment on table public.orders is 'What we asked to be paid for';
comment on column public.orders.renews is 'It shall be paid again each period';
comment on column public.orders.renewal_id is 'Made by us for a period of this renewal';
comment on column public.orders.contact is 'Where the receipt goes: an e-mail address or a phone number';
comment on column public.orders.bot is 'Where the person bought, and is told';
comment on column public.orders.reference is 'Given by the caller: the same one makes one order';
comment on column public.orders.told is 'What the buyer was told once: pending, failed, reminder';
comment on column public.orders.message_ids is 'The messages in the buyer''s chat that invite to pay: the checkout, and a reminder';
comment on column public.orders.message_state is 'What those messages say instead; null: they still invite';
comment on column public.orders.checkout_reference is 'The provider''s own number of the checkout, to ask for its state';
comment on column public.orders.full_amount is 'What it would have cost without the discount; null: there was none';
comment on column public.orders.promocode_id is 'Whose discount it has';
comment on column public.orders.continues is 'The product that a top-up is made for: its key';
alter table public.orders enable row level security;
revoke all on table public.orders from public, anon, authenticated, service_role;
revoke all on sequence public.orders_id_seq from public, anon, authenticated, service_role;
