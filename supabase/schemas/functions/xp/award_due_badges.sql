-- Awards the badges of a bot, and those of no bot, whose condition the user's figures meet. p_facts: figures by name, for
-- example {"best_score": 190}; total_xp, level and streak are added here. A condition on a figure that is missing is not met.
--
-- Concurrency: see private.award_badge: each badge is returned by one call only.
-- Locks: user (KEY SHARE).
-- Returns: jsonb
--   [ text ]               (the badges that the user receives now, in alphabetical order)
-- Errors: Z0004 no such user.
create or replace function private.award_due_badges(p_user_id bigint, p_bot text, p_facts jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_facts jsonb;
  v_badge public.badges;
  v_awarded jsonb := jsonb '[]';
begin
  select p_facts || jsonb_build_object(
      'total_xp', u.total_xp, 'level', u.level, 'streak', public.get_streak(u.id) -> 'current'
    ) into v_facts
    from public.users as u
   where u.id = p_user_id;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  for v_badge in
    select b.*
      from public.badges as b
     where b.bot in (p_bot, '')
       and private.meets_condition(b.condition, v_facts)
       and not exists (
         select
           from public.user_badges as h
          where h.user_id = p_user_id and h.badge = b.badge and h.bot = b.bot
       )
     order by b.badge, b.bot
  loop
    if private.award_badge(p_user_id, v_badge.bot, v_badge.badge, jsonb_build_object('earned_in', p_bot)) then
      v_awarded := v_awarded || to_jsonb(v_badge.badge);
    end if;
  end loop;
  return v_awarded;
end
$$;

revoke all on function private.award_due_badges from public, anon, authenticated, service_role;
comment on function private.award_due_badges is 'Awards the badges whose condition a user''s figures meet';
