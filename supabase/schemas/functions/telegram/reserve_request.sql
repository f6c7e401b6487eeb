-- Reserves one AI request for an update whose handler finds out late that it needs the AI, or that the user API key
-- cannot be used. For plain text public.receive_update has reserved it already.
--
-- p_cost: US dollars that the question may cost at most. p_is_user_api_key: the question uses a user API key, and
-- nothing is taken from the plan.
--
-- Concurrency: the update row is locked; an update reserves one request, however often it asks. An earlier attempt
--   that was billed stays settled.
-- Locks: update row, user (KEY SHARE), then as private.reserve_usage.
-- Returns: jsonb
--   outcome: 'superseded' | 'reserved' | 'user_api_key' | 'settled' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost'
--     | 'user_month' | 'bot_month'
--                          (settled: an earlier attempt was paid for)
--   releases_left?: int | null
-- Errors: none.
create or replace function public.reserve_request(
  p_bot text, p_update_id bigint, p_attempt integer, p_cost numeric default 0, p_is_user_api_key boolean default false
)
returns jsonb
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
    return jsonb_build_object('outcome', 'superseded');
  elsif not private.lock_user(v_update) then  -- erased concurrently
    return jsonb_build_object('outcome', 'superseded');
  end if;
  if v_update.reservation in ('reserved', 'settled') then
    return jsonb_build_object('outcome', v_update.reservation, 'releases_left', 0);
  end if;
  v_reserved := private.reserve_usage(
    v_update.user_id, p_bot, p_update_id, p_cost, p_is_user_api_key, private.setting('quota_timezone')
  );
  update public.telegram_updates as t
     set reservation = v_reserved.reservation,
         reserved_on = v_reserved.reserved_on,
         reserved_from = v_reserved.reserved_from,
         reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
   where t.bot = p_bot and t.update_id = p_update_id;
  return jsonb_build_object('outcome', v_reserved.reservation, 'releases_left', v_reserved.releases_left);
end
$$;

revoke all on function public.reserve_request from public, anon, authenticated, service_role;
grant execute on function public.reserve_request to bot_backend;
comment on function public.reserve_request is 'Reserves one AI request for an update';
