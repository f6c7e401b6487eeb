-- Completes the first served request of a user: clears `is_newcomer` and gives the XP of the rule
-- first_request, if the bot has one; a new level is announced.
--
-- Concurrency: the XP are given once, see private.award_xp.
-- Locks: user (NO KEY UPDATE), then as private.count_milestone.
-- Returns: jsonb, list of the messages to deliver now, or left to the sweep (outgoing).
-- Errors: none.
create or replace function private.complete_first_request(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  if not found then
    return '[]'::jsonb;
  end if;
  perform private.count_milestone(p_user_id, 'answered');
  if exists (select from public.xp_rules as x where x.bot in (p_bot, '') and x.rule = 'first_request') then
    return private.announce_level(
      p_user_id, p_bot, private.award_xp(p_user_id, p_bot, 'first_request', 'first_request')
    );
  end if;
  return '[]'::jsonb;
end
$$;

revoke all on function private.complete_first_request from public, anon, authenticated, service_role;
comment on function private.complete_first_request is 'Completes the first served request of a user';
