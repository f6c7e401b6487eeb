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
  course_terms jsonb,
  is_gift boolean not null default false,
  check ((full_amount is null) = (promocode_id is null)),
  constraint orders_gift_check check (not is_gift or (kind = 'subscription' and not renews))
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
comment on column public.orders.course_terms is 'What an order of a course gives, copied from course_offers: {"course_id", "tier", "cohort_id", "access_days", "credited", "credit"}; credit is what the grants in credited had cost, and is subtracted from the price';
comment on column public.orders.is_gift is 'The plan is for another user, who gets a link (gifts)';
alter table public.orders enable row level security;
revoke all on table public.orders from public, anon, authenticated, service_role;
revoke all on sequence public.orders_id_seq from public, anon, authenticated, service_role;
