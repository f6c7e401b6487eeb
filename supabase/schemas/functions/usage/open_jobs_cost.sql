-- Returns what the pictures and videos that a bot has in progress may cost the owner, in US dollars.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric
-- Errors: none.
create or replace function private.open_jobs_cost(p_bot text)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(sum(g.max_cost), 0)
      from public.generations as g
     where g.bot = p_bot and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
  );
end
$$;

revoke all on function private.open_jobs_cost from public, anon, authenticated, service_role;
comment on function private.open_jobs_cost is 'Returns what the jobs of a bot in progress may cost';
