-- Example data for local databases (./switchboard up, tests, supabase db reset): products on sale at invented prices. A
-- deployment never runs it.

insert into public.product_prices (product_key, currency, amount)
values
('premium_month', 'XTR', 350), ('premium_month', 'RUB', 499), ('premium_month', 'USD', 5.99),
('premium_year', 'XTR', 3500), ('premium_year', 'RUB', 4990), ('premium_year', 'USD', 59.90),
('credits_100', 'XTR', 100), ('credits_100', 'RUB', 149), ('credits_100', 'USD', 1.99),
('credits_1000', 'XTR', 750), ('credits_1000', 'RUB', 990), ('credits_1000', 'USD', 11.99),
('balance_500', 'XTR', 375), ('balance_500', 'RUB', 500)
on conflict (product_key, currency) do nothing;

update public.products set is_active = true;
