-- Lets users who started a bot since the last look enter the sequences of the event start. Sessions whose transaction took up to ten
-- minutes are seen.
--
-- Concurrency: the sequences are locked, skipped by other runs; a session is seen twice at most, and lets a user
--   enter once.
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
    perform private.enter_run(v_sequence, e.user_id, e.due_at)
      from (
        select n.user_id, min(n.created_at) + private.first_delay(v_sequence.id) as due_at
          from public.bot_sessions as n
          join public.users as u on u.id = n.user_id and u.telegram_id = n.chat_id
         where n.created_at >= v_sequence.starts_from - interval '10 minutes'
           and (v_sequence.bot is null or n.bot = v_sequence.bot)
         group by n.user_id
         order by n.user_id
      ) as e
     where e.due_at is not null;
    update public.sequences as s set starts_from = v_now where s.id = v_sequence.id;
  end loop;
end
$$;

revoke all on function private.enter_started from public, anon, authenticated, service_role;
comment on function private.enter_started is 'Lets users who started a bot enter the sequences of that event';
