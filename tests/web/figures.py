"""Figures of every kind for the last 60 days, for tests of the pages of analytics."""

FILL = """
insert into daily_totals (day, bot, provider, model, is_user_api_key, shard, new_users)
select current_date - n, '', '', '', false, 0, mod(n, 7) + 3 from generate_series(0, 60) as n
on conflict do nothing;

insert into daily_totals (
  day, bot, provider, model, is_user_api_key, shard, requests, calls, errors, cost, sold_cost, sold_amount
)
select current_date - n, 'spin', m.provider, m.model, false, 1, m.requests, m.requests + 9, 2,
  m.requests * 0.0123, 0.1, m.sold
  from generate_series(0, 60) as n,
    (values ('openai', 'gpt-5.4-mini', 130, 0), ('google', 'gemini-3.5-flash', 70, 0),
      ('kie', 'nano-banana-pro', 4, 75)) as m (provider, model, requests, sold);

insert into daily_active_users (day, shard, active, last_active)
select current_date - n, 1, 40 + mod(n, 9) * 3, 5 from generate_series(0, 60) as n
on conflict do nothing;

insert into analytics_days (day, active_day, active_week, active_month, users)
select current_date - n, 40, 90, 210 - n, 900 - n * 4 from generate_series(1, 60) as n;

insert into daily_funnel (cohort_day, bot, step, shard, users)
select current_date - n, s.bot, s.step, 0, s.users from generate_series(0, 60) as n,
  (values ('assistant', 'started', 3), ('assistant', 'answered', 2), ('assistant', 'limited', 2),
    ('assistant', 'checkout', 1), ('spin', 'started', 1), ('spin', 'answered', 1)) as s (bot, step, users)
on conflict do nothing;
insert into daily_funnel (cohort_day, bot, step, shard, users)
select current_date - n, 'assistant', 'paid', 0, 1 from generate_series(0, 60, 2) as n;

insert into cohort_activity (cohort_day, day_n, shard, users)
select current_date - n, d.day_n, 0, d.users
  from generate_series(1, 60) as n, (values (1, 2), (7, 1), (30, 1)) as d (day_n, users)
 where n > d.day_n and (d.day_n < 30 or mod(n, 2) = 0);

insert into daily_revenue (
  day, currency, provider, product_key, bot, source, cohort_month, gross, refunds, payments, refunded
)
select current_date - n, c.currency, c.provider, c.product, c.bot, c.source,
  date_trunc('month', current_date - n)::date, c.amount * (mod(n, 4) + 1),
  case when mod(n, 9) = 0 then c.amount / 2 else 0 end, mod(n, 4) + 1,
  case when mod(n, 9) = 0 then 1 else 0 end
  from generate_series(1, 60) as n,
    (values ('RUB', 'yookassa', 'premium_month', 'assistant', 'direct', 499),
      ('RUB', 'cloudpayments', 'premium_year', 'spin', 'referral', 4990),
      ('XTR', 'telegram_stars', 'credits_100', 'assistant', 'direct', 100))
    as c (currency, provider, product, bot, source, amount);

insert into daily_subscriptions
select current_date - n, 'RUB', 69860 - n * 499, 140 - n, 998, 50, -20, -499, 0, 2, 1
  from generate_series(1, 60) as n;
insert into daily_subscriptions
select current_date - n, 'XTR', 7000 - n * 35, 20, 350, 0, 0, 0, 0, 1, 0 from generate_series(1, 60) as n;

insert into daily_ai_costs (day, plan, provider, model, calls, cost)
select current_date - n, p.plan, 'openai', 'gpt-5.4-mini', p.calls, p.cost
  from generate_series(1, 60) as n, (values ('FREE', 90, 0.7), ('PREMIUM', 60, 1.9)) as p (plan, calls, cost);

insert into daily_learning (day, kind, key, started, completed)
select current_date - n, 'training', 'spin', 9, mod(n, 5) + 2 from generate_series(1, 60) as n;
"""
