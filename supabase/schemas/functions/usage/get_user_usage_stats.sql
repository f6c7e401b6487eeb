-- Returns the usage of a user: the plan, requests used and left for the day and the month, the last 30 days, this
-- month's AI calls by provider, and the result of referrals. Reads counters only, so the time does not depend on the
-- age of the account.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plan: text
--   features: [ text ]
--   history_length: int | null                (null: MAX_HISTORY_LENGTH)
--   timezone: text
--   bonus_credits: int
--   day: {
--     begins: date
--     used: int                               (of the plan)
--     bonus_used: int
--     limit: int | null                       (null: no limit)
--     remaining: int | null                   (bonus credits included; null: no limit)
--     resets_at: timestamptz
--   }
--   month: public.get_user_usage_stats.day
--   days: [ { day: date, requests: int, bonus_requests: int, user_api_key_requests: int } ]   (30, today last)
--   providers: [ {
--     provider: text, calls: int, errors: int, user_api_key_calls: int, tokens_in: int, tokens_out: int,
--     cost: float, user_api_key_cost: float        (US dollars, as far as the provider says),
--     average_ms: int
--   } ]                                       (of this month, the most used first)
--   referrals: {
--     total: int                              (that counted),
--     pending: int                            (1000 stands for more),
--     earned: int                             (bonus credits)
--   }
-- Errors: U0001 no such user.
create or replace function public.get_user_usage_stats(p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_quota record;
  v_days jsonb;
  v_providers jsonb;
  v_bonus_today integer;
  v_bonus_month integer;
  v_pending integer;
  v_left_today bigint;
  v_left_month bigint;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found then
    raise exception 'no such user' using errcode = 'U0001';
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  -- null without a limit, which least() ignores.
  v_left_month := case
    when v_quota.monthly_requests is not null
    then greatest(v_quota.monthly_requests - v_quota.month_requests, 0)
  end;
  v_left_today := least(
    case when v_quota.daily_requests is not null then greatest(v_quota.daily_requests - v_quota.requests, 0) end,
    v_left_month
  );

  select
    jsonb_agg(
      jsonb_build_object(
        'day', d.day,
        'requests', d.requests,
        'bonus_requests', d.bonus_requests,
        'user_api_key_requests', d.user_api_key_requests
      )
      order by d.day
    ),
    sum(d.bonus_requests) filter (where d.day = v_quota.day)
    into v_days, v_bonus_today
    from (
      select
        g.day::date as day,
        coalesce(sum(u.requests), 0) as requests,
        coalesce(sum(u.bonus_requests), 0) as bonus_requests,
        coalesce(sum(u.user_api_key_requests), 0) as user_api_key_requests
        from generate_series((v_quota.day - 29)::timestamp, v_quota.day::timestamp, interval '1 day') as g (day)
        left join (
          select r.day, r.requests, r.bonus_requests, r.user_api_key_requests
            from public.daily_usage as r
           where r.user_id = p_user_id and r.day between v_quota.day - 29 and v_quota.day
        ) as u on u.day = g.day::date
       group by g.day
    ) as d;
  select coalesce(sum(m.bonus_requests), 0) into v_bonus_month
    from public.monthly_usage as m
   where m.user_id = p_user_id and m.month = v_quota.month;
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'provider', s.provider,
          'calls', s.calls,
          'errors', s.errors,
          'user_api_key_calls', s.user_api_key_calls,
          'tokens_in', s.tokens_in,
          'tokens_out', s.tokens_out,
          'cost', s.cost,
          'user_api_key_cost', s.user_api_key_cost,
          'average_ms', round(s.ms / s.calls)
        )
        order by s.calls desc, s.provider
      ),
      '[]'
    )
    into v_providers
    from (
      select
        m.provider, sum(m.calls) as calls, sum(m.errors) as errors,
        coalesce(sum(m.calls) filter (where m.is_user_api_key), 0) as user_api_key_calls,
        sum(m.tokens_in) as tokens_in, sum(m.tokens_out) as tokens_out, sum(m.cost) as cost,
        coalesce(sum(m.cost) filter (where m.is_user_api_key), 0) as user_api_key_cost, sum(m.ms) as ms
        from public.monthly_api_usage as m
       where m.user_id = p_user_id and m.month = v_quota.month
       group by m.provider
    ) as s;
  select count(*) into v_pending
    from (
      select from public.user_referrals as r
       where r.referrer_id = p_user_id and r.status = 'pending'
       limit 1000
    ) as p;

  return jsonb_build_object(
    'plan', v_quota.plan,
    'features', v_quota.features,
    'history_length', v_quota.history_length,
    'timezone', private.setting('quota_timezone'),
    'bonus_credits', v_user.bonus_credits,
    'day', jsonb_build_object(
      'begins', v_quota.day,
      'used', v_quota.requests,
      'bonus_used', v_bonus_today,
      'limit', v_quota.daily_requests,
      'remaining', v_left_today + v_user.bonus_credits,
      'resets_at', v_quota.resets_at
    ),
    'month', jsonb_build_object(
      'begins', v_quota.month,
      'used', v_quota.month_requests,
      'bonus_used', v_bonus_month,
      'limit', v_quota.monthly_requests,
      'remaining', v_left_month + v_user.bonus_credits,
      'resets_at', v_quota.month_resets_at
    ),
    'days', v_days,
    'providers', v_providers,
    'referrals', jsonb_build_object(
      'total', v_user.total_referrals, 'pending', v_pending, 'earned', v_user.referral_credits
    )
  );
end
$$;

revoke all on function public.get_user_usage_stats from public, anon, authenticated, service_role;
grant execute on function public.get_user_usage_stats to bot_backend, service_role;
comment on function public.get_user_usage_stats is 'Returns the usage of a user, in constant time';
