-- Records that the sweep could not read a stale update, whose lease no worker holds. The third failure dead-letters
-- it, so the sweep does not return to it.
--
-- Concurrency: the lease is taken under the row lock and released by public.fail_update. A worker that holds the
--   lease keeps it.
-- Locks: update row, then those of public.fail_update.
-- Returns: jsonb
--   ...public.fail_update                     (superseded: another worker has it, or it is finished)
-- Errors: none.
create or replace function public.fail_stale_update(p_bot text, p_update_id bigint, p_error text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt integer;
begin
  update public.telegram_updates as t
     set status = 'working', attempt = t.attempt + 1
   where t.bot = p_bot
     and t.update_id = p_update_id
     and t.status in ('working', 'failed')
     and t.lease_until <= (select private.clock())
  returning t.attempt into v_attempt;
  if not found then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  return public.fail_update(p_bot, p_update_id, v_attempt, p_error);
end
$$;

revoke all on function public.fail_stale_update from public, anon, authenticated, service_role;
grant execute on function public.fail_stale_update to bot_backend;
comment on function public.fail_stale_update is 'Records that a stale update could not be read; the third failure dead-letters it';
