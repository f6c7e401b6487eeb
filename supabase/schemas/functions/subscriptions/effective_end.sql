-- Returns when a subscription stops: at its end, or after the grace period (private.grace_period) while a renewal of the plan
-- is running, because its charge may be late. A subscription granted by an admin stops at its end.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz; null without an end.
-- Errors: none.
create or replace function private.effective_end(p_user_id bigint, p_plan text, p_source text, p_ends_at timestamptz)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_ends_at + case
      when p_source <> 'admin' and exists (
        select from public.renewals as r
         where r.user_id = p_user_id and r.plan = p_plan and r.status in ('active', 'past_due')
      ) then private.grace_period()
      else interval '0'
    end;
$$;

revoke all on function private.effective_end from public, anon, authenticated, service_role;
comment on function private.effective_end is 'Returns when a subscription stops, grace period included';
