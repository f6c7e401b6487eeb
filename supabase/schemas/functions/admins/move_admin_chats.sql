-- Lets the settings of the admins' chats name the supergroup that a group became, and sends the admins one notice for each: the
-- next deployment would write the old address again.
--
-- Concurrency: the setting is locked; a second report finds nothing to change.
-- Locks: the rows of the settings, by key.
-- Returns: void
-- Errors: none.
create or replace function private.move_admin_chats(p_old bigint, p_new bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_chat record;
  v_address text;
begin
  for v_chat in
    select s.key, split_part(s.value #>> '{}', ':', 1) as bot
      from private.settings as s
     where s.key in ('alarms_chat', 'purchases_chat') and split_part(s.value #>> '{}', ':', 2) = p_old::text
     order by s.key
       for no key update
  loop
    v_address := format('%s:%s', v_chat.bot, p_new);
    update private.settings as s set value = to_jsonb(v_address) where s.key = v_chat.key;
    perform private.notify_each_admin(
      'admin_chat_moved', jsonb_build_object('line', format('%s=%s', upper(v_chat.key), v_address)), null, v_chat.bot
    );
  end loop;
end
$$;

revoke all on function private.move_admin_chats from public, anon, authenticated, service_role;
comment on function private.move_admin_chats is 'Lets the admins'' chats follow a group that became a supergroup';
