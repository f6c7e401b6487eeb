-- Moves the pace of a bot on by messages of broadcasts that it sends now.
--
-- Concurrency: the caller holds the row (private.broadcast_room).
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.use_broadcast_room(p_bot text, p_count integer)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update private.bot_pace as p
     set next_at = private.clock() + make_interval(secs => p_count / private.setting('message_rate')::double precision)
   where p.bot = p_bot;
$$;

revoke all on function private.use_broadcast_room from public, anon, authenticated, service_role;
comment on function private.use_broadcast_room is 'Counts messages of broadcasts that a bot sends now';
