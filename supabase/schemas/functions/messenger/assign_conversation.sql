-- Assigns a conversation to a member of the staff, or gives it back to all (p_assignee_id null).
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the role of the user, or of the assignee, does not allow it; I0001 no such conversation.
create or replace function public.assign_conversation(p_actor_id bigint, p_conversation_id bigint, p_assignee_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if p_assignee_id is not null then
    perform private.require_staff(p_assignee_id, 'operator');
  end if;
  if v_conversation.assignee_id is distinct from p_assignee_id then
    update public.conversations as c set assignee_id = p_assignee_id where c.id = p_conversation_id;
    perform private.add_conversation_event(
      p_conversation_id, p_actor_id, case when p_assignee_id is null then 'unassigned' else 'assigned' end,
      case when p_assignee_id is not null then jsonb_build_object('user_id', p_assignee_id, 'name', (
        select concat_ws(' ', nullif(u.first_name, ''), u.last_name) from public.users as u where u.id = p_assignee_id
      )) end
    );
  end if;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.assign_conversation from public, anon, authenticated, service_role;
grant execute on function public.assign_conversation to bot_backend;
comment on function public.assign_conversation is 'Assigns a conversation to a member of the staff';
