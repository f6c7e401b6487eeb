-- Returns a user's plan and its end; during the grace period, the end of that.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plan: text
--   ends_at: timestamptz | null               (null without an end, and for the free plan)
-- Errors: none.
create or replace function private.plan_of(p_user_id bigint)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'plan', q.plan,
      'ends_at', nullif(
        max(
          case
            when s.ends_at is null then 'infinity'
            when s.ends_at > private.clock() then s.ends_at
            else private.effective_end(s.user_id, s.plan, s.source, s.ends_at)
          end
        ),
        'infinity'
      )
    )
    from public.users as u
    cross join lateral private.quota(u.id, u.vip_level) as q
    left join public.subscriptions as s
      on s.user_id = u.id and s.status = 'active' and s.plan = q.plan
   where u.id = p_user_id
   group by q.plan;
$$;

revoke all on function private.plan_of from public, anon, authenticated, service_role;
comment on function private.plan_of is 'Returns a user''s plan and its end';
