-- Returns whether a grant of a course's tier counts: it is not withdrawn, and neither is any grant that made it cheaper.
--
-- Concurrency: read-only; the caller holds the user's row.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_live_grant(p_grant public.enrollment_grants)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_grant.withdrawn_at is null
    and not exists (
      select from public.enrollment_grants as c where c.id = any(p_grant.credited) and c.withdrawn_at is not null
    );
$$;

revoke all on function private.is_live_grant from public, anon, authenticated, service_role;
comment on function private.is_live_grant is 'Whether a grant of a tier counts';
