-- Lists the facts that a bot keeps about a user, the oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   is_on: boolean | null                   (null: the user has not decided; the first fact switches it on)
--   most: int                               (facts that the plan allows)
--   facts: [ { id: bigint, content: text } ]
--   proposals: [ { id: bigint, content: text } ]   (of the AI, undecided)
-- Errors: none.
create or replace function public.list_memory(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'is_on', (select u.memory_enabled from public.users as u where u.id = p_user_id),
    'most', (private.conversation_limits(p_user_id)).memory_facts,
    'facts', (
      select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'content', f.content) order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = p_user_id and f.bot = p_bot
    ),
    'proposals', (
      select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'content', p.content) order by p.id), '[]'::jsonb)
        from private.open_proposals(p_user_id, p_bot) as p
    )
  );
end
$$;

revoke all on function public.list_memory from public, anon, authenticated, service_role;
grant execute on function public.list_memory to bot_backend;
comment on function public.list_memory is 'Lists the facts that a bot keeps about a user';
