-- Lists the files of a conversation, the oldest first, with what the plan allows.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   most: int                               (files)
--   characters: int                         (of all files together)
--   files: [ { id: bigint, name: text, characters: int } ]
-- Errors: none.
create or replace function public.list_conversation_files(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limits record := private.conversation_limits(p_user_id);
begin
  return jsonb_build_object(
    'most', v_limits.files,
    'characters', v_limits.file_characters,
    'files', (
      select coalesce(
          jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'characters', length(f.content)) order by f.id),
          '[]'::jsonb
        )
        from public.ai_conversation_files as f
       where f.conversation_id = p_id and f.user_id = p_user_id
    )
  );
end
$$;

revoke all on function public.list_conversation_files from public, anon, authenticated, service_role;
grant execute on function public.list_conversation_files to bot_backend;
comment on function public.list_conversation_files is 'Lists the files of a conversation';
