-- Refuses a bot's name that no bot or service can have: 1 to 32 lower-case letters, digits and underscores, beginning
-- with a letter.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: void
-- Errors: S0001 the bot's name is invalid.
create or replace function private.check_bot_name(p_bot text)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_bot, '') !~ '^[a-z][a-z0-9_]{0,31}$' then
    raise exception 'a bot name has 1 to 32 lower-case letters, digits and underscores' using errcode = 'S0001';
  end if;
end
$$;

revoke all on function private.check_bot_name from public, anon, authenticated, service_role;
comment on function private.check_bot_name is 'Refuses a name that no bot can have';
