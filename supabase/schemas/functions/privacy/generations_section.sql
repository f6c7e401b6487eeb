-- Collects a user's pictures and videos, the newest 10,000: what was asked for, and what it took from the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.generations_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with jobs as (
    select g.* from public.generations as g where g.user_id = p_user_id order by g.id desc limit 10000
  )
  select jsonb_build_object(
    'jobs', (
      select coalesce(
          jsonb_agg(
            to_jsonb(j)
              - array[
                'user_id', 'token', 'slot', 'attempt', 'is_nudged', 'due_at', 'lease_until', 'max_cost', 'usage',
                'provider_job_id', 'status_edited_at'
              ]
            order by j.id
          ),
          '[]'::jsonb
        )
        from jobs as j
    ),
    'effects', (
      select coalesce(jsonb_agg(to_jsonb(e) order by e.generation_id, e.created_at, e.effect), '[]'::jsonb)
        from public.generation_effects as e
       where e.generation_id in (select j.id from jobs as j)
    )
  );
$$;

revoke all on function private.generations_section from public, anon, authenticated, service_role;
comment on function private.generations_section is 'Collects a user''s pictures and videos';
