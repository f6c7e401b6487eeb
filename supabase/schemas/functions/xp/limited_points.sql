-- Returns the points of an award after the limits of its rule: the percent of the day's next award, then what the cap of the
-- day leaves. Days are those of the setting quota_timezone.
--
-- Concurrency: the caller holds the user's row, so no other award of the user is stored meanwhile.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.limited_points(
  p_user_id bigint, p_bot text, p_rule public.xp_rules, p_points integer, p_now timestamptz
)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timezone text;
  v_count integer;
  v_sum bigint;
  v_points bigint := p_points;
begin
  if p_rule.daily_cap is null and p_rule.daily_percent is null then
    return p_points;
  end if;
  v_timezone := private.setting('quota_timezone');
  select count(*), coalesce(sum(a.points), 0) into v_count, v_sum
    from public.xp_awards as a
   where a.user_id = p_user_id
     and a.rule = p_rule.rule
     and a.created_at >= date_trunc('day', p_now at time zone v_timezone) at time zone v_timezone
     and a.bot = p_bot
     and a.points > 0;
  if p_rule.daily_percent is not null then
    v_points := v_points * p_rule.daily_percent[least(v_count + 1, cardinality(p_rule.daily_percent))] / 100;
  end if;
  return case when p_rule.daily_cap is null then v_points else least(v_points, greatest(p_rule.daily_cap - v_sum, 0)) end;
end
$$;

revoke all on function private.limited_points from public, anon, authenticated, service_role;
comment on function private.limited_points is 'Returns the points of an award after the limits of its rule';
