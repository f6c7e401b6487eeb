-- Returns the facts that a bot keeps about a user, for the AI.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: json, a list of texts, the oldest first.
-- Errors: none.
create or replace function private.load_memory(p_user_id bigint, p_bot text)
returns json
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(json_agg(f.content order by f.id), '[]'::json)
      from public.ai_memory as f
     where f.user_id = p_user_id and f.bot = p_bot
  );
end
$$;

revoke all on function private.load_memory from public, anon, authenticated, service_role;
comment on function private.load_memory is 'Returns the facts that a bot keeps about a user';
