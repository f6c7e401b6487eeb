-- Returns the bots through which messages of a broadcast are due: one index probe for each bot.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: setof text
-- Errors: none.
create or replace function private.queued_bots(p_broadcast_id bigint, p_now timestamptz)
returns setof text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text := '';
begin
  loop
    select r.bot
      into v_bot
      from public.broadcast_recipients as r
     where r.broadcast_id = p_broadcast_id and r.status = 'queued' and r.bot > v_bot
     order by r.bot
     limit 1;
    exit when not found;
    if exists (
      select
        from public.broadcast_recipients as r
       where r.broadcast_id = p_broadcast_id and r.status = 'queued' and r.bot = v_bot and r.send_after <= p_now
    ) then
      return next v_bot;
    end if;
  end loop;
end
$$;

revoke all on function private.queued_bots from public, anon, authenticated, service_role;
comment on function private.queued_bots is 'Bots with due messages of a broadcast';
