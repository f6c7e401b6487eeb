-- Stores the reply that a member of the staff is writing in a conversation; an empty text deletes it.
--
-- Concurrency: one row per member and conversation; the last call counts.
-- Locks: none but that row.
-- Returns: void
-- Errors: N0009 the user's role does not allow it.
create or replace function public.save_conversation_draft(p_actor_id bigint, p_conversation_id bigint, p_body text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  if p_body ~ '\S' then
    insert into public.conversation_drafts as d (conversation_id, operator_id, body)
    select c.id, p_actor_id, left(p_body, 16000) from public.conversations as c where c.id = p_conversation_id
    on conflict (conversation_id, operator_id) do update set body = excluded.body, updated_at = private.clock();
  else
    delete from public.conversation_drafts as d where d.conversation_id = p_conversation_id and d.operator_id = p_actor_id;
  end if;
end
$$;

revoke all on function public.save_conversation_draft from public, anon, authenticated, service_role;
grant execute on function public.save_conversation_draft to bot_backend;
comment on function public.save_conversation_draft is 'Stores the reply that a member of the staff is writing';
