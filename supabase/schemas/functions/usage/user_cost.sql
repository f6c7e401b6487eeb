-- Returns what a user's questions cost on a day, in US dollars, without the calls on user API keys. p_day is today in
-- the time zone of the quota.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, the sum over the user's models.
-- Errors: none.
create or replace function private.user_cost(p_user_id bigint, p_day date)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(sum(m.day_cost), 0)
      from public.monthly_api_usage as m
     where m.user_id = p_user_id
       and m.month = date_trunc('month', p_day::timestamp)::date
       and m.day = p_day
       and not m.is_user_api_key
  );
end
$$;

revoke all on function private.user_cost from public, anon, authenticated, service_role;
comment on function private.user_cost is 'Returns what a user''s questions cost on a day';
