-- Locks the pace of a bot and returns how many messages of broadcasts it may send now. What ordinary messages of the bot wait in
-- the outbox comes first.
--
-- Concurrency: the row is locked until the end of the transaction, so that all jobs of the bot together keep the pace.
-- Locks: pace of the bot.
-- Returns: (room, wait), how many messages, and where there is no room the seconds to wait.
-- Errors: none.
create or replace function private.broadcast_room(
  p_bot text, p_limit integer, out room integer, out wait double precision
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_pace private.bot_pace;
  v_now timestamptz;
begin
  v_pace := private.lock_pace(p_bot);
  v_now := private.clock();
  room := least(p_limit, private.setting('message_rate')::integer);
  wait := extract(epoch from greatest(v_pace.next_at, v_pace.paused_until) - v_now);
  if wait > 0 then
    room := 0;
    return;
  end if;
  room := greatest(room - private.count_waiting(p_bot, v_now, room), 0);
  wait := 1;
end
$$;

revoke all on function private.broadcast_room from public, anon, authenticated, service_role;
comment on function private.broadcast_room is 'How many messages of broadcasts a bot may send now';
