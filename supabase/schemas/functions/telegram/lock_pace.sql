-- Locks the pace of a bot until the end of the transaction.
--
-- Concurrency: the first call for a bot makes the row; of two at once the second waits for it.
-- Locks: pace of the bot.
-- Returns: private.bot_pace
-- Errors: none.
create or replace function private.lock_pace(p_bot text)
returns private.bot_pace
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_pace private.bot_pace;
begin
  select p.* into v_pace from private.bot_pace as p where p.bot = p_bot for update;
  if not found then
    insert into private.bot_pace (bot) values (p_bot) on conflict (bot) do nothing;
    select p.* into v_pace from private.bot_pace as p where p.bot = p_bot for update;
  end if;
  return v_pace;
end
$$;

revoke all on function private.lock_pace from public, anon, authenticated, service_role;
comment on function private.lock_pace is 'Locks the pace of a bot';
