-- Enqueues a templated message for the admins' chat that a setting names (alarms_chat, purchases_chat), in the language of the
-- first admin. A setting that is no address counts as a chat that cannot be reached, so that no payment fails because of it. Buttons
-- with data are left out: admins use them in private. `returns` is what brings the message to the private chats if Telegram refuses
-- it here (private.return_chat_messages).
--
-- Concurrency: every call enqueues one message; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the message to deliver now (outgoing); empty where the setting is off or the chat cannot be reached.
-- Errors: none.
create or replace function private.enqueue_chat_message(
  p_setting text, p_key text, p_values jsonb, p_buttons jsonb, p_bot text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_address constant text := private.setting(p_setting);
  v_part constant text[] := string_to_array(v_address, ':');
  v_languages jsonb;
  v_parameters jsonb;
begin
  if (v_address ~ '^[a-z][a-z0-9_]{0,62}:-[0-9]{1,16}(:[1-9][0-9]{0,9})?$') is not true
    or exists (select from private.unreachable_chats as c where c.address = v_address) then
    return '[]'::jsonb;
  end if;
  select jsonb_build_array(u.language, u.language_code) into v_languages
    from private.admin_accounts() as a
    join public.users as u on u.telegram_id = a.telegram_id
   order by a.created_at, a.email
   limit 1;
  v_parameters := jsonb_build_object(
    'chat_id', v_part[2]::bigint,
    'key', p_key,
    'languages', coalesce(v_languages, jsonb_build_array(private.setting('default_language'))),
    'timezone', private.setting('quota_timezone'),
    'values', p_values,
    'returns', jsonb_build_object('address', v_address, 'bot', p_bot, 'buttons', p_buttons)
  ) || jsonb_strip_nulls(
    jsonb_build_object(
      'message_thread_id', v_part[3]::bigint,
      'buttons', jsonb_path_query_array(p_buttons, '$[*] ? (@.url.type() == "string")')
    )
  );
  return jsonb_build_array(
    jsonb_build_object(
      'bot', v_part[1],
      'id', (private.enqueue_calls(
        v_part[1], null, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'template',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.enqueue_chat_message from public, anon, authenticated, service_role;
comment on function private.enqueue_chat_message is 'Enqueues a templated message for an admins'' chat';
