-- Marks messages of the user as read by a member of the team, up to a number.
--
-- Concurrency: the caller holds the conversation's row, so no message is counted twice.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.mark_read_until(p_conversation public.conversations, p_actor_id bigint, p_seq bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_read integer;
begin
  insert into public.conversation_reads as r (conversation_id, operator_id, read_seq)
  values (p_conversation.id, p_actor_id, least(p_seq, p_conversation.last_seq))
  on conflict (conversation_id, operator_id) do update
    set read_seq = greatest(r.read_seq, excluded.read_seq), is_marked_unread = false;
  update public.conversation_messages as m
     set read = true
   where m.conversation_id = p_conversation.id and m.direction = 0 and not m.read and m.seq <= p_seq;
  get diagnostics v_read = row_count;
  update public.conversations as c
     set unread_count = c.unread_count - v_read, changed_xid = pg_current_xact_id()
   where c.id = p_conversation.id and v_read > 0;
end
$$;

revoke all on function private.mark_read_until from public, anon, authenticated, service_role;
comment on function private.mark_read_until is 'Marks messages of the user as read by a member of the team';
