-- Returns the facts that the AI proposed to keep about a user in a bot, and that the user can still decide on: for seven days.
--
-- Concurrency: read-only, over ai_memory_proposals_user_idx.
-- Locks: none.
-- Returns: setof public.ai_memory_proposals, the oldest first.
-- Errors: none.
create or replace function private.open_proposals(p_user_id bigint, p_bot text)
returns setof public.ai_memory_proposals
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p.*
    from public.ai_memory_proposals as p
   where p.user_id = p_user_id and p.bot = p_bot and p.declined_at is null
     and p.created_at > private.clock() - interval '7 days'
   order by p.id;
$$;

revoke all on function private.open_proposals from public, anon, authenticated, service_role;
comment on function private.open_proposals is 'Returns the proposed facts that a user can still decide on';
