-- Stores an alarm for an admin who has not started a bot yet, or (p_email null) for the first one who does. Beyond
-- 100 alarms only their number is stored.
--
-- Concurrency: every call stores one alarm; the caller calls once. Many calls at once may store a few more than 100.
-- Locks: the row that counts the alarms beyond 100.
-- Returns: void
-- Errors: none.
create or replace function private.store_waiting_alarm(
  p_email text, p_bot text, p_key text, p_values jsonb, p_buttons jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if (select count(*) from private.waiting_alarms as w where w.email is not distinct from p_email) < 100 then
    insert into private.waiting_alarms (email, bot, key, values, buttons)
    values (p_email, p_bot, p_key, p_values, p_buttons);
  else
    insert into private.waiting_alarms as w (email, bot, key, values)
    values (p_email, p_bot, 'admin_alarms_more', '{"count": 1}')
    on conflict (coalesce(email, '')) where key = 'admin_alarms_more' do update
      set values = jsonb_build_object('count', (w.values ->> 'count')::integer + 1);
  end if;
end
$$;

revoke all on function private.store_waiting_alarm from public, anon, authenticated, service_role;
comment on function private.store_waiting_alarm is 'Stores an alarm for an admin who has not started a bot yet';
