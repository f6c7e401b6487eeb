-- Enqueues a templated message for the private chats of the admins: all of them, or the one with p_admin_email. Each receives it
-- in p_bot if they have started that bot, otherwise in the bot they used last. For an owner who has not started any bot, and while no admin can be
-- reached, the message is stored until one starts a bot (private.store_waiting_alarm).
--
-- Concurrency: every call enqueues the messages again; the caller calls once per event. A recipient is checked once, so that
--   the message is either enqueued or stored, never both.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing): one for each admin who can be reached.
-- Errors: none.
create or replace function private.notify_each_admin(
  p_key text, p_values jsonb, p_buttons jsonb default null, p_bot text default null, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_admin record;
  v_message jsonb;
  v_messages jsonb := '[]'::jsonb;
  v_is_stored boolean := false;
begin
  for v_admin in
    select a.email, a.is_owner, u.id as user_id, private.reachable_bot(u.id, u.telegram_id, p_bot) as bot
      from private.admin_accounts() as a
      left join public.users as u on u.telegram_id = a.telegram_id
     where a.telegram_id is not null and (p_admin_email is null or a.email = p_admin_email)
     order by a.email
  loop
    v_message := private.enqueue_user_message(v_admin.user_id, v_admin.bot, p_key, p_values, p_buttons);
    if v_message = '[]' and v_admin.is_owner then
      perform private.store_waiting_alarm(v_admin.email, p_bot, p_key, p_values, p_buttons);
      v_is_stored := true;
    end if;
    v_messages := v_messages || v_message;
  end loop;
  if v_messages = '[]' and not v_is_stored and p_admin_email is null then
    perform private.store_waiting_alarm(null, p_bot, p_key, p_values, p_buttons);
  end if;
  return v_messages;
end
$$;

revoke all on function private.notify_each_admin from public, anon, authenticated, service_role;
comment on function private.notify_each_admin is 'Enqueues a templated message for the private chats of the admins';
