-- Returns what must not be proposed to keep about a user in a bot: the newest 100 facts, and the newest 100 proposals, whatever
-- the user decided on them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: setof text
-- Errors: none.
create or replace function private.known_facts(p_user_id bigint, p_bot text)
returns setof text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  (
    select f.content
      from public.ai_memory as f
     where f.user_id = p_user_id and f.bot = p_bot
     order by f.id desc
     limit 100
  )
  union all
  (
    select p.content
      from public.ai_memory_proposals as p
     where p.user_id = p_user_id and p.bot = p_bot
     order by p.id desc
     limit 100
  );
$$;

revoke all on function private.known_facts from public, anon, authenticated, service_role;
comment on function private.known_facts is 'Returns what must not be proposed to keep about a user';
