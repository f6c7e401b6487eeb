-- Enqueues a templated message for the admins: in the chat of the setting alarms_chat, otherwise in the private chats of all of
-- them (private.notify_each_admin). A message for the one with p_admin_email goes to that admin's private chat.
--
-- Concurrency: every call enqueues the messages again; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.notify_admins(
  p_key text, p_values jsonb, p_buttons jsonb default null, p_bot text default null, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages jsonb := '[]'::jsonb;
begin
  if p_admin_email is null then
    v_messages := private.enqueue_chat_message('alarms_chat', p_key, p_values, p_buttons, p_bot);
  end if;
  if v_messages = '[]' then
    return private.notify_each_admin(p_key, p_values, p_buttons, p_bot, p_admin_email);
  end if;
  return v_messages;
end
$$;

revoke all on function private.notify_admins from public, anon, authenticated, service_role;
comment on function private.notify_admins is 'Enqueues a templated message for the admins';
