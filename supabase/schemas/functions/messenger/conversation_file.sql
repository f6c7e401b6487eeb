-- Returns where the file of a message can be downloaded, for a member of the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     bot: text, kind: text, file_id: text, unique_id: text | null, name: text | null, mime: text | null, size: bigint | null
--   } | null               (no such file)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.conversation_file(p_actor_id bigint, p_message_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select jsonb_build_object(
        'bot', c.bot, 'kind', m.kind, 'file_id', m.media ->> 'file_id', 'unique_id', m.media ->> 'unique_id',
        'name', m.media ->> 'name', 'mime', m.media ->> 'mime', 'size', (m.media ->> 'size')::bigint
      )
      from public.conversation_messages as m
      join public.conversations as c on c.id = m.conversation_id
     where m.id = p_message_id and m.media ? 'file_id'
  );
end
$$;

revoke all on function public.conversation_file from public, anon, authenticated, service_role;
grant execute on function public.conversation_file to bot_backend;
comment on function public.conversation_file is 'Returns where the file of a message can be downloaded';
