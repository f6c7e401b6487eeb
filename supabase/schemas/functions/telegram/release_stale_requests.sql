-- Releases the requests reserved by updates that are older than ten minutes and whose lease ended more than 30 seconds ago.
--
-- Concurrency: update rows that another sweep or a worker has locked are skipped. The reservation is removed from the row
--   in the same transaction, so it is released once.
-- Locks: update rows (FOR UPDATE SKIP LOCKED) by user id, each with its user (KEY SHARE, then as private.release_usage).
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.release_stale_requests(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_stale public.telegram_updates;
  v_released integer := 0;
begin
  for v_stale in
    select t.*
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < v_now - interval '30 seconds'
       and t.received_at < v_now - interval '10 minutes'
       and t.reservation = 'reserved'
     order by t.user_id
     limit p_limit
       for update skip locked
  loop
    continue when not private.lock_user(v_stale);
    perform private.release_usage(
      v_stale.user_id, v_stale.bot, v_stale.reserved_on, v_stale.reserved_from
    );
    update public.telegram_updates as t
       set reservation = null, reserved_on = null, reserved_from = null, reserved_cost = null
     where t.bot = v_stale.bot and t.update_id = v_stale.update_id;
    v_released := v_released + 1;
  end loop;
  return v_released;
end
$$;

revoke all on function private.release_stale_requests from public, anon, authenticated, service_role;
comment on function private.release_stale_requests is 'Releases the requests reserved by stale updates';
