-- Returns until when a result is waited for that is asked for at p_now: for limits.wait_seconds of its model, else for the setting
-- generation_image_minutes or generation_video_minutes.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.generation_deadline(p_kind text, p_provider text, p_model text, p_now timestamptz)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_now + make_interval(
      secs => coalesce(
        (
          select (m.limits ->> 'wait_seconds')::double precision
            from public.ai_models as m
           where m.provider = p_provider and m.model = p_model and jsonb_typeof(m.limits -> 'wait_seconds') = 'number'
        ),
        60 * private.setting('generation_' || p_kind || '_minutes')::double precision
      )
    );
$$;

revoke all on function private.generation_deadline from public, anon, authenticated, service_role;
comment on function private.generation_deadline is 'Until when a result is waited for';
