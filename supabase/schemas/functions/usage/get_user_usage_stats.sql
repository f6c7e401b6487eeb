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
--   days: private.usage_days                  (today last)
--   providers: private.usage_by_provider      (of this month)
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

  v_days := private.usage_days(p_user_id, v_quota.day);
  select coalesce(sum(m.bonus_requests), 0) into v_bonus_month
    from public.monthly_usage as m
   where m.user_id = p_user_id and m.month = v_quota.month;
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
      'bonus_used', v_days -> -1 -> 'bonus_requests',
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
    'providers', private.usage_by_provider(p_user_id, v_quota.month),
    'referrals', jsonb_build_object(
      'total', v_user.total_referrals, 'pending', v_pending, 'earned', v_user.referral_credits
    )
  );
end
$$;

revoke all on function public.get_user_usage_stats from public, anon, authenticated, service_role;
grant execute on function public.get_user_usage_stats to bot_backend, service_role;
comment on function public.get_user_usage_stats is 'Returns the usage of a user, in constant time';
