-- Lets a user enter the active sequences of an event that have a step. A sequence takes a user
-- once, or again as private.enter_run says.
--
-- Concurrency: of two calls at once one enters.
-- Locks: as private.enter_run, by sequence.
-- Returns: void
-- Errors: none.
create or replace function private.enter_sequences(p_user_id bigint, p_event text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence public.sequences;
begin
  for v_sequence in
    select s.* from public.sequences as s where s.is_active and s.event = p_event order by s.id
  loop
    perform private.enter_run(v_sequence, p_user_id, private.clock() + f.delay)
      from (select private.first_delay(v_sequence.id) as delay) as f
     where f.delay is not null;
  end loop;
end
$$;

revoke all on function private.enter_sequences from public, anon, authenticated, service_role;
comment on function private.enter_sequences is 'Lets a user enter the sequences of an event';
