-- Brings messages for an admins' chat that Telegram refused, or that could not be delivered for a day, to the private chats of
-- the admins. A chat that was refused gets no more messages (private.unreachable_chats); the admins get one notice of it.
--
-- p_results: see public.record_deliveries, which deletes the refused messages afterwards.
--
-- Concurrency: the chat's row is inserted once, so that of several refusals one sends the notice.
-- Locks: the rows of the chats, by address.
-- Returns: void
-- Errors: none.
create or replace function private.return_chat_messages(p_results jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_item record;
  v_messages jsonb := '[]'::jsonb;
begin
  for v_item in
    select o.parameters, o.parameters -> 'returns' as returns, r.value ->> 'error' as error,
           r.value ->> 'outcome' <> 'later' as is_refused
      from jsonb_array_elements(p_results) as r (value)
      join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
     where o.parameters ? 'returns'
       and (
         r.value ->> 'outcome' in ('refused', 'blocked')
         or (r.value ->> 'outcome' = 'later' and o.created_at < private.clock() - interval '24 hours')
       )
     order by o.parameters -> 'returns' ->> 'address', o.id
  loop
    if v_item.is_refused then
      insert into private.unreachable_chats (address, error)
      values (v_item.returns ->> 'address', left(coalesce(v_item.error, ''), 500))
      on conflict (address) do nothing;
      if found then
        v_messages := v_messages || private.notify_each_admin(
          'admin_chat_unreachable',
          jsonb_build_object('address', v_item.returns ->> 'address', 'error', left(coalesce(v_item.error, ''), 500)),
          null,
          v_item.returns ->> 'bot'
        );
      end if;
    end if;
    v_messages := v_messages || private.notify_each_admin(
      v_item.parameters ->> 'key', v_item.parameters -> 'values', nullif(v_item.returns -> 'buttons', 'null'),
      v_item.returns ->> 'bot'
    );
  end loop;
  -- Enqueued calls are reserved for their caller for a minute; this caller does not deliver them.
  update public.telegram_outbox as o
     set send_after = private.clock()
    from jsonb_array_elements(v_messages) as m (value)
   where o.id = (m.value ->> 'id')::bigint;
end
$$;

revoke all on function private.return_chat_messages from public, anon, authenticated, service_role;
comment on function private.return_chat_messages is 'Brings refused messages for an admins'' chat to the admins'' private chats';
