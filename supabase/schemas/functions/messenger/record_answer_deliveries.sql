-- Notes in conversations how the delivery of a bot's answers ended.
--
-- p_results: those of public.record_deliveries; of a delivered message with message_id. Items that wait for another attempt
-- stay as they are.
--
-- Concurrency: an item that a conversation no longer waits for is skipped.
-- Locks: conversations, by id.
-- Returns: void
-- Errors: none.
create or replace function private.record_answer_deliveries(p_results jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversations constant bigint[] := array(
    select distinct m.conversation_id
      from public.conversation_messages as m
     where m.outbox_id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)))
  );
begin
  if cardinality(v_conversations) = 0 then
    return;
  end if;
  perform from public.conversations as c where c.id = any (v_conversations) order by c.id for no key update;
  update public.conversations as c
     set last_version = c.last_version + 1,
         unreachable = case
           when exists (
             select
               from jsonb_array_elements(p_results) as r (value)
               join public.conversation_messages as m on m.outbox_id = (r.value ->> 'id')::bigint
              where r.value ->> 'outcome' = 'blocked' and m.conversation_id = c.id
           ) then 'blocked'
           else c.unreachable
         end,
         changed_xid = pg_current_xact_id()
   where c.id = any (v_conversations);
  update public.conversation_messages as m
     set status = case r.value ->> 'outcome' when 'sent' then 'sent' else 'failed' end,
         error = case r.value ->> 'outcome' when 'blocked' then 'blocked' when 'sent' then null else left(r.value ->> 'error', 500) end,
         telegram_message_id = case
           when m.telegram_message_id is null and not exists (
             select
               from public.conversation_messages as k
              where k.conversation_id = m.conversation_id and k.telegram_message_id = (r.value ->> 'message_id')::bigint
           ) then (r.value ->> 'message_id')::bigint
           else m.telegram_message_id
         end,
         outbox_id = null,
         version = c.last_version
    from jsonb_array_elements(p_results) as r (value), public.conversations as c
   where m.outbox_id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' <> 'later' and c.id = m.conversation_id;
end
$$;

revoke all on function private.record_answer_deliveries from public, anon, authenticated, service_role;
comment on function private.record_answer_deliveries is 'Notes in conversations how the delivery of a bot''s answers ended';
