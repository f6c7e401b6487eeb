-- Returns the address of a chat or topic for the settings alarms_chat and purchases_chat, and what it is used for now. A
-- chat that could not be reached gets messages again.
--
-- Concurrency: repeatable.
-- Locks: the row of the unreachable chat.
-- Returns: jsonb
--   address: text
--   has_alarms: boolean
--   has_purchases: boolean
-- Errors: N0001 not an admin.
create or replace function public.admin_here(p_admin_email text, p_bot text, p_chat_id bigint, p_thread_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_address constant text := concat_ws(':', p_bot, p_chat_id, nullif(p_thread_id, 0));
begin
  perform private.require_admin(p_admin_email);
  delete from private.unreachable_chats as c where c.address = v_address;
  return jsonb_build_object(
    'address', v_address,
    'has_alarms', private.setting('alarms_chat') = v_address,
    'has_purchases', private.setting('purchases_chat') = v_address
  );
end
$$;

revoke all on function public.admin_here from public, anon, authenticated, service_role;
grant execute on function public.admin_here to bot_backend;
comment on function public.admin_here is 'The address of a chat for the settings of the admins'' chats';
