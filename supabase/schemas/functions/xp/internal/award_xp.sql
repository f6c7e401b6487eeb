-- Gives a user XP, once per user, rule and reference (public.award_xp for other SQL functions). The limits of the rule may
-- lower the points, also to zero; such an award is recorded too, so that a repetition does not give them later.
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the row of the first
--   call. total_xp and level change in the same statement.
-- Locks: user (NO KEY UPDATE), then as private.move_on_boards; private.fold_board_changes waits for none.
-- Returns: jsonb
--   ...public.award_xp
-- Errors: Z0002 the points, the bot or the reference are invalid; Z0003 the reference was used with other points or in another bot;
--   Z0004 no such user; Z0008 no such rule, or it needs points.
create or replace function private.award_xp(
  p_user_id bigint, p_bot text, p_rule text, p_reference text, p_points integer default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_rule public.xp_rules;
  v_known public.xp_awards;
  v_reference text := p_reference;
  v_requested integer;
  v_points integer;
  v_old_level integer;
  v_new_level integer;
  v_total bigint;
  v_id bigint;
begin
  select r.* into v_rule
    from public.xp_rules as r
   where r.rule = p_rule and r.bot in (p_bot, '')
   order by r.bot desc
   limit 1;
  v_requested := coalesce(p_points, v_rule.points);
  if v_requested is null or v_rule.rule is null then
    raise exception 'no such XP rule, or it needs points' using errcode = 'Z0008';
  elsif abs(v_requested) > 1000000 or (v_requested < 0 and p_rule <> 'correction')
    or coalesce(p_bot, ' ') !~ '^([a-z][a-z0-9_]{0,31})?$' or coalesce(p_reference, '') = '' or length(p_reference) > 200
  then
    raise exception 'the points, the bot or the reference are invalid' using errcode = 'Z0002';
  elsif v_rule.is_once then
    v_reference := 'once:' || v_rule.bot;
  end if;

  select u.total_xp, u.level into v_total, v_old_level from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select a.* into v_known
    from public.xp_awards as a
   where a.user_id = p_user_id and a.rule = p_rule and a.reference = v_reference;
  if found then
    if not v_rule.is_once
      and (v_known.bot <> p_bot or (p_points is not null and v_known.requested <> p_points))
    then
      raise exception 'the reference was used with other points or in another bot' using errcode = 'Z0003';
    end if;
    return jsonb_build_object(
      'awarded', false, 'points', v_known.points, 'leveled_up', false,
      'old_level', v_old_level, 'new_level', v_old_level, 'total_xp', v_total
    );
  end if;

  v_points := greatest(private.limited_points(p_user_id, p_bot, v_rule, v_requested, v_now), -v_total);
  insert into public.xp_awards (user_id, bot, rule, reference, requested, points, created_at)
  values (p_user_id, p_bot, p_rule, v_reference, v_requested, v_points, v_now)
  returning id into v_id;
  v_total := v_total + v_points;
  v_new_level := private.xp_level(v_total);
  if v_points <> 0 then
    update public.users as u set total_xp = v_total, level = v_new_level where u.id = p_user_id;
    perform private.move_on_boards(p_user_id, p_bot, v_points, v_rule.has_periods, v_now);
    if v_id % 50 = 0 then
      perform private.fold_board_changes();
    end if;
  end if;
  return jsonb_build_object(
    'awarded', v_points <> 0, 'points', v_points, 'leveled_up', v_new_level > v_old_level,
    'old_level', v_old_level, 'new_level', v_new_level, 'total_xp', v_total
  );
end
$$;

revoke all on function private.award_xp from public, anon, authenticated, service_role;
comment on function private.award_xp is 'Gives a user XP, once per rule and reference';
