-- Enqueues a templated message for all admins, with a button that opens payment p_payment_id if it is given.
--
-- Concurrency: every call enqueues the messages; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, see private.notify_admins.
-- Errors: none.
create or replace function private.alarm_admins(p_key text, p_values jsonb, p_payment_id bigint default null)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.notify_admins(
    p_key,
    p_values || jsonb_build_object('payment', p_payment_id),
    case
      when p_payment_id is not null then jsonb_build_array(
        jsonb_build_array(
          jsonb_build_object('key', 'admin_button_payment', 'data', format('admin:payment:%s:new', p_payment_id))
        )
      )
    end
  );
end
$$;

revoke all on function private.alarm_admins from public, anon, authenticated, service_role;
comment on function private.alarm_admins is 'Enqueues a message for all admins, with a button to a payment';
