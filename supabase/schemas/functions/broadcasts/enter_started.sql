-- Lets users who started a bot since the last look enter the sequences of the event start. Sessions whose transaction took up to ten
-- minutes are seen.
--
-- Concurrency: the sequences are locked, skipped by other runs; each takes a user once.
-- Locks: sequences (FOR UPDATE SKIP LOCKED), users (KEY SHARE, by the foreign key).
-- Returns: void
-- Errors: none.
create or replace function private.enter_started()
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_sequence public.sequences;
begin
  for v_sequence in
    select s.* from public.sequences as s where s.is_active and s.event = 'start' order by s.id for update skip locked
  loop
    insert into public.sequence_runs (sequence_id, user_id, due_at)
    select v_sequence.id, n.user_id, min(n.created_at) + make_interval(mins => f.delay_minutes)
      from public.bot_sessions as n
      join public.users as u on u.id = n.user_id and u.telegram_id = n.chat_id
     cross join lateral (
       select b.delay_minutes
         from public.broadcasts as b
        where b.sequence_id = v_sequence.id
        order by b.position
        limit 1
     ) as f
     where n.created_at >= v_sequence.starts_from - interval '10 minutes'
       and (v_sequence.bot is null or n.bot = v_sequence.bot)
     group by n.user_id, f.delay_minutes
     order by n.user_id
    on conflict (sequence_id, user_id) do nothing;
    update public.sequences as s set starts_from = v_now where s.id = v_sequence.id;
  end loop;
end
$$;

revoke all on function private.enter_started from public, anon, authenticated, service_role;
comment on function private.enter_started is 'Lets users who started a bot enter the sequences of that event';
