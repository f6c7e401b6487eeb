-- Checks that a member of the staff may act in conversations, and locks one for a change.
--
-- Concurrency: other changes of the conversation happen before or after the caller's transaction.
-- Locks: users (KEY SHARE), by id, then the conversation: an erasure locks its user first, too.
-- Returns: public.conversations, the row.
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function private.lock_messenger_conversation(p_actor_id bigint, p_conversation_id bigint)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  perform private.require_staff(p_actor_id, 'operator');
  perform
    from public.users as u
   where u.id in (p_actor_id, (select c.user_id from public.conversations as c where c.id = p_conversation_id))
   order by u.id
     for key share;
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id for update;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  return v_conversation;
end
$$;

revoke all on function private.lock_messenger_conversation from public, anon, authenticated, service_role;
comment on function private.lock_messenger_conversation is 'Locks a conversation for a change by a member of the staff';
