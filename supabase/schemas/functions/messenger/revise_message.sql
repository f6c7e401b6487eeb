-- Gives a message of a conversation another text, and keeps the former one as a revision.
--
-- Concurrency: the caller holds the conversation's row and takes p_version from it.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.revise_message(
  p_message public.conversation_messages, p_version bigint, p_body text, p_media jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
begin
  insert into public.conversation_message_revisions (message_id, body, media, replaced_at)
  values (p_message.id, p_message.body, p_message.media, v_now);
  update public.conversation_messages as m
     set body = p_body, media = p_media, edited_at = v_now, version = p_version
   where m.id = p_message.id;
end
$$;

revoke all on function private.revise_message from public, anon, authenticated, service_role;
comment on function private.revise_message is 'Gives a message of a conversation another text';
