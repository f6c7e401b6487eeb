-- Notes how far a bot's list of Star transactions has been read, once what it tells is recorded.
--
-- Twice or at once: it only moves on; whoever read less changes nothing.
-- Returns: nothing.
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
comment on function public.advance_star_position is 'Notes how far a bot''s list of Star transactions has been read';
