-- Describes a user's plan and the renewals that have not ended, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plan: text | null      (null: no such user)
--   ends_at: timestamptz | null
--   renewals: [ {
--     id: bigint
--     plan: text
--     texts: product_texts
--     provider: text
--     provider_subscription_id: text
--     status: 'active' | 'past_due' | 'canceled'
--     amount: numeric
--     currency: text
--     period: text
--     charged_until: timestamptz | null
--     effective_end: timestamptz | null          (when its plan stops, days of grace included, after all reversals; null: over,
--                                             or without an end)
--     payment_id: text | null                 (its last charge)
--     payer: text | null                      (how the provider names who pays, where it has no number for them)
--   } ]                                       (those that are not over, newest first)
-- Errors: none.
create or replace function public.subscription_overview(p_user_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'plan', private.plan_of(p_user_id) ->> 'plan',
    'ends_at', private.plan_of(p_user_id) ->> 'ends_at',
    'renewals', coalesce(
      (
        select jsonb_agg(
            jsonb_build_object(
              'id', r.id,
              'plan', r.plan,
              'texts', p.texts,
              'provider', r.provider,
              'provider_subscription_id', r.provider_subscription_id,
              'status', r.status,
              'amount', r.amount::text,
              'currency', r.currency,
              'period', r.period,
              'charged_until', r.charged_until,
              'effective_end', k.effective_end,
              'payment_id', l.provider_payment_id,
              'payer', l.claims ->> 'payer'
            )
            order by r.id desc
          )
          from public.renewals as r
          join public.products as p on p.key = r.product_key
          left join lateral (
            select y.provider_payment_id, y.claims
              from public.payments as y
             where y.renewal_id = r.id
                or (
                  y.user_id = p_user_id
                  and y.provider = r.provider
                  and y.claims ->> 'subscription_id' = r.provider_subscription_id
                )
             order by y.id desc
             limit 1
          ) as l on true
          cross join lateral (
            select nullif(max(e.effective_end), 'infinity') as effective_end
              from public.subscriptions as s
              cross join lateral (
                select coalesce(private.effective_end(s.user_id, s.plan, s.source, s.ends_at), 'infinity') as effective_end
              ) as e
             where s.user_id = p_user_id and s.plan = r.plan and s.status = 'active' and e.effective_end > private.clock()
          ) as k
         where r.user_id = p_user_id and r.status <> 'ended'
      ),
      '[]'
    )
  );
$$;

revoke all on function public.subscription_overview from public, anon, authenticated, service_role;
grant execute on function public.subscription_overview to bot_backend;
comment on function public.subscription_overview is 'Describes a user''s plan and renewals';
