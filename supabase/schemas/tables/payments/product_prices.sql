-- What a product costs, in each currency it is sold for.

create table public.product_prices (
  product_key text not null references public.products (key) on update cascade on delete cascade,
  currency text not null check (currency ~ '^[A-Z]{3,5}$'),
  amount numeric(12, 2) not null check (amount > 0),
  primary key (product_key, currency),
  check (currency <> 'XTR' or amount = trunc(amount))
);

comment on table public.product_prices is 'What a product costs';
comment on column public.product_prices.currency is 'ISO 4217; XTR: Telegram Stars';
alter table public.product_prices enable row level security;
revoke all on table public.product_prices from public, anon, authenticated, service_role;

insert into public.product_prices (product_key, currency, amount)
values
('premium_month', 'XTR', 350), ('premium_month', 'RUB', 499), ('premium_month', 'USD', 5.99),
('premium_year', 'XTR', 3500), ('premium_year', 'RUB', 4990), ('premium_year', 'USD', 59.90),
('credits_100', 'XTR', 100), ('credits_100', 'RUB', 149), ('credits_100', 'USD', 1.99),
('credits_1000', 'XTR', 750), ('credits_1000', 'RUB', 990), ('credits_1000', 'USD', 11.99),
('balance_500', 'XTR', 375), ('balance_500', 'RUB', 500)
on conflict (product_key, currency) do nothing;
