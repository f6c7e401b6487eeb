-- Refuses an id that no Telegram user can have: ids are positive and have at most 52 bits, and some stand for chats.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: void
-- Errors: L0001 no Telegram user can have this id.
create or replace function private.check_telegram_id(p_telegram_id bigint)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  -- 777000, 1087968824 and 136817688 stand for channels and anonymous admins (shared/telegram/update.py).
  if p_telegram_id is null or p_telegram_id <= 0 or p_telegram_id >= (1::bigint << 52)
    or p_telegram_id in (777000, 1087968824, 136817688)
  then
    raise exception 'no Telegram user can have this id' using errcode = 'L0001';
  end if;
end
$$;

revoke all on function private.check_telegram_id from public, anon, authenticated, service_role;
comment on function private.check_telegram_id is 'Refuses an id that no Telegram user can have';
