-- Cast outgoing messages.

-- Notifies members of tasks that have opened, each once.
--
-- p_assignment_id: of this assignment only; null: of all.
--
-- Concurrency: tasks that another transaction has locked and users who are being erased are skipped.
-- Locks: tasks by opens_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.announce_tasks(p_assignment_id bigint, p_limit integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_task in
    select k.id, k.user_id, k.number, k.due_on, a.mode, a.repetitions, t.name, t.bot
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
      join public.teams as t on t.id = k.team_id
     where k.announced_at is null
       and k.opens_at <= v_now
       and k.due_at > v_now
       and k.done_at is null
       and a.canceled_at is null
       and (p_assignment_id is null or k.assignment_id = p_assignment_id)
     order by k.opens_at, k.id
     limit p_limit
       for update of k skip locked
  loop
    perform from public.users as u where u.id = v_task.user_id for key share skip locked;
    continue when not found;
    update public.assignment_tasks as k
       set announced_at = v_now,
           -- A task that opens less than a day before its deadline needs no reminder.
           reminded_at = case when k.due_at <= v_now + interval '1 day' then v_now end
     where k.id = v_task.id;
    v_outgoing := v_outgoing || private.task_message(v_task.id, 'team_assigned_' || v_task.mode);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.announce_tasks from public, anon, authenticated, service_role;
comment on function private.announce_tasks is 'Notifies members of tasks that have opened, each once';

-- Makes a user a member of the team with this code, and gives them the rounds of its assignments whose deadline is ahead.
-- The managers are notified.
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
  for v_manager in
    select m.user_id from public.team_members as m where m.team_id = v_team.id and m.role = 'manager' order by m.user_id
  loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_manager.user_id, p_bot, 'team_joined_notice',
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
