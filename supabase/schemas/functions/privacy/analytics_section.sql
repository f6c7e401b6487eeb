-- Collects what is stored about a user for figures: the days of first steps, what their plans cost a month and how that changed, and
-- the daily report that an admin receives.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.analytics_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'first_steps', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id'), '[]'::jsonb) from public.user_milestones as m where m.user_id = p_user_id
    ),
    'plan_price', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id'), '[]'::jsonb) from public.subscribers as s where s.user_id = p_user_id
    ),
    'plan_changes', (
      select coalesce(jsonb_agg(to_jsonb(e) - array['id', 'user_id'] order by e.id), '[]'::jsonb)
        from public.subscription_events as e
       where e.user_id = p_user_id
    ),
    'report', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'user_id'), '[]'::jsonb) from public.analytics_reports as r where r.user_id = p_user_id
    )
  );
$$;

revoke all on function private.analytics_section from public, anon, authenticated, service_role;
comment on function private.analytics_section is 'Collects what is stored about a user for figures';
