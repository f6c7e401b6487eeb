-- Reserves one AI request for an update whose handler finds out late that it wants the AI. Plain text has
-- its request reserved by receive_update already.
--
-- Twice or at once: the update's row is locked; an update reserves one request, however often it asks.
-- Returns: json {outcome: reserved | refused | superseded}.
-- Errors: none of its own.
create or replace function public.reserve_request(p_bot text, p_update_id bigint, p_attempt integer)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_reserved record;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return json_build_object('outcome', 'superseded');
  elsif not private.hold_person(v_update) then  -- erased meanwhile
    return json_build_object('outcome', 'superseded');
  end if;
  if v_update.reservation is null then
    v_reserved := private.reserve_usage(v_update.user_id, p_bot);
    v_update.reservation := case when v_reserved.reserved_on is null then 'refused' else 'reserved' end;
    update public.telegram_updates as t
       set reservation = v_update.reservation,
           reserved_on = v_reserved.reserved_on,
           reserved_from = v_reserved.reserved_from
     where t.bot = p_bot and t.update_id = p_update_id;
  end if;
  return json_build_object('outcome', v_update.reservation);
end
$$;

revoke all on function public.reserve_request from public, anon, authenticated, service_role;
grant execute on function public.reserve_request to bot_backend;
comment on function public.reserve_request is 'Reserves one AI request for an update';
