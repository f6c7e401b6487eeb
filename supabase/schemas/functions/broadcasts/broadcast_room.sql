-- Locks the pace of a bot and returns how many messages of broadcasts it may send now. What ordinary messages of the bot wait in
-- the outbox comes first.
--
-- Concurrency: the row is locked until the end of the transaction, so that all runs of the job together keep the pace.
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
  v_now timestamptz;
  v_at timestamptz;
begin
  insert into private.broadcast_pace (bot) values (p_bot) on conflict (bot) do nothing;
  select greatest(p.next_at, p.paused_until) into v_at from private.broadcast_pace as p where p.bot = p_bot for update;
  v_now := private.clock();
  room := least(p_limit, private.setting('broadcast_rate')::integer);
  wait := extract(epoch from v_at - v_now);
  if wait > 0 then
    room := 0;
    return;
  end if;
  room := greatest(room - (
    select count(*)
      from (
        select
          from public.telegram_outbox as o
         where o.bot = p_bot and o.send_after <= v_now
         limit room
      ) as w
  ), 0);
  wait := 1;
end
$$;

revoke all on function private.broadcast_room from public, anon, authenticated, service_role;
comment on function private.broadcast_room is 'How many messages of broadcasts a bot may send now';
