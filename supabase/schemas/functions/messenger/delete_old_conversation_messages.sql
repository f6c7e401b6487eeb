-- Deletes messages of conversations of the messenger that are older than the setting retention_conversations_days, and
-- conversations that are as old and empty.
--
-- Concurrency: conversations that are locked at the moment are left to the next run.
-- Locks: conversations (FOR UPDATE SKIP LOCKED), by id.
-- Returns: integer, how many messages; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_conversation_messages(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant timestamptz := private.clock() - make_interval(days => private.setting('retention_conversations_days')::integer);
  v_messages bigint[];
  v_conversations bigint[];
  v_deleted integer;
begin
  v_messages := array(
    select m.id from public.conversation_messages as m where m.created_at < v_before order by m.created_at limit p_limit
  );
  if cardinality(v_messages) = 0 then
    return 0;
  end if;
  v_conversations := array(
    with old as (
      select c.id
        from public.conversations as c
       where c.id in (select m.conversation_id from public.conversation_messages as m where m.id = any (v_messages))
       order by c.id
         for update skip locked
    )
    select old.id from old
  );
  update public.conversations as c
     set unread_count = c.unread_count - u.unread, changed_xid = pg_current_xact_id()
    from (
      select m.conversation_id, count(*) as unread
        from public.conversation_messages as m
       where m.id = any (v_messages) and m.direction = 0 and not m.read
       group by m.conversation_id
    ) as u
   where c.id = u.conversation_id and c.id = any (v_conversations);
  delete from public.conversation_messages as m
   where m.id = any (v_messages) and m.conversation_id = any (v_conversations);
  get diagnostics v_deleted = row_count;
  delete from public.conversations as c
   where c.id = any (v_conversations) and c.last_message_at < v_before
     and not exists (select from public.conversation_messages as m where m.conversation_id = c.id);
  return v_deleted;
end
$$;

revoke all on function private.delete_old_conversation_messages from public, anon, authenticated, service_role;
comment on function private.delete_old_conversation_messages is 'Deletes messages of conversations past their retention';
