-- Counts the sessions in which a user wrote or tapped a button within the last p_minutes: one per user, bot, chat and
-- topic; with p_bot those of one bot. p_minutes is limited to 1 to 1440.
--
-- Concurrency: read-only, over telegram_updates_received_at_idx.
-- Locks: none.
-- Returns: bigint, the number of sessions.
-- Errors: none.
create or replace function public.count_active_sessions(p_minutes integer default 60, p_bot text default null)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A variable, because a condition on a volatile function cannot use the index.
  v_now timestamptz := private.clock();
begin
  return (
    select count(*)
      from (
        select distinct t.bot, t.user_id, t.chat_id, t.thread_id
          from public.telegram_updates as t
         where t.received_at > v_now - make_interval(mins => least(greatest(p_minutes, 1), 1440))
           and t.user_id is not null
           and t.chat_id is not null
           and (p_bot is null or t.bot = p_bot)
      ) as s
  );
end
$$;

revoke all on function public.count_active_sessions from public, anon, authenticated, service_role;
grant execute on function public.count_active_sessions to bot_backend, service_role;
comment on function public.count_active_sessions is 'Counts the sessions that were active within the last minutes';
