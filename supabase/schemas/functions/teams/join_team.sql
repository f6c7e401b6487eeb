-- Makes a user a member of the team with this code, and gives them the rounds of its assignments whose deadline is ahead.
-- The managers are notified, of a day's first members (setting team_daily_notices).
--
-- Concurrency: user and team are locked: two taps join once, and the limits of members and teams hold.
-- Locks: user (NO KEY UPDATE), team.
-- Returns: jsonb
--   outcome: 'joined' | 'known' | 'full' | 'limit' | 'none'   (known: a member already; none: the code is not valid any more)
--   team?: private.team_card                                  (joined, known)
--   most?: int                                                (limit)
--   outgoing?: outgoing                                       (joined: to deliver now)
-- Errors: V0001 no such user.
create or replace function public.join_team(p_user_id bigint, p_bot text, p_code text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_team public.teams;
  v_role text;
  v_today constant date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_most constant integer := private.setting('team_daily_notices')::integer;
  v_manager record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'V0001';
  end if;
  select t.* into v_team from public.teams as t where t.code = p_code and t.bot = p_bot for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  select m.role into v_role from public.team_members as m where m.team_id = v_team.id and m.user_id = p_user_id;
  if found then
    return jsonb_build_object('outcome', 'known', 'team', private.team_card(v_team, v_role));
  elsif private.setting('team_max_members')::integer
    <= (select count(*) from public.team_members as m where m.team_id = v_team.id)
  then
    return jsonb_build_object('outcome', 'full');
  elsif private.team_count(p_user_id, p_bot) >= private.setting('team_max_teams')::integer then
    return jsonb_build_object('outcome', 'limit', 'most', private.setting('team_max_teams')::integer);
  end if;
  insert into public.team_members (team_id, user_id, role) values (v_team.id, p_user_id, 'member');
  perform private.add_tasks(a, p_user_id)
    from public.assignments as a
   where a.team_id = v_team.id and a.canceled_at is null;
  update public.teams as t
     set notices = case when t.notices_on = v_today then t.notices + 1 else 1 end, notices_on = v_today
   where t.id = v_team.id
  returning t.* into v_team;
  for v_manager in
    select m.user_id
      from public.team_members as m
     where m.team_id = v_team.id and m.role = 'manager' and v_team.notices <= v_most
     order by m.user_id
  loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_manager.user_id, p_bot,
      case when v_team.notices < v_most then 'team_joined_notice' else 'team_joined_last_notice' end,
      jsonb_build_object(
        'name', jsonb_build_object('name', concat_ws(' ', v_user.first_name, v_user.last_name)),
        'team', jsonb_build_object('name', v_team.name)
      )
    );
  end loop;
  return jsonb_build_object('outcome', 'joined', 'team', private.team_card(v_team, 'member'), 'outgoing', v_outgoing);
end
$$;

revoke all on function public.join_team from public, anon, authenticated, service_role;
grant execute on function public.join_team to bot_backend;
comment on function public.join_team is 'Makes a user a member of the team with this code, and gives them the rounds of its assignments whose deadline is ahead';
