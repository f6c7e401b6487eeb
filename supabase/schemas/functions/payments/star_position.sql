-- Returns the position from which a bot's list of Star transactions is read next, and creates it on the first call.
--
-- Concurrency: the row is inserted once; later calls only read it.
-- Locks: none.
-- Returns: jsonb
--   position: int          (offset of the next call of getStarTransactions)
--   since: timestamptz     (older transactions are skipped)
-- Errors: none.
create or replace function public.star_position(p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.star_positions (bot) values (p_bot) on conflict (bot) do nothing;
  return (
    select jsonb_build_object('position', s.position, 'since', s.since)
      from public.star_positions as s
     where s.bot = p_bot
  );
end
$$;

revoke all on function public.star_position from public, anon, authenticated, service_role;
grant execute on function public.star_position to bot_backend;
comment on function public.star_position is 'Position from which a bot''s list of Star transactions is read next';
