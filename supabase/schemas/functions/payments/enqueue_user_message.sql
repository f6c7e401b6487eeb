-- Enqueues a templated message for a user: a text key, its values, and rows of buttons ({key: text key, data or url}). Python
-- renders it in the user's language when it is delivered. With p_message_id it edits that message; with p_order_id it is an
-- invitation to pay that order, whose message id is stored after delivery (public.save_invitation).
--
-- Concurrency: every call enqueues one message; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, a list with the enqueued message (outgoing), which the caller delivers now; empty for an erased user, or
--   without a bot.
-- Errors: none.
create or replace function private.enqueue_user_message(
  p_user_id bigint, p_bot text, p_key text, p_values jsonb, p_buttons jsonb default null,
  p_message_id bigint default null, p_order_id bigint default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_parameters jsonb;
begin
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', p_key,
      'languages', jsonb_build_array(u.language, u.language_code),
      'timezone', private.setting('quota_timezone'),
      'values', p_values
    ) || jsonb_strip_nulls(jsonb_build_object('buttons', p_buttons, 'message_id', p_message_id, 'order_id', p_order_id))
    into v_parameters
    from public.users as u
   where u.id = p_user_id;
  if not found or p_bot is null then
    return '[]'::jsonb;
  end if;
  return jsonb_build_array(
    jsonb_build_object(
      'bot', p_bot,
      'id', (private.enqueue_calls(
        p_bot, null, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'template',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.enqueue_user_message from public, anon, authenticated, service_role;
comment on function private.enqueue_user_message is 'Enqueues a templated message for a user';
