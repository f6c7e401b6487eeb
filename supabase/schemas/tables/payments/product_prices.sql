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
