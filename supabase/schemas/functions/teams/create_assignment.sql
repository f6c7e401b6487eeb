-- Assigns a training to all members of a team, in one or several weekly rounds, and announces the first round. For managers.
--
-- p_case: null: any of the scenario. p_due_on: the first deadline, a day of the team's time zone that is not over.
--
-- Concurrency: the manager is locked before the team, as an erasure does. The team is locked; a known reference assigns
--   nothing. Members who are being erased are skipped.
-- Locks: manager (KEY SHARE), team, members (KEY SHARE SKIP LOCKED), then as private.announce_tasks.
-- Returns: jsonb
--   outcome: 'created' | 'known' | 'none' | 'limit' | 'past' | 'empty'    (empty: the team has only managers)
--   assignment?: private.assignment_card    (created, known)
--   members?: int                           (created)
--   most?: int                              (limit)
--   outgoing?: outgoing                     (created: to deliver now)
-- Errors: none.
create or replace function public.create_assignment(
  p_user_id bigint, p_team_id bigint, p_scenario text, p_case text, p_mode text, p_difficulty text, p_due_on date,
  p_repetitions integer, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_team public.teams;
  v_assignment public.assignments;
  v_most integer := private.setting('team_max_assignments')::integer;
  v_count integer;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  end if;
  select a.* into v_assignment from public.assignments as a where a.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'assignment', private.assignment_card(v_assignment));
  end if;
  select t.* into v_team from public.teams as t where t.id = p_team_id;
  if p_due_on < (v_now at time zone v_team.time_zone)::date then
    return jsonb_build_object('outcome', 'past');
  elsif v_most <= (
    select count(*)
      from public.assignments as a
     where a.team_id = p_team_id
       -- One that was canceled today has sent its messages, too.
       and (a.canceled_at is null or a.created_at > v_now - interval '1 day')
       and a.first_due_on + 7 * (a.repetitions - 1) >= (v_now at time zone v_team.time_zone)::date
  ) then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  elsif not exists (select from public.team_members as m where m.team_id = p_team_id and m.role = 'member') then
    return jsonb_build_object('outcome', 'empty');
  end if;
  insert into public.assignments as a (
    team_id, created_by, scenario, case_id, mode, difficulty, first_due_on, repetitions, reference, created_at
  )
  values (
    p_team_id, p_user_id, p_scenario, p_case, p_mode, p_difficulty, p_due_on, p_repetitions, p_reference, v_now
  )
  returning a.* into v_assignment;
  with present as materialized (
    -- An erasure locks its user before the teams, so it is not waited for.
    select m.user_id
      from public.team_members as m
      join public.users as u on u.id = m.user_id
     where m.team_id = p_team_id and m.role = 'member'
     order by m.user_id
       for key share of u skip locked
  )
  select count(private.add_tasks(v_assignment, p.user_id)) into v_count from present as p;
  return jsonb_build_object(
    'outcome', 'created',
    'assignment', private.assignment_card(v_assignment),
    'members', v_count,
    'outgoing', private.announce_tasks(v_assignment.id, 200)
  );
end
$$;

revoke all on function public.create_assignment from public, anon, authenticated, service_role;
grant execute on function public.create_assignment to bot_backend;
comment on function public.create_assignment is 'Assigns a training to all members of a team, in one or several weekly rounds, and announces the first round';
