-- Counts the sessions in which a user wrote or tapped within the last minutes: each user of a bot in a chat or topic once.
--
-- Twice or at once: only reads, over telegram_updates_received_at_idx.
-- Returns: the number. p_minutes outside of 1 to 1440 is read as the nearest of these.
-- Errors: none.
create or replace function public.count_active_sessions(p_minutes integer default 60)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A variable: a condition on a volatile function would not use the index.
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
      ) as s
  );
end
$$;

revoke all on function public.count_active_sessions from public, anon, authenticated, service_role;
grant execute on function public.count_active_sessions to bot_backend, service_role;
comment on function public.count_active_sessions is 'How many sessions were active within the last minutes';
