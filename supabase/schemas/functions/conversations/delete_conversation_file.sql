-- Deletes a file of a conversation.
--
-- Concurrency: a second call finds nothing.
-- Locks: the file.
-- Returns: jsonb
--   deleted: boolean
-- Errors: none.
create or replace function public.delete_conversation_file(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.ai_conversation_files as f where f.id = p_id and f.user_id = p_user_id;
  return jsonb_build_object('deleted', found);
end
$$;

revoke all on function public.delete_conversation_file from public, anon, authenticated, service_role;
grant execute on function public.delete_conversation_file to bot_backend;
comment on function public.delete_conversation_file is 'Deletes a file of a conversation';
