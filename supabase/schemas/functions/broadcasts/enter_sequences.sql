-- Lets a user enter the active sequences of an event that have a step. Each sequence takes a user once.
--
-- Concurrency: an insert per sequence; concurrent calls insert one row.
-- Locks: user (KEY SHARE, by the foreign key).
-- Returns: void
-- Errors: none.
create or replace function private.enter_sequences(p_user_id bigint, p_event text)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.sequence_runs (sequence_id, user_id, due_at)
  select s.id, p_user_id, private.clock() + make_interval(mins => f.delay_minutes)
    from public.sequences as s
   cross join lateral (
     select b.delay_minutes from public.broadcasts as b where b.sequence_id = s.id order by b.position limit 1
   ) as f
   where s.is_active and s.event = p_event
  on conflict (sequence_id, user_id) do nothing;
$$;

revoke all on function private.enter_sequences from public, anon, authenticated, service_role;
comment on function private.enter_sequences is 'Lets a user enter the sequences of an event';
