-- Returns what a user's plan allows of conversations with the AI; nothing where no plan covers the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: record, conversations, instructions_characters, memory_facts, files and file_characters (see subscription_limits).
-- Errors: none.
create or replace function private.conversation_limits(
  p_user_id bigint, out conversations integer, out instructions_characters integer, out memory_facts integer,
  out files integer, out file_characters integer
)
returns record
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  select l.conversations, l.instructions_characters, l.memory_facts, l.conversation_files,
    l.conversation_file_characters
    into conversations, instructions_characters, memory_facts, files, file_characters
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
  conversations := coalesce(conversations, 0);
  instructions_characters := coalesce(instructions_characters, 0);
  memory_facts := coalesce(memory_facts, 0);
  files := coalesce(files, 0);
  file_characters := coalesce(file_characters, 0);
end
$$;

revoke all on function private.conversation_limits from public, anon, authenticated, service_role;
comment on function private.conversation_limits is 'Returns what a plan allows of conversations with the AI';
