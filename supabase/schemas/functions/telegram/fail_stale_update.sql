-- Records that a stale update could not even be read, for which nobody took its lease. After three such failures it is
-- dead-lettered like any other, so that no sweep comes back to it.
--
-- Twice or at once: the lease is taken under the row's lock, and given back by public.fail_update. Whoever works on the
--   update meanwhile keeps it.
-- Returns: jsonb, see public.fail_update; {outcome: superseded} when somebody works on it or it is finished.
-- Errors: none of its own.
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
comment on function public.fail_stale_update is 'Records that a stale update could not be read; after three attempts it is dead-lettered';
