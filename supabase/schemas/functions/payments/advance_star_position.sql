-- Stores how many of a bot's Star transactions have been read. Called once these transactions are recorded.
--
-- Concurrency: the position only increases: a worker that has read less changes nothing.
-- Locks: the bot's row of star_positions.
-- Returns: void
-- Errors: none.
create or replace function public.advance_star_position(p_bot text, p_position integer)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.star_positions as s
     set position = greatest(s.position, p_position), read_at = private.clock()
   where s.bot = p_bot;
$$;

revoke all on function public.advance_star_position from public, anon, authenticated, service_role;
grant execute on function public.advance_star_position to bot_backend;
comment on function public.advance_star_position is 'Stores how many of a bot''s Star transactions have been read';
