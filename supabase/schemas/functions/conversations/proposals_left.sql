-- Returns how many facts the AI may propose to keep about a user now: 0 unless the user's memory is on; at most 2 at once, 3 a day
-- in all bots, 3 undecided, and as many as the plan's memory has room for.
--
-- Concurrency: read-only; a caller that inserts has locked the user.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.proposals_left(p_user_id bigint, p_bot text)
returns integer
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
begin
  if not exists (
    select from public.users as u where u.id = p_user_id and u.memory_enabled and u.is_active and u.banned_at is null
  ) then
    return 0;
  end if;
  return greatest(0, least(
    2,
    3 - (
      select count(*)
        from public.ai_memory_proposals as p
       where p.user_id = p_user_id and p.created_at > v_now - interval '1 day'
    ),
    3 - (select count(*) from private.open_proposals(p_user_id, p_bot)),
    (private.conversation_limits(p_user_id)).memory_facts
      - (select count(*) from public.ai_memory as f where f.user_id = p_user_id and f.bot = p_bot)
  ))::integer;
end
$$;

revoke all on function private.proposals_left from public, anon, authenticated, service_role;
comment on function private.proposals_left is 'Returns how many facts the AI may propose to keep about a user now';
