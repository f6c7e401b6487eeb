-- Returns the delay of the first step of a sequence that has something to send; null: there is none.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: interval
-- Errors: none.
create or replace function private.first_delay(p_sequence_id bigint)
returns interval
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select make_interval(mins => b.delay_minutes)
      from public.broadcasts as b
     where b.sequence_id = p_sequence_id and private.is_written(b)
     order by b.position
     limit 1
  );
end
$$;

revoke all on function private.first_delay from public, anon, authenticated, service_role;
comment on function private.first_delay is 'The delay of the first step of a sequence';
