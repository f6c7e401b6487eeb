-- Returns the users who referred the most others in a period, 20 at most (public.top_referrers).
--
-- Concurrency: read-only, over an index by time.
-- Locks: none.
-- Returns: jsonb
--   referrers: public.top_referrers
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_referrers(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.check_period(p_actor_id, p_from, p_until);
  return jsonb_build_object(
    'referrers', public.top_referrers(private.day_start(p_from), private.day_start(p_until + 1), 20)
  );
end
$$;

revoke all on function public.analytics_referrers from public, anon, authenticated, service_role;
grant execute on function public.analytics_referrers to bot_backend;
comment on function public.analytics_referrers is 'Returns the users who referred the most others in a period';
