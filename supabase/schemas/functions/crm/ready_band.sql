-- Returns the band of a readiness score; null without one.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.ready_band(p_score integer)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
      when p_score >= 86 then 'ready'
      when p_score >= 61 then 'serious'
      when p_score >= 31 then 'interested'
      when p_score >= 0 then 'exploring'
    end;
$$;

revoke all on function private.ready_band from public, anon, authenticated, service_role;
comment on function private.ready_band is 'Returns the band of a readiness score';
